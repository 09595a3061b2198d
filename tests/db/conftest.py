"""A store with something in it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.db.sample_store import SampleStore


@pytest.fixture
def sample(tmp_path: Path) -> Iterator[SampleStore]:
    """Two accounts and no message yet."""
    sample_store = SampleStore(tmp_path)
    yield sample_store
    sample_store.store.close()
