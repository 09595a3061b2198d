"""Worker threads, values that are reloaded, and what the processes of one service know of each other's threads.

Every process restarts its threads when they end unasked, and refreshes what it holds of files and tables every few
seconds, in a thread of its own, so that no request waits for it. The process that delivers mail writes a heartbeat with
the state of its threads, which the others read: a heartbeat that is old is a process that was stopped, hangs or is
gone. Its times are of the monotonic clock, which all processes of a machine share: a clock that is set wrong does not
matter.
"""

import contextlib
import json
import os
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Generic, TypeVar

from structlog.typing import FilteringBoundLogger

from linkweir.durable_files import replace_file
from linkweir.errors import DatabaseUnavailable, LinkweirError

CHECK_SECONDS = 2.0  # between two checks of the supervisor
REFRESH_SECONDS = 2.0  # between two refreshes of what a process holds of files and tables
STALE_SECONDS = 15.0  # without a heartbeat: not ready
DEAD_SECONDS = 60.0  # without a heartbeat: nothing is accepted that could not be delivered
HEARTBEAT_FILE_NAME = "background.json"
NO_HEARTBEAT = "no sign of life"
T = TypeVar("T")
FileFingerprint = tuple[int, int, int] | None


class WorkerThread(ABC):
    """A thread that runs `_run` until that returns, and may be started again.

    It is a daemon: a program that embeds the service and never stops it can still exit. So a worker keeps nothing that
    is not durable somewhere else.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._stop_event = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def alive(self) -> bool:
        """Whether the thread runs."""
        return self._thread is not None and self._thread.is_alive()

    @property
    def ended_unasked(self) -> bool:
        """Whether the thread ended, and nobody told it to stop."""
        return not self.alive and not self._stop_event.is_set()

    @property
    def _stopping(self) -> bool:
        return self._stop_event.is_set()

    def start(self) -> None:
        """Start the thread, or start it again."""
        self._stop_event.clear()
        self._thread = threading.Thread(target=self._run, name=f"linkweir-{self._name}", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Let the thread finish what is under way, and wait for its end."""
        self._stop_event.set()
        self.wake()
        if self._thread:
            self._thread.join()

    def wake(self) -> None:  # noqa: B027 - most threads wait for nothing but `_stop_event`
        """End what the thread waits for."""

    @abstractmethod
    def _run(self) -> None:
        """Work until `_stopping`."""


class PeriodicWorker(WorkerThread):
    """Calls `work` every `interval` seconds, with what tells it to end early. While the database is not available, and
    after a bug, it is called again in its turn.
    """

    def __init__(
        self, name: str, work: Callable[[Callable[[], bool]], object], log: FilteringBoundLogger, interval: float
    ) -> None:
        super().__init__(name)
        self._work = work
        self._log = log
        self._interval = interval
        self._wake = threading.Event()

    def wake(self) -> None:
        """End the pause."""
        self._wake.set()

    def _run(self) -> None:
        self._wake.clear()
        while not self._stopping:
            try:
                self._work(lambda: self._stopping)
            except DatabaseUnavailable as error:
                self._log.warning(f"{self._name}.database_unavailable", error=str(error))
            except Exception:
                self._log.exception(f"{self._name}.bug")  # the thread must live: it is the only one
            self._wake.wait(self._interval)


class ReloadingValue(Generic[T]):
    """What somebody else may change, read again when its version is another one, without a restart.

    `value`: what `read` returned last. What cannot be read leaves it in force and is logged once. `on_change` is called
    after a new value; `name` is for logs. Threads may share it. Raises as `read` does when it cannot be used at the
    start.
    """

    def __init__(
        self,
        name: str,
        read: Callable[[], T],
        get_version: Callable[[], object],
        log: FilteringBoundLogger | None = None,
        on_change: Callable[[], object] = lambda: None,
    ) -> None:
        self._name = name
        self._read = read
        self._get_version = get_version
        self._log = log
        self._on_change = on_change
        self._lock = threading.Lock()
        self._version = get_version()
        self.value = read()

    def refresh(self) -> None:
        """Read it if its version is another one than before. Raises what getting the version raises."""
        with self._lock:
            version = self._get_version()  # before reading: what changes meanwhile is seen next time
            if version == self._version:
                return
            self._version = version
            try:
                self.value = self._read()
            except LinkweirError as error:
                self._log_reload("error", "file.cannot_reload", error=str(error))
            else:
                self._on_change()
                self._log_reload("info", "file.reloaded")

    def _log_reload(self, level: str, event: str, **details: str) -> None:
        if self._log is not None:
            getattr(self._log, level)(event, file=self._name, **details)


class ReloadingFile(ReloadingValue[T]):
    """A file of the operator's, read again when another one has taken its place, which one system call tells."""

    def __init__(
        self,
        path: Path,
        read: Callable[[Path], T],
        log: FilteringBoundLogger | None = None,
        on_change: Callable[[], object] = lambda: None,
    ) -> None:
        super().__init__(str(path), lambda: read(path), lambda: read_fingerprint(path), log, on_change)


def read_fingerprint(path: Path) -> FileFingerprint:
    """What tells a file from the one that was there before; None if there is none."""
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino


class RefreshThread(WorkerThread):
    """Calls `refreshers` every few seconds: each brings a value that requests use up to date, or leaves it."""

    def __init__(self, log: FilteringBoundLogger, refreshers: Sequence[Callable[[], None]]) -> None:
        super().__init__("refresh")
        self._log = log
        self._refreshers = refreshers

    def start(self) -> None:
        """Refresh once, then go on in the thread."""
        self.refresh()
        super().start()

    def refresh(self) -> None:
        """Call all of them; one that fails keeps no other from its turn."""
        for refresher in self._refreshers:
            try:
                refresher()
            except Exception:
                self._log.exception("refresh.bug")

    def _run(self) -> None:
        while not self._stop_event.wait(REFRESH_SECONDS):
            self.refresh()


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

    def write(self, checks: Mapping[str, str], warnings: Mapping[str, str] | None = None) -> None:
        """Write the present state of each thread, and what an operator should look at. Raises OSError."""
        content = json.dumps({"at": time.monotonic(), "checks": dict(checks), "warnings": dict(warnings or {})})
        replace_file(self._path, content.encode(), sync=False)

    def read_warnings(self) -> dict[str, str]:
        """What an operator should look at, as of the last heartbeat."""
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            return dict(json.loads(self._path.read_text())["warnings"])
        return {}

    def read_last(self) -> tuple[float, dict[str, str]]:
        """Seconds since the last heartbeat of this machine's service, whenever that was, and its checks; infinity when
        there was none since the machine was started.
        """
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            heartbeat = json.loads(self._path.read_text())
            silence = time.monotonic() - float(heartbeat["at"])
            if silence >= 0:
                return silence, dict(heartbeat["checks"])
        return float("inf"), {}

    def read_latest(self) -> tuple[float, dict[str, str]]:
        """Seconds since the last heartbeat, or since the start of listening, and its checks."""
        moment, checks = time.monotonic(), {}
        age = moment - self._started_at
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            heartbeat = json.loads(self._path.read_text())
            silence = moment - float(heartbeat["at"])
            if 0 <= silence < age:  # else of a time before the start of listening, or of the machine
                age, checks = silence, dict(heartbeat["checks"])
        return age, checks


@dataclass(frozen=True)
class Component:
    """A part of a service that starts and stops; the supervisor restarts its `thread` when that ends unasked."""

    name: str
    start: Callable[[], object]
    stop: Callable[[], object]
    thread: WorkerThread | None = None

    @classmethod
    def from_thread(cls, name: str, thread: WorkerThread) -> "Component":
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


class ThreadSupervisor(WorkerThread):
    """Restarts `threads` that ended unasked, and calls `check`, every few seconds; `restarts` counts."""

    def __init__(self, log: FilteringBoundLogger, check: Callable[[], None]) -> None:
        super().__init__("supervisor")
        self.threads: dict[str, WorkerThread] = {}
        self.restarts = 0
        self._log = log
        self._check = check

    def _run(self) -> None:
        while True:
            for name, thread in self.threads.items():
                self._run_guarded(partial(self._restart, name, thread))
            self._run_guarded(self._check)
            if self._stop_event.wait(CHECK_SECONDS):
                return

    def _restart(self, name: str, thread: WorkerThread) -> None:
        if thread.ended_unasked and not self._stopping:
            self.restarts += 1
            thread.start()
            self._log.error("thread.ended", name=name)

    def _run_guarded(self, work: Callable[[], None]) -> None:
        try:
            work()
        except Exception as error:  # even a log that takes nothing: this thread is the one that sees to the others
            with contextlib.suppress(Exception):
                self._log.error("supervisor.failed", error=str(error), kind=type(error).__name__)
