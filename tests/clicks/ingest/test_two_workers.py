"""Several processes' workers on one PostgreSQL come to what one comes to on SQLite, and claim nothing twice."""

import itertools
import random
import threading
import uuid
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench.simulator.clients import Campaign
from bench.simulator.traffic import generate_campaign
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, func, insert, select, update

from linkweir.clicks import header_signals
from linkweir.clicks.classify import Classification, Evidence, Hit, classify_hits
from linkweir.clicks.classify.click_runs import MAX_NEIGHBOURS
from linkweir.clicks.click_event import ClickEvent
from linkweir.clicks.enrichment import Enricher
from linkweir.clicks.ingest.click_notifications import enqueue_notifications
from linkweir.clicks.ingest.message_clicks import ClickClassifier
from linkweir.clicks.ingest.pipeline import ingest_events
from linkweir.clicks.known_networks import KnownNetworks
from linkweir.clock import SECOND_US
from linkweir.db import delivery_queue_table, outbox_table
from linkweir.db.database import Database, WriteMode
from linkweir.db.postgresql_database import PostgresqlDatabase
from linkweir.db.schema import click_rows, outbox, webhooks
from linkweir.errors import TransactionConflict
from linkweir.tokens import KeyRing
from tests.clicks.ingest.click_database import START_US, ClickDatabase
from tests.databases import use_dialect
from tests.db.sample_database import NOW_US, SampleDatabase

MESSAGES = 6
HITS_PER_MESSAGE = 8
CLAIMERS = 4
ROWS = 60
LATER_US = START_US + 3600 * SECOND_US


def run_all(workers: Sequence[PostgresqlDatabase], work: Callable[[PostgresqlDatabase], None]) -> None:
    """Run the work of all workers at the same time, close them, and raise what one has raised."""
    errors: list[BaseException] = []
    begin = threading.Barrier(len(workers))

    def run(database: PostgresqlDatabase) -> None:
        try:
            begin.wait()
            work(database)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(database,)) for database in workers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for database in workers:
        database.close()
    if errors:
        raise errors[0]


def connect(database: Database, count: int) -> list[PostgresqlDatabase]:
    """Several ways to the database, each with connections of its own, as processes have."""
    assert isinstance(database, PostgresqlDatabase)
    url = database._engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
    return [PostgresqlDatabase(url, database.folder, timeout=60) for _ in range(count)]


def write(database: Database, work: Callable[[Connection], object]) -> None:
    """Do the work in a transaction, again when those of others were in its way."""
    while True:
        try:
            with database.write(WriteMode.CONCURRENT) as connection:
                work(connection)
            return
        except TransactionConflict:
            continue


def spread(numbers: Sequence[int], world: ClickDatabase, ids: Sequence[uuid.UUID]) -> list[ClickEvent]:
    """Clicks of all these messages in turn, some of them so close to each other that a machine must have made them;
    of messages that are not stored here, too.
    """
    hits = itertools.product(range(HITS_PER_MESSAGE), enumerate(numbers))
    return [
        world.make_event(number, position=hit % 4, after=hit * (0.4 if index % 2 else 9.0), id=key)
        for (hit, (index, number)), key in zip(hits, ids, strict=True)
    ]


def derived(world: ClickDatabase, numbers: Sequence[int]) -> object:
    """Sums, and how each click and message stands, without what differs between two databases."""
    aggregates, _links, flags, messages = world.state()
    verdicts = {row["id"]: (row["verdict"], row["reasons"], row["machine_basis_points"]) for row in world.clicks()}
    order = [messages[world.messages[number]] for number in numbers]
    return {key[1:]: row for key, row in aggregates.items()}, flags, verdicts, order


def ingest_beside_each_other(world: ClickDatabase, events: Sequence[ClickEvent], workers: int, batch: int) -> None:
    """Let so many workers take batches of so many events, each the next one as soon as it is done with another."""
    lock, batches = threading.Lock(), iter([events[at : at + batch] for at in range(0, len(events), batch)])

    def ingest(database: PostgresqlDatabase) -> None:
        while True:
            with lock:
                some = next(batches, None)
            if some is None:
                return
            write(database, partial(ingest_events, events=some, classifier=world.classifier, now=world.now))

    run_all(connect(world.database, workers), ingest)


@settings(max_examples=4, deadline=None, phases=(Phase.generate,))
@given(workers=st.integers(2, 4), batch=st.integers(1, 12), order=st.randoms(use_true_random=False))
def test_any_number_of_workers_come_to_what_one_comes_to(workers: int, batch: int, order: random.Random) -> None:
    """Clicks of the same messages, in any order and spread over any workers in batches of any size, give the sums and
    verdicts that one process comes to on SQLite; and an event that two workers have counts once.
    """
    with TemporaryDirectory() as folder, use_dialect("postgresql"):
        ids = [uuid.UUID(int=number + 1) for number in range((MESSAGES + 1) * HITS_PER_MESSAGE)]
        with use_dialect("sqlite"):
            alone = ClickDatabase(Path(folder) / "alone")
        numbers = [alone.send("spring") for _ in range(MESSAGES)]
        alone.ingest(*spread([*numbers, 7], alone, ids))
        shared = ClickDatabase(Path(folder) / "shared")
        shared_numbers = [shared.send("spring") for _ in range(MESSAGES)]
        events = spread([*shared_numbers, 7], shared, ids)
        events += events[:HITS_PER_MESSAGE]
        order.shuffle(events)
        ingest_beside_each_other(shared, events, workers, batch)
        assert derived(shared, shared_numbers) == derived(alone, numbers)
        alone.database.close()


def judge_alone(hits: Sequence[Hit], evidence: Evidence) -> list[Classification]:
    """The rules, without what is remembered of other messages: that depends on who was first."""
    return classify_hits(hits, Evidence(delivered_at=evidence.delivered_at, link_count=evidence.link_count))


def simulate(world: ClickDatabase, campaign: Campaign) -> tuple[list[int], list[ClickEvent]]:
    """Send the simulator's mails; their numbers, and the events of all requests, whose ids are the same each time."""
    world.classifier = ClickClassifier(Enricher(None, KnownNetworks({})), classify_hits=judge_alone)
    numbers, events = [], list[ClickEvent]()
    for mail in campaign.mails:
        if len(mail.requests) > MAX_NEIGHBOURS:
            continue  # of a flood not all hits are compared, and which ones depends on what came first
        numbers.append(world.send("spring", tracked_links=mail.links))
        for request in mail.requests:
            named = {**request.headers, "user-agent": request.user_agent}
            headers = {name.encode(): value.encode() for name, value in named.items()}
            event = world.make_event(
                numbers[-1], request.link, request.at - mail.delivered, id=uuid.UUID(int=len(events))
            )
            signals = header_signals.detect_signals(headers, request.http_version, secure=True, at=event.at)
            seen: dict[str, Any] = {"id": uuid.UUID(int=len(events)), "method": request.method}
            seen |= {"ip": request.ip, "user_agent": request.user_agent}
            seen |= {"signals": " ".join(signals), "prefetch": header_signals.is_prefetch(headers)}
            events.append(replace(event, **seen))
    return numbers, events


@settings(max_examples=3, deadline=None, phases=(Phase.generate,))
@given(seed=st.integers(1, 1000), workers=st.integers(2, 4), batch=st.integers(5, 40), order=st.randoms())
def test_simulated_traffic_comes_to_the_same(seed: int, workers: int, batch: int, order: random.Random) -> None:
    """The simulator's people and machines, judged by the rules, get the verdicts and sums of one process on SQLite from
    any number of workers on PostgreSQL, whatever comes first.
    """
    campaign = generate_campaign(seed, 20)
    with TemporaryDirectory() as folder, use_dialect("postgresql"):
        with use_dialect("sqlite"):
            alone = ClickDatabase(Path(folder) / "alone")
        numbers, events = simulate(alone, campaign)
        alone.ingest(*sorted(events, key=lambda event: event.at))
        shared = ClickDatabase(Path(folder) / "shared")
        shared_numbers, events = simulate(shared, campaign)
        order.shuffle(events)
        ingest_beside_each_other(shared, events, workers, batch)
        assert derived(shared, shared_numbers) == derived(alone, numbers)
        alone.database.close()


def add_webhook(connection: Connection, account: uuid.UUID) -> uuid.UUID:
    """A webhook that hears of clicks."""
    key = uuid.uuid4()
    values = {"id": key, "account_id": account, "name": "x", "url": "https://x.example/", "secret": b"x"}
    options = {"scope": "global", "domains": [], "events": ["clicked"], "enabled": True}
    connection.execute(insert(webhooks).values(**values, **options, created_at=1, updated_at=1))
    return key


def test_no_row_is_claimed_twice(tmp_path: Path) -> None:
    """Several workers that claim at the same time get each request to a webhook and each mail once, and all of them."""
    with use_dialect("postgresql"):
        sample = SampleDatabase(tmp_path)
        mails = {sample.queue_message() for _ in range(ROWS)}
        with sample.database.write() as connection:
            request = {"message_id": None, "kind": "x", "body": b"", "at": NOW_US, "account_id": sample.account}
            request["webhook_id"] = add_webhook(connection, sample.account)
            outbox_table.add(connection, [dict(request) for _ in range(ROWS)])
        claimed: Counter[uuid.UUID] = Counter()
        times = {"now": NOW_US, "until": NOW_US + 60 * SECOND_US, "limit": 4}

        def claim(database: PostgresqlDatabase) -> None:
            owner, taken = uuid.uuid4(), [uuid.uuid4()]
            while taken:
                with database.write(WriteMode.CONCURRENT) as connection:
                    taken = [mail.id for mail in delivery_queue_table.claim(connection, owner, "default", **times)]
                    for webhook in outbox_table.list_due_webhooks(connection, NOW_US):
                        taken += [each.id for each in outbox_table.claim(connection, owner, webhook, **times)]
                claimed.update(taken)

        run_all(connect(sample.database, CLAIMERS), claim)
        assert len(claimed) == 2 * ROWS
        assert mails <= claimed.keys()
        assert set(claimed.values()) == {1}


def test_webhooks_hear_of_each_click_once(tmp_path: Path) -> None:
    """Several workers that tell webhooks of clicks at the same time queue one request for each click."""
    with use_dialect("postgresql"):
        world, keyring = ClickDatabase(tmp_path), KeyRing.generate()
        with world.database.write() as connection:
            add_webhook(connection, world.account)
        ids = [uuid.uuid4() for _ in range(MESSAGES * HITS_PER_MESSAGE)]
        world.ingest(*spread([world.send() for _ in range(MESSAGES)], world, ids))
        with world.database.write() as connection:
            connection.execute(update(click_rows).values(tell_at=START_US))

        def notify(connection: Connection) -> None:
            enqueue_notifications(connection, LATER_US, keyring)

        def enqueue(database: PostgresqlDatabase) -> None:
            write(database, notify)

        run_all(connect(world.database, CLAIMERS), enqueue)
        write(world.database, notify)  # of what each had left to the others
        with world.database.read() as connection:
            bodies = list(connection.scalars(select(outbox.c.body)))
            waiting = connection.scalar(select(func.count()).where(click_rows.c.tell_at.is_not(None)))
        assert len(bodies) == len(ids)
        assert len({bytes(body) for body in bodies}) == len(ids)
        assert waiting == 0
