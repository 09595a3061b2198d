"""`linkweir rewrite`: files, folders and streams in, the same bytes with tracking links out."""

import argparse
import contextlib
import sys
from collections import Counter
from collections.abc import Generator, Iterator

from linkweir.atomic_file import AtomicFile
from linkweir.bulk import worker_pool
from linkweir.bulk.document_io import Sink, StdoutSink, describe_error
from linkweir.bulk.file_list import FILE_KINDS, FileJob, FileList, InvalidPlan, is_same_file, plan_rewrite
from linkweir.bulk.file_rewriter import FileResult, FileRewriter, RewriteConfig
from linkweir.bulk.link_report import format_summary, pluralize
from linkweir.bulk.tables.table_format import TABLE_FORMATS, compression_of_name
from linkweir.cli.key_file_option import add_key_file_option, key_file_path, load_or_create_keyring
from linkweir.cli.link_options import add_link_options, check_message_id, get_campaign, warn_ignored_options
from linkweir.cli.shared_options import (
    PATHS_HELP,
    SubcommandParsers,
    UsageError,
    add_command,
    add_kind_option,
    add_switch_options,
    parse_positive_int,
    parse_switches,
)
from linkweir.errors import BadSwitch, LinkweirError
from linkweir.html import Outcome
from linkweir.terminal.progress_bar import ProgressBar, format_bytes, format_duration
from linkweir.terminal.text import STDIN, display_path
from linkweir.tokens import Privacy

_EXAMPLES = """\
  linkweir rewrite mail.html -o tracked.html --base-url https://t.example.com
  linkweir rewrite templates/ --output tracked/     a folder, mirrored; the base URL is remembered
  linkweir rewrite templates/ --in-place --dry-run  report what would be done
  linkweir rewrite a.html b.html -o tracked/ --message-id '{stem}' --campaign spring
  render-newsletter | linkweir rewrite --skip /reset/ --one-time | send-it
  linkweir rewrite drafts/ -o out/                  .eml files and Maildirs too: links inside MIME, byte for byte
  linkweir rewrite sent.mbox -o tracked.mbox --message-id '{stem}.{n}'
  compose | linkweir rewrite --kind eml | sendmail -t
  linkweir rewrite big/ -o out/ --jobs 8 --report links.jsonl
  linkweir rewrite mails.parquet -o tracked.parquet --html-column html --id-column id
  zcat mails.ndjson.gz | linkweir rewrite --kind ndjson --html-column body --id-column id | load

With --key-file linkweir-data/keys.json, `linkweir serve` recognizes the links and counts their clicks.
Files are replaced atomically.
Exit codes: 0 success, 1 some files or mails failed (the others are done), 2 usage error.
"""
# A worker takes tenths of a second to start; alone, one process does about this much in that time (of small files
# it waits for the disk, once per file).
_MIN_BYTES_PER_PROCESS = 64 << 20
_MIN_FILES_PER_PROCESS = 256
_SINGLE_DOCUMENTS = (["html"], *([name] for name in TABLE_FORMATS))
NOTE_TEXTS = {
    "untouched-part": "mail part left as it was (malformed)",
    "dkim-broken": "mail whose DKIM signature no longer fits",
    "signed": "signed part left as it was",
    "encrypted": "encrypted part left as it was",
    "too-deep": "part nested too deeply left as it was",
    "too-many-parts": "mail with too many parts left as it was",
}


def add_to(commands: SubcommandParsers) -> None:
    """Add this sub-command to the parser."""
    parser = add_command(
        commands,
        "rewrite",
        summary="replace links in HTML, mails, mailboxes and tables with tracking links",
        description="Replace the links of HTML files, mails (.eml, Maildir), mailboxes (.mbox) and, with "
        "--html-column, tables (NDJSON, CSV, Parquet) with tracking links that carry their destination. Every other "
        "byte stays as it is. Without PATH, or with -, reads standard input and writes standard output, as a "
        "stream.",
        examples=_EXAMPLES,
    )
    parser.add_argument("paths", nargs="*", metavar="PATH", help=PATHS_HELP)
    add_kind_option(parser, (*FILE_KINDS, *TABLE_FORMATS))
    _add_table_options(parser)
    _add_output_options(parser)
    group = add_link_options(
        parser, base_url="base URL of the links, such as https://t.example.com; remembered in the key file"
    )
    add_key_file_option(group, "keys that sign the links, created on first use")
    add_switch_options(parser)
    _add_run_options(parser)
    parser.set_defaults(run=run)


def _add_table_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("tables (.ndjson .jsonl .csv .tsv, also with .gz or .zst; .parquet)")
    group.add_argument(
        "--html-column", metavar="NAME", help="column with the documents; all other columns stay as they are"
    )
    group.add_argument("--id-column", metavar="NAME", help="column with the message id of each row")


def _add_output_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("output")
    group.add_argument(
        "-o",
        "--output",
        metavar="PATH",
        help="file to write, or folder to write into: the contents of one folder go directly into it, several paths "
        "each under their own name (default for one file: -, standard output)",
    )
    group.add_argument("--in-place", action="store_true", help="replace the files themselves")
    group.add_argument(
        "--dry-run", action="store_true", help="write no files and create no keys, only report what would be done"
    )
    group.add_argument(
        "--copy-others",
        action="store_true",
        help="also copy the other files of a folder (default: skip them)",
    )
    group.add_argument(
        "--follow",
        action="store_true",
        help="follow symbolic links to folders and, with --in-place, links to files in folders (default: skip them)",
    )


def _add_run_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("processing")
    group.add_argument(
        "--jobs",
        type=parse_positive_int,
        metavar="N",
        help="number of processes (default: one per processor for large inputs)",
    )
    group.add_argument(
        "--report",
        metavar="FILE",
        help="write one JSON line per link to FILE (-: standard output, if it is not in use)",
    )
    group.add_argument("--quiet", action="store_true", help="print no progress bar and no summary, only errors")


def run(args: argparse.Namespace) -> int:
    """Do it and return the exit code."""
    _validate_options(args)
    warn_ignored_options(args)
    if args.output == "-":
        args.output = None  # which is standard output
    try:
        listing = plan_rewrite(
            args.paths,
            output=args.output,
            in_place=args.in_place,
            dry_run=args.dry_run,
            copy_others=args.copy_others,
            follow=args.follow,
            kind=args.kind,
            tables=args.html_column is not None,
        )
    except InvalidPlan as error:
        raise UsageError(str(error)) from error
    _validate_tables(args, listing)
    to_stdout = any(job.target is None for job in listing.jobs) and not args.dry_run
    if args.report == "-" and to_stdout:
        raise UsageError("standard output is in use for the result; use --report FILE")
    _validate_report(args.report, listing)
    _validate_key_file(str(key_file_path(args)), args.report, listing)
    try:
        rewriter = FileRewriter(_build_config(args, len(listing.jobs)))
    except BadSwitch as error:  # a bad message id, say
        raise UsageError(str(error)) from error
    return RewriteRun(args, listing, rewriter).run()


def _validate_options(args: argparse.Namespace) -> None:
    if not args.paths:
        if sys.stdin.isatty():
            raise UsageError("no PATH given and standard input is a terminal; see linkweir rewrite --help")
        args.paths = [STDIN]
    if args.in_place and args.output:
        raise UsageError("--in-place and --output cannot be used together")
    check_message_id(args)


def _validate_tables(args: argparse.Namespace, listing: FileList) -> None:
    """Raise UsageError for tables without a column and the reverse, ModuleNotFoundError for a package they need."""
    tables = [job for job in listing.jobs if job.kind in TABLE_FORMATS and not job.copy_only]
    if tables and args.html_column is None:
        name = display_path(tables[0].source)
        raise UsageError(f"{name} is a table: --html-column names the column with the documents")
    if args.html_column is not None and not tables and not listing.problems:
        raise UsageError("--html-column: there is no table here; --kind names the format where no suffix does")
    if args.id_column is not None and args.html_column is None:
        raise UsageError("--id-column is for tables, with --html-column")
    if args.id_column is not None and args.message_id is not None:
        raise UsageError("--id-column and --message-id cannot be used together")
    names = [name for job in tables for name in (job.source, job.target) if name is not None]
    if any(job.kind == "parquet" for job in tables) or "zstd" in map(compression_of_name, names):
        import pyarrow.parquet  # noqa: F401 - before anything is written


def _validate_report(report: str | None, listing: FileList) -> None:
    """Keep the report from replacing a file that is read or written in the same run."""
    if report is None or report == "-":
        return
    if listing.find_source(report) or listing.find_target(report):
        raise UsageError(f"--report {display_path(report)} is a file of this run")


def _validate_key_file(key_file: str, report: str | None, listing: FileList) -> None:
    """Keep the keys, whose loss would leave every link dead, from being written over."""
    overwritten = listing.find_target(key_file)
    if overwritten is None and report is not None and report != "-" and is_same_file(key_file, report):
        overwritten = report
    if overwritten:
        raise UsageError(f"{display_path(overwritten)} is the key file and would be overwritten")


def _build_config(args: argparse.Namespace, files: int) -> RewriteConfig:
    ring, base_url = load_or_create_keyring(key_file_path(args), args.base_url, dry_run=args.dry_run)
    return RewriteConfig(
        keyring=ring,
        base_url=base_url,
        message=args.message_id,
        campaign=get_campaign(args),
        privacy=Privacy(args.privacy),
        switches=parse_switches(args),
        charset=args.charset,
        report=args.report is not None,
        dry_run=args.dry_run,
        in_place=args.in_place,
        html_column=args.html_column,
        id_column=args.id_column,
        threads=max(1, (args.jobs or 1) // max(1, files)),  # several files share the processes
    )


class RewriteRun:
    """One run: results come in, messages, report and summary go out; a stream's report goes out as it is made."""

    def __init__(self, args: argparse.Namespace, file_list: FileList, rewriter: FileRewriter) -> None:
        self._args = args
        self._file_list = file_list
        self._rewriter = rewriter
        self._failed = len(file_list.problems)
        self._counts: Counter[Outcome] = Counter()
        self._notes: Counter[str] = Counter()
        self._done = self._unchanged_mails = self._table_rows = self._unchanged_rows = 0
        jobs = file_list.jobs
        stream = any(job.source == STDIN for job in jobs)
        html_on_terminal = sys.stdout.isatty() and any(job.target is None for job in jobs) and not args.dry_run
        self._progress = ProgressBar(
            sys.stderr,
            live=sys.stderr.isatty() and not args.quiet and not html_on_terminal,
            total_files=len(jobs),
            total_bytes=None if stream else sum(job.size for job in jobs),
        )

    def run(self) -> int:
        try:
            for path, why in self._file_list.problems:
                self._progress.print_above(f"linkweir: {display_path(path)}: {why}")
            with _open_report(self._args.report) as sink, contextlib.closing(self._run_jobs(sink)) as results:
                for result in results:
                    self._handle_result(result, sink)
        except BrokenPipeError:
            raise
        except OSError as error:  # a job keeps its own, so this is the report's
            raise LinkweirError(f"can't write the report: {describe_error(error)}") from error
        finally:
            self._progress.close()
        if not self._args.quiet:
            self._print_summary()
        return 1 if self._failed or self._unchanged_mails or self._unchanged_rows else 0

    def _run_jobs(self, sink: Sink | None) -> Generator[FileResult, None, None]:
        jobs = self._file_list.jobs
        is_stream = [job.source for job in jobs] == [STDIN]
        if not is_stream and [job.kind for job in jobs] not in _SINGLE_DOCUMENTS:
            workers = self._args.jobs or _default_process_count(jobs)
            progress = self._progress
            yield from worker_pool.rewrite_all(
                self._rewriter, jobs, workers, lambda size, files: progress.advance(size, files=files)
            )
            return
        # A document or table that is the only one needs no process of its own: whatever ends it, nothing else is lost.
        rows = _StreamReportWriter(sink) if sink and is_stream else None
        yield self._rewriter.rewrite(jobs[0], self._progress.advance, rows)
        self._progress.advance(files=1)
        if rows and rows.error:
            raise rows.error

    def _handle_result(self, result: FileResult, sink: Sink | None) -> None:
        if result.error is not None:
            self._failed += 1
            self._progress.print_above(f"linkweir: {display_path(result.job.source)}: {result.error}")
        else:
            self._done += 1
            self._counts.update(result.counts)
            self._notes.update(result.notes)
            self._unchanged_mails += len(result.unchanged_mails)
            for why in result.unchanged_mails:
                self._progress.print_above(f"linkweir: {display_path(result.job.source)}: {why}; left as it was")
            self._table_rows += result.table_rows
            self._unchanged_rows += result.unchanged_rows
            if more := result.unchanged_rows - len(result.unchanged_mails) if result.table_rows else 0:
                self._progress.print_above(f"linkweir: {display_path(result.job.source)}: and {more:,} more such rows")
            if result.counts.get(Outcome.ENCODING) and not result.table_rows:
                self._progress.print_above(
                    f"linkweir: {display_path(result.job.source)}: "
                    f"passed on unchanged: its encoding can't be judged by bytes"
                )
            if sink:
                sink.write(result.rows)

    def _print_summary(self) -> None:
        progress, listing = self._progress, self._file_list
        what = "would be rewritten" if self._args.dry_run else "done"
        print(
            f"linkweir: {pluralize(self._done, 'file')} {what}, {self._failed} failed; "
            f"{pluralize(sum(self._counts.values()), 'link')} in {format_bytes(progress.bytes)}, "
            f"{format_duration(progress.seconds) if progress.seconds >= 10 else f'{progress.seconds:.2f} s'}",
            file=sys.stderr,
        )
        if self._table_rows:
            left = f"; {self._unchanged_rows:,} could not be rewritten and stay" if self._unchanged_rows else ""
            print(
                f"  {self._table_rows:,} {'row' if self._table_rows == 1 else 'rows'} in tables{left}", file=sys.stderr
            )
        for line in format_summary(self._counts):
            print(line, file=sys.stderr)
        for code, number in sorted(self._notes.items()):
            print(f"  {number} x {NOTE_TEXTS.get(code, code)}", file=sys.stderr)
        if listing.skipped_files:
            print(
                f"  {pluralize(listing.skipped_files, 'other file')} left out (--copy-others takes them along)",
                file=sys.stderr,
            )
        if listing.skipped_file_links:
            print(
                f"  {pluralize(listing.skipped_file_links, 'symbolic link')} to files "
                f"left out (--follow rewrites what they lead to)",
                file=sys.stderr,
            )
        if listing.skipped_folder_links:
            print(
                f"  {pluralize(listing.skipped_folder_links, 'symbolic link')} to folders "
                f"left out (--follow goes into them)",
                file=sys.stderr,
            )


class _StreamReportWriter:
    """Writes rows while a stream is being rewritten; keeps its error for later, since a stream is never cut."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self.error: OSError | None = None

    def __call__(self, data: bytes) -> None:
        if self.error is None:
            try:
                self._sink.write(data)
            except OSError as error:
                self.error = error


def _default_process_count(jobs: list[FileJob]) -> int:
    worth = max(sum(job.size for job in jobs) // _MIN_BYTES_PER_PROCESS, len(jobs) // _MIN_FILES_PER_PROCESS)
    return max(1, min(worker_pool.count_processors(), worth))


@contextlib.contextmanager
def _open_report(path: str | None) -> Iterator[Sink | None]:
    if path is None:
        yield None
    elif path == "-":
        yield StdoutSink()
    else:
        with contextlib.ExitStack() as stack:
            try:
                file = stack.enter_context(AtomicFile(path))
            except OSError as error:
                raise UsageError(f"--report {display_path(path)}: {describe_error(error)}") from error
            yield file
