"""`linkweir classify`: which clicks that were recorded elsewhere are people's, and which are machines'."""

import argparse
import os
import sys
import tempfile
from pathlib import Path

from linkweir.cli.shared_options import SubcommandParsers, UsageError, add_command
from linkweir.terminal.text import STDIN, display_path

PROVIDER_NAMES = ("sendgrid", "mailgun", "postmark", "ses", "ahasend")
_EXAMPLES = """\
  linkweir classify clicks.ndjson > verdicts.ndjson
  linkweir classify clicks.ndjson --summary         only the counts of verdicts and reasons
  linkweir classify --from sendgrid events.json -o verdicts.ndjson
  linkweir classify clicks.parquet -o verdicts.parquet
  zcat clicks-*.gz | linkweir classify --as-they-came | jq 'select(.verdict != .first_verdict)'

One line is one click, a JSON object:
  {"at": "2026-01-31T10:00:07Z", "message": "m-17", "link": 2, "ip": "192.0.2.7", "user_agent": "Mozilla/5.0 ..."}

  at            when the link was requested: RFC 3339, or whole microseconds since 1970
  message       an id that all clicks of one mail to one recipient share
  link          the link's position in the mail, from 0, or its URL
Optional, for better verdicts:
  delivered_at  when the recipient's server accepted the mail; on any line of the message
  links         how many tracked links the mail has
  method, http  of the request: "GET", "1.1"
  ip, user_agent
  headers       {"accept": "...", ...}: all headers of the request; others count as missing
  secure        false where the link was http: browsers send fewer headers there (default: true)
  kind          "click" (default), "open" or "honeypot"
  recipient     the mail's, for --internal-address
  label         "human", "machine" or "prefetch": who clicked in fact, to measure the verdicts

The output has the same lines in the same order, with
  verdict       "human", "machine", "prefetch", "unsure" or "internal"
  confidence    how likely the verdict is right, 0 to 1
  p_machine     how likely a machine followed the link, 0 to 1; null for "internal"
  reasons       codes of the rules that apply, the heaviest first; see linkweir help click-classification

Verdicts are final: they use the clicks before and after, the number of mails that an address was seen on at that time,
and what the same program did with other mails. So all lines are read first, into temporary files of about twice their
size, which are always removed; memory stays below about 300 MB for any number of lines.
Exit codes: 0 success, 1 some lines were invalid (the others are done), 2 usage error.
"""


def add_to(commands: SubcommandParsers) -> None:
    """Add this sub-command to the parser."""
    parser = add_command(
        commands,
        "classify",
        summary="tell people from machines among clicks that were recorded elsewhere (needs linkweir[service])",
        description="Tell people from machines among clicks that were recorded elsewhere: NDJSON, Parquet, or the "
        "events of an e-mail provider, in any order. Without FILE, or with -, reads standard input.",
        examples=_EXAMPLES,
    )
    parser.add_argument("files", nargs="*", metavar="FILE", help="NDJSON, Parquet (needs pyarrow), or -")
    parser.add_argument(
        "--from",
        dest="provider",
        choices=PROVIDER_NAMES,
        help="the files contain webhook requests or an event export of this provider, as JSON in any layout; "
        "clicks and deliveries are used, other events are ignored",
    )
    parser.add_argument(
        "--as-they-came",
        action="store_true",
        help="also write the verdicts on arrival: first_verdict, first_confidence, first_p_machine, first_reasons",
    )
    group = parser.add_argument_group("output")
    group.add_argument(
        "-o", "--output", metavar="FILE", help="file to write (default: - for standard output); .parquet for Parquet"
    )
    group.add_argument("--format", choices=["ndjson", "parquet"], help="format of the output (default: by its name)")
    group.add_argument("--summary", action="store_true", help="print only the summary, on standard output")
    group.add_argument("--json", action="store_true", help="print the summary as a JSON object")
    group.add_argument("--quiet", action="store_true", help="print no progress bar and no summary, only errors")
    group = parser.add_argument_group("processing")
    group.add_argument(
        "--stop-at-error", action="store_true", help="stop at the first invalid line (default: skip invalid lines)"
    )
    group.add_argument(
        "--networks",
        type=Path,
        metavar="FILE",
        help="list of networks of scanners (default: LINKWEIR_NETWORKS, or the included one)",
    )
    group.add_argument(
        "--internal-network",
        action="append",
        default=[],
        metavar="NETWORK",
        help="clicks from this address or network, such as 203.0.113.0/24, are internal; can be repeated",
    )
    group.add_argument(
        "--internal-address",
        action="append",
        default=[],
        metavar="ADDRESS",
        help="clicks on mail to this recipient are internal; @example.com for every address of a domain; can be "
        "repeated",
    )
    group.add_argument(
        "--temp", metavar="FOLDER", help="folder for temporary files (default: TMPDIR, /var/tmp or the system's)"
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Do it and return the exit code."""
    _validate_options(args)
    from linkweir.cli.classify_run import ClassifyRun

    return ClassifyRun(args).run()


def _validate_options(args: argparse.Namespace) -> None:
    if not args.files:
        if sys.stdin.isatty():
            raise UsageError("no FILE given and standard input is a terminal; see linkweir classify --help")
        args.files = [STDIN]
    if args.summary and args.quiet:
        raise UsageError("--summary and --quiet cannot be used together")
    if args.summary and (args.output or args.format):
        raise UsageError("--summary writes no clicks: --output and --format cannot be used with it")
    if args.output == STDIN:
        args.output = None
    if args.format is None:
        args.format = "parquet" if args.output and args.output.endswith(".parquet") else "ndjson"
    if args.format == "parquet" and args.output is None and sys.stdout.isatty():
        raise UsageError("Parquet cannot be written to a terminal; use --output FILE")
    if args.networks is None and os.environ.get("LINKWEIR_NETWORKS"):
        args.networks = Path(os.environ["LINKWEIR_NETWORKS"])
    args.temp = _temp_folder(args.temp)


def _temp_folder(chosen: str | None) -> str:
    """A folder on a disk rather than in memory, as /tmp often is."""
    if chosen is None:
        default = os.environ.get("TMPDIR") or "/var/tmp"  # noqa: S108 - only files without a name are made there
        return default if os.access(default, os.W_OK) else tempfile.gettempdir()
    if not os.path.isdir(chosen) or not os.access(chosen, os.W_OK):
        raise UsageError(f"--temp {display_path(chosen)}: not a writable folder")
    return chosen
