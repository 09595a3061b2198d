"""How many clicks a second the worker takes from facts to verdicts and sums, and what they take on the disk.

`python -m bench.ingest_load [--clicks N] [--messages N] [--batch N]`. A real database, mails with links
and tags, and facts as people and scanners make them, in batches as the journal hands them over; one core. What came of
it is checked against a plain recount of the clicks table, and the sums are then made anew and must be the same. A
digest of the result tells whether another version judges and counts the same clicks alike.
"""

import argparse
import cProfile
import hashlib
import pstats
import random
import resource
import sys
import tempfile
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import func, select, update

from bench.ratios import Ratio
from linkweir.clicks.click_event import ClickEvent
from linkweir.clicks.enrichment import Enricher
from linkweir.clicks.ingest.ingest_worker import BATCH_EVENTS
from linkweir.clicks.ingest.message_clicks import ClickClassifier
from linkweir.clicks.ingest.pipeline import ingest_events
from linkweir.clicks.ingest.rebuild_worker import rebuild_aggregates
from linkweir.clicks.known_networks import KnownNetworks
from linkweir.clock import SECOND_US
from linkweir.db import accounts_table, aggregate_dimensions_table, messages_table
from linkweir.db.aggregate_columns import (
    COUNTED_VERDICTS,
    EXPECTED_LINK_COUNTS,
    EXPECTED_MESSAGE_COUNTS,
    VERDICTS,
)
from linkweir.db.database import Database
from linkweir.db.messages_table import NewMessage
from linkweir.db.schema import (
    CLICK_COUNTS,
    aggregate_dimensions,
    aggregate_values,
    click_aggregates,
    clicks,
    message_links,
)
from linkweir.db.schema import messages as message_rows
from linkweir.db.schema_upgrade import migrate
from linkweir.db.sqlite_database import SqliteDatabase
from linkweir.db.time_buckets import ALL_TIME
from linkweir.mail import message_ids

START_US = 1_790_000_000_000_000
LINKS_PER_MESSAGE = 8
GUARD_CLICKS = 20_000
JUDGED_COLUMNS = ("at", "position", "verdict", "confidence", "reasons", "machine_basis_points", "first", "firsts")
SCANNED_SHARE = 0.15  # of the mails, by a scanner that follows every link
DOMAINS = ("gmail.com", "outlook.com", "yahoo.com", "icloud.com", "web.de", *(f"firm{n}.example" for n in range(200)))
USER_AGENTS = tuple(
    f"Mozilla/5.0 ({system}) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{version}.0.0.0 {mobile}Safari/537.36"
    for system, mobile in (
        ("Windows NT 10.0; Win64; x64", ""),
        ("Macintosh; Intel Mac OS X 10_15_7", ""),
        ("Linux; Android 10; K", "Mobile "),
    )
    for version in range(120, 145)
)
BROWSER_SIGNALS = "no-sec-fetch"  # a signal that real traffic has now and then


def deliver_messages(database: Database, account: uuid.UUID, number: int, rng: random.Random) -> list[tuple[int, int]]:
    """Deliver this many messages of a few campaigns over a day: the tokens' numbers, and when."""
    result: list[tuple[int, int]] = []
    for start in range(0, number, 1000):
        batch = []
        for index in range(start, min(start + 1000, number)):
            at = START_US + rng.randrange(86_400 * SECOND_US)
            key = message_ids.new_message_id(at)
            result.append((message_ids.link_number(key), at))
            batch.append(_make_message(key, account, at, f"campaign-{index % 5}", rng))
        with database.write() as connection:
            messages_table.add(connection, batch)
            connection.execute(
                update(message_rows)
                .where(message_rows.c.status == "Received")
                .values(status="Delivered", delivered_at=message_rows.c.created_at)
            )
    return result


def _make_message(key: uuid.UUID, account: uuid.UUID, at: int, tag: str, rng: random.Random) -> NewMessage:
    return NewMessage(
        id=key,
        number=message_ids.link_number(key),
        account_id=account,
        message_id=f"{key}@news.example",
        sender="news@news.example",
        envelope_from="news@news.example",
        recipient=f"reader{rng.randrange(10**9)}@{rng.choice(DOMAINS)}",
        subject="News of the week",
        tags=[tag, "newsletter"],
        track_clicks=True,
        privacy="full",
        raw=b"",
        short_links={},
        now=at,
        due_at=at,
        expires_at=at,
        keep_until_at=at,
        retain_until_at=at + 30 * 86_400 * SECOND_US,
        variant=rng.choice("ab"),
        tracked_links=LINKS_PER_MESSAGE,
        attributes={"plan": rng.choice(("free", "pro", "team"))},
    )


def generate_events(sent: list[tuple[int, int]], number: int, rng: random.Random) -> list[ClickEvent]:
    """This many hits on the links of these messages, in the order of time."""
    result: list[ClickEvent] = []
    while len(result) < number:
        message, at = rng.choice(sent)
        if rng.random() < SCANNED_SHARE:
            result += _scanner_events(message, at + rng.randrange(20, 300) * SECOND_US, rng)
        else:
            result += _human_events(message, at + int(rng.expovariate(1 / 14_400) * SECOND_US) + 30 * SECOND_US, rng)
    result.sort(key=lambda fact: fact.at)
    ids = random.Random(number)  # noqa: S311 - of this traffic, which is the same in each run
    for event in result:
        event.id = uuid.UUID(int=ids.getrandbits(128), version=4)
    return result[:number]


def _scanner_events(message: int, at: int, rng: random.Random) -> Iterator[ClickEvent]:
    ip, agent = f"203.0.113.{rng.randrange(256)}", rng.choice(USER_AGENTS)
    for position in range(LINKS_PER_MESSAGE):
        yield _make_event(message, at + rng.randrange(SECOND_US), position, ip, agent)


def _human_events(message: int, at: int, rng: random.Random) -> Iterator[ClickEvent]:
    ip, agent = f"198.{rng.randrange(18, 20)}.{rng.randrange(256)}.{rng.randrange(256)}", rng.choice(USER_AGENTS)
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        yield _make_event(message, at, min(int(rng.expovariate(0.6)), LINKS_PER_MESSAGE - 1), ip, agent)
        at += rng.randrange(8, 200) * SECOND_US


def _make_event(message: int, at: int, position: int, ip: str, agent: str) -> ClickEvent:
    return ClickEvent(
        id=uuid.uuid4(),
        at=at,
        method="GET",
        privacy="full",
        key_id=1,
        number=message,
        message_ref=str(message),
        campaign=None,
        position=position,
        destination=f"https://www.news.example/articles/2026/what-to-read-{position}?utm_source=newsletter&issue=17",
        ip=ip,
        user_agent=agent,
        kind="click",
        prefetch=False,
        signals=BROWSER_SIGNALS,
        objected=False,
        device=None,
        country=None,
        network=None,
    )


def ingest(database: SqliteDatabase, facts: list[ClickEvent], batch: int, understand: ClickClassifier) -> float:
    """Seconds for all of them."""
    began = time.perf_counter()
    for start in range(0, len(facts), batch):
        part = facts[start : start + batch]
        with database.write() as connection:
            ingest_events(connection, part, understand, part[-1].at)
    return time.perf_counter() - began


def check_aggregates(database: Database, account: uuid.UUID, expected: int) -> Counter[str]:
    """Verdicts of all clicks; the sums must agree with them."""
    with database.read() as connection:
        grouped = select(clicks.c.verdict, func.count()).group_by(clicks.c.verdict)
        result = Counter({verdict: int(number) for verdict, number in connection.execute(grouped)})
        assert result.total() == expected, result
        whole = (
            click_aggregates.c.axis == aggregate_dimensions_table.id_subquery(account, "", ""),
            click_aggregates.c.hours == ALL_TIME,
        )
        sums = connection.execute(
            select(*(func.sum(click_aggregates.c[name]) for name in VERDICTS)).where(*whole)
        ).one()
        assert dict(zip(VERDICTS, sums, strict=True)) == {name: result[name] for name in VERDICTS}
        counted = sum(result[name] for name in COUNTED_VERDICTS)
        assert connection.scalar(select(func.sum(message_rows.c.click_count))) == counted
        links = (message_links.c[name] for name in VERDICTS)
        assert sum(connection.execute(select(*(func.sum(link) for link in links))).one()) == expected
        persons = (clicks.c.verdict.in_(COUNTED_VERDICTS), clicks.c.kind == "click")
        clickers = connection.scalar(select(func.count(clicks.c.message_id.distinct())).where(*persons))
        assert connection.scalar(select(func.sum(click_aggregates.c.clickers)).where(*whole)) == clickers
    return result


def digest_stored(database: SqliteDatabase) -> str:
    """A digest of all verdicts, sums and counts, without ids that differ from run to run: equal for two versions that
    judge and count alike, click for click.
    """
    judged = select(*(clicks.c[name] for name in JUDGED_COLUMNS)).order_by(clicks.c.at, clicks.c.id)
    names = (aggregate_dimensions.c.scope, aggregate_dimensions.c.dimension, aggregate_values.c.text)
    keys = (*names, click_aggregates.c.hours, click_aggregates.c.hour)
    summed = (
        select(*keys, *(click_aggregates.c[name] for name in CLICK_COUNTS))
        .join(aggregate_dimensions, aggregate_dimensions.c.id == click_aggregates.c.axis)
        .join(aggregate_values, aggregate_values.c.id == click_aggregates.c.word)
        .order_by(*keys)
    )
    sent = (message_rows.c.created_at, message_rows.c.recipient)
    counts = (message_rows.c[name] for name in ("status", "click_count", *EXPECTED_MESSAGE_COUNTS))
    counted = select(*sent, *counts).order_by(*sent)
    links = [message_links.c[name] for name in (*VERDICTS, *EXPECTED_LINK_COUNTS, "first_at")]
    linked = (
        select(*sent, message_links.c.position, message_links.c.destination, *links)
        .join(message_rows, message_rows.c.id == message_links.c.message_id)
        .order_by(*sent, message_links.c.position)
    )
    digest = hashlib.sha256()
    with database.read() as connection:
        for statement in (judged, summed, counted, linked):
            for row in connection.execute(statement):
                digest.update(repr(tuple(row)).encode())
    return digest.hexdigest()[:16]


def database_bytes(database: SqliteDatabase) -> int:
    """Bytes of the database with everything written back."""
    with database.read() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    return database.path.stat().st_size


def main(arguments: list[str]) -> int:
    """Print the figures."""
    parser = argparse.ArgumentParser(prog="python -m bench.ingest_load", description=__doc__)
    parser.add_argument("--clicks", type=int, default=100_000)
    parser.add_argument("--messages", type=int, default=40_000)
    parser.add_argument("--batch", type=int, default=BATCH_EVENTS)
    parser.add_argument("--profile", action="store_true", help="show where the time goes")
    asked = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        _measure(Path(folder), asked)
    return 0


def _prepare(folder: Path, messages: int, number: int) -> tuple[SqliteDatabase, uuid.UUID, list[ClickEvent]]:
    """Make a database of an account that has sent so many messages, and so many clicks on them."""
    rng = random.Random(17)  # noqa: S311 - traffic, not a secret
    database = SqliteDatabase(folder / "linkweir.db", timeout=5)
    migrate(database)
    account = uuid.uuid4()
    with database.write() as connection:
        accounts_table.create(connection, account, "Bench", START_US)
        accounts_table.claim_link_keys(connection, {1: None}, account)
    sent = deliver_messages(database, account, messages, rng)
    return database, account, generate_events(sent, number, rng)


def measure_bytes_per_click(_rounds: int) -> Ratio:
    """Bytes on the disk for each click with everything derived from it; the same on every machine."""
    with tempfile.TemporaryDirectory() as folder:
        database, account, facts = _prepare(Path(folder), GUARD_CLICKS * 2 // 5, GUARD_CLICKS)
        empty = database_bytes(database)
        ingest(database, facts, BATCH_EVENTS, ClickClassifier(Enricher(None, KnownNetworks.load())))
        check_aggregates(database, account, len(facts))
        value = (database_bytes(database) - empty) / len(facts)
        database.close()
    return Ratio(value, value, f"{len(facts)} clicks")


def _measure(folder: Path, options: argparse.Namespace) -> None:
    database, account, facts = _prepare(folder, options.messages, options.clicks)
    empty = database_bytes(database)
    understand = ClickClassifier(Enricher(None, KnownNetworks.load()))
    understand.enricher.enrich("192.0.2.1", USER_AGENTS[0])  # its lists of patterns are made once in a process
    understand.enricher.user_agent_class(USER_AGENTS[0])
    profile = cProfile.Profile()
    used = resource.getrusage(resource.RUSAGE_SELF)
    if options.profile:
        profile.enable()
    seconds = ingest(database, facts, options.batch, understand)
    profile.disable()
    spent = resource.getrusage(resource.RUSAGE_SELF)
    cpu = spent.ru_utime + spent.ru_stime - used.ru_utime - used.ru_stime
    verdicts = check_aggregates(database, account, len(facts))
    grown = database_bytes(database) - empty
    print(f"{len(facts)} clicks on {options.messages} messages in batches of {options.batch}: {dict(verdicts)}")
    print(
        f"kept      {len(facts) / seconds:8.0f} clicks a second on the wall, {len(facts) / cpu:.0f} of processor time"
    )
    print(f"result    {digest_stored(database)}: the same for versions that judge and count alike")
    print(f"database  {grown / len(facts) * 1e6 / 1e6:8.0f} MB for a million clicks")
    began = time.perf_counter()
    rebuild_aggregates(database, START_US, lambda _what, _done: True)
    print(f"rebuilt   {len(facts) / (time.perf_counter() - began):8.0f} clicks a second")
    check_aggregates(database, account, len(facts))
    if options.profile:
        pstats.Stats(profile).sort_stats("tottime").print_stats(35)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
