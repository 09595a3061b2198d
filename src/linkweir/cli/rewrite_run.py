"""One run of `linkweir rewrite`: results come in, messages, the report and the summary go out."""

import argparse
import contextlib
import sys
from collections import Counter
from collections.abc import Generator, Iterator

from linkweir.bulk import worker_pool
from linkweir.bulk.document_io import Sink, StdoutSink, describe_error
from linkweir.bulk.file_list import FileJob, FileList
from linkweir.bulk.file_rewriter import FileResult, FileRewriter, RewriteConfig
from linkweir.bulk.link_report import format_summary, pluralize
from linkweir.cli.shared_options import UsageError
from linkweir.durable_files import AtomicFile
from linkweir.errors import LinkweirError
from linkweir.html import Outcome
from linkweir.terminal.progress_bar import ProgressBar, format_bytes, format_duration
from linkweir.terminal.text import STDIN, display_path

# A worker takes tenths of a second to start; alone, one process does about this much in that time (of small files
# it waits for the disk, once per file).
_MIN_BYTES_PER_PROCESS = 64 << 20
_MIN_FILES_PER_PROCESS = 256


NOTE_TEXTS = {
    "untouched-part": "mail part left as it was (malformed)",
    "dkim-broken": "mail whose DKIM signature no longer fits",
    "signed": "signed part left as it was",
    "encrypted": "encrypted part left as it was",
    "too-deep": "part nested too deeply left as it was",
    "too-many-parts": "mail with too many parts left as it was",
}


class RewriteRun:
    """One run: results come in, messages, report and summary go out."""

    def __init__(self, args: argparse.Namespace, file_list: FileList, config: RewriteConfig) -> None:
        self._args = args
        self._file_list = file_list
        self._config = config
        self._failed = len(file_list.problems)
        self._counts: Counter[Outcome] = Counter()
        self._notes: Counter[str] = Counter()
        self._done = self._unchanged_mails = 0
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
        return 1 if self._failed or self._unchanged_mails else 0

    def _run_jobs(self, sink: Sink | None) -> Generator[FileResult, None, None]:
        jobs = self._file_list.jobs
        if len(jobs) == 1 and jobs[0].source == STDIN:
            # Alone, its rows need not wait for an earlier file's: a stream of any length is reported on as it goes.
            rows = _StreamReportWriter(sink) if sink else None
            yield FileRewriter(self._config).rewrite(jobs[0], self._on_progress, rows)
            if rows and rows.error:
                raise rows.error
            return
        yield from worker_pool.rewrite_all(
            self._config, jobs, self._args.jobs or _default_process_count(jobs), self._on_progress
        )

    def _on_progress(self, size: int) -> None:
        self._progress.advance(size=size)

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
            if result.counts.get(Outcome.ENCODING):
                self._progress.print_above(
                    f"linkweir: {display_path(result.job.source)}: "
                    f"passed on unchanged: its encoding can't be judged by bytes"
                )
            if sink:
                sink.write(result.rows)
        self._progress.advance(files=1)

    def _print_summary(self) -> None:
        progress, listing = self._progress, self._file_list
        what = "would be rewritten" if self._args.dry_run else "done"
        print(
            f"linkweir: {pluralize(self._done, 'file')} {what}, {self._failed} failed; "
            f"{pluralize(sum(self._counts.values()), 'link')} in {format_bytes(progress.bytes)}, "
            f"{format_duration(progress.seconds) if progress.seconds >= 10 else f'{progress.seconds:.2f} s'}",
            file=sys.stderr,
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
