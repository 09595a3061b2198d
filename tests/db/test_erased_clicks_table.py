"""Erased clicks that come once more: from a worker that stood still, and from a transport that was not told."""

import io
import threading
from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import Connection, func, select

from linkweir.clicks.click_event import ClickEvent
from linkweir.clicks.ingest.ingest_worker import IngestWorker
from linkweir.clicks.ingest.pipeline import ingest_events
from linkweir.clicks.journal.dead_letters import DeadLetterFile
from linkweir.clicks.journal.interface import EventBatch, JournalCursor
from linkweir.clicks.transport.inbox import ClickInbox
from linkweir.db import erased_clicks_table
from linkweir.db.schema import click_aggregates, click_rows, erased_clicks
from linkweir.db.time_buckets import ALL_TIME
from linkweir.privacy.erasure import PrivacyRequests
from linkweir.vault import Vault
from linkweir.web.structured_logging import make_logger
from tests.clicks.ingest.click_database import START_US, ClickDatabase
from tests.privacy.test_erasure import ERASURE_CONTEXT
from tests.web.running_service import WAIT_SECONDS


class PausedInbox(ClickInbox):
    """An inbox whose worker stands still when it has claimed events, until `resumed`."""

    def __init__(self, clicks: ClickDatabase, vault: Vault) -> None:
        super().__init__(clicks.database, vault, make_logger("error", io.StringIO()), lease_seconds=0.0)
        self.claimed, self.resumed = threading.Event(), threading.Event()

    def read_from(self, cursor: JournalCursor | None, limit: int) -> EventBatch:
        """Claim, and pause."""
        batch = super().read_from(cursor, limit)
        self.claimed.set()
        assert self.resumed.wait(WAIT_SECONDS)
        return batch


def make_worker(clicks: ClickDatabase, source: ClickInbox) -> IngestWorker:
    """A worker with this inbox."""

    def ingest(connection: Connection, events: Sequence[ClickEvent]) -> int:
        return ingest_events(connection, events, clicks.classifier, START_US)

    log = make_logger("error", io.StringIO())
    dead_letters = DeadLetterFile(clicks.database.folder / "spool", log)
    return IngestWorker(clicks.database, source, log, ingest=ingest, dead_letters=dead_letters, retry_seconds=0.01)


def list_sums(clicks: ClickDatabase) -> list[tuple[int, int, int]]:
    """By axis and value: all human clicks."""
    columns = (click_aggregates.c.axis, click_aggregates.c.word, click_aggregates.c.human)
    with clicks.database.read() as connection:
        rows = connection.execute(select(*columns).where(click_aggregates.c.hours == ALL_TIME))
        return sorted((axis, word, human) for axis, word, human in rows)


def count_rows(clicks: ClickDatabase) -> int:
    """How many clicks are stored."""
    with clicks.database.read() as connection:
        return connection.scalar(select(func.count()).select_from(click_rows)) or 0


def test_a_worker_that_stood_still_stores_no_erased_click(dialect: str, tmp_path: Path) -> None:
    """A worker stands still beyond its lease; another one stores its events, and the person is erased. When it goes on,
    it stores and counts nothing of them, and what is new in its hands all the same.
    """
    clicks = ClickDatabase(tmp_path)
    erased, other = clicks.send("spring", recipient="ada@example.org"), clicks.send("spring")
    vault = Vault(tmp_path / "vault.key")
    paused = PausedInbox(clicks, vault)
    paused.send([clicks.make_event(erased, 1), clicks.make_event(erased, 2, after=60), clicks.make_event(other, 1)])
    stopped = make_worker(clicks, paused)
    thread = threading.Thread(target=stopped.drain)
    thread.start()
    try:
        assert paused.claimed.wait(WAIT_SECONDS)
        going_on = make_worker(clicks, ClickInbox(clicks.database, vault, make_logger("error", io.StringIO())))
        going_on.drain()
        assert (going_on.stored, count_rows(clicks)) == (3, 3)
        report = PrivacyRequests(clicks.database, ERASURE_CONTEXT).erase("ada@example.org", START_US)
        assert (report.rows["clicks"], count_rows(clicks)) == (2, 1)
        before = list_sums(clicks)
    finally:
        paused.resumed.set()
        thread.join()
    assert (stopped.stored, stopped.repeated, count_rows(clicks)) == (0, 3, 1)
    assert list_sums(clicks) == before
    paused.send([clicks.make_event(other, 2)])
    stopped.drain()
    assert (stopped.stored, count_rows(clicks)) == (1, 2)


def test_ids_of_erased_clicks_are_forgotten_in_time(dialect: str, tmp_path: Path) -> None:
    """They stay for a month, and nothing of another message's clicks is among them."""
    clicks = ClickDatabase(tmp_path)
    first, second = clicks.send(), clicks.send()
    events = [clicks.make_event(number, position) for number in (first, second) for position in range(3)]
    with clicks.database.write() as connection:
        ingest_events(connection, events, clicks.classifier, START_US)
        for _ in range(2):  # an erasure that is tried again
            erased_clicks_table.add_clicks_of_messages(connection, [clicks.messages[first]], START_US)
        assert set(connection.scalars(select(erased_clicks.c.id))) == {event.id for event in events[:3]}
        month = erased_clicks_table.REMEMBERED_US
        removed = [erased_clicks_table.delete_expired(connection, START_US + month + late, 2) for late in (-1, 0, 0, 0)]
    assert removed == [0, 2, 1, 0]
