"""Opens the embedded database and hands out transactions; turns every driver error into StoreUnavailable.

A write begins with BEGIN IMMEDIATE: SQLite then waits for its turn (`wait` seconds) at the start, where
waiting is safe, and never finds half-way that another writer was first. Commits are flushed to disk
(synchronous=FULL): what was answered 202 survives a power cut. Refuses to know what the tables mean.
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

from linkweir.errors import StoreUnavailable

WAL_TRIES = 40
LOG_WAIT = 0.05  # seconds that writers may wait for the log to be emptied
WRITE = {"linkweir_begin": "BEGIN IMMEDIATE"}

DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
PROBE_SECONDS = 5.0  # between two writes that only see whether one is possible
_Identity = tuple[int, int] | None


class Store:
    """One SQLite file. Threads may share it; every call checks that the file is still the one that was
    opened. Stores of one process on one file should share `turn`, the lock that their writers queue at.
    """

    def __init__(self, path: Path, *, wait: float, connections: int = 8, turn: threading.Lock | None = None) -> None:
        self.path = path
        self._turn = turn or threading.Lock()
        self._wait = wait
        self._lock = threading.Lock()
        self._identity: tuple[int, int] | None = None
        self._beside: tuple[_Identity, _Identity] | None = None  # SQLite's own two files
        self._probe_at = 0.0
        self.damage: str | None = None  # what was found of this file that no second try helps against
        self.log_losses = 0
        self.lost_log: Callable[[], None] = lambda: None  # called when one of those files was removed
        self._engine = self._make_engine(connections)

    def _make_engine(self, connections: int) -> Engine:
        # mode=rw: a file that has disappeared must never come back as an empty database
        url = f"file:{quote(str(self.path.absolute()))}?mode=rw"
        engine = create_engine(
            "sqlite+pysqlite://",
            creator=lambda: sqlite3.connect(
                url, uri=True, timeout=self._wait, isolation_level=None, check_same_thread=False
            ),
            poolclass=QueuePool,
            pool_size=connections,
            max_overflow=0,
            pool_timeout=self._wait,
            hide_parameters=True,  # addresses and digests do not belong into error texts
        )
        event.listen(engine, "connect", _prepare)
        event.listen(engine, "begin", _begin)
        return engine

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A consistent view. Raises StoreUnavailable."""
        with self._connection({}) as connection:
            yield connection

    @contextmanager
    def write(self, *, wait: float | None = None) -> Iterator[Connection]:
        """A transaction, committed and flushed when the block ends, rolled back when it raises. Raises
        StoreUnavailable. `wait`: seconds for the turn among this process's writers, if not as long as usual.
        """
        # SQLite lets a second writer poll with growing pauses; writers of one process take turns at a lock instead
        if not self._turn.acquire(timeout=self._wait if wait is None else wait):
            raise StoreUnavailable("the database is busy")
        try:
            with self._connection(WRITE) as connection:
                yield connection
        finally:
            self._turn.release()

    @contextmanager
    def _connection(self, options: dict[str, Any]) -> Iterator[Connection]:
        self._check_file()
        self._check_log(writes=bool(options))
        try:
            with self._engine.connect().execution_options(**options) as connection, connection.begin():
                yield connection
                self._note_log(options)
        except (exc.OperationalError, exc.InterfaceError, exc.DatabaseError, exc.TimeoutError) as error:
            if isinstance(error, (exc.IntegrityError, exc.ProgrammingError)):
                raise  # a bug of ours, not the store's state
            original = getattr(error, "orig", None) or error
            if getattr(original, "sqlite_errorcode", 0) & 0xFF in DAMAGED:
                self.damage = str(original)
            raise StoreUnavailable(f"{self.path}: {original}") from error
        except (sqlite3.Error, OSError) as error:
            raise StoreUnavailable(f"{self.path}: {error}") from error

    def probe(self) -> None:
        """Write, now and then, what is there already: on a disk that takes nothing this fails. Raises
        StoreUnavailable.
        """
        if time.monotonic() >= self._probe_at:
            with self.write() as connection:
                version = connection.exec_driver_sql("PRAGMA user_version").scalar()
                connection.exec_driver_sql(f"PRAGMA user_version = {version}")
            self._probe_at = time.monotonic() + PROBE_SECONDS

    def _note_log(self, options: dict[str, Any]) -> None:
        """Know SQLite's own files; before a commit, see that it will go to a file that somebody finds again."""
        found = self._files_beside()
        with self._lock:
            if self._beside is None and None not in found:
                self._beside = found
            if options and self._beside not in (None, found):
                raise StoreUnavailable(f"{self.path}: its log was removed")

    def _check_log(self, *, writes: bool) -> None:
        """Was SQLite's log removed, or its index? Whoever has them open goes on with them, and whoever comes next does
        not see what was committed there: so all of that is brought to the database file, and the files opened anew.
        """
        with self._lock:
            if self._beside is None or self._files_beside() == self._beside:
                return
        if not writes and not self._turn.acquire(timeout=self._wait):
            raise StoreUnavailable("the database is busy")
        try:
            with self._lock:
                if self._beside is None or self._files_beside() == self._beside:
                    return
                self._beside = None
                self.log_losses += 1
                with closing(self._engine.raw_connection()) as connection:
                    connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")
                self._engine.dispose()
        except (exc.DBAPIError, exc.TimeoutError, sqlite3.Error) as error:
            raise StoreUnavailable(f"{self.path}: its log was removed: {error}") from error
        finally:
            if not writes:
                self._turn.release()
        self.lost_log()

    def _files_beside(self) -> tuple[_Identity, _Identity]:
        return _identity(f"{self.path}-wal"), _identity(f"{self.path}-shm")

    def _check_file(self) -> None:
        """SQLite goes on writing happily into a file that was deleted or replaced; facts would be lost
        unseen.
        """
        try:
            status = os.stat(self.path)
        except OSError as error:
            raise StoreUnavailable(f"the database file is gone: {error.strerror}") from error
        identity = (status.st_dev, status.st_ino)
        with self._lock:
            if self._identity not in (None, identity):
                self._engine.dispose()
                self._beside = self.damage = None
            self._identity = identity

    def overwrite(self, limit: int | None = None) -> bool:
        """Leave no byte of what was removed in the files: secure_delete overwrites freed rows and pages, but a page
        that is split keeps old copies in its gaps, and the log keeps all. So the file is written anew, and the log
        emptied. Writers wait meanwhile.

        False when the file is larger than `limit` bytes and so was not written anew, or a reader has kept the log from
        being emptied within the usual wait. Raises StoreUnavailable.
        """
        small = self.is_within(limit)
        if not self._turn.acquire(timeout=self._wait):
            raise StoreUnavailable("the database is busy")
        try:
            if small:
                self._alone("VACUUM")
            deadline = time.monotonic() + self._wait
            while self._alone("PRAGMA wal_checkpoint(TRUNCATE)")[0]:
                if time.monotonic() > deadline:
                    return False
                time.sleep(0.02)
        finally:
            self._turn.release()
        return small

    def empty_log(self) -> bool:
        """Leave no byte of what was removed in the log, which keeps it until it is written over, and bring the database
        file up to date. False when a reader of an older state, or a writer, is in the way: nobody is held up for it.
        Raises StoreUnavailable.
        """
        if not self._turn.acquire(blocking=False):
            return False
        try:
            busy: int = self._alone("PRAGMA wal_checkpoint(TRUNCATE)", wait=LOG_WAIT)[0]
            return not busy
        finally:
            self._turn.release()

    def is_within(self, limit: int | None) -> bool:
        """Is the file no larger than `limit` bytes? Raises StoreUnavailable."""
        self._check_file()
        return limit is None or self.path.stat().st_size <= limit

    def _alone(self, statement: str, *, wait: float | None = None) -> Any:
        """The first row of a statement that cannot stand in a transaction; `wait`: seconds for the lock."""
        self._check_file()
        try:
            connection = self._engine.raw_connection()
            try:
                if wait is not None:
                    connection.cursor().execute(f"PRAGMA busy_timeout = {int(wait * 1000)}")
                return connection.cursor().execute(statement).fetchone()
            finally:
                if wait is not None:
                    connection.cursor().execute(f"PRAGMA busy_timeout = {int(self._wait * 1000)}")
                connection.close()
        except (exc.DBAPIError, exc.TimeoutError, sqlite3.Error) as error:
            raise StoreUnavailable(str(error)) from error

    def close(self) -> None:
        """Close all pooled connections; the store may be used again afterwards."""
        self._beside = None
        self._engine.dispose()


def _identity(path: str) -> _Identity:
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _prepare(connection: sqlite3.Connection, _record: object) -> None:
    _switch_to_wal(connection)
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA foreign_keys=ON")
    connection.execute("PRAGMA secure_delete=ON")  # what is removed is overwritten: retention and erasure mean it


def _switch_to_wal(connection: sqlite3.Connection) -> None:
    """SQLite does not wait here when another process switches the same new file at this moment."""
    for _ in range(WAL_TRIES):
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError:
            time.sleep(0.05)
    connection.execute("PRAGMA journal_mode=WAL")


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql(connection.get_execution_options().get("linkweir_begin", "BEGIN"))
