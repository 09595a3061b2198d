"""Rewrites one file or standard input; memory holds one chunk and one open tag, never a whole HTML document.

Files are independent: an error is part of its file's result and does not affect the next file.
"""

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from linkweir.atomic_file import AtomicFile, publish_files, sync_names
from linkweir.bulk.document_io import (
    PREFIX_BYTES,
    InputFile,
    NullSink,
    Sink,
    StdoutSink,
    UnreadableInput,
    describe_error,
    reject_binary,
)
from linkweir.bulk.file_list import FileJob
from linkweir.bulk.length_fields import update_length_headers, update_maildir_name
from linkweir.bulk.link_report import format_row
from linkweir.bulk.mbox import MAX_MAIL_BYTES, MailPiece, MailRange, read_single_mail, split_mbox
from linkweir.bulk.tables.table_format import TABLE_FORMATS
from linkweir.bulk.tables.table_rewriter import rewrite_table
from linkweir.bulk.tables.table_rows import TableOptions, TableRows
from linkweir.bulk.tracker_factory import TrackerFactory, require_rereadable
from linkweir.errors import LinkweirError
from linkweir.html import Outcome, Rewriter, Switches
from linkweir.html.charset import MAX_BOM_BYTES, PRESCAN_BYTES, sniff_charset
from linkweir.mime import Rewritten, rewrite_message
from linkweir.terminal.text import STDIN, display_path
from linkweir.tokens import KeyRing, Privacy

ProgressCallback = Callable[[int], None]
ReportWriter = Callable[[bytes], None]
MailStartedCallback = Callable[[int], None]
TOO_LARGE_MAIL = f"a mail is larger than {MAX_MAIL_BYTES >> 20} MiB"


@dataclass(frozen=True, slots=True)
class RewriteConfig:
    """The options of rewriting, which can be sent to another process.

    `message` may be a pattern (see `expand_pattern`); `report`: whether to produce rows. Of tables: the columns of
    documents and of message ids, and how many threads rewrite one.
    """

    keyring: KeyRing = field(repr=False)
    base_url: str
    message: str | None = None
    campaign: str | None = None
    privacy: Privacy = Privacy.FULL
    switches: Switches = field(default_factory=Switches)
    charset: str | None = None
    report: bool = False
    dry_run: bool = False
    in_place: bool = False
    html_column: str | None = None
    id_column: str | None = None
    threads: int = 1


@dataclass(slots=True)
class FileResult:
    """The result of one job. `error`: None for success; `rows`: lines of the report, none for a failed file; `notes`:
    counts of notes by code; `unchanged_mails`: mails of a mailbox that stayed unchanged, and why. Of tables: how many
    rows there are and how many stayed unchanged, of which `unchanged_mails` names the first.
    """

    job: FileJob
    size: int = 0
    counts: dict[Outcome, int] = field(default_factory=dict)
    rows: bytes = b""
    notes: dict[str, int] = field(default_factory=dict)
    unchanged_mails: list[str] = field(default_factory=list)
    table_rows: int = 0
    unchanged_rows: int = 0
    error: str | None = None

    def add(self, part: "FileResult") -> None:
        """Add what became of a further part of the file, but for its rows."""
        for outcome, count in part.counts.items():
            self.counts[outcome] = self.counts.get(outcome, 0) + count
        for code, count in part.notes.items():
            self.notes[code] = self.notes.get(code, 0) + count
        self.unchanged_mails += part.unchanged_mails

    def fail(self, error: str) -> None:
        """Turn it into that of a failed file."""
        self.error = error
        self.counts, self.rows, self.unchanged_mails = {}, b"", []
        self.table_rows = self.unchanged_rows = 0


@dataclass(slots=True)
class StagedFile:
    """What has been made of a job, and what waits for its name: `file` None: nothing does; `renamed_path`: where the
    mail belongs whose name states its length; `write_error`: the number of the error that writing ended with.
    """

    result: FileResult
    file: AtomicFile | None = None
    renamed_path: str | None = None
    write_error: int | None = None

    def finish(self, error: OSError | None, *, over: bool) -> None:
        """Take note of how publishing went, and rename the mail. `over`: also over what an earlier run has left."""
        job = self.result.job
        try:
            if error is not None:
                raise error
            if self.renamed_path is not None and job.target is not None and self.renamed_path != job.target:
                _rename(job.target, self.renamed_path, over=over)
        except OSError as reason:
            self.result.fail(describe_write_error(job, reason))


class FileRewriter:
    """Rewrites jobs with the same options. Raises LinkweirError for invalid options."""

    def __init__(self, config: RewriteConfig) -> None:
        self.config = config
        self._on_mail_started: MailStartedCallback | None = None
        self._folders: set[str] = set()  # known to exist, or just made
        self._needs_rereadable = "{sha}" in (config.message or "")
        self._tracker_factory = TrackerFactory(
            config.keyring, config.base_url, message=config.message, campaign=config.campaign, privacy=config.privacy
        )

    def rewrite(
        self,
        job: FileJob,
        on_progress: ProgressCallback,
        rows: ReportWriter | None = None,
    ) -> FileResult:
        """Run one job, as `stage` does, and publish its file."""
        staged = self.stage(job, on_progress, rows)
        self.publish(staged)
        return staged.result

    def publish(self, staged: StagedFile) -> None:
        """Flush the file of a job, if it has one, and give it its name."""
        if staged.file is not None:
            for error in publish_files([staged.file]):
                staged.finish(error, over=not self.config.in_place)
            sync_names(self.take_folders())

    def rewrite_mails(
        self, job: FileJob, mails: MailRange, sink: Sink, on_mail_started: MailStartedCallback
    ) -> FileResult:
        """Rewrite some mails of a mailbox; nothing is written in a dry run."""
        self._on_mail_started = on_mail_started
        result, rows = FileResult(job), list[bytes]()
        try:
            for data in self._rewrite_mailbox(mails.read(job.source), result, rows.append):
                if not self.config.dry_run:
                    sink.write(data)
            result.rows = b"".join(rows)
        except Exception as error:
            result.fail(describe_error(error))
        return result

    def stage(
        self,
        job: FileJob,
        on_progress: ProgressCallback,
        rows: ReportWriter | None = None,
        on_mail_started: MailStartedCallback | None = None,
    ) -> StagedFile:
        """Run one job up to a file that is complete and not yet published. `on_progress` gets the size of each chunk;
        `rows` the rows as they are made (None: they are part of the result); `on_mail_started` each mail's number
        before its rewriting.

        All errors of the file are part of the result. Raises BrokenPipeError if nobody reads the output any more, and
        EOFError, with which `on_progress` ends the work.
        """
        self._on_mail_started = on_mail_started
        staged = StagedFile(FileResult(job))
        report_rows: list[bytes] = []
        try:
            self._open_and_rewrite(staged, on_progress, rows or report_rows.append)
            staged.result.rows = b"".join(report_rows)
            return staged
        except (BrokenPipeError, EOFError):
            raise
        except OSError as error:
            staged.result.fail(describe_write_error(job, error))
            staged.write_error = error.errno
        except Exception as error:
            staged.result.fail(describe_error(error))
        return staged

    def take_folders(self) -> set[str]:
        """The folders in which names have changed since this was asked for last."""
        folders, self._folders = self._folders, set()
        return folders

    def _open_and_rewrite(self, staged: StagedFile, tick: ProgressCallback, rows: ReportWriter) -> None:
        job = staged.result.job
        if self._needs_rereadable:
            require_rereadable(self.config.message or "", job.source)
        with InputFile(job.source) as source:
            sink = self.open_sink(job, source)
            try:
                self._copy_chunks(source, sink, staged, tick, rows)
                self.complete(sink, staged)
            except BaseException:
                if isinstance(sink, AtomicFile):
                    sink.abort()
                raise

    def open_sink(self, job: FileJob, source: InputFile) -> Sink:
        """Open what the output of a job goes to."""
        if self.config.dry_run:
            return NullSink()
        if job.target is None:
            return StdoutSink()
        self._make_folder(os.path.dirname(job.target))
        expected = source.stat if self.config.in_place else None
        return AtomicFile(job.target, mode=source.mode, expected=expected).open()

    def complete(self, sink: Sink, staged: StagedFile) -> None:
        """Take note of a file that is written, unless it would replace one by the same bytes."""
        if not isinstance(sink, AtomicFile):
            return
        if self.config.in_place and not staged.result.counts.get(Outcome.TRACKED):
            sink.abort()  # nothing changed, so the file keeps its date
            return
        sink.complete()
        staged.file = sink

    def _make_folder(self, folder: str) -> None:
        """Make the folder and those above it that are missing, and note each whose names change."""
        if folder in self._folders:
            return
        if folder and not os.path.isdir(folder):
            self._make_folder(os.path.dirname(folder.rstrip(os.sep)))
            os.makedirs(folder, exist_ok=True)
        self._folders.add(folder)

    def _copy_chunks(
        self, source: InputFile, sink: Sink, staged: StagedFile, tick: ProgressCallback, rows: ReportWriter
    ) -> None:
        result = staged.result
        if result.job.copy_only:
            output = iter_chunks(source)
        elif result.job.kind == "html":
            output = self._rewrite_html(source, result, rows)
        elif result.job.kind == "mbox":
            output = self._rewrite_mailbox(split_mbox(iter_chunks(source)), result, rows)
        elif result.job.kind in TABLE_FORMATS:
            output = self._rewrite_table(source, result, rows)
        else:
            output = self._rewrite_single_mail(source, staged, rows)
        for data in output:
            sink.write(data)
            tick(source.offset - result.size)
            result.size = source.offset

    def _rewrite_mailbox(self, mails: Iterable[MailPiece], result: FileResult, rows: ReportWriter) -> Iterator[bytes]:
        """Yield the rewritten mails of a mailbox; a mail that cannot be rewritten is yielded unchanged."""
        too_large = False
        for piece in mails:
            too_large |= not piece.number
            done = self._rewrite_mail(piece, result) if piece.number else None
            if done is None:
                yield piece.data
                continue
            self._count_links(result, done, piece.number, rows)
            yield update_length_headers(piece.data, done.raw, done.headers)
        if too_large:
            result.unchanged_mails.append(TOO_LARGE_MAIL)

    def _rewrite_single_mail(self, source: InputFile, staged: StagedFile, rows: ReportWriter) -> Iterator[bytes]:
        """Yield the rewritten mail, whose name may have to change with its length."""
        result = staged.result
        for piece in read_single_mail(iter_chunks(source)):
            done = self._rewrite_mail(piece, result) if piece.number else None
            if done is None:
                yield piece.data
                continue
            self._count_links(result, done, None, rows)
            yield done.raw
            if result.job.target:
                staged.renamed_path = update_maildir_name(result.job.target, piece.data, done.raw)
        if not piece.number:
            raise UnreadableInput(f"the mail is larger than {MAX_MAIL_BYTES >> 20} MiB and was left alone")

    def _rewrite_table(self, source: InputFile, result: FileResult, write_report: ReportWriter) -> Iterator[bytes]:
        """Yield the rewritten table."""
        config, job = self.config, result.job
        if config.html_column is None:
            raise UnreadableInput(f"a table in {job.kind}: --html-column names the column with the documents")
        options = TableOptions(
            config.html_column,
            config.id_column,
            config.switches,
            config.charset or "utf-8",
            report=config.report,
            replaced=not config.dry_run,
            threads=config.threads,
        )
        trackers = self._tracker_factory.make_row_trackers(job.source, has_ids=config.id_column is not None)
        table = TableRows(job.source, options, trackers, write_report)
        yield from rewrite_table(source, job, table)
        totals = table.totals
        result.counts, result.unchanged_mails = totals.counts, totals.unchanged
        result.table_rows, result.unchanged_rows = totals.row_count, totals.unchanged_count

    def _count_links(self, result: FileResult, done: Rewritten, number: int | None, rows: ReportWriter) -> None:
        for outcome, count in done.counts.items():
            result.counts[outcome] = result.counts.get(outcome, 0) + count
        for note in done.notes:
            result.notes[note.code] = result.notes.get(note.code, 0) + 1
        if self.config.report:
            self._report_mail_links(result, done, number, rows)

    def _rewrite_mail(self, piece: MailPiece, result: FileResult) -> Rewritten | None:
        """Rewrite a mail; None for a mail of a mailbox that cannot be rewritten."""
        recipe, job = self.config, result.job
        tracker = self._tracker_factory.make_tracker(job.source, piece.number)
        if piece.number in job.excluded_mails:
            result.unchanged_mails.append(f"mail {piece.number}: the process working on it ended")
            return None
        if self._on_mail_started:
            self._on_mail_started(piece.number)
        try:
            return rewrite_message(piece.data, tracker, switches=recipe.switches, report=recipe.report)
        except Exception as error:
            if job.kind != "mbox":
                raise
            result.unchanged_mails.append(f"mail {piece.number}: {describe_error(error)}")
            return None

    def _report_mail_links(self, result: FileResult, done: Rewritten, number: int | None, rows: ReportWriter) -> None:
        for part_link in done.links:
            replaced = not self.config.dry_run
            rows(format_row(result.job.source, part_link.link, replaced=replaced, part=part_link.part, message=number))

    def _rewrite_html(self, source: InputFile, result: FileResult, rows: ReportWriter) -> Iterator[bytes]:
        """Yield the rewritten document; after an error the rest unchanged, since a stream is never truncated."""
        if source.is_regular and result.job.source != STDIN:
            head = source.read()
        elif result.job.source == STDIN:  # somebody waits at the pipe: as few as can be
            head = source.read_prefix(MAX_BOM_BYTES if self.config.charset else PRESCAN_BYTES)
        else:
            head = source.read_prefix(PREFIX_BYTES)
        rewriter = self._make_rewriter(head[:PREFIX_BYTES], result.job, rows)
        failure: Exception | None = None
        data = head
        while data:
            try:
                done = rewriter.feed(data)
            except Exception as error:
                failure, done = failure or error, b""  # from here on the rewriter passes everything on unchanged
            yield done
            try:
                data = source.read()
            except LinkweirError as error:
                failure, data = error, b""
        try:
            done = rewriter.close()
        except Exception as error:
            failure, done = failure or error, rewriter.close()
        yield done
        if failure:
            raise failure
        result.counts = dict(rewriter.counts)

    def _make_rewriter(self, head: bytes, job: FileJob, rows: ReportWriter) -> Rewriter:
        """Make the rewriter for a document that begins with `head`. Raises UnreadableInput."""
        recipe = self.config
        charset = sniff_charset(head, recipe.charset)
        if job.source != STDIN and not charset.startswith(("utf-16", "utf-32")):
            reject_binary(head)
        replaced = not recipe.dry_run
        return Rewriter(
            self._tracker_factory.make_tracker(job.source),
            switches=recipe.switches,
            charset=charset,
            on_link=(lambda link: rows(format_row(job.source, link, replaced=replaced))) if recipe.report else None,
        )


def describe_write_error(job: FileJob, error: OSError) -> str:
    """Say what could not be written and why."""
    where = "standard output" if job.target is None else display_path(job.target)
    return f"can't write {where}: {describe_error(error)}"


def _rename(path: str, to: str, *, over: bool) -> None:
    """Rename a mail after it was written: a process killed in between leaves it once, under a name with a wrong length.
    `over`: replace what an earlier run has left there.
    """
    if not os.path.islink(path) and (over or not os.path.lexists(to)):
        os.replace(path, to)


def iter_chunks(source: InputFile) -> Iterator[bytes]:
    """Yield what can be read, as it comes."""
    while data := source.read():
        yield data
