"""Creates the schema of a database or brings it up to date; refuses a database of another release."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, text

from linkweir.db.database import Database
from linkweir.db.migrations.versions import v0001_initial_schema
from linkweir.errors import DatabaseUnavailable, DataFolderError
from linkweir.settings import Settings

MIGRATIONS_PATH = Path(__file__).parent / "migrations"
LATEST_REVISION = v0001_initial_schema.revision


def migrate(database: Database) -> None:
    """Apply the missing revisions in one transaction: processes that start at the same time wait for each other.

    The file is readable by its owner only, since it will hold addresses. Raises DatabaseUnavailable, DataFolderError.
    """
    try:
        database.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(database.path, os.O_RDWR | os.O_CREAT, 0o600))
    except OSError as error:
        raise DatabaseUnavailable(f"{error.filename}: {error.strerror}") from error
    with database.write() as connection:
        if _list_revisions(connection) != [LATEST_REVISION]:
            _upgrade(database.path, connection)


@contextmanager
def open_database(settings: Settings) -> Iterator[Database]:
    """The database of a data folder, brought up to date, for a command; a service may be using it."""
    database = Database(settings.database, timeout=settings.store_wait)
    try:
        migrate(database)
        yield database
    finally:
        database.close()


def _list_revisions(connection: Connection) -> list[str]:
    """The revisions that the database says it has: none when it is new."""
    if connection.scalar(text("SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'")) is None:
        return []
    return list(connection.scalars(text("SELECT version_num FROM alembic_version")))


def _upgrade(path: Path, connection: Connection) -> None:
    # loaded only when there is something to do: loading Alembic takes a tenth of a start
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS_PATH).replace("%", "%%"))
    scripts = ScriptDirectory.from_config(config)
    supported = {script.revision for script in scripts.walk_revisions()}
    for revision in _list_revisions(connection):
        if revision not in supported:
            raise DataFolderError(
                f"{path}: another release of Linkweir made this database (schema revision {revision!r}, this release "
                f"needs {LATEST_REVISION!r}); start that release, restore a backup made with this one, or "
                "begin with an empty data folder"
            )
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
