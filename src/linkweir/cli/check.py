"""`linkweir check`: every link with its place, outcome and reason, like a linter."""

import argparse
import dataclasses
import json
import os
import sys
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

from linkweir import keyfile
from linkweir.batch.checking import Remark, check_file
from linkweir.batch.files import list_for_reading
from linkweir.batch.names import STDIN, printable, shown
from linkweir.batch.report import outcome_lines, plural
from linkweir.batch.source import reason
from linkweir.batch.trackers import Trackers
from linkweir.cli.links import add_links, campaign_from, check_message_id, note_unused
from linkweir.cli.options import PATHS, Commands, UsageError, add_kind, add_switches, subparser, switches_from
from linkweir.errors import BadSwitch
from linkweir.html import Outcome
from linkweir.settings import base_url_of
from linkweir.token import KeyRing, Privacy

_EXAMPLES = """\
  linkweir check newsletter.html
  linkweir check templates/ --only-problems     for a build: exit code 1 when something is wrong
  linkweir check --format json mail.html | jq 'select(.problem)'
  linkweir check drafts/*.eml                   mails; the part stands behind the file: mail.eml[1.2]:3:14
  render-newsletter | linkweir check --outlook -

Columns: file:line:column, level, outcome, reason, address (the tag, if it has none). Levels: ok; note, left
alone on purpose; problem, looks as if it should be tracked and can't be (www.example.com without http://,
href=https://... without quotes), or a part of a mail that could not be judged; warning, it works, but its
text is an address itself, which mail programs take for phishing.
Exit codes: 0 no problem, 1 a problem, an unreadable file or a folder with nothing in it to check, 2 a mistake
in the command line.
"""
_COLOURS = {"ok": "32", "note": "2", "problem": "1;31", "warning": "33"}


def add_to(commands: Commands) -> None:
    """Add this sub-command to the parser."""
    parser = subparser(
        commands,
        "check",
        summary="list every link with its place, outcome and reason, like a linter",
        description="List every link of HTML files: where it is, whether it can be tracked, and if not, why.",
        examples=_EXAMPLES,
    )
    parser.add_argument("paths", nargs="*", metavar="PATH", help=PATHS)
    add_kind(parser)
    parser.add_argument(
        "--format",
        choices=["text", "json"],
        default="text",
        help="json: one object per link and line (default: text)",
    )
    parser.add_argument(
        "--only-problems", action="store_true", help="leave out links that are in order (warnings stay)"
    )
    parser.add_argument("--quiet", action="store_true", help="no summary")
    parser.add_argument("--follow", action="store_true", help="go into symbolic links to folders")
    group = add_links(
        parser,
        base_url="where the links would lead: a link too long to be carried, or for its line in a mail, is named "
        "(default: what the key file remembers, else LINKWEIR_BASE_URL, else that of linkweir serve)",
    )
    group.add_argument(
        "--key-file",
        type=Path,
        metavar="FILE",
        help="recognise links that are tracked already with these keys (default: none)",
    )
    add_switches(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Check, print, and return the exit code."""
    if not args.paths:
        if sys.stdin.isatty():
            raise UsageError("no PATH given, and standard input is a terminal; see linkweir check --help")
        args.paths = [STDIN]
    check_message_id(args)
    note_unused(args)
    switches, trackers = switches_from(args), _trackers(args)
    listing = list_for_reading(args.paths, follow=args.follow, kind=args.kind)
    failed = len(listing.problems)
    for path, why in listing.problems:
        print(f"linkweir: {shown(path)}: {why}", file=sys.stderr)
    tally = _Tally()
    for job in listing.jobs:
        try:
            remarks = check_file(job.source, switches=switches, charset=args.charset, trackers=trackers, kind=job.kind)
        except BrokenPipeError:
            raise
        except Exception as error:  # whatever it is, the next file is none the wiser
            failed += 1
            print(f"linkweir: {shown(job.source)}: {reason(error)}", file=sys.stderr)
            continue
        tally.add(remarks)
        _print(remarks, args.format, only_problems=args.only_problems)
    if not args.quiet:
        tally.print(failed)
    return 1 if failed or tally.problems else 0


def _trackers(args: argparse.Namespace) -> Trackers:
    """Whose links are as long as those that `linkweir rewrite` would make; the keys change no length, so that without a
    key file new ones do, which have made no link.
    """
    ring = KeyRing.generate(datetime.now(UTC)) if args.key_file is None else keyfile.load(args.key_file)
    base_url = args.base_url or (ring.hosts[0] if ring.hosts else base_url_of(os.environ))
    try:
        if args.base_url:
            ring = ring.with_host(base_url)
        return Trackers(
            ring, base_url, message=args.message_id, campaign=campaign_from(args), privacy=Privacy(args.privacy)
        )
    except BadSwitch as error:
        raise UsageError(str(error)) from error


class _Tally:
    def __init__(self) -> None:
        self.files = self.problems = self.warnings = self.parts = 0
        self.counts: Counter[str] = Counter()

    def add(self, remarks: list[Remark]) -> None:
        self.files += 1
        self.problems += sum(remark.problem for remark in remarks)
        self.warnings += sum(remark.warning is not None for remark in remarks)
        self.parts += sum(remark.index is None for remark in remarks)
        self.counts.update(remark.outcome for remark in remarks if remark.index is not None)

    def print(self, failed: int) -> None:
        sys.stdout.flush()  # the summary belongs below, also where both go to one file
        unreadable = f", {failed} unreadable" if failed else ""
        unreadable += f", {plural(self.parts, 'part')} not judged" if self.parts else ""
        print(
            f"linkweir: {plural(self.files, 'file')}{unreadable}, {plural(self.counts.total(), 'link')}, "
            f"{plural(self.problems, 'problem')}, {plural(self.warnings, 'warning')}",
            file=sys.stderr,
        )
        for line in outcome_lines({Outcome(code): number for code, number in self.counts.items()}):
            print(line, file=sys.stderr)


def _print(remarks: list[Remark], form: str, *, only_problems: bool) -> None:
    if only_problems:
        remarks = [remark for remark in remarks if remark.problem or remark.warning]
    if form == "json":
        for remark in remarks:
            print(json.dumps(dataclasses.asdict(remark)))
        return
    rows = [row for remark in remarks for row in _rows(remark, only_problems)]
    widths = [max((len(row[column]) for row in rows), default=0) for column in range(4)]
    coloured = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    for row in rows:
        print(_line(row, widths, coloured))


def _rows(remark: Remark, only_problems: bool) -> list[tuple[str, str, str, str, str]]:
    """Return the remark's columns: place, level, outcome, reason, address; a warning is a row of its own."""
    place = f"{remark.file}:{remark.line}:{remark.column}"
    address = printable(remark.destination if remark.destination is not None else remark.tag)
    level = "problem" if remark.problem else "ok" if remark.outcome is Outcome.TRACKED else "note"
    rows = [(place, level, str(remark.outcome), remark.reason, address)]
    if only_problems and not remark.problem:
        rows = []
    if remark.warning:
        rows.append((place, "warning", str(remark.outcome), remark.warning, printable(remark.text)))
    return rows


def _line(row: tuple[str, ...], widths: list[int], coloured: bool) -> str:
    place, level, outcome, reason, address = row
    parts = [
        place.ljust(widths[0]),
        level.ljust(widths[1]),
        outcome.ljust(widths[2]),
        reason.ljust(widths[3]),
    ]
    if coloured:
        parts[1] = f"\x1b[{_COLOURS[level]}m{parts[1]}\x1b[0m"
    return "  ".join([*parts, address]).rstrip()
