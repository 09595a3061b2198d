"""A running service for the tests of the doors."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.edge.serving import Served


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    """A service with default settings on a fresh folder."""
    with Served(tmp_path / "data") as running:
        yield running
