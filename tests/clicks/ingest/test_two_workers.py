"""Two processes' workers on one PostgreSQL come to what one comes to on SQLite, and claim nothing twice."""

import itertools
import threading
import uuid
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from sqlalchemy import insert

from linkweir.clicks.click_event import ClickEvent
from linkweir.clicks.ingest.pipeline import ingest_events
from linkweir.clock import SECOND_US
from linkweir.db import outbox_table
from linkweir.db.database import Database
from linkweir.db.postgresql_database import PostgresqlDatabase
from linkweir.db.schema import webhooks
from tests.clicks.ingest.click_database import START_US, ClickDatabase
from tests.databases import use_dialect
from tests.db.sample_database import SampleDatabase

MESSAGES = 6
HITS_PER_MESSAGE = 8
BATCH_EVENTS = 5
REQUESTS = 60


def run_both(work: Callable[[int], None]) -> None:
    """Run the work of two workers at the same time; what one raises is raised."""
    errors: list[BaseException] = []

    def run(number: int) -> None:
        try:
            work(number)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


def connect_twice(database: Database) -> tuple[PostgresqlDatabase, PostgresqlDatabase]:
    """Two ways to the database, each with connections of its own, as two processes have."""
    assert isinstance(database, PostgresqlDatabase)
    url = database._engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
    first, second = (PostgresqlDatabase(url, database.folder, timeout=30) for _ in range(2))
    return first, second


def send_messages(world: ClickDatabase) -> list[int]:
    """Messages with a tag in common."""
    return [world.send("spring") for _ in range(MESSAGES)]


def spread(numbers: Sequence[int], world: ClickDatabase, ids: Sequence[uuid.UUID]) -> list[ClickEvent]:
    """Clicks of all these messages in turn, some of them so close to each other that a machine must have made them."""
    hits = itertools.product(range(HITS_PER_MESSAGE), enumerate(numbers))
    return [
        world.make_event(number, position=hit % 4, after=hit * (0.4 if index % 2 else 9.0), id=key)
        for (hit, (index, number)), key in zip(hits, ids, strict=True)
    ]


def derived(world: ClickDatabase, numbers: Sequence[int]) -> object:
    """Sums, and how each click and message stands, without what differs between two databases."""
    aggregates, _links, flags, messages = world.state()
    order = [world.messages[number] for number in numbers]
    return {key[1:]: row for key, row in aggregates.items()}, flags, [messages[message] for message in order]


def test_two_workers_come_to_what_one_comes_to(tmp_path: Path) -> None:
    """Clicks of the same messages, spread over two workers, give the sums and verdicts of one process on SQLite."""
    ids = [uuid.UUID(int=number + 1) for number in range(MESSAGES * HITS_PER_MESSAGE)]
    alone = ClickDatabase(tmp_path / "alone")
    numbers = send_messages(alone)
    alone.ingest(*spread(numbers, alone, ids))
    with use_dialect("postgresql"):
        shared = ClickDatabase(tmp_path / "shared")
        shared_numbers = send_messages(shared)
        events = spread(shared_numbers, shared, ids)
        workers = connect_twice(shared.database)

        def ingest(number: int) -> None:
            mine = events[number::2]
            for start in range(0, len(mine), BATCH_EVENTS):
                with workers[number].write() as connection:
                    ingest_events(connection, mine[start : start + BATCH_EVENTS], shared.classifier, shared.now)

        run_both(ingest)
        assert derived(shared, shared_numbers) == derived(alone, numbers)
        for database in (*workers, shared.database):
            database.close()
    alone.database.close()


def test_no_webhook_request_is_claimed_twice(tmp_path: Path) -> None:
    """Two workers that claim at the same time get each request once, and all of them."""
    with use_dialect("postgresql"):
        sample = SampleDatabase(tmp_path)
        key = uuid.uuid4()
        values = {"id": key, "account_id": sample.account, "name": "x", "url": "https://x.example/", "secret": b"x"}
        settings = {"scope": "global", "domains": [], "events": ["clicked"], "enabled": True}
        request = {"webhook_id": key, "account_id": sample.account, "message_id": None, "kind": "x", "body": b""}
        with sample.database.write() as connection:
            connection.execute(insert(webhooks).values(**values, **settings, created_at=1, updated_at=1))
            outbox_table.add(connection, [{**request, "at": START_US} for _ in range(REQUESTS)])
        workers = connect_twice(sample.database)
        claimed: Counter[uuid.UUID] = Counter()

        def claim(number: int) -> None:
            owner, database = uuid.uuid4(), workers[number]
            while True:
                with database.write() as connection:
                    due = outbox_table.list_due_webhooks(connection, START_US)
                    until = START_US + 60 * SECOND_US
                    taken = [
                        item
                        for webhook in due
                        for item in outbox_table.claim(connection, owner, webhook, now=START_US, until=until, limit=4)
                    ]
                if not taken:
                    return
                claimed.update(item.id for item in taken)

        run_both(claim)
        assert len(claimed) == REQUESTS
        assert set(claimed.values()) == {1}
        for database in (*workers, sample.database):
            database.close()
