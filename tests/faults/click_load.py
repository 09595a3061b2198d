"""A service under a load of clicks that can each be told apart, and the count of what became of them."""

import collections
import http.client
import os
import re
import signal
import sqlite3
import subprocess
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from linkweir.tokens import KeyRing, Tracker, keyring_file
from tests.preloaded_command import start_command
from tests.web.running_service import WAIT_SECONDS, wait_until

SETTINGS = {"LINKWEIR_JOURNAL_FACTS": "20000", "LINKWEIR_SPOOL_RETRY": "0.2", "LINKWEIR_LOG_LEVEL": "error"}


class ClickedService:
    """`linkweir serve` on a data folder, as often as it is started; every click goes to a link of its own."""

    def __init__(self, data: Path, *words: str, **settings: str) -> None:
        data.mkdir(mode=0o700, exist_ok=True)
        self.data = data
        self.ring: KeyRing = keyring_file.load_or_create(data / "keys.json", datetime.now(UTC), ["http://t.example/c/"])
        self._arguments = words if "--workers" in words else ("--workers", "1", *words)
        self._settings = SETTINGS | settings
        self._processes: dict[int, subprocess.Popen[str]] = {}
        self._next = 0
        self._round = threading.Lock()
        self.requested: set[int] = set()
        self.answered: set[int] = set()
        self.slowest = 0.0

    def start(self) -> int:
        """Start one more process; its port."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("LINKWEIR_")}
        command = ["serve", "--data", str(self.data), "--port", "0", "--smtp-port", "-1"]
        process = start_command(
            [*command, *self._arguments],
            env={**kept, **self._settings},
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        printed = ""
        while "Account" not in printed:
            line = process.stdout.readline()
            assert line, "it did not start"
            printed += line
        match = re.search(r"listens on http://\S+:(\d+);", printed)
        assert match is not None, printed
        port = int(match[1])
        self._processes[port] = process
        wait_until(lambda: self._is_listening(port))
        return port

    def _is_listening(self, port: int) -> bool:
        try:
            return self.get(port, "/healthz")[0] == 200
        except OSError:
            return False

    def get(self, port: int, path: str) -> tuple[int, str]:
        """Status and body of one request on a new connection."""
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=WAIT_SECONDS)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def list_children(self, port: int) -> list[int]:
        """The processes that this one has started."""
        pid = self._processes[port].pid
        return [int(text) for text in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]

    def kill(self, port: int) -> None:
        """At once, without a word."""
        self._stop(port, signal.SIGKILL)

    def stop(self, port: int) -> int:
        """In good order; the exit code."""
        return self._stop(port, signal.SIGTERM)

    def _stop(self, port: int, number: int) -> int:
        process = self._processes.pop(port)
        process.send_signal(number)
        assert process.stdout is not None
        process.stdout.close()
        return process.wait(60)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for port in list(self._processes):
            self.kill(port)

    def _make_link(self) -> tuple[int, str]:
        with self._round:
            number = self._next
            self._next += 1
            self.requested.add(number)
        link = Tracker(self.ring, "http://t.example/c/", message="load").mint("https://example.com/", number)
        return number, link.removeprefix("http://t.example")

    def click_until_stopped(self, port: int, stop: threading.Event) -> None:
        """Click on a kept connection until told to stop, beginning a new one whenever the service goes away."""
        while not stop.is_set():
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=WAIT_SECONDS)
            try:
                while not stop.is_set():
                    number, path = self._make_link()
                    began = time.monotonic()
                    connection.request("GET", path)
                    answer = connection.getresponse()
                    answer.read()
                    self.slowest = max(self.slowest, time.monotonic() - began)
                    if answer.status == 302:
                        self.answered.add(number)
            except (OSError, http.client.HTTPException):
                time.sleep(0.02)
            finally:
                connection.close()

    def run_load(self, seconds: float, clicks: int = 40) -> None:
        """Let the readers go on for so long, and until so many more clicks have been answered: on a busy machine too
        something is under way.
        """
        before = len(self.answered)
        time.sleep(seconds)
        wait_until(lambda: len(self.answered) >= before + clicks)

    def run_readers(self, *ports: int, readers: int = 4) -> "ReaderThreads":
        """Readers that click until the block ends."""
        return ReaderThreads(self, ports, readers)

    def metric(self, port: int, name: str) -> float:
        """One figure of /metrics."""
        match = re.search(rf"(?m)^{name} (\S+)$", self.get(port, "/metrics")[1])
        assert match is not None, name
        return float(match[1])

    def stored_counts(self) -> collections.Counter[int]:
        """How often each click is in the database."""
        database = sqlite3.connect(f"file:{self.data / 'linkweir.db'}?mode=ro", uri=True, timeout=20)
        try:
            return collections.Counter(row[0] for row in database.execute("SELECT position FROM clicks"))
        finally:
            database.close()

    def check_counts(self, port: int) -> None:
        """Everything that was answered is stored exactly once, and nothing that was not requested."""
        wait_until(lambda: self.metric(port, "linkweir_clicks_waiting") == 0)
        stored = self.stored_counts()
        assert set(stored.values()) == {1}
        assert self.answered <= stored.keys() <= self.requested


class ReaderThreads:
    """Threads that click."""

    def __init__(self, clicking: ClickedService, ports: tuple[int, ...], readers: int) -> None:
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=clicking.click_until_stopped, args=(ports[number % len(ports)], self._stop))
            for number in range(readers)
        ]

    def __enter__(self) -> None:
        for thread in self._threads:
            thread.start()

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()
