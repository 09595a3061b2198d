"""Chooses the database that the settings name, creates its schema or brings it up to date, and refuses one of another
release.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, func, select, text

from linkweir.db.database import Database, WriteMode
from linkweir.db.migrations.versions import v0001_initial_schema
from linkweir.db.schema import accounts
from linkweir.db.sqlite_database import SqliteDatabase
from linkweir.error_hints import explain_missing_package
from linkweir.errors import DataFolderError, SettingsError
from linkweir.settings import Settings

MIGRATIONS_PATH = Path(__file__).parent / "migrations"
LATEST_REVISION = v0001_initial_schema.revision
INCOMPLETE_REVISION = "incomplete-copy"  # stands in for it while another database is being copied into this one


def create_database(settings: Settings, *, connections: int = 8, write_lock: threading.Lock | None = None) -> Database:
    """The database, not opened yet. `write_lock`: see SqliteDatabase. Raises SettingsError without its driver."""
    if not settings.database:
        return SqliteDatabase(
            settings.sqlite_path, timeout=settings.store_wait, connections=connections, write_lock=write_lock
        )
    try:
        from linkweir.db.postgresql_database import PostgresqlDatabase
    except ModuleNotFoundError as error:
        if error.name != "psycopg":
            raise
        raise SettingsError(f"LINKWEIR_DATABASE: {explain_missing_package('psycopg')}") from None
    return PostgresqlDatabase(settings.database, settings.data, timeout=settings.store_wait, connections=connections)


def migrate(database: Database) -> None:
    """Apply the missing revisions in one transaction: processes that start at the same time wait for each other. Raises
    DatabaseUnavailable, DataFolderError.
    """
    database.create()
    with database.read() as connection:  # who only looks keeps no other machine waiting
        if _list_revisions(connection) == [LATEST_REVISION]:
            return
    with database.write(WriteMode.EXCLUSIVE) as connection:
        if _list_revisions(connection) != [LATEST_REVISION]:
            _upgrade(database.name, connection)


@contextmanager
def open_database(settings: Settings) -> Iterator[Database]:
    """The database of a data folder, brought up to date, for a command; a service may be using it."""
    database = create_database(settings)
    try:
        migrate(database)
        yield database
    finally:
        database.close()


def begin_copy(database: Database) -> None:
    """Make a new or empty database the target of a copy, on which no service starts, or go on with one. Raises
    DataFolderError when there is something in it, DatabaseUnavailable.
    """
    database.create()
    with database.write() as connection:
        revisions = _list_revisions(connection)
        if revisions == [INCOMPLETE_REVISION]:
            return
        if revisions != [LATEST_REVISION]:
            _upgrade(database.name, connection)
        if connection.scalar(select(func.count()).select_from(accounts)):
            raise DataFolderError(f"{database.name}: there is an account in it already; name an empty database")
        _set_revision(connection, INCOMPLETE_REVISION)


def finish_copy(database: Database) -> None:
    """Let services start on the target of a copy. Raises DatabaseUnavailable."""
    with database.write() as connection:
        _set_revision(connection, LATEST_REVISION)


def _set_revision(connection: Connection, revision: str) -> None:
    connection.execute(text("UPDATE alembic_version SET version_num = :revision"), {"revision": revision})


def _list_revisions(connection: Connection) -> list[str]:
    """The revisions that the database says it has: none when it is new."""
    if not connection.dialect.has_table(connection, "alembic_version"):
        return []
    return list(connection.scalars(text("SELECT version_num FROM alembic_version")))


def _upgrade(name: str, connection: Connection) -> None:
    # loaded only when there is something to do: loading Alembic takes a tenth of a start
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS_PATH).replace("%", "%%"))
    scripts = ScriptDirectory.from_config(config)
    supported = {script.revision for script in scripts.walk_revisions()}
    for revision in _list_revisions(connection):
        if revision == INCOMPLETE_REVISION:
            raise DataFolderError(
                f"{name}: another database is being copied into this one, or was and is not complete; "
                "run the same `linkweir migrate` once more"
            )
        if revision not in supported:
            raise DataFolderError(
                f"{name}: another release of Linkweir made this database (schema revision {revision!r}, this release "
                f"needs {LATEST_REVISION!r}); start that release, restore a backup made with this one, or "
                "begin with an empty data folder"
            )
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
