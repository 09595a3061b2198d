"""Tests of linkweir.click.journal with a real store, a real lock and a real spool."""

import io
import sqlite3
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from linkweir.click.enrich import Enricher
from linkweir.click.journal import Journal
from linkweir.click.networks import Networks
from linkweir.click.spool import Spool
from linkweir.click.understand import Understand
from linkweir.edge.logs import make_logger
from linkweir.store import clicks
from linkweir.store.engine import Store
from linkweir.store.migrate import migrate
from tests.click.test_spool import fact
from tests.edge.serving import wait_until

LOG = make_logger("error", io.StringIO())


class Bench:
    """A running journal and what it writes to."""

    def __init__(self, folder: Path) -> None:
        self.store = Store(folder / "linkweir.db", wait=0.1)
        migrate(self.store)
        self.spool = Spool(folder / "spool")
        self.journal = Journal(
            self.store, self.spool, LOG, retry=0.1, understand=Understand(Enricher(None, Networks.load()))
        )

    def total(self) -> int:
        """How many facts the store holds."""
        with self.store.read() as connection:
            return clicks.total(connection)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """A started journal, stopped at the end."""
    made = Bench(tmp_path / "data")
    made.journal.start()
    yield made
    made.journal.stop()
    made.store.close()


def test_a_stored_fact_is_in_the_store(bench: Bench) -> None:
    """When the promise says "stored", the fact can be read."""
    assert bench.journal.append(fact(1)).result(5) == "stored"
    assert bench.total() == 1


def test_many_threads_lose_and_double_nothing(bench: Bench) -> None:
    """Facts from many threads at once are all stored, each once, in fewer commits than facts."""
    promises = []
    gate = threading.Lock()

    def click() -> None:
        for position in range(100):
            promise = bench.journal.append(fact(position))
            with gate:
                promises.append(promise)

    threads = [threading.Thread(target=click) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {promise.result(10) for promise in promises} == {"stored"}
    assert bench.total() == 1000


def test_a_locked_store_spools_and_later_drains(bench: Bench) -> None:
    """While the store is locked facts are durable in the spool at once; when it is free they move, each once."""
    lock = sqlite3.connect(bench.store.path, isolation_level=None, check_same_thread=False)
    lock.execute("BEGIN EXCLUSIVE")
    started = time.monotonic()
    fates = [bench.journal.append(fact(n)).result(5) for n in range(20)]
    assert set(fates) == {"spooled"}
    assert time.monotonic() - started < 5
    assert bench.spool.waiting()
    assert bench.total() == 0
    lock.execute("ROLLBACK")
    lock.close()
    wait_until(lambda: bench.total() == 20)
    wait_until(lambda: bench.spool.waiting() == [])
    wait_until(lambda: bench.journal.drained == 20)


def test_the_same_fact_twice_is_one(bench: Bench) -> None:
    """A fact that reaches the store again, as after a crash between storing and removing, counts once."""
    one = fact(1)
    assert bench.journal.append(one).result(5) == "stored"
    assert bench.journal.append(one).result(5) == "stored"
    assert bench.total() == 1


def test_facts_of_a_crashed_process_are_drained(bench: Bench) -> None:
    """What another process left in the spool folder is stored by this one."""
    other = Spool(bench.store.path.parent / "spool")
    other.append([fact(1), fact(2)])
    other.close()
    wait_until(lambda: bench.total() == 2)


def test_readers_do_not_wait_for_a_long_spool(bench: Bench) -> None:
    """While tens of thousands of facts are drained, new ones are stored between the pieces."""
    left = Spool(bench.store.path.parent / "spool")
    left.append([fact(n) for n in range(20_000)])
    left.close()
    wait_until(lambda: bench.total() > 0)
    assert bench.journal.append(fact(1)).result(20) == "stored"
    assert bench.total() < 20_001
    wait_until(lambda: bench.total() == 20_001)


def test_stopping_writes_what_has_arrived(tmp_path: Path) -> None:
    """A stop right after many appends keeps all of them; appends after it are told that they are lost."""
    made = Bench(tmp_path)
    made.journal.start()
    promises = [made.journal.append(fact(n)) for n in range(1200)]
    made.journal.stop()
    assert {promise.result(0) for promise in promises} == {"stored"}
    assert made.total() == 1200
    assert made.journal.append(fact(1)).result(0) == "lost"
    assert made.journal.lost == 1
    made.store.close()
