"""A store for the tests of what is read from it."""

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from linkweir.store import accounts
from linkweir.store.engine import Store
from linkweir.store.migrate import migrate


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A migrated store."""
    made = Store(tmp_path / "data" / "linkweir.db", wait=1)
    migrate(made)
    yield made
    made.close()


@pytest.fixture
def account(store: Store) -> uuid.UUID:
    """An account in it."""
    key = uuid.uuid4()
    with store.write() as connection:
        accounts.create(connection, key, "x", 1)
    return key
