"""Threads that must not end, and what the processes of one service know of each other's.

Every process starts its ended threads again. The one that delivers writes down every few seconds how its own are, in a
file that the others read: what it has not written for a while is a process that was stopped, hangs or is gone. Times
are of the monotonic clock, which all processes of a machine share, so no clock that is set wrong matters.
"""

import contextlib
import json
import os
import threading
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Protocol

from structlog.typing import FilteringBoundLogger

EVERY = 2.0  # seconds between looks
STALE_SECONDS = 15.0  # without a word: not ready
DEAD_SECONDS = 60.0  # without a word: nothing is accepted that could not be delivered
NAME = "background.json"
SILENT = "no sign of life"


class Running(Protocol):
    """Something that has a thread of its own."""

    @property
    def alive(self) -> bool:
        """Whether the thread runs."""

    def start(self) -> None:
        """Begin, or begin again."""


class Heartbeat:
    """The file in a data folder. `latest` is for any process, `write` for the one that delivers."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / NAME
        self._since = time.monotonic()

    def write(self, checks: Mapping[str, str]) -> None:
        """How things are now. Raises OSError."""
        draft = self._path.with_suffix(f".{os.getpid()}.new")
        draft.write_text(json.dumps({"at": time.monotonic(), "checks": dict(checks)}))
        draft.chmod(0o600)
        os.replace(draft, self._path)

    def latest(self) -> tuple[float, dict[str, str]]:
        """Seconds since the last word, or since we began to listen, and what was said."""
        moment, checks = time.monotonic(), {}
        age = moment - self._since
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            said = json.loads(self._path.read_text())
            silence = moment - float(said["at"])
            if 0 <= silence < age:  # else of a time before we began, or before the machine was started
                age, checks = silence, dict(said["checks"])
        return age, checks


class Supervisor:
    """A thread that starts `threads` again when they end, and calls `look` every few seconds. `restarts` counts."""

    def __init__(self, log: FilteringBoundLogger, look: Callable[[], None]) -> None:
        self.threads: dict[str, Running] = {}
        self.restarts = 0
        self._log = log
        self._look = look
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to look, at once."""
        self._ended.clear()
        self._thread = threading.Thread(target=self._run, name="linkweir-supervisor", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Look no more: the threads may end."""
        self._ended.set()
        if self._thread:
            self._thread.join()

    def _run(self) -> None:
        while True:
            for name, one in self.threads.items():
                self._guarded(partial(self._restart, name, one))
            self._guarded(self._look)
            if self._ended.wait(EVERY):
                return

    def _restart(self, name: str, one: Running) -> None:
        if not one.alive and not self._ended.is_set():
            self.restarts += 1
            one.start()
            self._log.error("thread.ended", name=name)

    def _guarded(self, work: Callable[[], None]) -> None:
        try:
            work()
        except Exception as error:  # even a log that takes nothing: this thread is the one that sees to the others
            with contextlib.suppress(Exception):
                self._log.error("supervisor.failed", error=str(error), kind=type(error).__name__)
