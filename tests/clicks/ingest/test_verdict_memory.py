"""What several workers remember together, in either database."""

import contextlib
import dataclasses
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from bench.classification_quality import ConfusionMatrix
from bench.classification_run import Classified, classify_incrementally
from bench.simulator.clients import Campaign
from bench.simulator.traffic import generate_campaign_series
from sqlalchemy import select

from linkweir.clicks.classify import Classification, Evidence, Hit, Reputation, Verdict, classify_hits
from linkweir.clicks.classify.reputation import MAX_MESSAGES_PER_CLIENT
from linkweir.clicks.classify.traffic_history import TrafficHistory
from linkweir.clicks.ingest.verdict_memory import VerdictMemory
from linkweir.clock import DAY_US, HOUR_US, SECOND_US
from linkweir.db import verdict_memory_table
from linkweir.db.database import Database, WriteMode
from linkweir.db.schema import verdict_memory
from linkweir.errors import DatabaseUnavailable, VaultError
from tests.clicks.classify.hit_factory import CHROME, START_US, make_hit
from tests.clicks.ingest.click_database import ClickDatabase
from tests.databases import make_database, open_again

SEED, MAILS, MAILINGS = 3, 30, 4
MAX_RECALL_POINTS = 0.5  # that many workers may find less than one
DEVICE: dict[str, Any] = {"device": "desktop"}


@pytest.fixture
def database(dialect: str, tmp_path: Path) -> Iterator[Database]:
    """An empty one."""
    database = make_database(tmp_path)
    yield database
    database.close()


@pytest.fixture(scope="module")
def campaign() -> Campaign:
    """Mailings over days to the same people, by whose scanners one can be known again."""
    return generate_campaign_series(SEED, MAILS, MAILINGS, lists=False)


def make_memory(secret: bytes = bytes(32)) -> VerdictMemory:
    """What a worker has that knows the secret."""
    return VerdictMemory(lambda: secret)


def observe(database: Database, message: str, *hits: Hit, verdict: Verdict = "machine") -> None:
    """Let a worker that has just started judge hits of a message."""
    with database.write(WriteMode.CONCURRENT) as connection:
        batch = make_memory().open_batch(connection, TrafficHistory(), hits)
        for hit in hits:
            if hit.ip:
                batch.history.observe_arrival(hit.ip, message, hit.at)
            batch.history.observe_verdict(hit, Classification(hit.id, verdict, 0.9, (), verdict), message)
        batch.store(connection, START_US)


def find_evidence(database: Database, hit: Hit, message: str = "new", memory: VerdictMemory | None = None) -> Evidence:
    """What a worker that has just started knows beside a hit."""
    with database.read() as connection:
        history = (memory or make_memory()).open_batch(connection, TrafficHistory(), [hit]).history
    return history.evidence_for([hit], message, delivered_at=None, link_count=None)


def list_rows(database: Database) -> list[tuple[int, ...]]:
    """All rows, in order."""
    with database.read() as connection:
        return sorted(tuple(row) for row in connection.execute(select(verdict_memory)))


def test_another_worker_knows_what_one_has_seen(database: Database) -> None:
    """Programs, fleets and the recipients of an address are known to a worker that has seen none of them itself."""
    hit = make_hit(9, **DEVICE)
    observe(database, "a", make_hit(**DEVICE))
    observe(database, "b", make_hit(4, **DEVICE), verdict="human")
    evidence = find_evidence(database, hit)
    assert evidence.reputations == {hit.id: Reputation(1, 1, 9 * SECOND_US)}
    assert evidence.fleets == {hit.id: Reputation(1, 1, 9 * SECOND_US)}
    assert evidence.recipients_per_ip == {"192.0.2.7": 2}
    assert find_evidence(database, hit, "a").reputations == {hit.id: Reputation(0, 1, 5 * SECOND_US)}
    other = make_hit(9, ip="198.51.100.1", user_agent="other")
    assert find_evidence(database, other).reputations == {}


def test_evidence_of_one_message_adds_up(database: Database) -> None:
    """What a program was with one message in two batches, a machine and a person, is both."""
    observe(database, "a", make_hit(3))
    observe(database, "a", make_hit(1), verdict="human")
    hit = make_hit(5)
    assert find_evidence(database, hit).reputations == {hit.id: Reputation(1, 1, 2 * SECOND_US)}


def test_only_the_newest_messages_are_stored(database: Database) -> None:
    """Of a program that comes always again as many messages are stored as are looked at."""
    for number in range(MAX_MESSAGES_PER_CLIENT + 3):
        observe(database, str(number), make_hit(number * 300, ip="192.0.2.7"))
    hit = make_hit(9999)
    record = find_evidence(database, hit).reputations[hit.id]
    assert record.machine_messages == MAX_MESSAGES_PER_CLIENT
    per_source = {source: 0 for source, *_ in list_rows(database)}
    for source, *_ in list_rows(database):
        per_source[source] += 1
    assert sorted(per_source.values()) == [32, 32, 35]  # the last: an address, whose rows go after hours


def test_workers_beside_each_other_lose_nothing(database: Database) -> None:
    """Two that have read the same before either wrote both leave what they saw, also when both delete the same."""
    for number in range(MAX_MESSAGES_PER_CLIENT):
        observe(database, str(number), make_hit(number))
    both, errors = threading.Barrier(2), list[BaseException]()

    def work(message: str) -> None:
        try:
            other = open_again(database)
            hit = make_hit(100)
            with other.read() as connection:
                batch = make_memory().open_batch(connection, TrafficHistory(), [hit])
            batch.history.observe_verdict(hit, Classification(hit.id, "machine", 0.9, (), "machine"), message)
            both.wait(600)
            with other.write(WriteMode.CONCURRENT) as connection:
                batch.store(connection, START_US)
            other.close()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(name,)) for name in ("left", "right")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    messages = {row[1] for row in list_rows(database)}
    memory = make_memory()
    assert {memory.hash_message("left"), memory.hash_message("right")} <= messages


def test_a_batch_that_fails_leaves_nothing(database: Database) -> None:
    """Evidence is stored with the clicks that it comes from, or not at all; a second try finds what the first found."""
    observe(database, "a", make_hit())
    before = list_rows(database)
    with contextlib.suppress(ZeroDivisionError), database.write() as connection:
        batch = make_memory().open_batch(connection, TrafficHistory(), [make_hit(1)])
        batch.history.observe_arrival("192.0.2.7", "b", START_US)
        batch.store(connection, START_US)
        raise ZeroDivisionError
    assert list_rows(database) == before


def test_rows_tell_nothing_without_the_secret(database: Database) -> None:
    """Rows hold numbers only, which are others under another secret, and nothing is found with that."""
    observe(database, "a", make_hit(**DEVICE))
    assert all(type(value) is int for row in list_rows(database) for value in row)
    hit = make_hit(1, **DEVICE)
    other = make_memory(b"\1" * 32)
    evidence = find_evidence(database, hit, memory=other)
    assert (evidence.reputations, evidence.fleets, evidence.recipients_per_ip) == ({}, {}, {"192.0.2.7": 0})
    assert make_memory().hash_message("a") != other.hash_message("a")
    assert make_memory().hash_message("a") == make_memory().hash_message("a")


def test_what_is_old_is_deleted(database: Database) -> None:
    """Recipients of an address are due within two hours, programs within fifteen days, and nothing before it is due."""
    observe(database, "a", make_hit())
    removed: list[int] = []
    for now in (START_US + HOUR_US // 2, START_US + 2 * HOUR_US, START_US + 14 * DAY_US - 1, START_US + 15 * DAY_US):
        with database.write() as connection:
            removed.append(verdict_memory_table.delete_expired(connection, now, 100))
    assert removed == [0, 1, 0, 2]


def test_a_clock_that_is_ahead_prolongs_nothing(database: Database) -> None:
    """A hit of next year is forgotten after two weeks as well."""
    observe(database, "a", make_hit(400 * 86_400))
    assert max(row[4] for row in list_rows(database)) <= START_US + 15 * DAY_US


def test_messages_can_be_forgotten(database: Database) -> None:
    """An erased message leaves no row when those that are marked are deleted, nor its mark; others keep theirs."""
    observe(database, "a", make_hit())
    observe(database, "b", make_hit())
    with database.write() as connection:
        for _ in range(2):  # an erasure that is tried again
            verdict_memory_table.mark_messages(connection, [make_memory().hash_message("a")], START_US, START_US + 1)
    assert {row[1] for row in list_rows(database)} == {make_memory().hash_message(name) for name in "ab"}
    for _ in range(2):
        with database.write() as connection:
            verdict_memory_table.delete_marked(connection)
    assert {row[1] for row in list_rows(database)} == {make_memory().hash_message("b")}


def test_without_a_key_clicks_wait(database: Database) -> None:
    """A vault that cannot be used is an outage, not a fault of the clicks, which would be set aside for it."""

    def fail() -> bytes:
        raise VaultError("no key")

    with pytest.raises(DatabaseUnavailable, match="no key"), database.read() as connection:
        VerdictMemory(fail).open_batch(connection, TrafficHistory(), [make_hit()])


def test_stored_clicks_are_remembered(dialect: str, tmp_path: Path) -> None:
    """Clicks of three messages that one worker stores are evidence for the fourth that another one stores."""
    seen: list[Evidence] = []

    def judge(hits: Sequence[Hit], evidence: Evidence) -> list[Classification]:
        seen.append(evidence)
        return classify_hits(hits, evidence)

    world = ClickDatabase(tmp_path, judge)
    for _ in range(4):
        number = world.send("spring", tracked_links=4)
        world.classifier = dataclasses.replace(world.classifier, history=TrafficHistory(), memory=make_memory())
        world.ingest(*(world.make_event(number, position, position * 0.1, user_agent=CHROME) for position in range(4)))
    (evidence,) = seen[3:]
    assert {record.machine_messages for record in evidence.reputations.values()} == {3}
    assert evidence.recipients_per_ip == {"192.0.2.1": 4}


@pytest.fixture(scope="module")
def one_worker_results(campaign: Campaign) -> list[Classified]:
    """Every request with the verdict of one worker that remembers all by itself."""
    return list(classify_incrementally(campaign))


def list_verdicts(classified: Sequence[Classified]) -> list[str]:
    """The verdicts only."""
    return [verdict for _, _, verdict in classified]


def test_one_worker_judges_as_from_its_own_memory(
    database: Database, campaign: Campaign, one_worker_results: list[Classified]
) -> None:
    """Each request of the simulator gets the verdict that a process gives that remembers everything itself."""
    assert list_verdicts(list(classify_incrementally(campaign, database=database))) == list_verdicts(one_worker_results)


def measure_recall(classified: Sequence[Classified]) -> float:
    """The part of machines' requests on mails with few links that were taken for such, in points."""
    outcome = ConfusionMatrix()
    for mail, request, verdict in classified:
        outcome.add(mail, request, verdict)
    return 100 * outcome.recall("machine", "1 link", "2 links")


def test_many_workers_find_what_one_finds(
    database: Database, campaign: Campaign, one_worker_results: list[Classified]
) -> None:
    """Sixteen workers with one memory take as many of machines' requests for such as one does, within half a point."""
    shared = measure_recall(list(classify_incrementally(campaign, workers=16, database=database)))
    apart = measure_recall(list(classify_incrementally(campaign, workers=16)))
    assert shared >= measure_recall(one_worker_results) - MAX_RECALL_POINTS > apart
