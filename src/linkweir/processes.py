"""Keeps several processes running that share what this one has opened: starts them again when they die, ends them
together, and takes them along when it dies itself. Knows nothing of what they do.
"""

import os
import signal
import threading
import time
from collections.abc import Callable, Mapping
from types import FrameType

from structlog.typing import FilteringBoundLogger

STOP_WAIT = 20.0  # seconds for an end in good order; then they are killed
EARLY = 10.0  # seconds after the start in which a process that fails by itself cannot be helped by another try
PAUSE = 0.5  # seconds before one that died is started again
LOOK = 0.1

Work = Callable[[], int]


class Processes:
    """`works` by name; each runs in a forked child, whose exit code it returns. Fork before there are threads."""

    def __init__(self, works: Mapping[str, Work], log: FilteringBoundLogger) -> None:
        self._works = works
        self._log = log
        self._running: dict[int, str] = {}
        self._stopping = False
        self._ours, self._theirs = os.pipe()

    def run(self) -> int:
        """Until SIGINT or SIGTERM: 0. 1 when one of them could not start."""
        previous = {number: signal.signal(number, self._stop) for number in (signal.SIGINT, signal.SIGTERM)}
        started, failed = time.monotonic(), False
        try:
            for name in self._works:
                self._start(name)
            while not self._stopping:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if pid == 0:
                    time.sleep(LOOK)
                    continue
                name, code = self._running.pop(pid, ""), os.waitstatus_to_exitcode(status)
                if self._stopping or not name:
                    continue
                if code > 0 and time.monotonic() - started < EARLY:
                    failed = self._stopping = True
                    continue
                self._log.error("process.ended", name=name, code=code)
                time.sleep(PAUSE)
                self._start(name)
        finally:
            self._end()
            for number, handler in previous.items():
                signal.signal(number, handler)
        return 1 if failed else 0

    def _stop(self, _number: int, _frame: FrameType | None) -> None:
        self._stopping = True

    def _start(self, name: str) -> None:
        pid = os.fork()
        if pid:
            self._running[pid] = name
            return
        code = 1
        try:
            os.close(self._theirs)
            self._running = {}
            threading.Thread(target=self._follow_parent, name="linkweir-parent", daemon=True).start()
            code = self._works[name]()
        except BaseException:
            self._log.exception("process.failed", name=name)
        finally:
            os._exit(code)  # not through what the parent has on its stack

    def _follow_parent(self) -> None:
        """The pipe ends when the parent does, however it does."""
        os.read(self._ours, 1)
        os.kill(os.getpid(), signal.SIGTERM)

    def _end(self) -> None:
        until = time.monotonic() + STOP_WAIT
        for number in (signal.SIGTERM, signal.SIGKILL):
            for pid in self._running:
                os.kill(pid, number)
            while self._running and (number == signal.SIGKILL or time.monotonic() < until):
                pid, _ = os.waitpid(-1, os.WNOHANG)
                self._running.pop(pid, None)
                time.sleep(0 if pid else LOOK)
        os.close(self._ours)
        os.close(self._theirs)
