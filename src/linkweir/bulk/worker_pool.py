"""Runs jobs in several processes (minting holds the GIL); results are in the order of the jobs.

Not `concurrent.futures`: these workers end when their parent is killed, a worker that dies fails one file and not the
run, and an interrupt never reaches a worker in the middle of a file.

A single mail or mailbox gets a worker, too, where starting one is cheap.

One duplex pipe per worker. Down: a batch of (index, job). Up: an int (bytes done, for the progress line; the
first one says that the worker is up), an Announced, or (index, result), None for the result when nobody reads
standard output any more. While a batch is out nothing goes down, so that a readable pipe means "the parent is gone
or gives up" to the worker.
"""

import contextlib
import dataclasses
import multiprocessing
import multiprocessing.connection
import os
import signal
import sys
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from multiprocessing.context import BaseContext
from multiprocessing.process import BaseProcess
from multiprocessing.reduction import ForkingPickler
from types import FrameType

from linkweir.bulk.file_list import FileJob
from linkweir.bulk.file_rewriter import FileResult, FileRewriter, RewriteConfig
from linkweir.durable_files import remove_leftover
from linkweir.errors import LinkweirError
from linkweir.html import Switches
from linkweir.terminal.text import STDIN

JobBatch = list[tuple[int, FileJob]]
_BATCH_FILES = 16  # files per message: a round trip costs as much as scanning a small newsletter
_BATCH_BYTES = 1 << 20
_MAX_BUFFERED_RESULTS = 4096  # results that may wait for an earlier, slower file
_PROGRESS_BYTES = 4 << 20
_STOP_TIMEOUT_SECONDS = 2.0  # seconds that a worker gets to end by itself; a chunk takes milliseconds
_SIGNALS = frozenset({signal.SIGINT, signal.SIGTERM})
_MAX_FATAL_MAILS = 16  # of one mailbox; with more, the cause is something else
# Fork would copy locks of other threads, and their ends of each other's pipes to several workers.
_SPAWN: BaseContext = multiprocessing.get_context("spawn")


def _reduce_switches(switches: Switches) -> tuple[type[Switches], tuple[object, ...]]:
    """Pickle switches by their arguments: their C state cannot leave the process."""
    return Switches, tuple(getattr(switches, item.name) for item in dataclasses.fields(switches))


ForkingPickler.register(Switches, _reduce_switches)


@dataclass(frozen=True, slots=True)
class MailStarted:
    """The number of the mail that the worker starts."""

    mail: int


class WorkersFailed(LinkweirError):
    """Worker processes cannot be started."""


def count_processors() -> int:
    """Return how many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def rewrite_all(
    rewriter: FileRewriter, jobs: Sequence[FileJob], workers: int, on_progress: Callable[[int], None]
) -> Iterator[FileResult]:
    """Yield one result per job, in order; `on_progress` gets the bytes done. Raises WorkersFailed.

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
    yield from (rewriter.rewrite(job, on_progress) for job in jobs[done:])


def _is_input(source: str) -> bool:
    return source in (STDIN, "/dev/stdin", "/dev/fd/0", "/proc/self/fd/0")


def _start_context(count: int) -> BaseContext:
    """Return the start method: a single worker is forked, which takes a millisecond instead of a tenth of a second."""
    forks = count == 1 and sys.platform == "linux" and threading.active_count() == 1
    return multiprocessing.get_context("fork") if forks else _SPAWN


class _Worker:
    """A worker process, our end of its pipe, and its unanswered jobs."""

    def __init__(self, recipe: RewriteConfig, context: BaseContext) -> None:
        self.pipe, child_end = context.Pipe()
        # a fork inherits the parent's end, and has to close it, or its end never shows
        parent_end = None if context is _SPAWN else self.pipe
        arguments = (child_end, recipe, parent_end)
        self.process: BaseProcess = context.Process(target=_run_worker, args=arguments, daemon=True)  # type: ignore[attr-defined]
        try:
            with _block_signals(context):
                self.process.start()
        except OSError:
            self.pipe.close()
            raise
        finally:
            child_end.close()
        self.batch: deque[tuple[int, FileJob]] = deque()
        self.is_up = False
        self.mail: int | None = None

    def stop(self) -> None:
        """End the process: it notices the closed pipe between two chunks; if it hangs, it is terminated and its
        temporary file removed."""
        self.pipe.close()
        self.process.join(_STOP_TIMEOUT_SECONDS)
        if self.process.is_alive():
            self.process.terminate()
            self.process.join(_STOP_TIMEOUT_SECONDS)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()
        target = self.batch[0][1].target if self.batch else None
        if target is not None and self.process.pid is not None:
            remove_leftover(target, self.process.pid)


class _Pool:
    def __init__(self, recipe: RewriteConfig, jobs: Sequence[FileJob], count: int, tick: Callable[[int], None]) -> None:
        self.is_up = False
        self._config = recipe
        self._context = _start_context(count)
        self._on_progress = tick
        self._pending: deque[tuple[int, FileJob]] = deque(enumerate(jobs))
        self._count = count
        self._workers: list[_Worker] = []
        self._results: dict[int, FileResult] = {}
        self._next = 0

    def run(self) -> Generator[FileResult, None, None]:
        try:
            self._start()
            while self._pending or self._results or any(worker.batch for worker in self._workers):
                self._dispatch()
                self._receive()
                while self._next in self._results:
                    yield self._results.pop(self._next)
                    self._next += 1
        finally:
            for worker in self._workers:
                worker.stop()

    def _start(self) -> None:
        """Start the workers, or as many as the limits on files and processes allow."""
        try:
            while len(self._workers) < self._count:
                self._workers.append(_Worker(self._config, self._context))
        except OSError as error:
            if self._workers:
                self._workers.pop().stop()  # its files are needed for the rest of the run
            if not self._workers:
                raise _to_workers_failed(error) from error
            self._count = len(self._workers)

    def _dispatch(self) -> None:
        for worker in self._workers:
            if worker.batch or not self._pending or self._pending[0][0] - self._next > _MAX_BUFFERED_RESULTS:
                continue
            worker.batch.extend(self._next_batch())
            with contextlib.suppress(OSError):  # it has died; its pipe shows that
                worker.pipe.send(list(worker.batch))

    def _next_batch(self) -> JobBatch:
        # Near the end batches get small, so that no worker is left alone with the last sixteen.
        most = max(1, min(_BATCH_FILES, len(self._pending) // (4 * self._count)))
        batch = [self._pending.popleft()]
        size = batch[0][1].size
        while self._pending and len(batch) < most and size + self._pending[0][1].size <= _BATCH_BYTES:
            batch.append(self._pending.popleft())
            size += batch[-1][1].size
        return batch

    def _receive(self) -> None:
        pipes: dict[object, _Worker] = {worker.pipe: worker for worker in self._workers}
        for ready in multiprocessing.connection.wait([worker.pipe for worker in self._workers]):
            worker = pipes[ready]
            try:
                answer: int | MailStarted | tuple[int, FileResult | None] = worker.pipe.recv()
            except (EOFError, OSError):
                self._replace_dead_worker(worker)
                continue
            worker.is_up = self.is_up = True
            if isinstance(answer, int):
                self._on_progress(answer)
            elif isinstance(answer, MailStarted):
                worker.mail = answer.mail
            elif answer[1] is None:
                raise BrokenPipeError
            else:
                worker.batch.popleft()
                worker.mail = None
                self._results[answer[0]] = answer[1]

    def _replace_dead_worker(self, worker: _Worker) -> None:
        """Fail a dead worker's current file, or a mail in it, queue the rest of its batch, and start a new worker."""
        worker.stop()
        self._workers.remove(worker)
        if not worker.is_up:
            raise WorkersFailed("worker processes can't be started here; try --jobs 1")
        if worker.batch:
            index, job = worker.batch.popleft()
            self._pending.extendleft(reversed(worker.batch))
            if again := _make_retry(job, worker.mail):
                self._pending.appendleft((index, again))
            else:
                self._results[index] = FileResult(
                    job, error=f"the process working on it ended ({_describe_exit(worker)})"
                )
        try:
            self._workers.append(_Worker(self._config, self._context))
        except OSError as error:
            if not self._workers:
                raise _to_workers_failed(error) from error


def _make_retry(job: FileJob, mail: int | None) -> FileJob | None:
    """Return the job to retry after its process has died; None if there is nothing to try. `mail`: the number of the
    mail in progress."""
    if job.kind != "mbox" or job.target is None or not os.path.isfile(job.source):
        return None
    if not job.announce_mails:
        return replace(job, announce_mails=True)
    if mail is None or len(job.excluded_mails) == _MAX_FATAL_MAILS:
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
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _install_worker_signals() -> None:
    """Set a worker's signals: ignore Ctrl-C, which the parent handles; SIGTERM unwinds every `with`."""
    if sys.platform == "win32":
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        return

    def leave(number: int, _frame: FrameType | None) -> None:
        sys.exit(128 + number)

    signal.signal(signal.SIGTERM, leave)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})


def _run_worker(pipe: "Connection[object, JobBatch]", recipe: RewriteConfig, parents: "Connection | None") -> None:
    """Run batches until the parent closes the pipe or ends."""
    if parents is not None:
        parents.close()
    _install_worker_signals()
    waiting = 0

    def tick(size: int) -> None:
        nonlocal waiting
        waiting += size
        if pipe.poll():
            raise EOFError  # leaves the file's `with` blocks, so that the temporary file goes
        if waiting >= _PROGRESS_BYTES:
            pipe.send(waiting)
            waiting = 0

    rewriter = FileRewriter(recipe)
    with contextlib.suppress(EOFError, OSError):  # the parent is gone; a file's own errors are in its result
        pipe.send(0)
        while True:
            for index, job in pipe.recv():
                result: FileResult | None = None
                with contextlib.suppress(BrokenPipeError):  # of standard output, if the parent is still there to hear
                    result = rewriter.rewrite(job, tick, on_mail_started=lambda mail: pipe.send(MailStarted(mail)))
                pipe.send(waiting)
                waiting = 0
                pipe.send((index, result))
