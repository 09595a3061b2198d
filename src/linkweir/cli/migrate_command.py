"""`linkweir migrate`: move the service from SQLite to PostgreSQL, or back."""

import argparse
import importlib
import os
import sys

from linkweir.cli.data_option import add_data_option
from linkweir.cli.shared_options import SubcommandParsers, UsageError, add_command
from linkweir.terminal.progress_bar import RowProgressBar

_EXAMPLES = """\
  LINKWEIR_DATABASE=postgresql://linkweir@db.example/linkweir linkweir migrate --to postgresql
  linkweir migrate --to postgresql://linkweir@db.example/linkweir --data /var/lib/linkweir
  LINKWEIR_DATABASE=postgresql://linkweir@db.example/linkweir linkweir migrate --to sqlite
"""
_TARGETS = ("sqlite", "postgresql")


def add_to(commands: SubcommandParsers) -> None:
    """Add this sub-command to the parser."""
    parser = add_command(
        commands,
        "migrate",
        summary="move the database from SQLite to PostgreSQL, or back (needs linkweir[service])",
        description="Copy the service's database into an empty one, compare both by counts and sums, and only then let "
        "a service start on it. Stop the service first. The old database stays as it is, and so do the other files of "
        "the data folder, which both use. If this is interrupted, run it once more: it goes on where it was.",
        examples=_EXAMPLES,
    )
    parser.add_argument(
        "--to",
        required=True,
        metavar="DATABASE",
        help="postgresql for the database in LINKWEIR_DATABASE, or its URL, which other users of this machine may see; "
        "sqlite for the file in the data folder, from the database in LINKWEIR_DATABASE",
    )
    parser.add_argument("--quiet", action="store_true", help="print no progress bar and no summary, only errors")
    add_data_option(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Move, and say how it goes. Raises UsageError, DataFolderError, DatabaseUnavailable, UnstorableData."""
    importlib.import_module("sqlalchemy")  # of the service: without it this ends in one sentence
    from linkweir import database_transfer, settings

    if args.to not in _TARGETS and not args.to.startswith("postgresql://"):
        raise UsageError("--to: name sqlite, postgresql, or the URL of a database, postgresql://...")
    chosen = settings.from_environment(os.environ, data=args.data)
    if args.to in _TARGETS and not chosen.database:
        raise UsageError(f"--to {args.to}: LINKWEIR_DATABASE has to name the PostgreSQL database")
    transfer = database_transfer.make_transfer(chosen, args.to)
    live = sys.stderr.isatty() and not args.quiet
    progress = RowProgressBar(sys.stderr, live=live, total_files=transfer.count_rows(), total_bytes=None)
    try:
        done = transfer.run(lambda _table, rows: progress.advance(files=rows))
    finally:
        progress.close()
    if not args.quiet:
        print(f"Copied {done.rows:,} rows from {done.source} to {done.target}; counts and sums agree.")
        print("Now start the service " + ("without LINKWEIR_DATABASE." if args.to == "sqlite" else "with the latter."))
    return 0
