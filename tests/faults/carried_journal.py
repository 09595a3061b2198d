"""A process that appends clicks to its journal and carries them to the shared inbox, and says when it promised what."""

import asyncio
import os
import random
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

import structlog

from linkweir.clicks.click_event import ClickEvent
from linkweir.clicks.journal.local_journal import LocalJournal
from linkweir.clicks.transport.carrier import ClickCarrier
from linkweir.clicks.transport.inbox import ClickInbox
from linkweir.db.postgresql_database import PostgresqlDatabase
from linkweir.vault import Vault
from tests.clicks.event_factory import make_event

CAPACITY = 100  # clicks that the journal has room for: its files are used several times
CLICKS_AT_ONCE = 8
PAUSE_SECONDS = 0.01  # between readers: the carrier finds some clicks, and not all


class ReportingInbox(ClickInbox):
    """Says which clicks are in the inbox, once they are."""

    report: int

    def send(self, events: Sequence[ClickEvent]) -> None:
        """Bring them there, and say so."""
        super().send(events)
        write_line(self.report, "stored", *events)


def write_line(descriptor: int, what: str, *events: ClickEvent) -> None:
    """Write a line in one call, which a trace of system calls has in its order."""
    os.write(descriptor, f"{what} {' '.join(event.id.hex for event in events)}\n".encode())


async def append_all(journal: LocalJournal, report: int, clicks: int) -> None:
    """Append clicks, some at the same time, and say of each that its reader is sent on."""
    for start in range(0, clicks, CLICKS_AT_ONCE):
        events = [make_event(number) for number in range(start, start + CLICKS_AT_ONCE)]
        for event, result in zip(events, await asyncio.gather(*map(journal.append, events)), strict=True):
            assert result == "kept", result
            write_line(report, "answered", event)
        await asyncio.sleep(random.random() * PAUSE_SECONDS)  # noqa: S311 - nothing secret


def main(folder: Path, url: str, clicks: int) -> None:
    """Append and carry so many clicks, and end when all of them have left the journal."""
    log = structlog.get_logger()
    database = PostgresqlDatabase(url, folder, timeout=300)
    inbox = ReportingInbox(database, Vault(folder / "vault.key"), log)
    inbox.report = os.open(folder / "report", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    journal = LocalJournal(folder / "spool", log, dead_letters=lambda _: None, capacity=CAPACITY, wait=300)
    carrier = ClickCarrier(journal, inbox, log, retry_seconds=0.1)
    journal.on_durable = carrier.wake
    journal.start()
    carrier.start()
    asyncio.run(append_all(journal, inbox.report, clicks))
    left = threading.Event()
    while journal.unacknowledged:
        left.wait(0.01)
    carrier.stop()
    journal.stop()
    journal.close()
    database.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
