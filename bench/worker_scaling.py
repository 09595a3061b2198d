"""What a click costs through PostgreSQL's inbox when one process counts and when two do, and how much sooner two end.

Each round begins with the same clicks in the inbox of a new database. Judged is the processor time of all processes
that count, and of the server's; the time on the wall shows what waiting for each other costs.
"""

import multiprocessing
import statistics
import tempfile
import time
from dataclasses import dataclass, field
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Barrier
from pathlib import Path

import structlog

from bench.counting_cost import (
    TIMEOUT_SECONDS,
    deliver_to_both,
    make_classifier,
    open_pair,
    open_postgresql,
    read_processor_seconds,
    split,
)
from bench.harness.database_servers import read_server_seconds, require_postgresql
from bench.ingest_load import check_aggregates
from bench.ratios import Ratio
from linkweir.benchmark import WrongAnswerError
from linkweir.clicks.click_event import ClickEvent
from linkweir.clicks.ingest.ingest_worker import IngestWorker
from linkweir.clicks.ingest.pipeline import ingest_events
from linkweir.clicks.ingest.verdict_memory import VerdictMemory
from linkweir.clicks.journal.dead_letters import DeadLetterFile
from linkweir.clicks.transport.carrier import MAX_BATCH_EVENTS
from linkweir.clicks.transport.inbox import ClickInbox
from linkweir.clock import now
from linkweir.db.database import Database
from linkweir.vault import Vault

WORKER_NUMBERS = (1, 2)


@dataclass(frozen=True, slots=True)
class WorkerCosts:
    """By number of workers and round: microseconds of processor time of a click, the server's share of them, and
    microseconds on the wall.
    """

    total: dict[int, list[float]] = field(default_factory=lambda: {number: [] for number in WORKER_NUMBERS})
    server: dict[int, list[float]] = field(default_factory=lambda: {number: [] for number in WORKER_NUMBERS})
    wall: dict[int, list[float]] = field(default_factory=lambda: {number: [] for number in WORKER_NUMBERS})

    @property
    def ratio(self) -> tuple[float, float]:
        """Two workers as a multiple of one, in processor time: best with best, and the median of the pairs."""
        paired = [two / one for one, two in zip(self.total[1], self.total[2], strict=True)]
        return min(self.total[2]) / min(self.total[1]), statistics.median(paired)

    @property
    def speedup(self) -> float:
        """How many times as fast two are on the wall, in the best rounds."""
        return min(self.wall[1]) / min(self.wall[2])

    def __str__(self) -> str:
        costs = [
            f"{name} {min(self.total[number]):.0f} \u00b5s, {min(self.server[number]):.0f} \u00b5s of that the server's"
            for number, name in ((1, "one"), (2, "two"))
        ]
        return f"{'; '.join(costs)}; {self.speedup:.2f} times as fast on the wall"


def measure_workers(clicks: int, rounds: int) -> WorkerCosts:
    """Count so many clicks with one process and with two, in turns. Raises EngineNotInstalledError,
    WrongAnswerError.
    """
    server, costs = require_postgresql(), WorkerCosts()
    url = server.create(empty=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with open_pair(folder, url) as (sqlite, postgresql):
            account, events = deliver_to_both(sqlite, postgresql, url, clicks)
            _fill_inbox(postgresql, folder, events)
        for turn in range(rounds):
            for number in WORKER_NUMBERS if turn % 2 else reversed(WORKER_NUMBERS):
                copy = server.create(template=url)
                total, served, wall = _count_with(copy, folder, number, len(events))
                for kind, seconds in ((costs.total, total), (costs.server, served), (costs.wall, wall)):
                    kind[number].append(seconds / len(events) * 1e6)
                database = open_postgresql(copy, folder)
                check_aggregates(database, account, len(events))
                database.close()
                server.drop(copy)
    server.drop(url)
    return costs


def _fill_inbox(database: Database, folder: Path, events: list[ClickEvent]) -> None:
    inbox = _open_inbox(database, folder)
    for batch in split(events, MAX_BATCH_EVENTS):
        inbox.send(batch)


def _open_inbox(database: Database, folder: Path) -> ClickInbox:
    return ClickInbox(database, Vault(folder / "vault.key"), structlog.get_logger())


def _count_with(url: str, folder: Path, number: int, clicks: int) -> tuple[float, float, float]:
    """Let so many processes empty the inbox: seconds of processor time of all and of the server, and on the wall."""
    server, context = require_postgresql(), multiprocessing.get_context("spawn")
    ready: Barrier = context.Barrier(number + 1)
    results: Queue[tuple[int, float]] = context.Queue()
    workers = [context.Process(target=_empty_inbox, args=(url, folder, ready, results)) for _ in range(number)]
    for worker in workers:
        worker.start()
    ready.wait(TIMEOUT_SECONDS)
    began, served = time.perf_counter(), read_server_seconds(server)
    stored, spent = zip(*(results.get(timeout=TIMEOUT_SECONDS) for _ in workers), strict=True)
    wall = time.perf_counter() - began
    for worker in workers:
        worker.join()
    served = read_server_seconds(server) - served
    if sum(stored) != clicks:
        raise WrongAnswerError(f"{number} workers stored {stored} of {clicks} clicks")
    return sum(spent) + served, served, wall


def _empty_inbox(url: str, folder: Path, ready: Barrier, results: "Queue[tuple[int, float]]") -> None:
    """Count as a service with the role does: in a process of its own."""
    database, classifier = open_postgresql(url, folder), make_classifier(VerdictMemory(lambda: bytes(32)))
    log = structlog.get_logger()
    worker = IngestWorker(
        database,
        _open_inbox(database, folder),
        log,
        ingest=lambda connection, events: ingest_events(connection, events, classifier, now()),
        dead_letters=DeadLetterFile(folder, log),
        retry_seconds=1.0,
    )
    database.probe()  # it is connected
    ready.wait(TIMEOUT_SECONDS)
    began = read_processor_seconds()
    worker.drain()
    results.put((worker.stored, read_processor_seconds() - began))
    database.close()


def compare_workers(rounds: int) -> Ratio:
    """Processor time of a click with two workers as a multiple of that with one, for the guard."""
    costs = measure_workers(9000, max(2, rounds // 12))
    return Ratio(*costs.ratio, str(costs))
