"""A running service, on either database."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.web.running_service import RunningService


@pytest.fixture
def service(dialect: str, tmp_path: Path) -> Iterator[RunningService]:
    """A service with default settings on a fresh folder."""
    with RunningService(tmp_path / "data") as running:
        yield running
