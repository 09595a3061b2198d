"""A worker process of the pool: does jobs, and commits what it has made in batches, with one flush for each.

Down its pipe come tasks, each a list of jobs; an empty one asks to commit. Up goes a `Progress` (the first one says
that the worker is up), `PreparedResults` before a batch is published, a `PublishFailure` for each file that cannot be,
`PublishedBatch` behind it, and `IS_READY` when the next task may come. A task may also be a `MailRange` of a mailbox:
then goes up a `RewrittenRange`; its mails, which the parent writes before it sends a next task, stand in memory that
both share, or follow as bytes where they are more than it holds. Which job and mail is under way, and how many of a
batch have their names, stands in such memory, too: the parent reads it when the process has died.
"""

import contextlib
import ctypes
import errno
import gc
import mmap
import signal
import sys
import time
from collections.abc import MutableSequence, Sequence
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from types import FrameType

from linkweir.atomic_file import publish_files, sync_names
from linkweir.bulk.file_list import FileJob
from linkweir.bulk.file_rewriter import FileResult, FileRewriter, RewriteConfig, StagedFile
from linkweir.bulk.mbox import MailRange
from linkweir.html import Outcome

# A batch ends at whichever comes first, so that a run that is killed loses little, a file is replaced soon after it was
# read, and a report stays small in memory.
_BATCH_SECONDS = 2.0
_BATCH_BYTES = 512 << 20
_BATCH_REPORT_BYTES = 32 << 20
_MAX_BATCH_FILES = 1 << 16
_RESERVED_DESCRIPTORS = 64  # open files that are not of a batch
_PROGRESS_BYTES = 4 << 20
_POLL_SECONDS = 0.05  # seconds between two looks at whether the parent is still there
# Errors that go away when the batch so far is committed: of the disk that old and new bytes fill, and of open files.
BATCH_ERRORS = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EMFILE, errno.ENFILE})
SIGNALS = frozenset({signal.SIGINT, signal.SIGTERM})
IS_READY = None

# Of the shared memory: the index of the job under way, the number of its mail, and how many of a batch are published.
CURRENT_JOB, CURRENT_MAIL, PUBLISHED_COUNT = range(3)
STATE_FIELDS = 3
NO_JOB = -1
WorkerState = MutableSequence[int]

# jobs by index, each with the job where it is not that of the list any more; or mails
JobTask = list[tuple[int, FileJob | None]] | MailRange
PackedResult = tuple[int, int, dict[Outcome, int], bytes, dict[str, int], list[str], int, int, str | None]


@dataclass(frozen=True, slots=True)
class WorkerMemory:
    """What a worker and its parent share: numbers, and room for what becomes of a range of mails."""

    state: WorkerState
    output: mmap.mmap | ctypes.Array[ctypes.c_char]

    def view_output(self) -> memoryview:
        """The room as bytes."""
        return memoryview(self.output).cast("B")


@dataclass(frozen=True, slots=True)
class Progress:
    """What has been done since the last one."""

    size: int
    files: int


@dataclass(frozen=True, slots=True)
class PreparedResults:
    """The results of a batch, in the order in which its files are published from now on."""

    results: list[PackedResult]


@dataclass(frozen=True, slots=True)
class PublishFailure:
    """A file of the batch cannot have its name. Sent before it counts as published, so that no death hides it."""

    index: int
    error: str


@dataclass(frozen=True, slots=True)
class PublishedBatch:
    """All of the batch have their names, but for the failures."""


@dataclass(frozen=True, slots=True)
class RewrittenRange:
    """What became of a range of mails. `size`: how many bytes of mails stand in the shared memory; None: they follow as
    bytes.
    """

    result: PackedResult
    size: int | None


@dataclass(frozen=True, slots=True)
class OutputClosed:
    """Nobody reads standard output any more."""


WorkerMessage = Progress | PreparedResults | PublishFailure | PublishedBatch | RewrittenRange | OutputClosed | None


def _pack_result(index: int, result: FileResult) -> PackedResult:
    """A result without its job, which the parent has."""
    what = (result.size, result.counts, result.rows, result.notes, result.unchanged_mails)
    return index, *what, result.table_rows, result.unchanged_rows, result.error


def unpack_result(packed: PackedResult, job: FileJob) -> FileResult:
    """The result of `job`."""
    return FileResult(job, *packed[1:])


def run_worker(
    pipe: "Connection[WorkerMessage, JobTask]",
    config: RewriteConfig,
    jobs: Sequence[FileJob],
    memory: WorkerMemory,
    parent_ends: "Sequence[Connection[JobTask, WorkerMessage]]",
) -> None:
    """Do tasks until the parent closes the pipe, or is gone."""
    for end in parent_ends:
        end.close()
    _install_signals()
    gc.freeze()  # what was there before is not looked through again and again
    worker = _PoolWorker(pipe, config, jobs, memory)
    with contextlib.suppress(EOFError, OSError):  # the parent is gone; a file's own errors are in its result
        try:
            worker.run()
        finally:
            worker.abort()


class RangeOutput:
    """The sink of a range: `size` bytes of shared memory, or all bytes of it elsewhere once they are more."""

    def __init__(self, memory: memoryview) -> None:
        self.memory = memory
        self._overflow: list[bytes] | None = None
        self.size = 0

    def clear(self) -> None:
        """Begin a range."""
        self._overflow, self.size = None, 0

    def write(self, data: bytes | memoryview, /) -> None:
        """Add data."""
        end = self.size + len(data)
        if self._overflow is None and end > len(self.memory):
            self._overflow = [bytes(self.memory[: self.size])]
        if self._overflow is None:
            self.memory[self.size : end] = data
            self.size = end
        else:
            self._overflow.append(bytes(data))

    def take_overflow(self) -> bytes | None:
        """All bytes where the memory did not hold them."""
        overflow, self._overflow = self._overflow, None
        return None if overflow is None else b"".join(overflow)


class _PoolWorker:
    def __init__(
        self,
        pipe: "Connection[WorkerMessage, JobTask]",
        config: RewriteConfig,
        jobs: Sequence[FileJob],
        memory: WorkerMemory,
    ) -> None:
        self._pipe = pipe
        self._output = RangeOutput(memory.view_output())
        self._jobs = jobs
        self._state = memory.state
        self._rewriter = FileRewriter(config)
        self._batch: list[tuple[int, StagedFile]] = []
        self._batch_files = self._batch_bytes = self._batch_report_bytes = 0
        self._batch_started_at = 0.0
        self._max_batch_files = _raise_open_file_limit()
        self._progress_bytes = self._progress_files = 0
        self._last_poll_at = time.monotonic()

    def run(self) -> None:
        """Do tasks for ever; EOFError when the parent has closed the pipe."""
        self._pipe.send(Progress(0, 0))
        while True:
            task = self._pipe.recv()
            if isinstance(task, MailRange):
                self._do_range(task)
            else:
                for index, job in task:
                    self._do_job(index, job or self._jobs[index])
                if not task:
                    self._commit()
                    sync_names(self._rewriter.take_folders())
            self._send_progress()
            self._pipe.send(IS_READY)

    def abort(self) -> None:
        """Forget what has no name yet."""
        for _, staged in self._batch:
            if staged.file is not None:
                staged.file.abort()

    def _do_job(self, index: int, job: FileJob) -> None:
        if not job.is_regular:
            self._commit()  # what follows may wait for somebody to write
        staged = self._stage(index, job)
        if staged.write_error in BATCH_ERRORS and self._batch_files:
            self._commit()
            staged = self._stage(index, job)
        if not self._batch:
            self._batch_started_at = time.monotonic()
        self._batch.append((index, staged))
        self._batch_files += staged.file is not None
        self._batch_bytes += staged.result.size
        self._batch_report_bytes += len(staged.result.rows)
        self._progress_files += 1
        if self._is_batch_full():
            self._commit()

    def _do_range(self, mails: MailRange) -> None:
        job = replace(self._jobs[mails.job_index], excluded_mails=mails.excluded_mails)
        self._state[CURRENT_MAIL] = 0
        self._state[CURRENT_JOB] = mails.job_index
        self._output.clear()
        try:
            result = self._rewriter.rewrite_mails(job, mails, self._output, self._note_mail)
        finally:
            self._state[CURRENT_JOB] = NO_JOB
        overflow = self._output.take_overflow()
        packed = _pack_result(mails.job_index, result)
        self._pipe.send(RewrittenRange(packed, self._output.size if overflow is None else None))
        if overflow is not None:
            self._pipe.send_bytes(overflow)
        if self._batch and self._is_batch_full():
            self._commit()

    def _stage(self, index: int, job: FileJob) -> StagedFile:
        self._state[CURRENT_MAIL] = 0
        self._state[CURRENT_JOB] = index
        try:
            return self._rewriter.stage(job, self._tick, on_mail_started=self._note_mail)
        except BrokenPipeError:  # of standard output, if the parent is still there to hear
            self._pipe.send(OutputClosed())
            raise
        finally:
            self._state[CURRENT_JOB] = NO_JOB

    def _note_mail(self, number: int) -> None:
        self._state[CURRENT_MAIL] = number

    def _is_batch_full(self) -> bool:
        return (
            self._batch_files >= self._max_batch_files
            or len(self._batch) >= _MAX_BATCH_FILES
            or self._batch_bytes >= _BATCH_BYTES
            or self._batch_report_bytes >= _BATCH_REPORT_BYTES
            or time.monotonic() - self._batch_started_at >= _BATCH_SECONDS
        )

    def _commit(self) -> None:
        """Flush the batch, and give its files their names. The parent has the results before, to know what it has when
        this process dies in the middle.
        """
        if not self._batch:
            return
        self._state[PUBLISHED_COUNT] = 0
        self._pipe.send(PreparedResults([_pack_result(index, staged.result) for index, staged in self._batch]))
        publishing = publish_files([staged.file for _, staged in self._batch if staged.file is not None])
        for count, (index, staged) in enumerate(self._batch, 1):
            if staged.file is not None:
                staged.finish(next(publishing), over=not self._rewriter.config.in_place)
                if staged.result.error is not None:
                    self._pipe.send(PublishFailure(index, staged.result.error))
            self._state[PUBLISHED_COUNT] = count
        self._batch = []
        self._batch_files = self._batch_bytes = self._batch_report_bytes = 0
        self._send_progress()
        self._pipe.send(PublishedBatch())

    def _tick(self, size: int) -> None:
        self._progress_bytes += size
        now = time.monotonic()
        if now - self._last_poll_at >= _POLL_SECONDS:
            self._last_poll_at = now
            if self._pipe.poll():
                raise EOFError  # leaves the file's `with` blocks, so that the temporary file goes
        if self._progress_bytes >= _PROGRESS_BYTES:
            self._send_progress()

    def _send_progress(self) -> None:
        if self._progress_bytes or self._progress_files:
            self._pipe.send(Progress(self._progress_bytes, self._progress_files))
            self._progress_bytes = self._progress_files = 0


def _raise_open_file_limit() -> int:
    """Let this process open as many files as it may; how many a batch may hold."""
    if sys.platform != "linux":
        return _RESERVED_DESCRIPTORS
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _MAX_BATCH_FILES + _RESERVED_DESCRIPTORS
    limit = wanted if hard == resource.RLIM_INFINITY else min(hard, wanted)
    if soft != resource.RLIM_INFINITY and soft < limit:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
        except (OSError, ValueError):
            limit = soft
    return max(1, limit - _RESERVED_DESCRIPTORS)


def _install_signals() -> None:
    """Ctrl-C stays with the parent; SIGTERM leaves through every `with`, even out of a read."""
    if sys.platform == "win32":
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        return

    def leave(number: int, _frame: FrameType | None) -> None:
        sys.exit(128 + number)

    signal.signal(signal.SIGTERM, leave)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
