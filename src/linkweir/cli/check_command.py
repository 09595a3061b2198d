"""`linkweir check`: every link with its place, outcome and reason, like a linter."""

import argparse
import dataclasses
import json
import os
import sys
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

from linkweir.bulk.document_io import describe_error
from linkweir.bulk.file_lint import LintResult, lint_file
from linkweir.bulk.file_list import list_files_to_read
from linkweir.bulk.link_report import format_summary, pluralize
from linkweir.bulk.tracker_factory import TrackerFactory
from linkweir.cli.link_options import add_link_options, check_message_id, get_campaign, warn_ignored_options
from linkweir.cli.shared_options import (
    PATHS_HELP,
    SubcommandParsers,
    UsageError,
    add_command,
    add_kind_option,
    add_switch_options,
    parse_switches,
)
from linkweir.errors import BadSwitch
from linkweir.html import Outcome
from linkweir.settings import base_url_of
from linkweir.terminal.text import STDIN, display_path, escape_unprintable
from linkweir.tokens import KeyRing, Privacy, keyring_file

_EXAMPLES = """\
  linkweir check newsletter.html
  linkweir check templates/ --only-problems     for a build: exit code 1 if there are problems
  linkweir check --format json mail.html | jq 'select(.problem)'
  linkweir check drafts/*.eml                   mails; the part follows the file name: mail.eml[1.2]:3:14
  render-newsletter | linkweir check --outlook -

Columns: file:line:column, level, outcome, reason, URL (or the tag, if it has none).
Levels: ok; note: deliberately not tracked; problem: looks as if it should be tracked, but cannot be
(www.example.com without http://, href=https://... without quotes), or a part of a mail that could not be checked;
warning: tracked, but the link's text is a URL, which mail programs may take for phishing.
Exit codes: 0 no problem, 1 a problem, an unreadable file or a folder without files to check, 2 usage error.
"""
_LEVEL_COLOURS = {"ok": "32", "note": "2", "problem": "1;31", "warning": "33"}


def add_to(commands: SubcommandParsers) -> None:
    """Add this sub-command to the parser."""
    parser = add_command(
        commands,
        "check",
        summary="list every link with its position, outcome and reason, like a linter",
        description="List every link of HTML files, mails and mailboxes: where it is, whether it can be "
        "tracked, and if not, why.",
        examples=_EXAMPLES,
    )
    parser.add_argument("paths", nargs="*", metavar="PATH", help=PATHS_HELP)
    add_kind_option(parser)
    parser.add_argument(
        "--format",
        choices=["text", "json"],
        default="text",
        help="json: one JSON object per line for each link (default: text)",
    )
    parser.add_argument("--only-problems", action="store_true", help="omit links without problems (warnings stay)")
    parser.add_argument("--quiet", action="store_true", help="print no summary")
    parser.add_argument("--follow", action="store_true", help="follow symbolic links to folders")
    group = add_link_options(
        parser,
        base_url="base URL, to detect links that would be too long (default: that of the key file, else "
        "LINKWEIR_BASE_URL, else that of `linkweir serve`)",
    )
    group.add_argument(
        "--key-file",
        type=Path,
        metavar="FILE",
        help="recognize existing tracking links with these keys (default: none)",
    )
    add_switch_options(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Check, print, and return the exit code."""
    if not args.paths:
        if sys.stdin.isatty():
            raise UsageError("no PATH given and standard input is a terminal; see linkweir check --help")
        args.paths = [STDIN]
    check_message_id(args)
    warn_ignored_options(args)
    switches, trackers = parse_switches(args), _make_tracker_factory(args)
    listing = list_files_to_read(args.paths, follow=args.follow, kind=args.kind)
    failed = len(listing.problems)
    for path, why in listing.problems:
        print(f"linkweir: {display_path(path)}: {why}", file=sys.stderr)
    tally = _Summary()
    for job in listing.jobs:
        try:
            remarks = lint_file(job.source, switches=switches, charset=args.charset, trackers=trackers, kind=job.kind)
        except BrokenPipeError:
            raise
        except Exception as error:  # whatever it is, the next file is none the wiser
            failed += 1
            print(f"linkweir: {display_path(job.source)}: {describe_error(error)}", file=sys.stderr)
            continue
        tally.add(remarks)
        _print_results(remarks, args.format, only_problems=args.only_problems)
    if not args.quiet:
        tally.print(failed)
    return 1 if failed or tally.problems else 0


def _make_tracker_factory(args: argparse.Namespace) -> TrackerFactory:
    """Whose links are as long as those that `linkweir rewrite` would make; the keys change no length, so that without a
    key file new ones do, which have made no link.
    """
    ring = KeyRing.generate(datetime.now(UTC)) if args.key_file is None else keyring_file.load(args.key_file)
    base_url = args.base_url or (ring.hosts[0] if ring.hosts else base_url_of(os.environ))
    try:
        if args.base_url:
            ring = ring.with_host(base_url)
        return TrackerFactory(
            ring, base_url, message=args.message_id, campaign=get_campaign(args), privacy=Privacy(args.privacy)
        )
    except BadSwitch as error:
        raise UsageError(str(error)) from error


class _Summary:
    def __init__(self) -> None:
        self.files = self.problems = self.warnings = self.parts = 0
        self.counts: Counter[str] = Counter()

    def add(self, results: list[LintResult]) -> None:
        self.files += 1
        self.problems += sum(remark.problem for remark in results)
        self.warnings += sum(remark.warning is not None for remark in results)
        self.parts += sum(remark.index is None for remark in results)
        self.counts.update(remark.outcome for remark in results if remark.index is not None)

    def print(self, failed: int) -> None:
        sys.stdout.flush()  # the summary belongs below, also where both go to one file
        unreadable = f", {failed} unreadable" if failed else ""
        unreadable += f", {pluralize(self.parts, 'part')} not judged" if self.parts else ""
        print(
            f"linkweir: {pluralize(self.files, 'file')}{unreadable}, {pluralize(self.counts.total(), 'link')}, "
            f"{pluralize(self.problems, 'problem')}, {pluralize(self.warnings, 'warning')}",
            file=sys.stderr,
        )
        for line in format_summary({Outcome(code): number for code, number in self.counts.items()}):
            print(line, file=sys.stderr)


def _print_results(remarks: list[LintResult], output_format: str, *, only_problems: bool) -> None:
    if only_problems:
        remarks = [remark for remark in remarks if remark.problem or remark.warning]
    if output_format == "json":
        for remark in remarks:
            print(json.dumps(dataclasses.asdict(remark)))
        return
    rows = [row for remark in remarks for row in _to_rows(remark, only_problems)]
    widths = [max((len(row[column]) for row in rows), default=0) for column in range(4)]
    coloured = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    for row in rows:
        print(_format_row(row, widths, coloured))


def _to_rows(remark: LintResult, only_problems: bool) -> list[tuple[str, str, str, str, str]]:
    """Return the remark's columns: place, level, outcome, reason, address; a warning is a row of its own."""
    location = f"{remark.file}:{remark.line}:{remark.column}"
    address = escape_unprintable(remark.destination if remark.destination is not None else remark.tag)
    level = "problem" if remark.problem else "ok" if remark.outcome is Outcome.TRACKED else "note"
    rows = [(location, level, str(remark.outcome), remark.reason, address)]
    if only_problems and not remark.problem:
        rows = []
    if remark.warning:
        rows.append((location, "warning", str(remark.outcome), remark.warning, escape_unprintable(remark.text)))
    return rows


def _format_row(row: tuple[str, ...], widths: list[int], coloured: bool) -> str:
    location, level, outcome, reason, address = row
    parts = [
        location.ljust(widths[0]),
        level.ljust(widths[1]),
        outcome.ljust(widths[2]),
        reason.ljust(widths[3]),
    ]
    if coloured:
        parts[1] = f"\x1b[{_LEVEL_COLOURS[level]}m{parts[1]}\x1b[0m"
    return "  ".join([*parts, address]).rstrip()
