"""A worker process as its parent has it: how it is started, told what to do, and stopped.

It ends when its parent is killed, and an interrupt never reaches it in the middle of a file.
"""

import contextlib
import ctypes
import dataclasses
import mmap
import multiprocessing
import multiprocessing.sharedctypes
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from multiprocessing.connection import Connection
from multiprocessing.context import BaseContext
from multiprocessing.process import BaseProcess
from multiprocessing.reduction import ForkingPickler
from typing import cast

from linkweir.atomic_file import remove_leftovers
from linkweir.bulk.file_list import FileJob
from linkweir.bulk.file_rewriter import RewriteConfig
from linkweir.bulk.mbox import MailRange
from linkweir.bulk.pool_worker import (
    CURRENT_JOB,
    NO_JOB,
    SIGNALS,
    STATE_FIELDS,
    JobTask,
    PackedResult,
    WorkerMemory,
    WorkerMessage,
    WorkerState,
    run_worker,
)
from linkweir.html import Switches

_STOP_TIMEOUT_SECONDS = 2.0  # seconds that a worker gets to end by itself; a chunk takes milliseconds
_OUTPUT_BYTES = 4 << 20  # bytes of memory for a range of mails: of one MiB, or of one mail, whose links make it longer
_SPAWN: BaseContext = multiprocessing.get_context("spawn")


def _reduce_switches(switches: Switches) -> tuple[type[Switches], tuple[object, ...]]:
    """Pickle switches by their arguments: their C state cannot leave the process."""
    return Switches, tuple(getattr(switches, item.name) for item in dataclasses.fields(switches))


ForkingPickler.register(Switches, _reduce_switches)


def choose_context() -> BaseContext:
    """How to start workers: where nobody else has threads, whose locks a fork would copy, they are forked, which takes
    a millisecond and not a tenth of a second.
    """
    forks = sys.platform == "linux" and threading.active_count() == 1
    return multiprocessing.get_context("fork") if forks else _SPAWN


def _make_memory(context: BaseContext) -> WorkerMemory:
    """Memory that this process and a worker share. Its pages come into being when they are first written to."""
    if context is _SPAWN:
        numbers = multiprocessing.sharedctypes.RawArray(ctypes.c_longlong, STATE_FIELDS)
        output = multiprocessing.sharedctypes.RawArray(ctypes.c_char, _OUTPUT_BYTES)
        return WorkerMemory(cast(WorkerState, numbers), output)
    state = memoryview(mmap.mmap(-1, STATE_FIELDS * ctypes.sizeof(ctypes.c_longlong))).cast("q")
    return WorkerMemory(cast(WorkerState, state), mmap.mmap(-1, _OUTPUT_BYTES))


class Worker:
    """A process, our end of its pipe, and what it has been given but not yet finished."""

    def __init__(
        self, config: RewriteConfig, jobs: Sequence[FileJob], context: BaseContext, others: "Sequence[Worker]"
    ) -> None:
        memory = _make_memory(context)
        self.state, self.output = memory.state, memory.view_output()
        self.state[CURRENT_JOB] = NO_JOB
        self.pipe: Connection[JobTask, WorkerMessage]
        self.pipe, child_end = context.Pipe()
        # a fork inherits all of the parent's ends, and has to close them, or their end never shows
        parent_ends = [] if context is _SPAWN else [self.pipe, *(worker.pipe for worker in others)]
        arguments = (child_end, config, jobs, memory, parent_ends)
        self.process: BaseProcess = context.Process(target=run_worker, args=arguments, daemon=True)  # type: ignore[attr-defined]
        try:
            with _block_signals(context):
                self.process.start()
        except OSError:
            self.pipe.close()
            raise
        finally:
            child_end.close()
        self.assigned: dict[int, FileJob] = {}
        self.mails: MailRange | None = None  # of a shared mailbox
        self.prepared: list[PackedResult] = []
        self.failures: dict[int, str] = {}  # of the prepared ones
        self.uncommitted_bytes = self.uncommitted_files = 0
        self.is_up = False
        self.is_busy = False
        self.is_settled = True  # all that it has made is committed, the names, too

    def send(self, task: list[tuple[int, FileJob | None]]) -> None:
        """Give it jobs to do, or none, to commit what it has."""
        self.is_settled = not task
        self._send(task)

    def send_mails(self, mails: MailRange) -> None:
        """Give it mails of a shared mailbox to rewrite."""
        self.mails = mails
        self._send(mails)

    def _send(self, task: JobTask) -> None:
        self.is_busy = True
        with contextlib.suppress(OSError):  # it has died; its pipe will tell
            self.pipe.send(task)

    def stop(self) -> None:
        """End the process: it sees the closed pipe between two chunks; one that hangs is terminated. Where that left
        temporary files, they are taken away."""
        self.pipe.close()
        self.process.join(_STOP_TIMEOUT_SECONDS)
        if self.process.is_alive():
            self.process.terminate()
            self.process.join(_STOP_TIMEOUT_SECONDS)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()
        if self.process.pid is not None:
            targets = [job.target for job in self.assigned.values() if job.target is not None]
            remove_leftovers(targets, self.process.pid)

    def describe_death(self) -> str:
        """How the process ended, for the file that it worked on."""
        code = self.process.exitcode
        how = signal.Signals(-code).name if code is not None and code < 0 else f"exit code {code}"
        return f"the process working on it ended ({how})"


@contextlib.contextmanager
def _block_signals(context: BaseContext) -> Iterator[None]:
    """Block interrupts while a process starts: it inherits the mask, so that only the parent gets Ctrl-C."""
    if sys.platform == "win32":
        yield
        return
    if context is _SPAWN:
        from multiprocessing import resource_tracker

        resource_tracker.ensure_running()  # else it is started inside, and lifts the mask when it has
    before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
