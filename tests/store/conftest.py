"""A store with something in it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.store.filled import Filled


@pytest.fixture
def filled(tmp_path: Path) -> Iterator[Filled]:
    """Two accounts and no message yet."""
    made = Filled(tmp_path)
    yield made
    made.store.close()
