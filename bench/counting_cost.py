"""What counting a click costs on PostgreSQL, in processor time and on the disk, beside SQLite in the same run.

The same clicks on the same mails go into both databases, batch by batch in turns, so that what else the machine does
slows both alike. PostgreSQL's time is that of all processes of its server, those that have ended included. Verdicts and
sums of both must be the same in the end.
"""

import random
import resource
import statistics
import tempfile
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from sqlalchemy import select, text

from bench.harness.database_servers import read_server_seconds, require_postgresql
from bench.ingest_load import START_US, USER_AGENTS, check_aggregates, database_bytes, deliver_messages, generate_events
from bench.ratios import Ratio
from linkweir.benchmark import WrongAnswerError
from linkweir.clicks.click_event import ClickEvent
from linkweir.clicks.enrichment import Enricher
from linkweir.clicks.ingest.message_clicks import ClickClassifier
from linkweir.clicks.ingest.pipeline import ingest_events
from linkweir.clicks.ingest.verdict_memory import VerdictMemory
from linkweir.clicks.known_networks import KnownNetworks
from linkweir.db import accounts_table
from linkweir.db.database import Database, WriteMode
from linkweir.db.database_copy import copy_rows
from linkweir.db.schema import CLICK_COUNTS, aggregate_dimensions, aggregate_values, click_aggregates
from linkweir.db.schema_upgrade import begin_copy, finish_copy, migrate
from linkweir.db.sqlite_database import SqliteDatabase

BATCH_EVENTS = 3000  # as a worker begins, and about what it stores in a second
MESSAGES_PER_CLICK = 0.4
TIMEOUT_SECONDS = 600.0  # that a busy machine may take for one step
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class CountingCosts:
    """Microseconds of processor time of a click, batch by batch; and bytes of a click on the disk, on PostgreSQL also
    `packed` by VACUUM FULL.
    """

    sqlite: list[float]
    worker: list[float]
    server: list[float]
    sqlite_bytes: float
    postgresql_bytes: float
    packed_bytes: float

    @property
    def ratio(self) -> tuple[float, float]:
        """Worker and PostgreSQL together as a multiple of SQLite: of all batches, and the median of the pairs."""
        both = [worker + server for worker, server in zip(self.worker, self.server, strict=True)]
        paired = [there / here for there, here in zip(both, self.sqlite, strict=True)]
        return sum(both) / sum(self.sqlite), statistics.median(paired)

    def __str__(self) -> str:
        sqlite, worker, server = (statistics.mean(costs) for costs in (self.sqlite, self.worker, self.server))
        return f"SQLite {sqlite:.0f} \u00b5s; PostgreSQL {worker:.0f} \u00b5s and its server {server:.0f} \u00b5s"


def measure_counting(clicks: int) -> CountingCosts:
    """Count so many clicks on both. Raises EngineNotInstalledError, WrongAnswerError."""
    server = require_postgresql()
    url = server.create(empty=True)
    with tempfile.TemporaryDirectory() as folder, open_pair(Path(folder), url) as (sqlite, postgresql):
        account, events = deliver_to_both(sqlite, postgresql, url, clicks)
        empty = database_bytes(sqlite), _postgresql_bytes(postgresql)
        classifiers = make_classifier(), make_classifier(VerdictMemory(lambda: bytes(32)))
        costs: tuple[list[float], list[float], list[float]] = ([], [], [])
        for batch in split(events, BATCH_EVENTS):
            times = [read_processor_seconds()]
            served = read_server_seconds(server)
            count_events(postgresql, batch, classifiers[1])
            served = read_server_seconds(server) - served
            times.append(read_processor_seconds())
            count_events(sqlite, batch, classifiers[0])
            times.append(read_processor_seconds())
            for kind, seconds in zip(costs, (times[2] - times[1], times[1] - times[0], served), strict=True):
                kind.append(seconds / len(batch) * 1e6)
        _check_same(sqlite, postgresql, account, len(events))
        grown = database_bytes(sqlite) - empty[0], _postgresql_bytes(postgresql) - empty[1]
        _run_autocommit(url, "VACUUM FULL")
        packed = _postgresql_bytes(postgresql) - empty[1]
    server.drop(url)
    bytes_per_click = (grown[0] / len(events), grown[1] / len(events), packed / len(events))
    return CountingCosts(*costs, *bytes_per_click)


def open_postgresql(url: str, folder: Path) -> Database:
    """A database of a server."""
    from linkweir.db.postgresql_database import PostgresqlDatabase

    return PostgresqlDatabase(url, folder, timeout=TIMEOUT_SECONDS)


@contextmanager
def open_pair(folder: Path, url: str) -> Iterator[tuple[SqliteDatabase, Database]]:
    """A new database of each kind."""
    sqlite, postgresql = SqliteDatabase(folder / "linkweir.db", timeout=TIMEOUT_SECONDS), open_postgresql(url, folder)
    try:
        yield sqlite, postgresql
    finally:
        sqlite.close()
        postgresql.close()


def deliver_to_both(
    sqlite: Database, postgresql: Database, url: str, clicks: int
) -> tuple[uuid.UUID, list[ClickEvent]]:
    """Deliver the same mails on both; return their account, and so many clicks on them."""
    account, rng = uuid.uuid4(), random.Random(17)  # noqa: S311 - traffic, not a secret
    migrate(sqlite)
    with sqlite.write() as connection:
        accounts_table.create(connection, account, "Bench", START_US)
        accounts_table.claim_link_keys(connection, {1: None}, account)
    sent = deliver_messages(sqlite, account, max(1, int(clicks * MESSAGES_PER_CLICK)), rng)
    begin_copy(postgresql)
    with sqlite.read() as source:
        copy_rows(source, postgresql, lambda _table, _rows: None)
    finish_copy(postgresql)
    _run_autocommit(url, "VACUUM FULL ANALYZE")  # statistics are what the server makes by itself in time
    return account, generate_events(sent, clicks, rng)


def make_classifier(memory: VerdictMemory | None = None) -> ClickClassifier:
    """One of its own for each database, since it remembers, in PostgreSQL what all workers are to know; its lists of
    patterns are made once in a process.
    """
    classifier = ClickClassifier(Enricher(None, KnownNetworks.load()), memory=memory)
    classifier.enricher.enrich("192.0.2.1", USER_AGENTS[0])
    classifier.enricher.user_agent_class(USER_AGENTS[0])
    return classifier


def count_events(database: Database, events: Sequence[ClickEvent], classifier: ClickClassifier) -> None:
    """Store a batch as the worker does."""
    with database.write(WriteMode.CONCURRENT) as connection:
        ingest_events(connection, events, classifier, events[-1].at)


def _check_same(sqlite: Database, postgresql: Database, account: uuid.UUID, clicks: int) -> None:
    """Verdicts agree with the sums on each, and every sum that statistics show is the same on both."""
    verdicts = [check_aggregates(database, account, clicks) for database in (sqlite, postgresql)]
    if verdicts[0] != verdicts[1]:
        raise WrongAnswerError(f"SQLite has {verdicts[0]}, PostgreSQL {verdicts[1]}")
    rows = select(
        *(aggregate_dimensions.c[name] for name in ("scope", "dimension")),
        aggregate_values.c.text,
        *(click_aggregates.c[name] for name in ("hours", "hour", *CLICK_COUNTS)),
    ).where(aggregate_dimensions.c.id == click_aggregates.c.axis, aggregate_values.c.id == click_aggregates.c.word)
    sums = []
    for database in (sqlite, postgresql):
        with database.read() as connection:
            sums.append({tuple(row) for row in connection.execute(rows)})
    if sums[0] != sums[1]:
        raise WrongAnswerError(f"{len(sums[0] ^ sums[1])} rows of sums are on one database only")


_TABLE_SIZES = text(
    "SELECT sum(pg_total_relation_size(oid)) FROM pg_class"
    " WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
)


def _postgresql_bytes(database: Database) -> int:
    """Bytes of all tables of ours with their indexes."""
    with database.read() as connection:
        return int(connection.scalar(_TABLE_SIZES) or 0)


def _run_autocommit(url: str, statement: str) -> None:
    """Run a statement that may not be in a transaction."""
    import psycopg

    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement.encode())


def read_processor_seconds() -> float:
    """Processor time of this process so far."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def split(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """Parts of so many items."""
    return (items[start : start + size] for start in range(0, len(items), size))


def compare_with_sqlite(rounds: int) -> Ratio:
    """Processor time of a click on PostgreSQL as a multiple of SQLite's, for the guard."""
    costs = measure_counting(BATCH_EVENTS * max(4, rounds // 6))
    return Ratio(*costs.ratio, str(costs))
