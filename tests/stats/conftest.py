"""A database for the tests of what is read from it."""

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from linkweir.db import accounts_table
from linkweir.db.database import Database
from tests.databases import make_database


@pytest.fixture
def database(dialect: str, tmp_path: Path) -> Iterator[Database]:
    """A migrated database."""
    database = make_database(tmp_path / "data")
    yield database
    database.close()


@pytest.fixture
def account(database: Database) -> uuid.UUID:
    """An account in it."""
    key = uuid.uuid4()
    with database.write() as connection:
        accounts_table.create(connection, key, "x", 1)
    return key
