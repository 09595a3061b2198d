"""One large mailbox file, shared by several workers: finds its mails, hands them out in ranges, and writes what comes
back, in order.

Memory holds a bounded number of ranges. Knows nothing of processes: who asks for a range returns it, or says that
whoever had it has died.
"""

from dataclasses import replace

from linkweir.atomic_file import AtomicFile
from linkweir.bulk.document_io import InputFile, Sink, describe_error
from linkweir.bulk.file_list import FileJob
from linkweir.bulk.file_rewriter import (
    TOO_LARGE_MAIL,
    FileResult,
    FileRewriter,
    StagedFile,
    describe_write_error,
    iter_chunks,
)
from linkweir.bulk.mbox import MailRange, measure_mbox

MIN_SHARED_BYTES = 4 << 20  # a smaller mailbox is done by one worker
_RANGE_BYTES = 1 << 20  # a range ends with the mail that reaches this; its round trip does not show
_MAX_AHEAD_BYTES = 32 << 20  # of the input: handed out, or back and waiting for an earlier range
_MAX_FATAL_MAILS = 16  # with more of them something else is wrong


def is_shareable(job: FileJob) -> bool:
    """Whether several workers can do a job together."""
    return job.kind == "mbox" and job.is_regular and not job.copy_only and job.size >= MIN_SHARED_BYTES


def count_ranges(job: FileJob) -> int:
    """About how many ranges a job has."""
    return max(1, job.size // _RANGE_BYTES) if is_shareable(job) else 1


class MailboxRun:
    """The state of one such job. `accepted_bytes`: of the input, that came back; `write_error`: the number of the error
    that writing ended with.

    What is wrong with the file is part of the result. Raises BrokenPipeError if nobody reads the output any more.
    """

    def __init__(self, index: int, job: FileJob, rewriter: FileRewriter) -> None:
        self.index = index
        self.write_error: int | None = None
        self._job = job
        self._rewriter = rewriter
        self._staged = StagedFile(FileResult(job))
        self._result = self._staged.result
        self._has_too_large_mail = self._is_read = False
        self._retries: list[MailRange] = []
        self._returned: dict[int, tuple[int, FileResult | None, bytes]] = {}  # by start; with the size of the input
        self.accepted_bytes = 0
        self._written_to = self._read_to = 0  # offsets of the input
        self._rows: list[bytes] = []
        self._fatal_mails: set[int] = set()
        self._source: InputFile | None = None
        self._sink: Sink | None = None
        try:
            self._source = InputFile(job.source)
            self._mails = measure_mbox(iter_chunks(self._source))
            self._sink = rewriter.open_sink(job, self._source)
        except OSError as error:
            self._fail_to_write(error)
        except Exception as error:
            self._result.fail(describe_error(error))

    @property
    def is_done(self) -> bool:
        """Whether all is written, or nothing more will be."""
        return self._result.error is not None or (self._is_read and self._written_to == self._read_to)

    def next_range(self) -> MailRange | None:
        """A range to rewrite; None when there is none, for now or any more."""
        found = self._retries.pop() if self._retries else None
        try:
            while found is None and not self.is_done and not self._is_read and self._has_room():
                found = self._read_range()
        except BrokenPipeError:
            raise
        except Exception as error:
            self._result.fail(describe_error(error))
            return None
        return found

    def _has_room(self) -> bool:
        return self._read_to - self._written_to < _MAX_AHEAD_BYTES

    def _read_range(self) -> MailRange | None:
        """Find the next mails; None where there are none, or bytes to pass on."""
        start, first, sizes = self._read_to, 0, list[int]()
        for mail in self._mails:
            at = self._read_to
            self._read_to += mail.size
            if not mail.number:
                self._has_too_large_mail = True
                self._write_in_order(at, mail.size, None, mail.unchanged)
                break
            first = first or mail.number
            sizes.append(mail.size)
            if self._read_to - start >= _RANGE_BYTES:
                break
        else:
            self._is_read = True
        return self._make_range(start, first, tuple(sizes)) if sizes else None

    def _make_range(self, start: int, first: int, sizes: tuple[int, ...]) -> MailRange | None:
        if self._source is None or self._source.stat is None:
            return None
        state = self._source.stat
        return MailRange(self.index, (state.st_dev, state.st_ino), start, first, sizes)

    def accept(self, mails: MailRange, result: FileResult, output: bytes | memoryview) -> None:
        """Take back a range, rewritten; `output` is copied where it has to wait."""
        if result.error is not None:
            self._result.fail(result.error)
        self.accepted_bytes += sum(mails.sizes)
        if not self.is_done:
            self._write_in_order(mails.start, sum(mails.sizes), result, output)

    def _write_in_order(self, start: int, size: int, result: FileResult | None, output: bytes | memoryview) -> None:
        """Write what has come, if all before it is written."""
        if start != self._written_to:
            self._returned[start] = size, result, bytes(output)
            return
        try:
            self._write(size, result, output)
            while self._written_to in self._returned:
                self._write(*self._returned.pop(self._written_to))
        except BrokenPipeError:
            raise
        except OSError as error:
            self._fail_to_write(error)

    def _write(self, size: int, result: FileResult | None, output: bytes | memoryview) -> None:
        if self._sink is not None:
            self._sink.write(output)
        self._written_to += size
        if result is not None:
            self._result.add(result)
            self._rows.append(result.rows)

    def _fail_to_write(self, error: OSError) -> None:
        self._result.fail(describe_write_error(self._job, error))
        self.write_error = error.errno

    def retry(self, mails: MailRange, fatal_mail: int, reason: str) -> None:
        """Take back a range whose worker has died, and of which mail; 0: of none."""
        if fatal_mail:
            self._fatal_mails.add(fatal_mail)
        if not fatal_mail or len(self._fatal_mails) > _MAX_FATAL_MAILS:
            self._result.fail(reason)
        self._retries.append(replace(mails, excluded_mails=mails.excluded_mails | {fatal_mail}))

    def finish(self) -> FileResult:
        """Give the file its name; what became of the job."""
        try:
            if self._result.error is None and self._sink is not None:
                if self._has_too_large_mail:
                    self._result.unchanged_mails.append(TOO_LARGE_MAIL)
                self._result.size, self._result.rows = self._written_to, b"".join(self._rows)
                self._rewriter.complete(self._sink, self._staged)
                self._rewriter.publish(self._staged)
        except OSError as error:
            self._fail_to_write(error)
        finally:
            self.abort()
        return self._result

    def abort(self) -> None:
        """Forget what has no name yet."""
        if self._source is not None:
            self._source.__exit__()
            self._source = None
        if isinstance(self._sink, AtomicFile):
            self._sink.abort()
