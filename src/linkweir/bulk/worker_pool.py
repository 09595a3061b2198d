"""Runs jobs in several processes (minting holds the GIL); results are in the order of the jobs.

Not `concurrent.futures`: these workers end when their parent is killed, a worker that dies fails one file and not the
run, and an interrupt never reaches a worker in the middle of a file.

One mail or mailbox has a worker too, where starting one costs next to nothing; a large mailbox is shared by all
workers (`mailbox_run`). What goes over the pipe to a worker is said in `pool_worker`. While it works nothing goes down,
so that a readable pipe means "the parent is gone or gives up" to the worker.
"""

import contextlib
import multiprocessing
import multiprocessing.connection
import os
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import replace

from linkweir.bulk.file_list import FileJob
from linkweir.bulk.file_rewriter import FileResult, FileRewriter
from linkweir.bulk.mailbox_run import MailboxRun, count_ranges, is_shareable
from linkweir.bulk.mbox import MailRange
from linkweir.bulk.pool_worker import (
    BATCH_ERRORS,
    CURRENT_JOB,
    CURRENT_MAIL,
    NO_JOB,
    PUBLISHED_COUNT,
    OutputClosed,
    PackedResult,
    PreparedResults,
    Progress,
    PublishedBatch,
    PublishFailure,
    RewrittenRange,
    WorkerMessage,
    unpack_result,
)
from linkweir.bulk.worker_process import Worker, choose_context
from linkweir.errors import LinkweirError
from linkweir.terminal.text import STDIN

ProgressCallback = Callable[[int, int], None]
# A task is large enough that its round trip does not show, and small enough that all workers end together.
_TASK_FILES = 256
_TASK_BYTES = 4 << 20
# Results that may wait for an earlier, slower file.
_MAX_BUFFERED_RESULTS = 1 << 16
_MAX_BUFFERED_REPORT_BYTES = 64 << 20
_MAX_FATAL_MAILS = 16  # of one mailbox; with more of them something else is wrong
_MAX_FATAL_COMMITS = 3  # deaths between files for which no file is blamed


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
    count = min(workers, sum(map(count_ranges, jobs)))
    if not any(_is_input(job.source) for job in jobs):
        pool = _Pool(rewriter, jobs, count, on_progress)
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


class _Pool:
    def __init__(
        self, rewriter: FileRewriter, jobs: Sequence[FileJob], count: int, on_progress: ProgressCallback
    ) -> None:
        self.is_up = False
        self._rewriter = rewriter
        self._context = choose_context()
        self._on_progress = on_progress
        self._jobs = jobs
        self._pending = deque(range(len(jobs)))
        self._changed_jobs: dict[int, FileJob] = {}
        self._count = count
        self._workers: list[Worker] = []
        self._results: dict[int, FileResult] = {}
        self._report_bytes = 0
        self._next = 0
        self._fatal_commits = 0
        self._mailbox: MailboxRun | None = None  # the one that all workers share for now

    def run(self) -> Generator[FileResult, None, None]:
        try:
            self._start()
            while (
                self._pending
                or self._results
                or self._mailbox is not None
                or any(worker.is_busy or not worker.is_settled for worker in self._workers)
            ):
                self._dispatch()
                if any(worker.is_busy for worker in self._workers):
                    self._receive()
                while self._next in self._results:
                    result = self._results.pop(self._next)
                    self._report_bytes -= len(result.rows)
                    yield result
                    self._next += 1
        finally:
            for worker in self._workers:
                worker.stop()
            if self._mailbox is not None:
                self._mailbox.abort()

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
        self._workers.append(Worker(self._rewriter.config, self._jobs, self._context, self._workers))

    def _dispatch(self) -> None:
        """Give each idle worker a task; where there is none (left, or for now), let it commit what it has made."""
        for worker in self._workers:
            if worker.is_busy:
                continue
            if mails := self._next_mails():
                worker.send_mails(mails)
            elif indexes := self._next_indexes():
                worker.assigned.update((index, self._job(index)) for index in indexes)
                worker.send([(index, self._changed_jobs.get(index)) for index in indexes])
            elif not worker.is_settled:
                worker.send([])

    def _next_mails(self) -> MailRange | None:
        """The next mails of the mailbox that is shared; the one at the front of the queue becomes that."""
        if self._mailbox is None and self._pending and self._is_shared(self._pending[0]):
            index = self._pending.popleft()
            self._mailbox = MailboxRun(index, self._jobs[index], self._rewriter)
        if self._mailbox is None:
            return None
        mails = self._mailbox.next_range()
        self._finish_mailbox()
        return mails

    def _is_shared(self, index: int) -> bool:
        return self._count > 1 and index not in self._changed_jobs and is_shareable(self._jobs[index])

    def _finish_mailbox(self) -> None:
        if self._mailbox is None or not self._mailbox.is_done:
            return
        mailbox, self._mailbox = self._mailbox, None
        result = mailbox.finish()
        if mailbox.write_error in BATCH_ERRORS:  # one worker, which then commits what it has, may have the room
            self._changed_jobs[mailbox.index] = result.job
            self._pending.appendleft(mailbox.index)
            self._on_progress(-mailbox.accepted_bytes, 0)
            return
        self._results[mailbox.index] = result
        self._report_bytes += len(result.rows)
        self._on_progress(result.size - mailbox.accepted_bytes, 1)

    def _job(self, index: int) -> FileJob:
        return self._changed_jobs.get(index) or self._jobs[index]

    def _next_indexes(self) -> list[int]:
        if not self._pending or self._is_shared(self._pending[0]):
            return []
        ahead = self._pending[0] - self._next  # 0: all others wait for it
        if ahead and (ahead > _MAX_BUFFERED_RESULTS or self._report_bytes > _MAX_BUFFERED_REPORT_BYTES):
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
        pipes: dict[object, Worker] = {worker.pipe: worker for worker in self._workers}
        for ready in multiprocessing.connection.wait([worker.pipe for worker in self._workers]):
            worker = pipes[ready]
            try:
                message = worker.pipe.recv()
                overflow = (
                    worker.pipe.recv_bytes() if isinstance(message, RewrittenRange) and message.size is None else b""
                )
            except (EOFError, OSError):
                self._replace_dead_worker(worker)
                continue
            worker.is_up = self.is_up = True
            self._handle_message(worker, message, overflow)

    def _handle_message(self, worker: Worker, message: WorkerMessage, overflow: bytes) -> None:
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
            case RewrittenRange(packed, size):
                self._accept_mails(worker, packed, overflow if size is None else worker.output[:size])
            case OutputClosed():
                raise BrokenPipeError
            case None:
                worker.is_busy = False

    def _advance(self, worker: Worker, size: int, files: int) -> None:
        worker.uncommitted_bytes += size
        worker.uncommitted_files += files
        self._on_progress(size, files)

    def _accept_mails(self, worker: Worker, packed: PackedResult, output: bytes | memoryview) -> None:
        mails, worker.mails = worker.mails, None
        if mails is None or self._mailbox is None or mails.job_index != self._mailbox.index:
            return  # the mailbox has failed meanwhile
        self._mailbox.accept(mails, unpack_result(packed, self._jobs[mails.job_index]), output)
        self._on_progress(sum(mails.sizes), 0)
        self._finish_mailbox()

    def _accept(self, worker: Worker, count: int) -> None:
        """Take over the first results that a worker has prepared: their files have their names, or have failed."""
        for packed in worker.prepared[:count]:
            index = packed[0]
            result = unpack_result(packed, worker.assigned.pop(index))
            if index in worker.failures:
                result.fail(worker.failures[index])
            self._results[index] = result
            self._report_bytes += len(result.rows)
        worker.prepared, worker.failures = [], {}

    def _replace_dead_worker(self, worker: Worker) -> None:
        """Blame a dead worker's current file, or a mail in it, give back the rest of what it has not published, and put
        a new one there."""
        worker.stop()
        self._workers.remove(worker)
        if not worker.is_up:
            raise WorkersFailed("worker processes can't be started here; try --jobs 1")
        self._accept(worker, worker.state[PUBLISHED_COUNT])
        self._advance(worker, -worker.uncommitted_bytes, -worker.uncommitted_files)
        if worker.assigned or worker.mails is not None:
            self._reassign(worker)
        try:
            self._add_worker()
        except OSError as error:
            if not self._workers:
                raise _to_workers_failed(error) from error

    def _reassign(self, worker: Worker) -> None:
        blamed = worker.state[CURRENT_JOB]
        if worker.mails is not None:
            if self._mailbox is not None and worker.mails.job_index == self._mailbox.index:
                self._mailbox.retry(worker.mails, worker.state[CURRENT_MAIL], worker.describe_death())
                self._finish_mailbox()
        elif blamed == NO_JOB:
            self._fatal_commits += 1
            if self._fatal_commits > _MAX_FATAL_COMMITS:
                blamed = min(worker.assigned)
        job = worker.assigned.pop(blamed, None)
        again = None if job is None else _make_retry(job, worker.state[CURRENT_MAIL])
        if again is not None:
            self._changed_jobs[blamed] = worker.assigned[blamed] = again
        elif job is not None:
            self._results[blamed] = FileResult(job, error=worker.describe_death())
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
