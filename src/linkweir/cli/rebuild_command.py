"""`linkweir rebuild`: make the sums of clicks anew from the clicks that are stored."""

import argparse
import sys

from linkweir.cli.data_option import add_data_option, data_folder_settings
from linkweir.cli.shared_options import SubcommandParsers, add_command
from linkweir.clock import now

_DATABASE_TIMEOUT_SECONDS = 5.0  # seconds for a locked database, each time
_EXAMPLES = """\
  linkweir rebuild
  linkweir rebuild --data /var/lib/linkweir
"""


def add_to(commands: SubcommandParsers) -> None:
    """Add this sub-command to the parser."""
    parser = add_command(
        commands,
        "rebuild",
        summary="recalculate the click totals from the stored clicks",
        description="Recount the stored clicks: totals by hour, of each message's links, click_count and who clicked "
        "first. Verdicts stay. The service may run meanwhile; when this is interrupted, the service begins again at "
        "its next start.",
        examples=_EXAMPLES,
    )
    add_data_option(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Rebuild and say how it goes. Raises UsageError where there is no data, DatabaseUnavailable."""
    from linkweir.clicks.ingest.rebuild_worker import rebuild_aggregates
    from linkweir.db import clicks_table
    from linkweir.db.database import Database
    from linkweir.db.schema_upgrade import migrate

    settings = data_folder_settings(args.data)
    store = Database(settings.database, timeout=_DATABASE_TIMEOUT_SECONDS, connections=1)
    try:
        migrate(store)
        with store.read() as connection:
            total = clicks_table.count(connection)

        def progress(what: str, done: int) -> bool:
            print(
                f"{what}: clicks up to {min(done, total):,} of {total:,}", file=sys.stderr
            )  # a part may be half empty
            return True

        rebuild_aggregates(store, now(), progress)
    finally:
        store.close()
    print(f"Recalculated the totals from the stored clicks; clicks: {total:,}")
    return 0
