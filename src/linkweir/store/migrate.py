"""Brings a database file to the newest schema, making it when it is missing."""

import os
from pathlib import Path

from alembic import command
from alembic.config import Config

from linkweir.errors import StoreUnavailable
from linkweir.store.engine import Store

MIGRATIONS = Path(__file__).parent / "migrations"


def migrate(store: Store) -> None:
    """Apply what is missing, in one transaction: two processes starting at once wait for each other.

    The file is made readable by its owner only, for it will hold addresses. Raises StoreUnavailable.
    """
    try:
        store.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(store.path, os.O_RDWR | os.O_CREAT, 0o600))
    except OSError as error:
        raise StoreUnavailable(f"cannot make the data folder: {error}") from error
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    with store.write() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
