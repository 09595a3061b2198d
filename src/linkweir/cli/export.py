"""`linkweir export`: the clicks that a service has recorded, as CSV, NDJSON or Parquet."""

import argparse
import sys
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from linkweir.cli.folder import add_data, opened
from linkweir.cli.options import Commands, UsageError, subparser

if TYPE_CHECKING:
    from linkweir.report.export import Row
    from linkweir.store.engine import Store

_EXAMPLES = """\
  linkweir export > clicks.csv                        the last 30 days
  linkweir export --format parquet -o clicks.parquet --from 2026-01-01 --to 2026-02-01
  linkweir export --clickers --tag spring             who clicked in a campaign
  linkweir export --format ndjson | jq -r .destination
"""
_DAY = 86_400_000_000  # microseconds


def add_to(commands: Commands) -> None:
    """Add this sub-command to the parser."""
    parser = subparser(
        commands,
        "export",
        summary="write recorded clicks as CSV, NDJSON or Parquet",
        description="Write every recorded click of a time, or everybody who clicked in a campaign, as a file. Reads in "
        "small pieces, so a service that runs is not held up.",
        examples=_EXAMPLES,
    )
    parser.add_argument("--format", choices=["csv", "ndjson", "parquet"], default="csv", help="default: %(default)s")
    parser.add_argument("--from", dest="start", type=_moment, metavar="TIME", help="default: 30 days before the end")
    parser.add_argument("--to", dest="end", type=_moment, metavar="TIME", help="default: now")
    parser.add_argument("--tag", help="only of this campaign")
    parser.add_argument("--clickers", action="store_true", help="people instead of clicks; needs --tag")
    parser.add_argument("--account", type=uuid.UUID, metavar="UUID", help="default: the first account")
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="default: - for standard output")
    add_data(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Write the file."""
    if args.clickers and not args.tag:
        raise UsageError("--clickers needs --tag")
    with opened(args) as (_settings, store):
        from linkweir.report import single
        from linkweir.report.export import format_named, pieces

        wanted = format_named(args.format)
        made = pieces(_rows(args, store), single.CLICKERS if args.clickers else single.CLICKS, wanted)
        if args.output is None or str(args.output) == "-":
            _write(made, sys.stdout.buffer)
        else:
            with args.output.open("wb") as file:
                _write(made, file)
    return 0


def _rows(args: argparse.Namespace, store: "Store") -> Iterator["Row"]:
    from linkweir.report import single
    from linkweir.store import accounts

    with store.read() as connection:
        account = args.account or accounts.first(connection)
    if account is None:
        raise UsageError("there is no account yet")
    if args.clickers:
        return single.all_clickers(store, account, args.tag)
    end = args.end if args.end is not None else time.time_ns() // 1000
    start = args.start if args.start is not None else max(0, end - 30 * _DAY)
    return single.all_clicks(store, account, start, end, tag=args.tag)


def _write(made: Iterator[bytes], file: BinaryIO) -> None:
    for piece in made:
        file.write(piece)


def _moment(text: str) -> int:
    """Microseconds since 1970; a day or a time, in UTC unless it says otherwise."""
    try:
        found = datetime.fromisoformat(text)
        found = found if found.tzinfo else found.replace(tzinfo=UTC)
        return (found - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
    except (ValueError, OverflowError):
        raise argparse.ArgumentTypeError(f"{text!r} is no time like 2026-01-31 or 2026-01-31T10:00:00Z") from None
