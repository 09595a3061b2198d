"""Creates the schema of a database or brings it up to date; refuses a database of another release."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from linkweir.db.database import Database
from linkweir.errors import DatabaseUnavailable, DataFolderError
from linkweir.settings import Settings

MIGRATIONS_PATH = Path(__file__).parent / "migrations"


def migrate(database: Database) -> None:
    """Apply the missing revisions in one transaction: processes that start at the same time wait for each other.

    The file is readable by its owner only, since it will hold addresses. Raises DatabaseUnavailable, DataFolderError.
    """
    try:
        database.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(database.path, os.O_RDWR | os.O_CREAT, 0o600))
    except OSError as error:
        raise DatabaseUnavailable(f"{error.filename}: {error.strerror}") from error
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS_PATH).replace("%", "%%"))
    with database.write() as connection:
        _check_revision(database.path, connection, ScriptDirectory.from_config(config))
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


@contextmanager
def open_database(settings: Settings) -> Iterator[Database]:
    """The database of a data folder, brought up to date, for a command; a service may be using it."""
    database = Database(settings.database, timeout=settings.store_wait)
    try:
        migrate(database)
        yield database
    finally:
        database.close()


def _check_revision(path: Path, connection: Connection, scripts: ScriptDirectory) -> None:
    supported = {script.revision for script in scripts.walk_revisions()}
    for revision in MigrationContext.configure(connection).get_current_heads():
        if revision not in supported:
            raise DataFolderError(
                f"{path}: another release of Linkweir made this database (schema revision {revision!r}, this release "
                f"needs {scripts.get_current_head()!r}); start that release, restore a backup made with this one, or "
                "begin with an empty data folder"
            )
