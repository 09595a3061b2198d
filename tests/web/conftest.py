"""A running service for the tests of the doors."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.web.running_service import RunningService


@pytest.fixture
def service(tmp_path: Path) -> Iterator[RunningService]:
    """A service with default settings on a fresh folder."""
    with RunningService(tmp_path / "data") as running:
        yield running
