"""The embedded database: hands out transactions, and turns every driver error into DatabaseUnavailable.

A write begins with BEGIN IMMEDIATE: SQLite then waits for other writers (`timeout` seconds) at the start, where waiting
is safe, and never finds half-way that another writer was first. Commits are flushed to disk (synchronous=FULL): what
was answered 202 survives a power cut. This module does not know what the tables mean.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

import orjson
from sqlalchemy import Connection, Engine, create_engine, event, exc
from sqlalchemy.pool import PoolProxiedConnection, QueuePool

from linkweir.db.database import PROBE_SECONDS, CopyLocation, Database, WriteMode
from linkweir.db.wal_files import WalFiles
from linkweir.errors import DatabaseUnavailable, UnstorableData

MAX_WAL_ATTEMPTS = 40
WAL_LOCK_SECONDS = 0.05  # seconds that writers may wait for the log to be emptied

CORRUPTION_CODES = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


class _WalFilesLost(DatabaseUnavailable):
    """SQLite's log or its index was removed while a transaction ran."""


class SqliteDatabase(Database):
    """One SQLite file. Threads may share it; every call checks that the file is still the one that was
    opened. Instances of one process on one file should share `write_lock`, at which their writers queue.
    """

    def __init__(
        self, path: Path, *, timeout: float, connections: int = 8, write_lock: threading.Lock | None = None
    ) -> None:
        super().__init__(path.parent, str(path), timeout)
        self.path = path
        self._write_lock = write_lock or threading.Lock()
        self._state_lock = threading.Lock()
        self._identity: tuple[int, int] | None = None
        self._wal_files = WalFiles(path)
        self._generation = 0  # counts what was found of these files
        self._next_probe_at = 0.0
        self._engine = self._make_engine(connections)

    def _make_engine(self, connections: int) -> Engine:
        # mode=rw: a file that has disappeared must never come back as an empty database
        url = f"file:{quote(str(self.path.absolute()))}?mode=rw"
        engine = create_engine(
            "sqlite+pysqlite://",
            creator=lambda: sqlite3.connect(
                url, uri=True, timeout=self._timeout, isolation_level=None, check_same_thread=False
            ),
            poolclass=QueuePool,
            pool_size=connections,
            max_overflow=0,
            pool_use_lifo=True,  # a connection that has just written has its pages and its statements at hand
            pool_timeout=self._timeout,
            json_deserializer=orjson.loads,
            hide_parameters=True,  # addresses and digests do not belong into error texts
        )
        event.listen(engine, "connect", _set_pragmas)
        return engine

    def create(self) -> None:
        """An empty file, if there is none, readable by its owner only, since it will hold addresses."""
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            os.close(os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600))
        except OSError as error:
            raise DatabaseUnavailable(f"{error.filename}: {error.strerror}") from error

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A consistent view. Raises DatabaseUnavailable."""
        with self._connection("BEGIN") as connection:
            yield connection

    @contextmanager
    def write(self, mode: WriteMode = WriteMode.SERIAL, *, timeout: float | None = None) -> Iterator[Connection]:
        """A transaction, committed and flushed when the block ends, rolled back when it raises. Raises
        DatabaseUnavailable. `timeout`: seconds to wait for other writers of this process, if not the default.
        """
        # SQLite lets a second writer poll with growing pauses; writers of one process take turns at a lock instead
        if not self._write_lock.acquire(timeout=self._timeout if timeout is None else timeout):
            raise DatabaseUnavailable("the database is busy")
        try:
            with self._connection("BEGIN IMMEDIATE") as connection:
                yield connection
        finally:
            self._write_lock.release()

    @contextmanager
    def _connection(self, begin: str) -> Iterator[Connection]:
        own: OSError | None = None  # of the caller's work, and so nothing of the database's
        try:
            self._check_file()
            generation = self._check_wal_files()
            with self._engine.connect() as connection:
                try:
                    with connection.begin():
                        # not by SQLAlchemy's event: with one each statement takes longer
                        connection.connection.cursor().execute(begin)
                        self._require_wal_files(generation)
                        try:
                            yield connection
                        except OSError as error:
                            own = error
                            raise
                        self._wal_files.record()
                        self._require_wal_files(generation)
                except (exc.DBAPIError, sqlite3.Error, _WalFilesLost) as error:
                    if _is_io_error(error):  # it may have opened a file that nobody finds again
                        connection.invalidate()
                    raise
        except (exc.OperationalError, exc.InterfaceError, exc.DatabaseError, exc.TimeoutError) as error:
            if isinstance(error, (exc.IntegrityError, exc.ProgrammingError)):
                raise  # a bug, not the state of the database
            original = getattr(error, "orig", None) or error
            if isinstance(error, exc.DataError):
                raise UnstorableData(f"{self.path}: {original}") from error
            self._note_damage(original)
            raise DatabaseUnavailable(f"{self.path}: {original}") from error
        except (sqlite3.Error, OSError) as error:
            if error is own:
                raise
            self._note_damage(error)
            raise DatabaseUnavailable(f"{self.path}: {error}") from error

    def _note_damage(self, error: BaseException) -> None:
        if getattr(error, "sqlite_errorcode", 0) & 0xFF in CORRUPTION_CODES:
            self.damage = str(error)

    @contextmanager
    def try_job(self, name: str) -> Iterator[bool]:
        """Always: the processes of one data folder see to it that one does such jobs."""
        yield True

    def probe(self) -> None:
        """Write, now and then, what is there already: on a disk that takes nothing this fails. Raises
        DatabaseUnavailable.
        """
        if time.monotonic() >= self._next_probe_at:
            with self.write() as connection:
                version = connection.exec_driver_sql("PRAGMA user_version").scalar()
                connection.exec_driver_sql(f"PRAGMA user_version = {version}")
            self._next_probe_at = time.monotonic() + PROBE_SECONDS

    def _check_wal_files(self) -> int:
        """Was SQLite's log removed, or its index? Then it gets its name back, and connections are opened anew: one that
        was opened since may have another file. Return how often that was so. Raises DatabaseUnavailable when it is gone
        for good.
        """
        lost = False
        if self._wal_files.are_in_place():
            lost = self._wal_files.attach()
        else:
            self._generation += 1  # before the files are back: who has opened others must not commit to them
            try:
                lost = self._wal_files.restore()
            except DatabaseUnavailable:
                self._rescue_wal()
                raise
            if lost:
                self._wal_files.release()
                self._engine.dispose()
        if lost:
            self.wal_losses += 1
            self.on_wal_lost()
        return self._generation

    def _rescue_wal(self) -> None:
        """Bring to the database file what was committed to a log that nobody else will find. Connections of before have
        it open; whatever is opened now would not.
        """
        if isinstance(self._engine.pool, QueuePool) and self._engine.pool.checkedin():
            with suppress(exc.DBAPIError, exc.TimeoutError, sqlite3.Error):
                connection = self._engine.raw_connection()
                try:
                    _fetch_row(connection, "PRAGMA wal_checkpoint(PASSIVE)", self._timeout)
                finally:
                    connection.close()

    def _require_wal_files(self, generation: int) -> None:
        if self._generation != generation or not self._wal_files.are_in_place():
            raise _WalFilesLost(f"{self.path}: its log was removed, or the file replaced")

    def _check_file(self) -> None:
        """Close the old file when another one took its place, and raise DatabaseUnavailable when it was deleted: SQLite
        would go on writing into the old one, and events would be lost unseen.
        """
        try:
            status = os.stat(self.path)
        except OSError as error:
            raise DatabaseUnavailable(f"the database file is gone: {error.strerror}") from error
        identity = (status.st_dev, status.st_ino)
        with self._state_lock:
            if self._identity == identity:
                return
            if self._identity is not None:
                self._engine.dispose()
                self._generation += 1  # after that: who still has the old file open must not commit to it
                self.damage = None
            try:
                self._wal_files.bind(identity)
            except OSError as error:
                raise DatabaseUnavailable(f"{self.path}: {error}") from error
            self._identity = identity

    def vacuum(self, limit: int | None = None) -> frozenset[CopyLocation]:
        """Rewrite the database file without deleted data, and empty the log.

        secure_delete overwrites freed rows and pages, but a page that is split keeps old copies in its gaps, and the
        log keeps everything. Writers wait meanwhile. Copies may be left in the file when it is larger than `limit`
        bytes and so was not rewritten, and in the log when a reader kept it from being emptied within the usual wait.
        Raises DatabaseUnavailable.
        """
        left = self.lasting_copies(limit)
        if not self._write_lock.acquire(timeout=self._timeout):
            raise DatabaseUnavailable("the database is busy")
        try:
            if not left:
                self._execute_outside_transaction("VACUUM")
            deadline = time.monotonic() + self._timeout
            while self._execute_outside_transaction("PRAGMA wal_checkpoint(TRUNCATE)")[0]:
                if time.monotonic() > deadline:
                    return left | {CopyLocation.WRITE_AHEAD_LOG}
                time.sleep(0.02)
        finally:
            self._write_lock.release()
        return left

    def truncate_wal(self) -> bool:
        """Overwrite deleted data in the log, and bring the database file up to date.

        Return False when a reader of an older state, or a writer, is in the way: nobody waits for it. Raises
        DatabaseUnavailable.
        """
        if not self._write_lock.acquire(blocking=False):
            return False
        try:
            busy: int = self._execute_outside_transaction("PRAGMA wal_checkpoint(TRUNCATE)", timeout=WAL_LOCK_SECONDS)[
                0
            ]
            return not busy
        finally:
            self._write_lock.release()

    def lasting_copies(self, limit: int | None = None) -> frozenset[CopyLocation]:
        """In the file, when it is larger than `limit` bytes. Raises DatabaseUnavailable."""
        self._check_file()
        is_small = limit is None or self.path.stat().st_size <= limit
        return frozenset() if is_small else frozenset({CopyLocation.TABLES})

    def _execute_outside_transaction(self, statement: str, *, timeout: float | None = None) -> Any:
        """Return the first row of a statement that cannot run in a transaction; `timeout`: seconds to wait for the
        lock. Raises DatabaseUnavailable.
        """
        self._check_file()
        try:
            generation = self._check_wal_files()
            connection = self._engine.raw_connection()
            try:
                row = _fetch_row(connection, statement, self._timeout, timeout)
                self._wal_files.record()
                self._require_wal_files(generation)
            except (sqlite3.Error, _WalFilesLost):
                connection.invalidate()  # it may have opened a file that nobody finds again
                raise
            finally:
                connection.close()
        except (exc.DBAPIError, exc.TimeoutError, sqlite3.Error, OSError) as error:
            raise DatabaseUnavailable(f"{self.path}: {error}") from error
        return row

    def close(self) -> None:
        """Close all pooled connections; the database may be used again afterwards."""
        self._wal_files.release()
        self._engine.dispose()
        self._wal_files.release()  # SQLite has removed them, if nobody else uses them


def _fetch_row(connection: PoolProxiedConnection, statement: str, usual: float, timeout: float | None = None) -> Any:
    """The first row of a statement, which may wait `timeout` seconds for a lock; later ones the usual time again."""
    if timeout is None:
        return connection.cursor().execute(statement).fetchone()
    try:
        connection.cursor().execute(f"PRAGMA busy_timeout = {int(timeout * 1000)}")
        return connection.cursor().execute(statement).fetchone()
    finally:
        connection.cursor().execute(f"PRAGMA busy_timeout = {int(usual * 1000)}")


def _is_io_error(error: Exception) -> bool:
    code = getattr(getattr(error, "orig", None) or error, "sqlite_errorcode", 0)
    return isinstance(error, _WalFilesLost) or code & 0xFF == sqlite3.SQLITE_IOERR


def _set_pragmas(connection: sqlite3.Connection, _record: object) -> None:
    _switch_to_wal(connection)
    if sqlite3.sqlite_version_info < (3, 41):  # that has it
        connection.create_function("unhex", 1, _unhex, deterministic=True)
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA foreign_keys=ON")
    connection.execute("PRAGMA temp_store=MEMORY")
    connection.execute("PRAGMA secure_delete=ON")  # what is removed is overwritten: retention and erasure mean it


def _unhex(digits: object) -> bytes | None:
    try:
        return bytes.fromhex(digits) if isinstance(digits, str) else None
    except ValueError:
        return None


def _switch_to_wal(connection: sqlite3.Connection) -> None:
    """SQLite does not wait here when another process switches the same new file at this moment."""
    for _ in range(MAX_WAL_ATTEMPTS):
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError:
            time.sleep(0.05)
    connection.execute("PRAGMA journal_mode=WAL")
