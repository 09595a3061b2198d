"""A browser, and services for it to look at. The browser lives no longer than a module: its event loop is in the way
of tests that run one of their own.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from linkweir.demo import traffic
from tests.edge.dashboard.browsing import Visitor, add_user, chromium
from tests.edge.serving import Served


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """The system's Chromium."""
    with chromium() as found:
        yield found


@pytest.fixture
def house(tmp_path: Path) -> Iterator[Served]:
    """A fresh service with a user."""
    with Served(tmp_path / "data") as running:
        add_user(running)
        yield running


@pytest.fixture
def visitor(house: Served) -> Iterator[Visitor]:
    """Somebody in front of the fresh service's door."""
    with Visitor(house) as found:
        yield found


@pytest.fixture(scope="module")
def sampled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A service with a user and the sample traffic."""
    with Served(tmp_path_factory.mktemp("sampled") / "data", retention_seconds=0.5) as running:
        add_user(running)
        assert traffic.fill(running.service)
        yield running
