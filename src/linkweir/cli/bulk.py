"""One run of `linkweir rewrite`: results come in, messages, the report and the summary go out."""

import argparse
import contextlib
import sys
from collections import Counter
from collections.abc import Generator, Iterator

from linkweir.batch import pool
from linkweir.batch.atomic import AtomicFile
from linkweir.batch.files import Job, Listing
from linkweir.batch.names import STDIN, shown
from linkweir.batch.progress import Progress, clock_text, size_text
from linkweir.batch.report import outcome_lines, plural
from linkweir.batch.rewriting import FileRewriter, Recipe, Result
from linkweir.batch.source import Sink, Stdout, reason
from linkweir.cli.options import UsageError
from linkweir.errors import LinkweirError
from linkweir.html import Outcome

# A worker takes tenths of a second to start; alone, one process does about this much in that time (of small files
# it waits for the disk, once per file).
_WORTH_A_PROCESS_BYTES = 64 << 20
_WORTH_A_PROCESS_FILES = 256


NOTES = {
    "untouched-part": "mail part left as it was (malformed)",
    "dkim-broken": "mail whose DKIM signature no longer fits",
    "signed": "signed part left as it was",
    "encrypted": "encrypted part left as it was",
    "too-deep": "part nested too deeply left as it was",
    "too-many-parts": "mail with too many parts left as it was",
}


class Bulk:
    """One run: results come in, messages, report and summary go out."""

    def __init__(self, args: argparse.Namespace, listing: Listing, recipe: Recipe) -> None:
        self._args = args
        self._listing = listing
        self._recipe = recipe
        self._failed = len(listing.problems)
        self._counts: Counter[Outcome] = Counter()
        self._notes: Counter[str] = Counter()
        self._done = self._left = 0
        jobs = listing.jobs
        stream = any(job.source == STDIN for job in jobs)
        html_on_terminal = sys.stdout.isatty() and any(job.target is None for job in jobs) and not args.dry_run
        self._progress = Progress(
            sys.stderr,
            live=sys.stderr.isatty() and not args.quiet and not html_on_terminal,
            total_files=len(jobs),
            total_bytes=None if stream else sum(job.size for job in jobs),
        )

    def run(self) -> int:
        try:
            for path, why in self._listing.problems:
                self._progress.say(f"linkweir: {shown(path)}: {why}")
            with _report_sink(self._args.report) as sink, contextlib.closing(self._results(sink)) as results:
                for result in results:
                    self._take(result, sink)
        except BrokenPipeError:
            raise
        except OSError as error:  # a job keeps its own, so this is the report's
            raise LinkweirError(f"can't write the report: {reason(error)}") from error
        finally:
            self._progress.close()
        if not self._args.quiet:
            self._summary()
        return 1 if self._failed or self._left else 0

    def _results(self, sink: Sink | None) -> Generator[Result, None, None]:
        jobs = self._listing.jobs
        if len(jobs) == 1 and jobs[0].source == STDIN:
            # Alone, its rows need not wait for an earlier file's: a stream of any length is reported on as it goes.
            rows = _Rows(sink) if sink else None
            yield FileRewriter(self._recipe).do(jobs[0], self._tick, rows)
            if rows and rows.error:
                raise rows.error
            return
        yield from pool.rewrite_all(self._recipe, jobs, self._args.jobs or _default_jobs(jobs), self._tick)

    def _tick(self, size: int) -> None:
        self._progress.advance(size=size)

    def _take(self, result: Result, sink: Sink | None) -> None:
        if result.error is not None:
            self._failed += 1
            self._progress.say(f"linkweir: {shown(result.job.source)}: {result.error}")
        else:
            self._done += 1
            self._counts.update(result.counts)
            self._notes.update(result.notes)
            self._left += len(result.left)
            for why in result.left:
                self._progress.say(f"linkweir: {shown(result.job.source)}: {why}; left as it was")
            if result.counts.get(Outcome.ENCODING):
                self._progress.say(
                    f"linkweir: {shown(result.job.source)}: passed on unchanged: its encoding can't be judged by bytes"
                )
            if sink:
                sink.write(result.rows)
        self._progress.advance(files=1)

    def _summary(self) -> None:
        progress, listing = self._progress, self._listing
        what = "would be rewritten" if self._args.dry_run else "done"
        print(
            f"linkweir: {plural(self._done, 'file')} {what}, {self._failed} failed; "
            f"{plural(sum(self._counts.values()), 'link')} in {size_text(progress.bytes)}, "
            f"{clock_text(progress.seconds) if progress.seconds >= 10 else f'{progress.seconds:.2f} s'}",
            file=sys.stderr,
        )
        for line in outcome_lines(self._counts):
            print(line, file=sys.stderr)
        for code, number in sorted(self._notes.items()):
            print(f"  {number} x {NOTES.get(code, code)}", file=sys.stderr)
        if listing.others:
            print(
                f"  {plural(listing.others, 'other file')} left out (--copy-others takes them along)",
                file=sys.stderr,
            )
        if listing.links_to_folders:
            print(
                f"  {plural(listing.links_to_folders, 'symbolic link')} to folders left out (--follow goes into them)",
                file=sys.stderr,
            )


class _Rows:
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


def _default_jobs(jobs: list[Job]) -> int:
    worth = max(sum(job.size for job in jobs) // _WORTH_A_PROCESS_BYTES, len(jobs) // _WORTH_A_PROCESS_FILES)
    return max(1, min(pool.processors(), worth))


@contextlib.contextmanager
def _report_sink(path: str | None) -> Iterator[Sink | None]:
    if path is None:
        yield None
    elif path == "-":
        yield Stdout()
    else:
        with contextlib.ExitStack() as stack:
            try:
                file = stack.enter_context(AtomicFile(path))
            except OSError as error:
                raise UsageError(f"--report {shown(path)}: {reason(error)}") from error
            yield file
