"""A browser, and services for it to look at. The browser lives no longer than a module: its event loop is in the way
of tests that run one of their own.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from linkweir.demo import sample_traffic
from tests.dashboard.browser_client import DashboardClient, add_user, launch_chromium
from tests.web.running_service import RunningService


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """The system's Chromium."""
    with launch_chromium() as result:
        yield result


@pytest.fixture
def service(dialect: str, tmp_path: Path) -> Iterator[RunningService]:
    """A fresh service with a user."""
    with RunningService(tmp_path / "data") as running:
        add_user(running)
        yield running


@pytest.fixture
def dashboard_client(service: RunningService) -> Iterator[DashboardClient]:
    """Somebody in front of the fresh service's door."""
    with DashboardClient(service) as result:
        yield result


@pytest.fixture(scope="module")
def sample_service(dialect: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """A service with a user and the sample traffic."""
    with RunningService(tmp_path_factory.mktemp("sampled") / "data", retention_seconds=0.5) as running:
        add_user(running)
        assert sample_traffic.generate(running.components)
        yield running
