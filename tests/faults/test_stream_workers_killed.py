"""Workers that take clicks from a stream, killed while they store them."""

import os
import signal
import subprocess
import threading
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from linkweir.db.schema import clicks
from linkweir.settings import ROLES
from linkweir.tokens import Tracker
from tests.databases import make_database_url, use_dialect
from tests.nats_server import require_nats, start_shared_server
from tests.preloaded_command import start_command
from tests.test_service_secrets import make_master_key
from tests.web.running_service import RunningService, wait_until

BASE_URL = "https://t.example.com/c/"
KILLS = 3
CLICKS_BETWEEN = 40
PAUSE_SECONDS = 0.05  # between two clicks: what one worker stores while others are killed is little on a busy machine


def start_worker(folder: Path, settings: dict[str, Any]) -> subprocess.Popen[str]:
    """`linkweir serve --role count` in a process group of its own."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("LINKWEIR_")}
    for name, value in settings.items():
        environment[f"LINKWEIR_{name.upper()}"] = ",".join(value) if isinstance(value, tuple) else str(value)
    words = ["serve", "--data", str(folder), "--port", "0", "--role", "count"]
    return start_command(words, env=environment, stdout=subprocess.DEVNULL, text=True, start_new_session=True)


def kill(worker: subprocess.Popen[str]) -> None:
    """End all of its processes in the middle of whatever they do."""
    os.killpg(worker.pid, signal.SIGKILL)
    worker.wait(60)


class ClickLoad:
    """Clicks on a service, one after the other; `answered` counts those that were redirected."""

    def __init__(self, service: RunningService) -> None:
        self.answered = 0
        self._service = service
        self._is_running = True
        self._thread = threading.Thread(target=self._click)
        self._thread.start()

    def _click(self) -> None:
        ring = self._service.components.keyring
        with httpx.Client(base_url=self._service.url, timeout=300) as client:
            while self._is_running:
                link = Tracker(ring, BASE_URL, message="load").mint("https://example.com/", self.answered)
                assert client.get(link.removeprefix("https://t.example.com")).status_code == 302
                self.answered += 1
                time.sleep(PAUSE_SECONDS)

    def stop(self) -> None:
        """Click no more."""
        self._is_running = False
        self._thread.join()


def test_clicks_of_killed_workers_are_stored_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While readers click, the worker is killed and another one is started, again and again: in the end each click that
    was answered is stored, once, and none waits in the stream.
    """
    require_nats()
    monkeypatch.setattr("linkweir.clicks.transport.click_stream.REDELIVERY_SECONDS", 2.0)
    with use_dialect("postgresql"):
        shared: dict[str, Any] = {"database": make_database_url(), "master_key": make_master_key()}
        shared |= {"base_url": BASE_URL, **start_shared_server().settings()}
        roles = tuple(role for role in ROLES if role != "count")
        with RunningService(tmp_path / "redirecting", roles=roles, **shared) as service:

            def count_clicks() -> int:
                with service.components.database.read() as connection:
                    return connection.scalar(sa.select(sa.func.count()).select_from(clicks)) or 0

            load, worker = ClickLoad(service), start_worker(tmp_path / "counting", shared)
            try:
                for _ in range(KILLS):
                    goal = count_clicks() + CLICKS_BETWEEN
                    wait_until(lambda: count_clicks() >= goal)  # noqa: B023 - called here
                    kill(worker)
                    worker = start_worker(tmp_path / "counting", shared)
                load.stop()
                assert load.answered >= KILLS * CLICKS_BETWEEN
                wait_until(lambda: count_clicks() >= load.answered)
                wait_until(lambda: service.read_metric("linkweir_inbox_clicks") == 0)
                assert count_clicks() == load.answered
            finally:
                load.stop()
                kill(worker)
