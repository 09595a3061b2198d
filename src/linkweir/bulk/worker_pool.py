"""Runs jobs in several processes (minting holds the GIL); results are in the order of the jobs.

Not `concurrent.futures`: these workers end when their parent is killed, a worker that dies fails one file and not the
run, and an interrupt never reaches a worker in the middle of a file.

One mail or mailbox has a worker too, where starting one costs next to nothing. What goes over the pipe to a worker is
said in `pool_worker`. While it works nothing goes down, so that a readable pipe means "the parent is gone or gives up"
to the worker.
"""

import contextlib
import ctypes
import dataclasses
import mmap
import multiprocessing
import multiprocessing.connection
import multiprocessing.sharedctypes
import os
import signal
import sys
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import replace
from multiprocessing.connection import Connection
from multiprocessing.context import BaseContext
from multiprocessing.process import BaseProcess
from multiprocessing.reduction import ForkingPickler
from typing import cast

from linkweir.atomic_file import remove_leftovers
from linkweir.bulk.file_list import FileJob
from linkweir.bulk.file_rewriter import FileResult, FileRewriter, RewriteConfig
from linkweir.bulk.pool_worker import (
    CURRENT_JOB,
    CURRENT_MAIL,
    NO_JOB,
    PUBLISHED_COUNT,
    SIGNALS,
    STATE_FIELDS,
    JobTask,
    OutputClosed,
    PackedResult,
    PreparedResults,
    Progress,
    PublishedBatch,
    PublishFailure,
    WorkerMessage,
    WorkerState,
    run_worker,
    unpack_result,
)
from linkweir.errors import LinkweirError
from linkweir.html import Switches
from linkweir.terminal.text import STDIN

ProgressCallback = Callable[[int, int], None]
# A task is large enough that its round trip does not show, and small enough that all workers end together.
_TASK_FILES = 256
_TASK_BYTES = 4 << 20
# Results that may wait for an earlier, slower file.
_MAX_BUFFERED_RESULTS = 1 << 16
_MAX_BUFFERED_REPORT_BYTES = 64 << 20
_STOP_TIMEOUT_SECONDS = 2.0  # seconds that a worker gets to end by itself; a chunk takes milliseconds
_MAX_FATAL_MAILS = 16  # of one mailbox; with more of them something else is wrong
_MAX_FATAL_COMMITS = 3  # deaths between files for which no file is blamed
_SPAWN: BaseContext = multiprocessing.get_context("spawn")


def _reduce_switches(switches: Switches) -> tuple[type[Switches], tuple[object, ...]]:
    """Pickle switches by their arguments: their C state cannot leave the process."""
    return Switches, tuple(getattr(switches, item.name) for item in dataclasses.fields(switches))


ForkingPickler.register(Switches, _reduce_switches)


class WorkersFailed(LinkweirError):
    """Worker processes cannot be started."""


def count_processors() -> int:
    """Return how many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def rewrite_all(
    rewriter: FileRewriter, jobs: Sequence[FileJob], workers: int, on_progress: ProgressCallback
) -> Iterator[FileResult]:
    """Yield one Result per job, in order; `on_progress` hears of bytes and files done.

    `rewriter`, whose options workers share, does jobs from standard input, which workers do not have, and all jobs if a
    single worker cannot be started. Closing the iterator (or an exception in the caller) stops the workers; unfinished
    files stay unchanged.
    """
    done = 0
    count = min(workers, len(jobs))
    if not any(_is_input(job.source) for job in jobs):
        pool = _Pool(rewriter.config, jobs, count, on_progress)
        try:
            with contextlib.closing(pool.run()) as results:
                for result in results:
                    yield result
                    done += 1
        except WorkersFailed:
            if count > 1 or pool.is_up:
                raise
    for job in jobs[done:]:
        yield rewriter.rewrite(job, lambda size: on_progress(size, 0))
        on_progress(0, 1)


def _is_input(source: str) -> bool:
    return source in (STDIN, "/dev/stdin", "/dev/fd/0", "/proc/self/fd/0")


def _start_context() -> BaseContext:
    """How to start workers: where nobody else has threads, whose locks a fork would copy, they are forked, which takes
    a millisecond and not a tenth of a second.
    """
    forks = sys.platform == "linux" and threading.active_count() == 1
    return multiprocessing.get_context("fork") if forks else _SPAWN


def _make_state(context: BaseContext) -> WorkerState:
    """Memory that this process and a worker share."""
    if context is _SPAWN:
        return cast(WorkerState, multiprocessing.sharedctypes.RawArray(ctypes.c_longlong, STATE_FIELDS))
    return cast(WorkerState, memoryview(mmap.mmap(-1, STATE_FIELDS * ctypes.sizeof(ctypes.c_longlong))).cast("q"))


class _Worker:
    """A process, our end of its pipe, and what it has been given but not yet finished."""

    def __init__(
        self, config: RewriteConfig, jobs: Sequence[FileJob], context: BaseContext, others: "Sequence[_Worker]"
    ) -> None:
        self.state = _make_state(context)
        self.state[CURRENT_JOB] = NO_JOB
        self.pipe: Connection[JobTask, WorkerMessage]
        self.pipe, child_end = context.Pipe()
        # a fork inherits all of the parent's ends, and has to close them, or their end never shows
        parent_ends = [] if context is _SPAWN else [self.pipe, *(worker.pipe for worker in others)]
        arguments = (child_end, config, jobs, self.state, parent_ends)
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
        self.prepared: list[PackedResult] = []
        self.failures: dict[int, str] = {}  # of the prepared ones
        self.uncommitted_bytes = self.uncommitted_files = 0
        self.is_up = False
        self.is_busy = False
        self.is_settled = True  # all that it has made is committed, the names, too

    def send(self, task: JobTask) -> None:
        """Give it something to do."""
        self.is_busy = True
        self.is_settled = not task
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


class _Pool:
    def __init__(
        self, config: RewriteConfig, jobs: Sequence[FileJob], count: int, on_progress: ProgressCallback
    ) -> None:
        self.is_up = False
        self._config = config
        self._context = _start_context()
        self._on_progress = on_progress
        self._jobs = jobs
        self._pending = deque(range(len(jobs)))
        self._changed_jobs: dict[int, FileJob] = {}
        self._count = count
        self._workers: list[_Worker] = []
        self._results: dict[int, FileResult] = {}
        self._report_bytes = 0
        self._next = 0
        self._fatal_commits = 0

    def run(self) -> Generator[FileResult, None, None]:
        try:
            self._start()
            while (
                self._pending
                or self._results
                or any(worker.is_busy or not worker.is_settled for worker in self._workers)
            ):
                self._dispatch()
                self._receive()
                while self._next in self._results:
                    result = self._results.pop(self._next)
                    self._report_bytes -= len(result.rows)
                    yield result
                    self._next += 1
        finally:
            for worker in self._workers:
                worker.stop()

    def _start(self) -> None:
        """Start the workers, or as many as the limits on files and processes allow."""
        try:
            while len(self._workers) < self._count:
                self._add_worker()
        except OSError as error:
            if self._workers:
                self._workers.pop().stop()  # its files are needed for the rest of the run
            if not self._workers:
                raise _to_workers_failed(error) from error
            self._count = len(self._workers)

    def _add_worker(self) -> None:
        self._workers.append(_Worker(self._config, self._jobs, self._context, self._workers))

    def _dispatch(self) -> None:
        """Give each idle worker a task; where there is none (left, or for now), let it commit what it has made."""
        for worker in self._workers:
            if worker.is_busy:
                continue
            if indexes := self._next_indexes():
                worker.assigned.update((index, self._job(index)) for index in indexes)
                worker.send([(index, self._changed_jobs.get(index)) for index in indexes])
            elif not worker.is_settled:
                worker.send([])

    def _job(self, index: int) -> FileJob:
        return self._changed_jobs.get(index) or self._jobs[index]

    def _next_indexes(self) -> list[int]:
        if not self._pending or self._report_bytes > _MAX_BUFFERED_REPORT_BYTES:
            return []
        if self._pending[0] - self._next > _MAX_BUFFERED_RESULTS:
            return []
        # Near the end tasks get small, so that no worker is left alone with the last ones.
        most = max(1, min(_TASK_FILES, len(self._pending) // (4 * self._count)))
        indexes = [self._pending.popleft()]
        size = self._jobs[indexes[0]].size
        while self._pending and len(indexes) < most and size + self._jobs[self._pending[0]].size <= _TASK_BYTES:
            indexes.append(self._pending.popleft())
            size += self._jobs[indexes[-1]].size
        return indexes

    def _receive(self) -> None:
        pipes: dict[object, _Worker] = {worker.pipe: worker for worker in self._workers}
        for ready in multiprocessing.connection.wait([worker.pipe for worker in self._workers]):
            worker = pipes[ready]
            try:
                message = worker.pipe.recv()
            except (EOFError, OSError):
                self._replace_dead_worker(worker)
                continue
            worker.is_up = self.is_up = True
            self._handle_message(worker, message)

    def _handle_message(self, worker: _Worker, message: WorkerMessage) -> None:
        match message:
            case Progress(size, files):
                self._advance(worker, size, files)
            case PreparedResults(results):
                worker.prepared = results
            case PublishFailure(index, error):
                worker.failures[index] = error
            case PublishedBatch():
                self._accept(worker, len(worker.prepared))
                worker.uncommitted_bytes = worker.uncommitted_files = 0
            case OutputClosed():
                raise BrokenPipeError
            case None:
                worker.is_busy = False

    def _advance(self, worker: _Worker, size: int, files: int) -> None:
        worker.uncommitted_bytes += size
        worker.uncommitted_files += files
        self._on_progress(size, files)

    def _accept(self, worker: _Worker, count: int) -> None:
        """Take over the first results that a worker has prepared: their files have their names, or have failed."""
        for packed in worker.prepared[:count]:
            index = packed[0]
            result = unpack_result(packed, worker.assigned.pop(index))
            if index in worker.failures:
                result.fail(worker.failures[index])
            self._results[index] = result
            self._report_bytes += len(result.rows)
        worker.prepared, worker.failures = [], {}

    def _replace_dead_worker(self, worker: _Worker) -> None:
        """Blame a dead worker's current file, or a mail in it, give back the rest of what it has not published, and put
        a new one there."""
        worker.stop()
        self._workers.remove(worker)
        if not worker.is_up:
            raise WorkersFailed("worker processes can't be started here; try --jobs 1")
        self._accept(worker, worker.state[PUBLISHED_COUNT])
        self._advance(worker, -worker.uncommitted_bytes, -worker.uncommitted_files)
        if worker.assigned:
            self._reassign(worker)
        try:
            self._add_worker()
        except OSError as error:
            if not self._workers:
                raise _to_workers_failed(error) from error

    def _reassign(self, worker: _Worker) -> None:
        blamed = worker.state[CURRENT_JOB]
        if blamed == NO_JOB:
            self._fatal_commits += 1
            if self._fatal_commits > _MAX_FATAL_COMMITS:
                blamed = min(worker.assigned)
        job = worker.assigned.pop(blamed, None)
        again = None if job is None else _make_retry(job, worker.state[CURRENT_MAIL])
        if again is not None:
            self._changed_jobs[blamed] = worker.assigned[blamed] = again
        elif job is not None:
            reason = f"the process working on it ended ({_describe_exit(worker)})"
            self._results[blamed] = FileResult(job, error=reason)
            self._on_progress(0, 1)
        self._pending.extendleft(sorted(worker.assigned, reverse=True))


def _make_retry(job: FileJob, mail: int) -> FileJob | None:
    """The job to do once more after a process has died of it; None when there is nothing to try. `mail`: which one was
    under way."""
    if job.kind != "mbox" or job.target is None or not os.path.isfile(job.source):
        return None
    if not mail or len(job.excluded_mails) == _MAX_FATAL_MAILS:
        return None
    return replace(job, excluded_mails=job.excluded_mails | {mail})


def _to_workers_failed(error: OSError) -> WorkersFailed:
    why = error.strerror or str(error)
    return WorkersFailed(f"worker processes can't be started here ({why}); try --jobs 1")


def _describe_exit(worker: _Worker) -> str:
    code = worker.process.exitcode
    if code is not None and code < 0:
        return signal.Signals(-code).name
    return f"exit code {code}"


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
