"""The shared inbox: each group is one worker's at a time, until its events are stored."""

import io
import threading
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest
from sqlalchemy import Connection, select, update

from linkweir.clicks.click_event import ClickEvent
from linkweir.clicks.ingest.ingest_worker import IngestWorker
from linkweir.clicks.journal.dead_letters import DeadLetterFile
from linkweir.clicks.transport.inbox import LEASE_SECONDS, ClickInbox
from linkweir.db.database import Database
from linkweir.db.schema import click_inbox
from linkweir.errors import DatabaseUnavailable
from linkweir.vault import Vault
from linkweir.web.structured_logging import make_logger
from tests.clicks.event_factory import make_event
from tests.databases import make_database
from tests.web.running_service import WAIT_SECONDS


class InboxHarness:
    """A database, a vault, and inboxes as other processes have them."""

    def __init__(self, folder: Path) -> None:
        self.database: Database = make_database(folder, timeout=WAIT_SECONDS)
        self.stream = io.StringIO()
        self.vault = Vault(folder / "vault.key")

    def open_inbox(self, vault: Vault | None = None, lease_seconds: float = LEASE_SECONDS) -> ClickInbox:
        """The inbox, as another worker has it."""
        return ClickInbox(self.database, vault or self.vault, make_logger("error", self.stream), lease_seconds)

    def count_groups(self) -> int:
        """How many groups are in it, claimed or not."""
        with self.database.read() as connection:
            return len(connection.execute(select(click_inbox.c.id)).all())

    def end_leases(self) -> None:
        """Let time go by."""
        with self.database.write() as connection:
            connection.execute(update(click_inbox).values(claimed_until_at=0))


@pytest.fixture
def harness(dialect: str, tmp_path: Path) -> InboxHarness:
    """An empty inbox."""
    return InboxHarness(tmp_path)


def test_what_was_sent_is_read_once_and_forgotten_when_stored(harness: InboxHarness) -> None:
    """600 events are three groups, the oldest is read first; who has not stored them gets none of them twice."""
    events = [make_event(n) for n in range(600)]
    sender, worker, other = harness.open_inbox(), harness.open_inbox(), harness.open_inbox()
    sender.send(events)
    assert harness.count_groups() == 3
    first = worker.read_from(None, 100)
    assert len(first.events) in (256, 88)
    rest = other.read_from(None, 10_000)
    assert sorted(event.position for event in first.events + rest.events) == list(range(600))
    assert worker.read_from(None, 100).cursor is None
    assert rest.cursor is not None
    other.acknowledge(rest.cursor)
    assert harness.count_groups() == 1


def test_small_groups_fill_a_batch(harness: InboxHarness) -> None:
    """Where groups are small a worker soon takes as many as make a batch, and no more, the oldest first."""
    sender, worker = harness.open_inbox(), harness.open_inbox()
    for start in range(0, 60, 3):
        sender.send([make_event(n) for n in range(start, start + 3)])
    taken = [len(worker.read_from(None, 10).events) for _ in range(4)]
    assert taken == [3, 9, 9, 9]
    rest = worker.read_from(None, 1000).events
    assert [event.position for event in rest] == list(range(30, 60))


class RefusedWorker:
    """A worker whose first transaction the database refuses; `stored` is what it stored."""

    def __init__(self, harness: InboxHarness, inbox: ClickInbox) -> None:
        self.stored: list[ClickEvent] = []
        self._refusals = [DatabaseUnavailable("away")]
        log = make_logger("error", harness.stream)
        letters = DeadLetterFile(harness.database.folder, log)
        self.worker = IngestWorker(
            harness.database,
            inbox,
            log,
            ingest=self._ingest,
            dead_letters=letters,
            retry_seconds=0.1,
            claim_seconds=inbox.lease_seconds,
        )
        with pytest.raises(DatabaseUnavailable):
            self.worker.drain()

    def _ingest(self, _connection: Connection, events: Sequence[ClickEvent]) -> int:
        if self._refusals:
            raise self._refusals.pop()
        self.stored += events
        return len(events)


def test_a_worker_keeps_what_could_not_be_stored(harness: InboxHarness) -> None:
    """It stores that at once when the database is back; nobody waits until the lease has ended."""
    inbox, events = harness.open_inbox(), [make_event(n) for n in range(600)]
    inbox.send(events)
    refused = RefusedWorker(harness, inbox)
    assert harness.open_inbox().read_from(None, 1000).events == []
    refused.worker.drain()
    assert sorted(event.position for event in refused.stored) == list(range(600))
    assert harness.count_groups() == 0


def test_a_worker_forgets_what_others_may_have(harness: InboxHarness) -> None:
    """When the lease has ended, what could not be stored is another worker's, and the first one stores none of it."""
    inbox = harness.open_inbox(lease_seconds=0.01)
    inbox.send([make_event(n) for n in range(10)])
    refused = RefusedWorker(harness, inbox)
    time.sleep(0.05)
    assert len(harness.open_inbox().read_from(None, 100).events) == 10
    refused.worker.drain()
    assert refused.stored == []
    assert harness.count_groups() == 1


def test_a_worker_that_died_loses_nothing(harness: InboxHarness) -> None:
    """When its lease has ended another worker reads the same events."""
    harness.open_inbox().send([make_event(n) for n in range(10)])
    read = harness.open_inbox().read_from(None, 100).events
    assert harness.open_inbox().read_from(None, 100).events == []
    harness.end_leases()
    assert harness.open_inbox().read_from(None, 100).events == read


def test_many_workers_claim_each_group_once(harness: InboxHarness) -> None:
    """Five of them at the same time, with senders between: every event is read by one of them only."""
    read: Counter[int] = Counter()
    lock, sent = threading.Lock(), threading.Event()

    def work() -> None:
        inbox = harness.open_inbox()
        while True:
            was_sent = sent.is_set()
            batch = inbox.read_from(None, 500)
            with lock:
                read.update(event.position for event in batch.events)
            if batch.cursor is not None:
                inbox.acknowledge(batch.cursor)
            elif was_sent:
                return
            else:
                time.sleep(0.01)

    threads = [threading.Thread(target=work) for _ in range(5)]
    for thread in threads:
        thread.start()
    inbox = harness.open_inbox()
    for start in range(0, 3000, 100):
        inbox.send([make_event(n) for n in range(start, start + 100)])
    sent.set()
    for thread in threads:
        thread.join()
    assert read == Counter(range(3000))
    assert harness.count_groups() == 0


def test_a_group_that_does_not_open_stays_and_blocks_nothing(harness: InboxHarness, tmp_path: Path) -> None:
    """A machine with another vault key, or a damaged group: it is logged and kept, and the others go on."""
    harness.open_inbox(Vault(tmp_path / "another.key")).send([make_event(1)])
    harness.open_inbox().send([make_event(2)])
    worker = harness.open_inbox()
    batch = worker.read_from(None, 10_000)
    assert [event.position for event in batch.events] == [2]
    assert batch.cursor is not None
    worker.acknowledge(batch.cursor)
    assert harness.count_groups() == 1
    assert "click.group_unreadable" in harness.stream.getvalue()


def test_a_group_that_nobody_could_open_for_a_day_is_deleted(harness: InboxHarness, tmp_path: Path) -> None:
    """It holds data of people, and is of no use; one that waited as long for a worker is read all the same."""
    harness.open_inbox(Vault(tmp_path / "another.key")).send([make_event(1)])
    harness.open_inbox().send([make_event(2)])
    with harness.database.write() as connection:
        connection.execute(update(click_inbox).values(created_at=click_inbox.c.created_at - 25 * 3_600_000_000))
    batch = harness.open_inbox().read_from(None, 10_000)
    assert [event.position for event in batch.events] == [2]
    assert harness.count_groups() == 1
    assert '"deleted": true' in harness.stream.getvalue()


def test_what_was_sent_before_is_known_by_the_database_alone(harness: InboxHarness) -> None:
    """Everything that is in the inbox came before its end, and what comes afterwards did not, whatever the clock of the
    machine that sent it says.
    """
    inbox = harness.open_inbox()
    assert not inbox.has_before(inbox.find_end())
    inbox.send([make_event(1)])
    end = inbox.find_end()
    assert inbox.has_before(end)
    batch = inbox.read_from(None, 10)
    assert batch.cursor is not None
    inbox.acknowledge(batch.cursor)
    inbox.send([make_event(2)])
    assert not inbox.has_before(end)
