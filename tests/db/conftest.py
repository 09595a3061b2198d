"""A store with something in it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.db.sample_store import SampleStore


@pytest.fixture
def sample(tmp_path: Path) -> Iterator[SampleStore]:
    """Two accounts and no message yet."""
    made = SampleStore(tmp_path)
    yield made
    made.store.close()
