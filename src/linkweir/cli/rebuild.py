"""`linkweir rebuild`: make the sums of clicks anew from the clicks that are stored."""

import argparse
import os
import sys
import time

from linkweir.batch.names import shown
from linkweir.cli.folder import add_data
from linkweir.cli.options import Commands, UsageError, subparser
from linkweir.cli.packages import service_packages

_WAIT = 5.0  # seconds for a locked database, each time
_EXAMPLES = """\
  linkweir rebuild
  linkweir rebuild --data /var/lib/linkweir
"""


def add_to(commands: Commands) -> None:
    """Add this sub-command to the parser."""
    parser = subparser(
        commands,
        "rebuild",
        summary="make the sums of clicks anew from the clicks",
        description="Count the stored clicks anew: sums by hour, of each message's links, click_count and who clicked "
        "first. Verdicts stay. The service may run meanwhile; when this is interrupted, the service begins again at "
        "its next start.",
        examples=_EXAMPLES,
    )
    add_data(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Rebuild and say how it goes. Raises UsageError where there is no data, StoreUnavailable."""
    with service_packages():
        from linkweir.click.rebuild import rebuild_all
        from linkweir.settings import from_environment
        from linkweir.store import clicks
        from linkweir.store.engine import Store
        from linkweir.store.migrate import migrate
    settings = from_environment(os.environ, data=args.data)
    if not settings.database.exists():
        raise UsageError(f"there is no service's data in {shown(str(settings.data))}: name it with --data")
    store = Store(settings.database, wait=_WAIT, connections=1)
    try:
        migrate(store)
        with store.read() as connection:
            total = clicks.count(connection)

        def progress(what: str, done: int) -> bool:
            print(
                f"{what}: clicks up to {min(done, total):,} of {total:,}", file=sys.stderr
            )  # a part may be half empty
            return True

        rebuild_all(store, time.time_ns() // 1000, progress)
    finally:
        store.close()
    print(f"The sums were made anew; clicks: {total:,}")
    return 0
