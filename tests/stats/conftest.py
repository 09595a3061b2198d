"""A database for the tests of what is read from it."""

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from linkweir.db import accounts_table
from linkweir.db.database import Database
from linkweir.db.schema_upgrade import migrate
from linkweir.db.sqlite_database import SqliteDatabase


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """A migrated database."""
    database = SqliteDatabase(tmp_path / "data" / "linkweir.db", timeout=1)
    migrate(database)
    yield database
    database.close()


@pytest.fixture
def account(database: Database) -> uuid.UUID:
    """An account in it."""
    key = uuid.uuid4()
    with database.write() as connection:
        accounts_table.create(connection, key, "x", 1)
    return key
