"""Process supervisor: runs several processes that share what this one has opened, restarts them when they die, stops
them together, and takes them along when it dies itself. Knows nothing of their work.
"""

import contextlib
import ctypes
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from types import FrameType
from typing import Any

from structlog.typing import FilteringBoundLogger

STOP_TIMEOUT_SECONDS = 25.0  # seconds for an end in good order; then they are killed
STARTUP_SECONDS = (
    10.0  # seconds after the start in which a process that fails by itself cannot be helped by another try
)
RESTART_DELAY_SECONDS = 0.5  # seconds before one that died is started again
POLL_SECONDS = 0.1
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
PR_SET_PDEATHSIG = 1  # prctl(2)

EntryPoint = Callable[[], int]


class ProcessSupervisor:
    """`entry_points` by name; each runs in a forked child, whose exit code it returns: EX_TEMPFAIL for what another try
    may help. Fork before there are threads.

    `release` lets go, before the others end, of what this process has opened for them: a listening socket that stays
    open here would still take connections that nobody answers.
    """

    def __init__(
        self,
        entry_points: Mapping[str, EntryPoint],
        log: FilteringBoundLogger,
        release: Callable[[], None] = lambda: None,
    ) -> None:
        self._entry_points = entry_points
        self._release = release
        self._log = log
        self._running: dict[int, str] = {}
        self._stopping = False
        self._read_end, self._write_end = os.pipe()

    def run(self) -> int:
        """Until SIGINT, SIGTERM or SIGHUP: 0. 1 when one of them could not start."""
        previous = install_stop_handler(self._stop)
        started, failed = time.monotonic(), False
        try:
            for name in self._entry_points:
                self._start(name)
            while not self._stopping:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if pid == 0:
                    time.sleep(POLL_SECONDS)
                    continue
                name, code = self._running.pop(pid, ""), os.waitstatus_to_exitcode(status)
                if self._stopping or not name:
                    continue
                if code > 0 and code != os.EX_TEMPFAIL and time.monotonic() - started < STARTUP_SECONDS:
                    failed = self._stopping = True
                    continue
                self._log.error("process.ended", name=name, code=code)
                time.sleep(RESTART_DELAY_SECONDS)
                self._start(name)
        finally:
            self._stop_all()
            for number, handler in previous.items():
                signal.signal(number, handler)
        return 1 if failed else 0

    def _stop(self, _number: int, _frame: FrameType | None) -> None:
        self._stopping = True

    def _start(self, name: str) -> None:
        if self._stopping:
            return
        parent = os.getpid()
        with _block_signals():  # else a signal right after the fork ends in our handler there, which stops nothing
            pid = os.fork()
            if pid:
                self._running[pid] = name
                return
            install_stop_handler(signal.SIG_DFL)
        code = 1
        try:
            _set_parent_death_signal(parent)
            os.close(self._write_end)
            self._running = {}
            threading.Thread(target=self._exit_with_parent, name="linkweir-parent", daemon=True).start()
            code = self._entry_points[name]()
        except BaseException:
            self._log.exception("process.failed", name=name)
        finally:
            os._exit(code)  # not through what the parent has on its stack

    def _exit_with_parent(self) -> None:
        """End with the parent: its pipe closes however it dies, for systems whose kernel does not see to it."""
        os.read(self._read_end, 1)
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(STOP_TIMEOUT_SECONDS)
        os._exit(1)

    def _stop_all(self) -> None:
        self._release()
        until = time.monotonic() + STOP_TIMEOUT_SECONDS
        for number in (signal.SIGTERM, signal.SIGKILL):
            for pid in self._running:
                os.kill(pid, number)
                os.kill(pid, signal.SIGCONT)  # one that was stopped can end in good order too
            while self._running and (number == signal.SIGKILL or time.monotonic() < until):
                pid, _ = os.waitpid(-1, os.WNOHANG)
                self._running.pop(pid, None)
                time.sleep(0 if pid else POLL_SECONDS)
        os.close(self._read_end)
        os.close(self._write_end)


def install_stop_handler(
    handler: Callable[[int, FrameType | None], None] | signal.Handlers,
) -> dict[signal.Signals, Any]:
    """Have `handler` called for the signals that ask to stop; what they did before. SIGHUP stays ignored where it was:
    `nohup` means that.
    """
    numbers = [
        stop_signal
        for stop_signal in STOP_SIGNALS
        if stop_signal != signal.SIGHUP or signal.getsignal(stop_signal) != signal.SIG_IGN
    ]
    return {number: signal.signal(number, handler) for number in numbers}


@contextlib.contextmanager
def _block_signals() -> Iterator[None]:
    """Block the signals that ask to stop; they are delivered afterwards."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _set_parent_death_signal(parent: int) -> None:
    """Have the kernel kill this process when its parent ends, stopped or hanging as it may be. Linux; elsewhere the
    pipe has to do.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it ended before the kernel was asked
        os._exit(1)
