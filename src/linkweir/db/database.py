"""What the service asks of its database, whichever it is: transactions, and errors told apart.

`DatabaseUnavailable`: trying again later may help. `UnstorableData`: it never will, for the data's sake. Everything
else that a statement raises is a bug. This module does not know what the tables mean.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import AbstractContextManager
from enum import Enum, StrEnum
from functools import partial
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Connection

from linkweir.clock import now
from linkweir.db.group_commit import GroupCommit

PROBE_SECONDS = 5.0  # between two looks that only see whether a write is possible
T = TypeVar("T")


class WriteMode(Enum):
    """Beside whom a transaction writes, on a database that lets several write at the same time: PostgreSQL."""

    CONCURRENT = "concurrent"  # beside all but EXCLUSIVE ones: it locks the rows that it decides by
    SERIAL = "serial"  # the same, but alone among the SERIAL ones: it reads, decides and writes without such locks
    EXCLUSIVE = "exclusive"  # alone: it deletes, or makes anew, what others count on


class CopyLocation(StrEnum):
    """Where copies of deleted data may be left."""

    TABLES = "tables"  # the files of tables and their indexes
    WRITE_AHEAD_LOG = "write_ahead_log"
    LOG_ARCHIVE = "log_archive"  # that PostgreSQL's administrator keeps of the log
    REPLICAS = "replicas"  # of PostgreSQL, with files of their own


class Database(ABC):
    """One database. Threads may share it. `folder` is where the service keeps its files; `name` is for texts, and holds
    no secret.
    """

    def __init__(self, folder: Path, name: str, timeout: float) -> None:
        self.folder = folder
        self.name = name
        self.damage: str | None = None  # what was found of this database that no second try helps against
        self.wal_losses = 0
        self.on_wal_lost: Callable[[], None] = lambda: None  # called when a file of SQLite's log was removed
        self._timeout = timeout
        self._group_commit = GroupCommit(partial(self.write, WriteMode.CONCURRENT), 2 * timeout)

    def now(self) -> int:
        """The time in microseconds since 1970 that all machines of this database agree on, whatever their own clocks
        show: leases, limits and what is due are decided by it. Raises DatabaseUnavailable while it cannot be known.
        """
        return now()

    @abstractmethod
    def create(self) -> None:
        """Make it, where that is ours to do, or see whether it can be used. Raises DatabaseUnavailable,
        DataFolderError.
        """

    @abstractmethod
    def read(self) -> AbstractContextManager[Connection]:
        """A consistent view. Raises DatabaseUnavailable."""

    @abstractmethod
    def write(
        self, mode: WriteMode = WriteMode.SERIAL, *, timeout: float | None = None
    ) -> AbstractContextManager[Connection]:
        """A transaction, committed and flushed when the block ends, rolled back when it raises. SQLite has one at a
        time, whatever the mode. Raises DatabaseUnavailable, TransactionConflict, UnstorableData. `timeout`: seconds to
        wait for others who write, if not the default.
        """

    def write_together(self, work: Callable[[Connection], T]) -> T:
        """Return what `work` returned, committed and flushed in one transaction with what other threads write so at the
        moment. Raises what `work` raises, and DatabaseUnavailable; nothing of it is stored then.
        """
        return self._group_commit.run(work)

    def store_together(self, store: Callable[[Connection, list[T]], None], item: T) -> None:
        """The same for an item that `store` stores, which is called once for those that came at the same moment: it
        must do for all of them what it does for one after the other.
        """
        self._group_commit.store(store, item)

    @abstractmethod
    def try_job(self, name: str) -> AbstractContextManager[bool]:
        """Hold a job that one process of all machines does at a time; False when another one is at it. Raises
        DatabaseUnavailable.
        """

    @abstractmethod
    def probe(self) -> None:
        """See, now and then, whether a write is possible. Raises DatabaseUnavailable."""

    @abstractmethod
    def vacuum(self, limit: int | None = None) -> frozenset[CopyLocation]:
        """Leave no copy of deleted data behind; others may wait meanwhile. Return where copies may be left all the
        same: also because the database is larger than `limit` bytes and so was not rewritten. Raises
        DatabaseUnavailable.
        """

    @abstractmethod
    def lasting_copies(self, limit: int | None = None) -> frozenset[CopyLocation]:
        """Where `vacuum` leaves copies however often it is tried. Raises DatabaseUnavailable."""

    @abstractmethod
    def truncate_wal(self) -> bool:
        """Overwrite deleted data in the log, where that is ours to do. Return False when somebody is in the way, for
        whom nobody waits. Raises DatabaseUnavailable.
        """

    @abstractmethod
    def close(self) -> None:
        """Close all connections; the database may be used again afterwards."""
