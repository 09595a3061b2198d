"""`linkweir export`: the clicks that a service has recorded, as CSV, NDJSON or Parquet."""

import argparse
import sys
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from linkweir.cli.data_option import add_data_option, open_data_folder
from linkweir.cli.shared_options import SubcommandParsers, UsageError, add_command
from linkweir.clock import DAY_US, from_datetime, now

_EXAMPLES = """\
  linkweir export > clicks.csv                        the last 30 days
  linkweir export --format parquet -o clicks.parquet --from 2026-01-01 --to 2026-02-01
  linkweir export --clickers --tag spring             who clicked in a campaign
  linkweir export --format ndjson | jq -r .destination
"""


def add_to(commands: SubcommandParsers) -> None:
    """Add this sub-command to the parser."""
    parser = add_command(
        commands,
        "export",
        summary="write recorded clicks as CSV, NDJSON or Parquet (needs linkweir[service])",
        description="Write the recorded clicks of a period, or everybody who clicked in a campaign, to a file. "
        "The service may be running.",
        examples=_EXAMPLES,
    )
    parser.add_argument(
        "--format", choices=["csv", "excel", "ndjson", "parquet"], default="csv", help="format (default: %(default)s)"
    )
    parser.add_argument(
        "--from",
        dest="start",
        type=_parse_time,
        metavar="TIME",
        help="start of the period: 2026-01-31 or 2026-01-31T10:00:00Z (default: 30 days before its end)",
    )
    parser.add_argument("--to", dest="end", type=_parse_time, metavar="TIME", help="end of the period (default: now)")
    parser.add_argument("--tag", help="only clicks of this campaign")
    parser.add_argument(
        "--clickers",
        action="store_true",
        help="export everybody who clicked in the campaign --tag, at any time, instead of clicks",
    )
    parser.add_argument("--account", type=uuid.UUID, metavar="UUID", help="account (default: the first)")
    parser.add_argument(
        "-o", "--output", type=Path, metavar="FILE", help="file to write (default: - for standard output)"
    )
    add_data_option(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Write the file."""
    if args.clickers and not args.tag:
        raise UsageError("--clickers needs --tag")
    with open_data_folder(args) as (_settings, database):
        from linkweir.accounts import account_settings
        from linkweir.stats import click_rows
        from linkweir.stats.export import export_chunks, parse_format

        with database.read() as connection:
            account = args.account or account_settings.require_default_account(connection)
        if args.clickers:
            rows, columns = click_rows.iter_clickers(database, account, args.tag), click_rows.CLICKER_COLUMNS
        else:
            end = args.end if args.end is not None else now()
            start = args.start if args.start is not None else max(0, end - 30 * DAY_US)
            rows = click_rows.iter_clicks(database, account, start, end, tag=args.tag)
            columns = click_rows.CLICK_COLUMNS
        chunks = export_chunks(rows, columns, parse_format(args.format))
        if args.output is None or str(args.output) == "-":
            _write_chunks(chunks, sys.stdout.buffer)
        else:
            with args.output.open("wb") as file:
                _write_chunks(chunks, file)
    return 0


def _write_chunks(chunks: Iterator[bytes], file: BinaryIO) -> None:
    for piece in chunks:
        file.write(piece)


def _parse_time(text: str) -> int:
    """Microseconds since 1970; a day or a time, in UTC unless it says otherwise."""
    try:
        time = datetime.fromisoformat(text)
        time = time if time.tzinfo else time.replace(tzinfo=UTC)
        return from_datetime(time)
    except (ValueError, OverflowError):
        raise argparse.ArgumentTypeError(f"{text!r} is not a time such as 2026-01-31 or 2026-01-31T10:00:00Z") from None
