"""How many clicks a second the worker takes from facts to verdicts and sums, and what they take on the disk.

`python -m bench.ingest [--clicks N] [--messages N] [--batch N]`. A real store in a temporary folder, mails with links
and tags, and facts as people and scanners make them, in batches as the journal hands them over; one core. What came of
it is checked against a plain recount of the clicks table, and the sums are then made anew and must be the same.
"""

import argparse
import cProfile
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

from linkweir.click.enrich import Enricher
from linkweir.click.fact import Fact
from linkweir.click.keep import keep
from linkweir.click.networks import Networks
from linkweir.click.rebuild import rebuild_all
from linkweir.click.understand import Understand
from linkweir.mail import identity
from linkweir.store import accounts, axes, messages
from linkweir.store.engine import Store
from linkweir.store.messages import NewMessage
from linkweir.store.migrate import migrate
from linkweir.store.spans import EVER
from linkweir.store.sums import COUNTED, VERDICTS
from linkweir.store.tables import clicks, message_links, rollups
from linkweir.store.tables import messages as messages_table

START = 1_790_000_000_000_000
SECOND = 1_000_000
LINKS = 8
SWEPT = 0.15  # of the mails, by a scanner that follows every link
DOMAINS = ("gmail.com", "outlook.com", "yahoo.com", "icloud.com", "web.de", *(f"firm{n}.example" for n in range(200)))
AGENTS = tuple(
    f"Mozilla/5.0 ({system}) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{version}.0.0.0 {mobile}Safari/537.36"
    for system, mobile in (
        ("Windows NT 10.0; Win64; x64", ""),
        ("Macintosh; Intel Mac OS X 10_15_7", ""),
        ("Linux; Android 10; K", "Mobile "),
    )
    for version in range(120, 145)
)
BROWSER = "no-sec-fetch"  # a signal that real traffic has now and then


def send(store: Store, account: uuid.UUID, number: int, dice: random.Random) -> list[tuple[int, int]]:
    """Deliver this many messages of a few campaigns over a day: the tokens' numbers, and when."""
    found: list[tuple[int, int]] = []
    for start in range(0, number, 1000):
        batch = []
        for place in range(start, min(start + 1000, number)):
            at = START + dice.randrange(86_400 * SECOND)
            key = identity.new_id(at)
            found.append((identity.number_of(key), at))
            batch.append(_message(key, account, at, f"campaign-{place % 5}", dice))
        with store.write() as connection:
            messages.add(connection, batch)
            connection.execute(
                update(messages_table)
                .where(messages_table.c.status == "Received")
                .values(status="Delivered", delivered_at=messages_table.c.created_at)
            )
    return found


def _message(key: uuid.UUID, account: uuid.UUID, at: int, tag: str, dice: random.Random) -> NewMessage:
    return NewMessage(
        id=key,
        number=identity.number_of(key),
        account_id=account,
        message_id=f"{key}@news.example",
        sender="news@news.example",
        envelope_from="news@news.example",
        recipient=f"reader{dice.randrange(10**9)}@{dice.choice(DOMAINS)}",
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
        retain_until_at=at + 30 * 86_400 * SECOND,
        variant=dice.choice("ab"),
        tracked_links=LINKS,
        attributes={"plan": dice.choice(("free", "pro", "team"))},
    )


def traffic(sent: list[tuple[int, int]], number: int, dice: random.Random) -> list[Fact]:
    """This many hits on the links of these messages, in the order of time."""
    found: list[Fact] = []
    while len(found) < number:
        message, at = dice.choice(sent)
        if dice.random() < SWEPT:
            found += _sweep(message, at + dice.randrange(20, 300) * SECOND, dice)
        else:
            found += _person(message, at + int(dice.expovariate(1 / 14_400) * SECOND) + 30 * SECOND, dice)
    found.sort(key=lambda fact: fact.at)
    return found[:number]


def _sweep(message: int, at: int, dice: random.Random) -> Iterator[Fact]:
    ip, agent = f"203.0.113.{dice.randrange(256)}", dice.choice(AGENTS)
    for position in range(LINKS):
        yield _fact(message, at + dice.randrange(SECOND), position, ip, agent)


def _person(message: int, at: int, dice: random.Random) -> Iterator[Fact]:
    ip, agent = f"198.{dice.randrange(18, 20)}.{dice.randrange(256)}.{dice.randrange(256)}", dice.choice(AGENTS)
    for _ in range(dice.choice((1, 1, 1, 2, 3))):
        yield _fact(message, at, min(int(dice.expovariate(0.6)), LINKS - 1), ip, agent)
        at += dice.randrange(8, 200) * SECOND


def _fact(message: int, at: int, position: int, ip: str, agent: str) -> Fact:
    return Fact(
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
        signals=BROWSER,
    )


def ingest(store: Store, facts: list[Fact], batch: int, understand: Understand) -> float:
    """Seconds for all of them."""
    began = time.perf_counter()
    for start in range(0, len(facts), batch):
        part = facts[start : start + batch]
        with store.write() as connection:
            keep(connection, part, understand, part[-1].at)
    return time.perf_counter() - began


def check(store: Store, account: uuid.UUID, expected: int) -> Counter[str]:
    """Verdicts of all clicks; the sums must agree with them."""
    with store.read() as connection:
        grouped = select(clicks.c.verdict, func.count()).group_by(clicks.c.verdict)
        found = Counter({verdict: int(number) for verdict, number in connection.execute(grouped)})
        assert found.total() == expected, found
        whole = (rollups.c.axis == axes.number(account, "", ""), rollups.c.hours == EVER)
        sums = connection.execute(select(*(func.sum(rollups.c[name]) for name in VERDICTS)).where(*whole)).one()
        assert dict(zip(VERDICTS, sums, strict=True)) == {name: found[name] for name in VERDICTS}
        counted = sum(found[name] for name in COUNTED)
        assert connection.scalar(select(func.sum(messages_table.c.click_count))) == counted
        links = (message_links.c[name] for name in VERDICTS)
        assert connection.scalar(select(sum(func.sum(one) for one in links))) == expected
        persons = (clicks.c.verdict.in_(COUNTED), clicks.c.kind == "click")
        clickers = connection.scalar(select(func.count(clicks.c.message_id.distinct())).where(*persons))
        assert connection.scalar(select(func.sum(rollups.c.clickers)).where(*whole)) == clickers
    return found


def size(store: Store) -> int:
    """Bytes of the database with everything written back."""
    with store.read() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    return store.path.stat().st_size


def main(arguments: list[str]) -> int:
    """Print the figures."""
    parser = argparse.ArgumentParser(prog="python -m bench.ingest", description=__doc__)
    parser.add_argument("--clicks", type=int, default=100_000)
    parser.add_argument("--messages", type=int, default=40_000)
    parser.add_argument("--batch", type=int, default=500)
    parser.add_argument("--profile", action="store_true", help="show where the time goes")
    asked = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        _measure(Path(folder), asked)
    return 0


def _measure(folder: Path, asked: argparse.Namespace) -> None:
    dice = random.Random(17)  # noqa: S311 - traffic, not a secret
    store = Store(folder / "linkweir.db", wait=5)
    migrate(store)
    account = uuid.uuid4()
    with store.write() as connection:
        accounts.create(connection, account, "Bench", START)
        accounts.claim_link_keys(connection, {1: None}, account)
    sent = send(store, account, asked.messages, dice)
    facts = traffic(sent, asked.clicks, dice)
    empty = size(store)
    understand = Understand(Enricher(None, Networks.load()))
    understand.enricher.describe("192.0.2.1", AGENTS[0])  # its lists of patterns are made once in a process
    understand.enricher.user_agent_class(AGENTS[0])
    profile = cProfile.Profile()
    used = resource.getrusage(resource.RUSAGE_SELF)
    if asked.profile:
        profile.enable()
    seconds = ingest(store, facts, asked.batch, understand)
    profile.disable()
    spent = resource.getrusage(resource.RUSAGE_SELF)
    cpu = spent.ru_utime + spent.ru_stime - used.ru_utime - used.ru_stime
    verdicts = check(store, account, len(facts))
    grown = size(store) - empty
    print(f"{len(facts)} clicks on {asked.messages} messages in batches of {asked.batch}: {dict(verdicts)}")
    print(
        f"kept      {len(facts) / seconds:8.0f} clicks a second on the wall, {len(facts) / cpu:.0f} of processor time"
    )
    print(f"database  {grown / len(facts) * 1e6 / 1e6:8.0f} MB for a million clicks")
    began = time.perf_counter()
    rebuild_all(store, START, lambda _what, _done: True)
    print(f"rebuilt   {len(facts) / (time.perf_counter() - began):8.0f} clicks a second")
    check(store, account, len(facts))
    if asked.profile:
        pstats.Stats(profile).sort_stats("tottime").print_stats(35)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
