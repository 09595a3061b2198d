"""A database with something in it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.db.sample_database import SampleDatabase


@pytest.fixture
def sample(dialect: str, tmp_path: Path) -> Iterator[SampleDatabase]:
    """Two accounts and no message yet."""
    sample_database = SampleDatabase(tmp_path)
    yield sample_database
    sample_database.database.close()
