"""`linkweir rewrite`: files, folders and streams in, the same bytes with tracking links out."""

import argparse
import contextlib
import os
import sys
from collections import Counter
from collections.abc import Iterator

from linkweir.batch import pool
from linkweir.batch.atomic import AtomicFile
from linkweir.batch.files import BadPlan, Job, Listing, list_for_rewriting
from linkweir.batch.message import is_pattern, unknown_fields
from linkweir.batch.names import STDIN, shown
from linkweir.batch.progress import Progress, clock_text, size_text
from linkweir.batch.report import outcome_lines, plural
from linkweir.batch.rewriting import FileRewriter, Recipe, Result
from linkweir.batch.source import Sink, Stdout, reason
from linkweir.cli.keyring import add_key_file, made_on_first_use, path_from
from linkweir.cli.options import Commands, UsageError, add_switches, count, subparser, switches_from
from linkweir.errors import LinkweirError
from linkweir.html.outcome import Outcome
from linkweir.token import Privacy

_EXAMPLES = """\
  linkweir rewrite mail.html -o tracked.html --base-url https://t.example.com
  linkweir rewrite templates/ --output tracked/        mirror a folder (base URL remembered from the first
  time) linkweir rewrite templates/ --in-place --dry-run     say what would be done
  linkweir rewrite a.html b.html -o tracked/ --message-id '{stem}' --campaign spring
  render-newsletter | linkweir rewrite --skip /reset/ --one-time | send-it
  linkweir rewrite big/ -o out/ --jobs 8 --report links.jsonl

A file is replaced in one step when it is complete, or not at all. Exit codes: 0 all right, 1 some files
failed (the others are done), 2 a mistake in the command line.
"""
# A worker process takes a tenth of a second to start; one process alone rewrites this much in that time.
_WORTH_A_PROCESS_BYTES = 16 << 20
_WORTH_A_PROCESS_FILES = 256


def add_to(commands: Commands) -> None:
    """Add this sub-command to the parser."""
    parser = subparser(
        commands,
        "rewrite",
        summary="replace the links of HTML files, folders or a stream by tracking links",
        description="Replace the links of HTML by tracking links that carry their destination. Every other "
        "byte stays "
        "as it is. Without PATH, or with -, reads standard input and writes standard output, as a stream.",
        examples=_EXAMPLES,
    )
    parser.add_argument(
        "paths", nargs="*", metavar="PATH", help="HTML file, folder (*.html *.htm *.xhtml in it), or -"
    )
    _add_where(parser)
    _add_links(parser)
    add_switches(parser)
    _add_how(parser)
    parser.set_defaults(run=run)


def _add_where(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("where to")
    group.add_argument(
        "-o",
        "--output",
        metavar="PATH",
        help="file to write, or folder to mirror into: one folder goes into it directly, several paths each "
        "under their "
        "own name (default: standard output, for one file)",
    )
    group.add_argument("--in-place", action="store_true", help="rewrite the files where they are")
    group.add_argument(
        "--dry-run", action="store_true", help="write no files and make no keys, only say what would be done"
    )
    group.add_argument(
        "--copy-others",
        action="store_true",
        help="copy a folder's other files too (default: they are left out)",
    )
    group.add_argument(
        "--follow", action="store_true", help="go into symbolic links to folders (default: they are left out)"
    )


def _add_links(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("what the links hold")
    group.add_argument(
        "--base-url",
        metavar="URL",
        help="where the links lead, like https://t.example.com; remembered in the key file",
    )
    add_key_file(group, "keys that sign the links, made on first use")
    group.add_argument(
        "--message-id",
        metavar="ID",
        help="message id for all files, or a pattern per file: {stem} is the file's name without suffix, "
        "{sha} 16 hex "
        "digits of its content's SHA-256 (default: no message id)",
    )
    group.add_argument("--campaign", metavar="NAME", help="campaign name or number")
    group.add_argument(
        "--privacy",
        choices=[str(mode) for mode in Privacy],
        default=str(Privacy.FULL),
        help="what clicks may tell; anonymous links hold the campaign and the position only (default: "
        "%(default)s)",
    )


def _add_how(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("how")
    group.add_argument(
        "--jobs", type=count, metavar="N", help="processes to use (default: one per processor where it pays)"
    )
    group.add_argument(
        "--report",
        metavar="FILE",
        help="write one JSON line per link to FILE (- is standard output, if that is free)",
    )
    group.add_argument(
        "--quiet", action="store_true", help="no progress bar and no summary; errors are still printed"
    )


def run(args: argparse.Namespace) -> int:
    """Do it and return the exit code."""
    _check(args)
    try:
        listing = list_for_rewriting(
            args.paths,
            output=args.output,
            in_place=args.in_place,
            dry_run=args.dry_run,
            copy_others=args.copy_others,
            follow=args.follow,
        )
    except BadPlan as error:
        raise UsageError(str(error)) from error
    to_stdout = any(job.target is None for job in listing.jobs) and not args.dry_run
    if args.report == "-" and to_stdout:
        raise UsageError("--report - needs standard output, where the HTML goes; use --report FILE")
    _check_report(args.report, listing)
    return _Run(args, listing, _recipe(args)).run()


def _check(args: argparse.Namespace) -> None:
    if not args.paths:
        if sys.stdin.isatty():
            raise UsageError("no PATH given, and standard input is a terminal; see linkweir rewrite --help")
        args.paths = [STDIN]
    if args.in_place and args.output:
        raise UsageError("--in-place and --output exclude each other")
    pattern = args.message_id or ""
    if unknown := unknown_fields(pattern):
        raise UsageError(f"--message-id knows {{stem}} and {{sha}}, not {{{unknown[0]}}}")
    if is_pattern(pattern) and STDIN in args.paths:
        raise UsageError("--message-id: standard input has neither {stem} nor {sha}")


def _check_report(report: str | None, listing: Listing) -> None:
    """Keep the report from replacing a file that is read or written in the same run."""
    if report is None or report == "-":
        return
    own = os.path.realpath(report)
    for job in listing.jobs:
        for path in (job.source, job.target):
            if path is not None and path != STDIN and os.path.realpath(path) == own:
                raise UsageError(f"--report {shown(report)} is a file of this run")


def _recipe(args: argparse.Namespace) -> Recipe:
    ring, base_url = made_on_first_use(path_from(args), args.base_url, dry_run=args.dry_run)
    return Recipe(
        ring=ring.to_json(),
        base_url=base_url,
        message=args.message_id,
        campaign=args.campaign,
        privacy=Privacy(args.privacy),
        switches=switches_from(args),
        charset=args.charset,
        report=args.report is not None,
        dry_run=args.dry_run,
        in_place=args.in_place,
    )


class _Run:
    """One run: results come in, messages, report and summary go out."""

    def __init__(self, args: argparse.Namespace, listing: Listing, recipe: Recipe) -> None:
        self._args = args
        self._listing = listing
        self._recipe = recipe
        self._failed = len(listing.problems)
        self._counts: Counter[Outcome] = Counter()
        self._done = 0
        jobs = listing.jobs
        stream = any(job.source == STDIN for job in jobs)
        html_on_terminal = (
            sys.stdout.isatty() and any(job.target is None for job in jobs) and not args.dry_run
        )
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
            with _report_sink(self._args.report) as sink:
                for result in self._results(sink):
                    self._take(result, sink)
        except BrokenPipeError:
            raise
        except OSError as error:  # a job keeps its own, so this is the report's
            raise LinkweirError(f"can't write the report: {reason(error)}") from error
        finally:
            self._progress.close()
        if not self._args.quiet:
            self._summary()
        return 1 if self._failed else 0

    def _results(self, sink: Sink | None) -> Iterator[Result]:
        jobs = self._listing.jobs
        if len(jobs) == 1:
            # Alone, its rows need not wait for an earlier file's: a stream of any length is reported on as it
            # goes.
            rewriter = FileRewriter(self._recipe)
            streamed = sink.write if sink and jobs[0].source == STDIN else None
            return iter([rewriter.do(jobs[0], self._tick, streamed)])
        return pool.rewrite_all(self._recipe, jobs, self._args.jobs or _default_jobs(jobs), self._tick)

    def _tick(self, size: int) -> None:
        self._progress.advance(size=size)

    def _take(self, result: Result, sink: Sink | None) -> None:
        if result.error is not None:
            self._failed += 1
            self._progress.say(f"linkweir: {shown(result.job.source)}: {result.error}")
        else:
            self._done += 1
            self._counts.update(result.counts)
            if result.counts.get(Outcome.ENCODING):
                self._progress.say(
                    f"linkweir: {shown(result.job.source)}: passed on unchanged: its encoding can't be "
                    f"judged by bytes"
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
        if listing.others:
            print(
                f"  {plural(listing.others, 'other file')} left out (--copy-others takes them along)",
                file=sys.stderr,
            )
        if listing.links_to_folders:
            print(
                f"  {plural(listing.links_to_folders, 'symbolic link')} to folders left out (--follow goes "
                f"into them)",
                file=sys.stderr,
            )


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
