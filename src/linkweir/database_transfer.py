"""Moves a service from SQLite to PostgreSQL, and back: copies its database while no process uses either one.

The old database stays as it is. The other files of the data folder (keys, journal of clicks, outbox) serve both.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from linkweir.db import database_copy
from linkweir.db.database import Database
from linkweir.db.database_copy import ReportProgress
from linkweir.db.schema_upgrade import begin_copy, create_database, finish_copy, migrate
from linkweir.errors import DataFolderError
from linkweir.process_lock import ProcessLock
from linkweir.settings import Settings


@dataclass(frozen=True, slots=True)
class TransferSummary:
    """What was moved: the databases by names without passwords, and the rows of all tables."""

    source: str
    target: str
    rows: int


class DatabaseTransfer:
    """A move of the database that `source` names to the one that `target` names; both are settings of the same data
    folder. Go on after an interruption by running it once more.
    """

    def __init__(self, source: Settings, target: Settings) -> None:
        if source.database == target.database:
            raise DataFolderError("the service uses this database already")
        self._source = source
        self._target = target

    def count_rows(self) -> int:
        """How many rows are to be there in the end. Raises DataFolderError, DatabaseUnavailable."""
        with self._open_source() as (_, connection):
            return database_copy.count_rows(connection)

    def run(self, report: ReportProgress) -> TransferSummary:
        """Copy, compare, and only then let services start on the target. Raises DataFolderError when a service runs,
        when the target holds anything else, or when both differ afterwards; DatabaseUnavailable, UnstorableData.
        """
        if ProcessLock(self._source.data).has_others():
            raise DataFolderError(f"{self._source.data}: the service is running; stop it first")
        target = create_database(self._target, connections=2)
        try:
            with self._open_source() as (source, connection):
                target.create()
                with target.read() as its_connection:
                    _refuse_other_clients(target, its_connection)
                begin_copy(target)
                database_copy.copy_rows(connection, target, report)
                with target.read() as its_connection:
                    if differing := database_copy.compare_rows(connection, its_connection):
                        raise DataFolderError(f"{target.name}: these tables differ after the copy: {differing}")
                rows = database_copy.count_rows(connection)
            finish_copy(target)
        finally:
            target.close()
        return TransferSummary(source.name, target.name, rows)

    @contextmanager
    def _open_source(self) -> Iterator[tuple[Database, Connection]]:
        """The source as it is now; nobody writes to it meanwhile, as far as it can be kept from that."""
        database = create_database(self._source, connections=2)
        try:
            if not self._source.database and not self._source.sqlite_path.exists():
                raise DataFolderError(f"{self._source.sqlite_path}: there is no database")
            migrate(database)
            with database.read() if self._source.database else database.write() as connection:
                _refuse_other_clients(database, connection)
                yield database, connection
        finally:
            database.close()


def _refuse_other_clients(database: Database, connection: Connection) -> None:
    if database_copy.has_other_clients(connection):
        raise DataFolderError(f"{database.name}: another process of Linkweir uses it; stop all of them first")


def make_transfer(settings: Settings, target: str) -> DatabaseTransfer:
    """The move to `target`: "sqlite" (from the database that the settings name), "postgresql" (from SQLite to that
    database) or the URL of one. Raises DataFolderError, SettingsError.
    """
    embedded = replace(settings, database="")
    if target == "sqlite":
        return DatabaseTransfer(settings, embedded)
    return DatabaseTransfer(embedded, settings if target == "postgresql" else replace(settings, database=target))
