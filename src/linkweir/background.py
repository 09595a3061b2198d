"""Threads that must not end, and what the processes of one service know of each other's.

Every process starts its ended threads again. The one that delivers writes down every few seconds how its own are, in a
file that the others read: what it has not written for a while is a process that was stopped, hangs or is gone. Times
are of the monotonic clock, which all processes of a machine share, so no clock that is set wrong matters.
"""

import contextlib
import json
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol

from structlog.typing import FilteringBoundLogger

from linkweir.durable_files import replace_file
from linkweir.errors import DatabaseUnavailable

CHECK_SECONDS = 2.0  # seconds between looks
STALE_SECONDS = 15.0  # without a word: not ready
DEAD_SECONDS = 60.0  # without a word: nothing is accepted that could not be delivered
HEARTBEAT_FILE_NAME = "background.json"
NO_HEARTBEAT = "no sign of life"


class RestartableThread(Protocol):
    """Something that has a thread of its own."""

    @property
    def alive(self) -> bool:
        """Whether the thread runs."""

    def start(self) -> None:
        """Begin, or begin again."""


class Heartbeat:
    """The file in a data folder. `latest` is for any process, `write` for the one that delivers."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / HEARTBEAT_FILE_NAME
        self._started_at = time.monotonic()

    def begin_listening(self) -> None:
        """Count silence from now on."""
        self._started_at = time.monotonic()

    def require_recent(self) -> None:
        """Raise DatabaseUnavailable when mail that is accepted now would wait for long."""
        silence = self.read_latest()[0]
        if silence > DEAD_SECONDS:
            raise DatabaseUnavailable(
                f"nothing was delivered for {silence:.0f} seconds: the process that does is not there"
            )

    def write(self, checks: Mapping[str, str]) -> None:
        """How things are now. Raises OSError."""
        content = json.dumps({"at": time.monotonic(), "checks": dict(checks)})
        replace_file(self._path, content.encode(), sync=False)

    def read_latest(self) -> tuple[float, dict[str, str]]:
        """Seconds since the last word, or since we began to listen, and what was said."""
        moment, checks = time.monotonic(), {}
        age = moment - self._started_at
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            said = json.loads(self._path.read_text())
            silence = moment - float(said["at"])
            if 0 <= silence < age:  # else of a time before we began, or before the machine was started
                age, checks = silence, dict(said["checks"])
        return age, checks


class StoppableThread(RestartableThread, Protocol):
    """A thread that can be stopped, too."""

    def stop(self) -> None:
        """Finish what is under way and end."""


@dataclass(frozen=True)
class Component:
    """A part of a service that starts and stops; the supervisor restarts its `thread` when that ends unasked."""

    name: str
    start: Callable[[], object]
    stop: Callable[[], object]
    thread: RestartableThread | None = None

    @classmethod
    def from_thread(cls, name: str, thread: StoppableThread) -> "Component":
        """A component that is one thread."""
        return cls(name, thread.start, thread.stop, thread)


class Lifecycle:
    """Starts `components` in their order and stops them in reverse, once. Threads may share it."""

    def __init__(self) -> None:
        self.components: Sequence[Component] = ()
        self._lock = threading.Lock()
        self._state = "new"

    @property
    def is_new(self) -> bool:
        """Whether it was never started."""
        return self._state == "new"

    @property
    def running(self) -> bool:
        """Whether it has started and was not stopped."""
        return self._state == "running"

    def start(self) -> bool:
        """Start; False when it runs already. When a component fails, those before it are stopped, and `start` may be
        called again.
        """
        with self._lock:
            if self.running:
                return False
            with contextlib.ExitStack() as started:
                for component in self.components:
                    component.start()
                    started.callback(component.stop)
                started.pop_all()
            self._state = "running"
            return True

    def stop(self) -> bool:
        """Stop; False when it does not run."""
        with self._lock:
            if not self.running:
                return False
            self._state = "stopped"
            for component in reversed(self.components):
                component.stop()
            return True


class ThreadSupervisor:
    """A thread that starts `threads` again when they end, and calls `check` every few seconds. `restarts` counts."""

    def __init__(self, log: FilteringBoundLogger, check: Callable[[], None]) -> None:
        self.threads: dict[str, RestartableThread] = {}
        self.restarts = 0
        self._log = log
        self._check = check
        self._stop_event = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to look, at once."""
        self._stop_event.clear()
        self._thread = threading.Thread(target=self._run, name="linkweir-supervisor", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Look no more: the threads may end."""
        self._stop_event.set()
        if self._thread:
            self._thread.join()

    def _run(self) -> None:
        while True:
            for name, one in self.threads.items():
                self._run_guarded(partial(self._restart, name, one))
            self._run_guarded(self._check)
            if self._stop_event.wait(CHECK_SECONDS):
                return

    def _restart(self, name: str, thread: RestartableThread) -> None:
        if not thread.alive and not self._stop_event.is_set():
            self.restarts += 1
            thread.start()
            self._log.error("thread.ended", name=name)

    def _run_guarded(self, work: Callable[[], None]) -> None:
        try:
            work()
        except Exception as error:  # even a log that takes nothing: this thread is the one that sees to the others
            with contextlib.suppress(Exception):
                self._log.error("supervisor.failed", error=str(error), kind=type(error).__name__)
