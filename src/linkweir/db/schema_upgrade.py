"""Brings a database file to the newest schema, making it when it is missing."""

import os
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from linkweir.db.database import Database
from linkweir.errors import DatabaseUnavailable, DataFolderError

MIGRATIONS_PATH = Path(__file__).parent / "migrations"


def migrate(store: Database) -> None:
    """Apply what is missing, in one transaction: two processes starting at once wait for each other.

    The file is made readable by its owner only, for it will hold addresses. Raises StoreUnavailable, DataFolderError.
    """
    try:
        store.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(store.path, os.O_RDWR | os.O_CREAT, 0o600))
    except OSError as error:
        raise DatabaseUnavailable(f"{error.filename}: {error.strerror}") from error
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS_PATH).replace("%", "%%"))
    with store.write() as connection:
        _check_not_newer(store, connection, config)
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def _check_not_newer(store: Database, connection: Connection, config: Config) -> None:
    known = {one.revision for one in ScriptDirectory.from_config(config).walk_revisions()}
    found = MigrationContext.configure(connection).get_current_heads()
    if strange := [one for one in found if one not in known]:
        raise DataFolderError(
            f"{store.path}: a newer release of Linkweir has used this database (revision {strange[0]!r}, this release "
            f"knows them up to {max(known)!r}); start that release, or put back a backup from before it"
        )
