"""Cost of overview and campaign pages at 100,000 and 10 million clicks: `python -m bench.dashboard_queries [--full]`.

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

from linkweir.benchmark import compute_ratio, repeat, run_interleaved
from linkweir.db import accounts_table, click_aggregates_table, schema
from linkweir.db.database import Database
from linkweir.db.schema_upgrade import migrate
from linkweir.db.sqlite_database import SqliteDatabase
from linkweir.stats import campaigns, click_statistics
from linkweir.stats.click_statistics import StatisticsQuery

YEAR_HOURS, CAMPAIGNS, CAMPAIGN_HOURS = 8760, 200, 336  # hours of all, campaigns, hours that one is clicked
SMALL_CLICKS, MIDDLE_CLICKS, LARGE_CLICKS = 100_000, 1_000_000, 10_000_000
ACCOUNT = uuid.UUID(int=1)
VERDICT_SHARES = (0.45, 0.4, 0.02, 0.13, 0.0)  # human, machine, prefetch, unsure, internal
DIMENSION_SIZES = {  # how many values a dimension has
    **{"": 1, "link": 12, "destination": 12, "country": 40, "device": 4, "client": 15, "variant": 2},
    **{"recipient_domain": 60, "attribute:plan": 3, "tag": 1, "sender_domain": 1},
}
BERLIN = ZoneInfo("Europe/Berlin")
COARSER_AGGREGATES_SQL = """
SELECT a.account_id, '{scope}', a.dimension, w.text, r.hour,
 {sums} FROM rollups r
 JOIN axes a ON a.id = r.axis JOIN words w ON w.id = r.word WHERE a.scope LIKE 'tag:%' AND r.hours = 1
 GROUP BY 1, 2, 3, 4, 5
"""
EXPECTED_SHARE, EXPECTED_VARIANCE = 9_700, 9_700 * 300  # of a click by a person: see db.click_probabilities
SUMS_SQL = ", ".join(f"sum({name})" for name in schema.CLICK_COUNTS)
SCOPES = ("", "sender:d' || (substr(a.scope, 5) % 5) || '")
SENT_DIMENSIONS = ("", "tag", "variant", "recipient_domain", "attribute:plan")


@dataclass
class SampleDatabase:
    """A database with so many clicks, and what was put in: in all, in the last 30 days, and by campaign."""

    database: Database
    total_clicks: int = 0
    clicks_last_month: int = 0
    tags: Counter[int] = field(default_factory=Counter)


def fill_database(path: Path, clicks: int) -> SampleDatabase:
    """A database with the sums of about `clicks` clicks."""
    database = SqliteDatabase(path, timeout=60)
    migrate(database)
    result = SampleDatabase(database)
    rng = random.Random(clicks)  # noqa: S311 - the same on every run
    with database.write() as connection:
        accounts_table.create(connection, ACCOUNT, "x", 1)
        for tag in range(CAMPAIGNS):
            rows = list(_campaign_rows(tag, clicks / CAMPAIGNS, rng, result))
            _insert_aggregates(connection, rows)
        for scope in SCOPES:
            higher = connection.execute(text(COARSER_AGGREGATES_SQL.format(scope=scope, sums=SUMS_SQL))).all()
            _insert_aggregates(connection, [(uuid.UUID(row[0]), *row[1:]) for row in higher])
    return result


def _insert_aggregates(connection: Connection, rows: list[tuple[Any, ...]]) -> None:
    """Sums as the service writes them, and those of the messages that were clicked: twenty for each clicker."""
    click_aggregates_table.add_deltas(connection, rows)
    place = 5 + schema.CLICK_COUNTS.index("clickers")
    sent = [(*row[:5], row[place] * 20, row[place] * 19) for row in rows if row[2] in SENT_DIMENSIONS and row[place]]
    click_aggregates_table.add_deltas(connection, sent, schema.send_aggregates)


def _campaign_rows(tag: int, wanted: float, rng: random.Random, rows: SampleDatabase) -> Iterator[tuple[Any, ...]]:
    """One campaign's rows: half of all clicks in the first day, the last after two weeks; the early values are many."""
    start = tag * (YEAR_HOURS - CAMPAIGN_HOURS) // CAMPAIGNS
    decay = math.log(2) / 24
    whole = sum(math.exp(-decay * hour) for hour in range(CAMPAIGN_HOURS))
    for dimension, size in DIMENSION_SIZES.items():
        weights = [1 / (index + 1) for index in range(size)]
        for hour in range(CAMPAIGN_HOURS):
            rate = wanted * math.exp(-decay * hour) / whole
            for index, weight in enumerate(weights):
                share = rate * weight / sum(weights)
                counts = [int(share * part + rng.random()) for part in VERDICT_SHARES]
                if not any(counts):
                    continue
                if not dimension:
                    rows.total_clicks += sum(counts)
                    rows.tags[tag] += sum(counts)
                    rows.clicks_last_month += sum(counts) if start + hour >= YEAR_HOURS - 30 * 24 else 0
                yield (
                    ACCOUNT,
                    f"tag:{tag}",
                    dimension,
                    _dimension_value(dimension, index, tag),
                    start + hour,
                    *counts,
                    counts[0],
                    *(EXPECTED_SHARE * counts[0], EXPECTED_VARIANCE * counts[0]) * 2,
                    counts[0],
                )


def _dimension_value(dimension: str, number: int, tag: int) -> str:
    named = {
        "": "",
        "tag": str(tag),
        "sender_domain": f"d{tag % 5}",
        "link": f"{number}\thttps://example.com/{tag}/{number}",
    }
    return named.get(dimension, f"{dimension} {tag if dimension == 'destination' else ''} {number}")


def load_overview(filled: SampleDatabase) -> int:
    """The last 30 days: by day in a time zone, the last two days by hour, campaigns, countries, devices, clients."""
    with filled.database.read() as connection:
        days = click_statistics.query_clicks(connection, _make_query("day", YEAR_HOURS - 30 * 24)).rows
        click_statistics.query_clicks(connection, _make_query("hour", YEAR_HOURS - 48))
        campaigns.list_campaigns(connection, ACCOUNT, YEAR_HOURS - 30 * 24, YEAR_HOURS, 20)
        for group in ("country", "device", "client"):
            rows = click_statistics.query_clicks(connection, _make_query(group, YEAR_HOURS - 30 * 24)).rows
            assert rows[0]["total"] >= rows[-1]["total"]
    return sum(row["total"] for row in days)


def load_campaign(filled: SampleDatabase) -> int:
    """One campaign, all of its time: sums and rate, by hour, links, segments, variants."""
    tag = str(CAMPAIGNS // 2)
    start = CAMPAIGNS // 2 * (YEAR_HOURS - CAMPAIGN_HOURS) // CAMPAIGNS
    with filled.database.read() as connection:
        (whole,) = campaigns.compare_campaigns(connection, ACCOUNT, [tag], 0, YEAR_HOURS)
        hours = click_statistics.query_clicks(connection, _make_query("hour", start, start + CAMPAIGN_HOURS, tag)).rows
        for group in ("link", "country", "device", "client", "recipient_domain", "attribute:plan"):
            assert click_statistics.query_clicks(connection, _make_query(group, 0, YEAR_HOURS, tag)).rows
        _, differences = campaigns.compare_variants(connection, ACCOUNT, tag, (0, YEAR_HOURS), None)
    assert len(differences) == 1
    assert whole["total"] == sum(row["total"] for row in hours)
    return int(whole["total"])


def _make_query(group: str, first: int, last: int = YEAR_HOURS, tag: str | None = None) -> StatisticsQuery:
    return StatisticsQuery(account=ACCOUNT, group_by=group, first=first, last=last, time_zone=BERLIN, tag=tag, limit=20)


def main(arguments: list[str]) -> int:
    """Print a line for each page."""
    parser = argparse.ArgumentParser(prog="python -m bench.dashboard_queries", description=__doc__)
    parser.add_argument("--full", action="store_true", help="10 million clicks instead of one")
    parser.add_argument("--rounds", type=int, default=15)
    args = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        sizes = (SMALL_CLICKS, LARGE_CLICKS if args.full else MIDDLE_CLICKS)
        filled = [fill_database(Path(folder) / f"{size}" / "linkweir.db", size) for size in sizes]
        for one in filled:
            assert load_overview(one) == one.clicks_last_month
            assert load_campaign(one) == one.tags[CAMPAIGNS // 2]
            size = sum(path.stat().st_size for path in one.database.path.parent.iterdir())
            print(f"{one.total_clicks:12,} clicks: {size / 2**20:,.0f} MiB of sums")
        for name, page in (("overview", load_overview), ("campaign", load_campaign)):
            works = {str(index): repeat(lambda one=one, page=page: page(one)) for index, one in enumerate(filled)}  # type: ignore[misc]
            small, large = run_interleaved(works, rounds=args.rounds).values()
            best, paired = compute_ratio(large, small)
            print(
                f"{name}: {small.best * 1000:6.1f} ms at {filled[0].total_clicks:,} clicks, "
                f"{large.best * 1000:6.1f} ms at "
                f"{filled[1].total_clicks:,}: {best:.2f} times, median of the rounds {paired:.2f}",
                flush=True,
            )
        for one in filled:
            one.database.close()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
