"""Brings a database file to the newest schema, making it when it is missing."""

import os
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from linkweir.errors import DataFolderError, StoreUnavailable
from linkweir.store.engine import Store

MIGRATIONS = Path(__file__).parent / "migrations"


def migrate(store: Store) -> None:
    """Apply what is missing, in one transaction: two processes starting at once wait for each other.

    The file is made readable by its owner only, for it will hold addresses. Raises StoreUnavailable, DataFolderError.
    """
    try:
        store.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(store.path, os.O_RDWR | os.O_CREAT, 0o600))
    except OSError as error:
        raise StoreUnavailable(f"{error.filename}: {error.strerror}") from error
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    with store.write() as connection:
        _refuse_newer(store, connection, config)
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def _refuse_newer(store: Store, connection: Connection, config: Config) -> None:
    known = {one.revision for one in ScriptDirectory.from_config(config).walk_revisions()}
    found = MigrationContext.configure(connection).get_current_heads()
    if strange := [one for one in found if one not in known]:
        raise DataFolderError(
            f"{store.path}: a newer release of Linkweir has used this database (revision {strange[0]!r}, this release "
            f"knows them up to {max(known)!r}); start that release, or put back a backup from before it"
        )
