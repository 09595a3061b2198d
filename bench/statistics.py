"""What an overview and a campaign page cost at 100,000 and at 10 million clicks: `python -m bench.statistics [--full]`.

One account, a year, two hundred campaigns; with ten times or a hundred times the clicks the same campaigns are clicked
that much more. The sums are written in bulk as the service writes them: a row for each hour and value that had a
click, in the scopes of the account, of each campaign and of its sender. Without `--full` the larger one has a million.
Both are measured in turn, in processor time, through the functions that the endpoints and the dashboard call. Every
answer is checked: its total must be what was put in.
"""

import argparse
import math
import random
import sys
import tempfile
import uuid
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, text

from bench.how.rounds import interleave, ratio, repeated
from linkweir.report import campaigns, clicks
from linkweir.report.clicks import Question
from linkweir.store import accounts, rollups, tables
from linkweir.store.engine import Store
from linkweir.store.migrate import migrate

YEAR, CAMPAIGNS, LONG = 8760, 200, 336  # hours of all, campaigns, hours that one is clicked
SMALL, MIDDLE, LARGE = 100_000, 1_000_000, 10_000_000
ACCOUNT = uuid.UUID(int=1)
SHARES = (0.45, 0.4, 0.02, 0.13)  # human, machine, prefetch, unsure
SIZES = {  # how many values a dimension has
    **{"": 1, "link": 12, "destination": 12, "country": 40, "device": 4, "client": 15, "variant": 2},
    **{"recipient_domain": 60, "attribute:plan": 3, "tag": 1, "sender_domain": 1},
}
BERLIN = ZoneInfo("Europe/Berlin")
HIGHER = """
SELECT a.account_id, '{scope}', a.dimension, w.text, r.hour,
 sum(human), sum(machine), sum(prefetch), sum(unsure), sum(clickers) FROM rollups r
 JOIN axes a ON a.id = r.axis JOIN words w ON w.id = r.word WHERE a.scope LIKE 'tag:%' AND r.hours = 1
 GROUP BY 1, 2, 3, 4, 5
"""
SCOPES = ("", "sender:d' || (substr(a.scope, 5) % 5) || '")
SENT = ("", "tag", "variant", "recipient_domain", "attribute:plan")


@dataclass
class Filled:
    """A store with so many clicks, and what was put in: in all, in the last 30 days, and by campaign."""

    store: Store
    total: int = 0
    month: int = 0
    tags: Counter[int] = field(default_factory=Counter)


def fill(path: Path, wanted: int) -> Filled:
    """A store with the sums of about `wanted` clicks."""
    store = Store(path, wait=60)
    migrate(store)
    found = Filled(store)
    dice = random.Random(wanted)  # noqa: S311 - the same on every run
    with store.write() as connection:
        accounts.create(connection, ACCOUNT, "x", 1)
        for tag in range(CAMPAIGNS):
            rows = list(_campaign(tag, wanted / CAMPAIGNS, dice, found))
            _add(connection, rows)
        for scope in SCOPES:
            higher = connection.execute(text(HIGHER.format(scope=scope))).all()
            _add(connection, [(uuid.UUID(row[0]), *row[1:]) for row in higher])
    return found


def _add(connection: Connection, rows: list[tuple[Any, ...]]) -> None:
    """Sums as the service writes them, and those of the messages that were clicked: twenty for each clicker."""
    rollups.add(connection, rows)
    sent = [(*row[:5], row[-1] * 20, row[-1] * 19) for row in rows if row[2] in SENT and row[-1]]
    rollups.add(connection, sent, tables.sends)


def _campaign(tag: int, wanted: float, dice: random.Random, found: Filled) -> Iterator[tuple[Any, ...]]:
    """One campaign's rows: half of all clicks in the first day, the last after two weeks; the early values are many."""
    start = tag * (YEAR - LONG) // CAMPAIGNS
    decay = math.log(2) / 24
    whole = sum(math.exp(-decay * hour) for hour in range(LONG))
    for dimension, size in SIZES.items():
        weights = [1 / (place + 1) for place in range(size)]
        for hour in range(LONG):
            rate = wanted * math.exp(-decay * hour) / whole
            for place, weight in enumerate(weights):
                share = rate * weight / sum(weights)
                counts = [int(share * part + dice.random()) for part in SHARES]
                if not any(counts):
                    continue
                if not dimension:
                    found.total += sum(counts)
                    found.tags[tag] += sum(counts)
                    found.month += sum(counts) if start + hour >= YEAR - 30 * 24 else 0
                yield ACCOUNT, f"tag:{tag}", dimension, _value(dimension, place, tag), start + hour, *counts, counts[0]


def _value(dimension: str, place: int, tag: int) -> str:
    named = {
        "": "",
        "tag": str(tag),
        "sender_domain": f"d{tag % 5}",
        "link": f"{place}\thttps://example.com/{tag}/{place}",
    }
    return named.get(dimension, f"{dimension} {tag if dimension == 'destination' else ''} {place}")


def overview(filled: Filled) -> int:
    """The last 30 days: by day in a time zone, the last two days by hour, campaigns, countries, devices, clients."""
    with filled.store.read() as connection:
        days = clicks.answer(connection, _question("day", YEAR - 30 * 24)).rows
        clicks.answer(connection, _question("hour", YEAR - 48))
        campaigns.all_campaigns(connection, ACCOUNT, YEAR - 30 * 24, YEAR, 20)
        for group in ("country", "device", "client"):
            rows = clicks.answer(connection, _question(group, YEAR - 30 * 24)).rows
            assert rows[0]["total"] >= rows[-1]["total"]
    return sum(row["total"] for row in days)


def campaign(filled: Filled) -> int:
    """One campaign, all of its time: sums and rate, by hour, links, segments, variants."""
    tag = str(CAMPAIGNS // 2)
    start = CAMPAIGNS // 2 * (YEAR - LONG) // CAMPAIGNS
    with filled.store.read() as connection:
        (whole,) = campaigns.campaigns(connection, ACCOUNT, [tag], 0, YEAR)
        hours = clicks.answer(connection, _question("hour", start, start + LONG, tag)).rows
        for group in ("link", "country", "device", "client", "recipient_domain", "attribute:plan"):
            assert clicks.answer(connection, _question(group, 0, YEAR, tag)).rows
        _, differences = campaigns.variants(connection, ACCOUNT, tag, (0, YEAR), None)
    assert len(differences) == 1
    assert whole["total"] == sum(row["total"] for row in hours)
    return int(whole["total"])


def _question(group: str, first: int, last: int = YEAR, tag: str | None = None) -> Question:
    return Question(account=ACCOUNT, group=group, first=first, last=last, zone=BERLIN, tag=tag, limit=20)


def main(arguments: list[str]) -> int:
    """Print a line for each page."""
    parser = argparse.ArgumentParser(prog="python -m bench.statistics", description=__doc__)
    parser.add_argument("--full", action="store_true", help="10 million clicks instead of one")
    parser.add_argument("--rounds", type=int, default=15)
    args = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        sizes = (SMALL, LARGE if args.full else MIDDLE)
        filled = [fill(Path(folder) / f"{size}" / "linkweir.db", size) for size in sizes]
        for one in filled:
            assert overview(one) == one.month
            assert campaign(one) == one.tags[CAMPAIGNS // 2]
            size = sum(path.stat().st_size for path in one.store.path.parent.iterdir())
            print(f"{one.total:12,} clicks: {size / 2**20:,.0f} MiB of sums")
        for name, page in (("overview", overview), ("campaign", campaign)):
            works = {str(place): repeated(lambda one=one, page=page: page(one)) for place, one in enumerate(filled)}  # type: ignore[misc]
            small, large = interleave(works, rounds=args.rounds).values()
            best, paired = ratio(large, small)
            print(
                f"{name}: {small.best * 1000:6.1f} ms at {filled[0].total:,} clicks, {large.best * 1000:6.1f} ms at "
                f"{filled[1].total:,}: {best:.2f} times, median of the rounds {paired:.2f}",
                flush=True,
            )
        for one in filled:
            one.store.close()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
