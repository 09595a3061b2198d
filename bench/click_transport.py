"""How many clicks a second go from a machine's journal to the shared inbox, and from there to a worker's memory.

`python -m bench.click_transport --database postgresql://… [--events N]`: an empty database of a server of yours. Events
as `bench.ingest_load` makes them, sealed in groups of 256, in transactions as the carrier has them; read again by a
worker's claims, compared with what was sent, and deleted. Without the journal itself: its own speed is that of
redirects.
"""

import argparse
import random
import resource
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import structlog

from bench.ingest_load import START_US, generate_events
from linkweir.clicks.ingest.ingest_worker import BATCH_EVENTS
from linkweir.clicks.transport.carrier import MAX_BATCH_EVENTS
from linkweir.clicks.transport.inbox import ClickInbox
from linkweir.db.schema_upgrade import create_database, migrate
from linkweir.settings import Settings
from linkweir.vault import Vault

GOAL_EVENTS_PER_SECOND = 30_000


def main(arguments: list[str]) -> int:
    """Print the figures."""
    parser = argparse.ArgumentParser(prog="python -m bench.click_transport", description=__doc__)
    parser.add_argument("--database", required=True, metavar="URL")
    parser.add_argument("--events", type=int, default=100_000)
    options = parser.parse_args(arguments)
    sent = [(number, START_US) for number in range(1 << 41, (1 << 41) + options.events // 3)]
    events = generate_events(sent, options.events, random.Random(17))  # noqa: S311 - traffic, not a secret
    with tempfile.TemporaryDirectory() as folder:
        settings = replace(Settings(data=Path(folder)), database=options.database)
        database = create_database(settings)
        migrate(database)
        inbox = ClickInbox(database, Vault(Path(folder) / "vault.key"), structlog.get_logger())
        began, used = time.perf_counter(), _processor_seconds()
        for start in range(0, len(events), MAX_BATCH_EVENTS):
            inbox.send(events[start : start + MAX_BATCH_EVENTS])
        _print_rate("sent", len(events), began, used)
        began, used = time.perf_counter(), _processor_seconds()
        read = []
        while (batch := inbox.read_from(None, BATCH_EVENTS)).cursor is not None:
            read += batch.events
            inbox.acknowledge(batch.cursor)
        _print_rate("read", len(read), began, used)
        database.close()
    assert {event.id for event in read} == {event.id for event in events}, "not what was sent"
    assert len(read) == len(events), "an event was read twice"
    return 0


def _processor_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _print_rate(what: str, count: int, began: float, used: float) -> None:
    seconds, processor = time.perf_counter() - began, _processor_seconds() - used
    print(
        f"{what}  {count:>9,} events  {count / seconds:>9,.0f}/s on the wall  {count / processor:>9,.0f}/s of this"
        f" process  (goal {GOAL_EVENTS_PER_SECOND:,})"
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
