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
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import Connection, Engine, create_engine, event, exc
from sqlalchemy.pool import QueuePool

from linkweir.errors import DatabaseUnavailable

MAX_WAL_ATTEMPTS = 40
WAL_LOCK_SECONDS = 0.05  # seconds that writers may wait for the log to be emptied
WRITE_OPTIONS = {"linkweir_begin": "BEGIN IMMEDIATE"}

CORRUPTION_CODES = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
PROBE_SECONDS = 5.0  # between two writes that only see whether one is possible
_FileIdentity = tuple[int, int] | None


class Database:
    """One SQLite file. Threads may share it; every call checks that the file is still the one that was
    opened. Instances of one process on one file should share `write_lock`, at which their writers queue.
    """

    def __init__(
        self, path: Path, *, timeout: float, connections: int = 8, write_lock: threading.Lock | None = None
    ) -> None:
        self.path = path
        self._write_lock = write_lock or threading.Lock()
        self._timeout = timeout
        self._state_lock = threading.Lock()
        self._identity: tuple[int, int] | None = None
        self._wal_files: tuple[_FileIdentity, _FileIdentity] | None = None  # SQLite's own two files
        self._next_probe_at = 0.0
        self.damage: str | None = None  # what was found of this file that no second try helps against
        self.wal_losses = 0
        self.on_wal_lost: Callable[[], None] = lambda: None  # called when one of those files was removed
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
            pool_timeout=self._timeout,
            hide_parameters=True,  # addresses and digests do not belong into error texts
        )
        event.listen(engine, "connect", _set_pragmas)
        event.listen(engine, "begin", _begin_transaction)
        return engine

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A consistent view. Raises DatabaseUnavailable."""
        with self._connection({}) as connection:
            yield connection

    @contextmanager
    def write(self, *, timeout: float | None = None) -> Iterator[Connection]:
        """A transaction, committed and flushed when the block ends, rolled back when it raises. Raises
        DatabaseUnavailable. `timeout`: seconds to wait for other writers of this process, if not the default.
        """
        # SQLite lets a second writer poll with growing pauses; writers of one process take turns at a lock instead
        if not self._write_lock.acquire(timeout=self._timeout if timeout is None else timeout):
            raise DatabaseUnavailable("the database is busy")
        try:
            with self._connection(WRITE_OPTIONS) as connection:
                yield connection
        finally:
            self._write_lock.release()

    @contextmanager
    def _connection(self, options: dict[str, Any]) -> Iterator[Connection]:
        self._check_file()
        self._check_wal_files(writes=bool(options))
        try:
            with self._engine.connect().execution_options(**options) as connection, connection.begin():
                yield connection
                self._record_wal_files(options)
        except (exc.OperationalError, exc.InterfaceError, exc.DatabaseError, exc.TimeoutError) as error:
            if isinstance(error, (exc.IntegrityError, exc.ProgrammingError)):
                raise  # a bug, not the state of the database
            original = getattr(error, "orig", None) or error
            if getattr(original, "sqlite_errorcode", 0) & 0xFF in CORRUPTION_CODES:
                self.damage = str(original)
            raise DatabaseUnavailable(f"{self.path}: {original}") from error
        except (sqlite3.Error, OSError) as error:
            raise DatabaseUnavailable(f"{self.path}: {error}") from error

    def probe(self) -> None:
        """Write, now and then, what is there already: on a disk that takes nothing this fails. Raises
        DatabaseUnavailable.
        """
        if time.monotonic() >= self._next_probe_at:
            with self.write() as connection:
                version = connection.exec_driver_sql("PRAGMA user_version").scalar()
                connection.exec_driver_sql(f"PRAGMA user_version = {version}")
            self._next_probe_at = time.monotonic() + PROBE_SECONDS

    def _record_wal_files(self, options: dict[str, Any]) -> None:
        """Know SQLite's own files; before a commit, see that it will go to a file that somebody finds again."""
        identities = self._read_wal_identities()
        with self._state_lock:
            if self._wal_files is None and None not in identities:
                self._wal_files = identities
            if options and self._wal_files not in (None, identities):
                raise DatabaseUnavailable(f"{self.path}: its log was removed")

    def _check_wal_files(self, *, writes: bool) -> None:
        """Was SQLite's log removed, or its index? Whoever has them open goes on with them, and whoever comes next does
        not see what was committed there: so all of that is brought to the database file, and the files opened anew.
        """
        with self._state_lock:
            if self._wal_files is None or self._read_wal_identities() == self._wal_files:
                return
        if not writes and not self._write_lock.acquire(timeout=self._timeout):
            raise DatabaseUnavailable("the database is busy")
        try:
            with self._state_lock:
                if self._wal_files is None or self._read_wal_identities() == self._wal_files:
                    return
                self._wal_files = None
                self.wal_losses += 1
                with closing(self._engine.raw_connection()) as connection:
                    connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")
                self._engine.dispose()
        except (exc.DBAPIError, exc.TimeoutError, sqlite3.Error) as error:
            raise DatabaseUnavailable(f"{self.path}: its log was removed: {error}") from error
        finally:
            if not writes:
                self._write_lock.release()
        self.on_wal_lost()

    def _read_wal_identities(self) -> tuple[_FileIdentity, _FileIdentity]:
        return _file_identity(f"{self.path}-wal"), _file_identity(f"{self.path}-shm")

    def _check_file(self) -> None:
        """Raise DatabaseUnavailable when the file was deleted or replaced: SQLite would go on writing into the old one,
        and events would be lost unseen.
        """
        try:
            status = os.stat(self.path)
        except OSError as error:
            raise DatabaseUnavailable(f"the database file is gone: {error.strerror}") from error
        identity = (status.st_dev, status.st_ino)
        with self._state_lock:
            if self._identity not in (None, identity):
                self._engine.dispose()
                self._wal_files = self.damage = None
            self._identity = identity

    def vacuum(self, limit: int | None = None) -> bool:
        """Rewrite the database file without deleted data, and empty the log.

        secure_delete overwrites freed rows and pages, but a page that is split keeps old copies in its gaps, and the
        log keeps everything. Writers wait meanwhile. Return False when the file is larger than `limit` bytes and so was
        not rewritten, or a reader kept the log from being emptied within the usual wait. Raises DatabaseUnavailable.
        """
        small = self.is_smaller_than(limit)
        if not self._write_lock.acquire(timeout=self._timeout):
            raise DatabaseUnavailable("the database is busy")
        try:
            if small:
                self._execute_outside_transaction("VACUUM")
            deadline = time.monotonic() + self._timeout
            while self._execute_outside_transaction("PRAGMA wal_checkpoint(TRUNCATE)")[0]:
                if time.monotonic() > deadline:
                    return False
                time.sleep(0.02)
        finally:
            self._write_lock.release()
        return small

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

    def is_smaller_than(self, limit: int | None) -> bool:
        """Whether the file is at most `limit` bytes large. Raises DatabaseUnavailable."""
        self._check_file()
        return limit is None or self.path.stat().st_size <= limit

    def _execute_outside_transaction(self, statement: str, *, timeout: float | None = None) -> Any:
        """Return the first row of a statement that cannot run in a transaction; `timeout`: seconds to wait for the
        lock.
        """
        self._check_file()
        try:
            connection = self._engine.raw_connection()
            try:
                if timeout is not None:
                    connection.cursor().execute(f"PRAGMA busy_timeout = {int(timeout * 1000)}")
                return connection.cursor().execute(statement).fetchone()
            finally:
                if timeout is not None:
                    connection.cursor().execute(f"PRAGMA busy_timeout = {int(self._timeout * 1000)}")
                connection.close()
        except (exc.DBAPIError, exc.TimeoutError, sqlite3.Error) as error:
            raise DatabaseUnavailable(str(error)) from error

    def close(self) -> None:
        """Close all pooled connections; the database may be used again afterwards."""
        self._wal_files = None
        self._engine.dispose()


def _file_identity(path: str) -> _FileIdentity:
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _set_pragmas(connection: sqlite3.Connection, _record: object) -> None:
    _switch_to_wal(connection)
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA foreign_keys=ON")
    connection.execute("PRAGMA secure_delete=ON")  # what is removed is overwritten: retention and erasure mean it


def _switch_to_wal(connection: sqlite3.Connection) -> None:
    """SQLite does not wait here when another process switches the same new file at this moment."""
    for _ in range(MAX_WAL_ATTEMPTS):
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError:
            time.sleep(0.05)
    connection.execute("PRAGMA journal_mode=WAL")


def _begin_transaction(connection: Connection) -> None:
    connection.exec_driver_sql(connection.get_execution_options().get("linkweir_begin", "BEGIN"))
