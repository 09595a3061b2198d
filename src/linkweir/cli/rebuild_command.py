"""`linkweir rebuild`: make the sums of clicks anew from the clicks that are stored."""

import argparse
import sys

from linkweir.cli.data_option import add_data_option, open_data_folder
from linkweir.cli.shared_options import SubcommandParsers, add_command
from linkweir.clock import now

_EXAMPLES = """\
  linkweir rebuild
  linkweir rebuild --data /var/lib/linkweir
"""


def add_to(commands: SubcommandParsers) -> None:
    """Add this sub-command to the parser."""
    parser = add_command(
        commands,
        "rebuild",
        summary="recalculate the click totals from the stored clicks (needs linkweir[service])",
        description="Recalculate the totals by hour, the counts of each message's links, `click_count` and the first "
        "clicks, from the stored clicks. Verdicts do not change. The service may be running. If this is "
        "interrupted, the service repeats it at its next start.",
        examples=_EXAMPLES,
    )
    add_data_option(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Rebuild and say how it goes. Raises UsageError where there is no data, DatabaseUnavailable."""
    from linkweir.clicks.ingest import rebuild_worker

    with open_data_folder(args) as (_settings, database):
        total = rebuild_worker.count_stored_clicks(database)

        def progress(what: str, done: int) -> bool:
            print(
                f"{what}: clicks up to {min(done, total):,} of {total:,}", file=sys.stderr
            )  # a part may be half empty
            return True

        rebuild_worker.rebuild_aggregates(database, now(), progress)
    print(f"Recalculated the totals from the stored clicks; clicks: {total:,}")
    return 0
