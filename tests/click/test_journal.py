"""Tests of the embedded journal and its worker with a real store, real locks and real files."""

import asyncio
import io
import json
import os
import sqlite3
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from sqlalchemy import Connection

from linkweir.click import keep as keeping
from linkweir.click import local, worker
from linkweir.click.aside import Aside
from linkweir.click.enrich import Enricher
from linkweir.click.fact import Fact
from linkweir.click.journal import Batch, Fate, Journal
from linkweir.click.lane import PythonCommitQueue
from linkweir.click.local import LocalJournal
from linkweir.click.networks import Networks
from linkweir.click.reading import scrubbed, wiped, written_up_to
from linkweir.click.segment import Segment
from linkweir.click.spool import Spool
from linkweir.click.understand import Understand
from linkweir.click.worker import ClickWorker, Keep, Tell
from linkweir.edge.logs import make_logger
from linkweir.store import clicks
from linkweir.store.engine import Store
from linkweir.store.migrate import migrate
from tests.click.facts import fact
from tests.click.test_spool import left
from tests.edge.serving import WAIT, wait_until

UNDERSTAND = Understand(Enricher(None, Networks.load()))


def keep(connection: Connection, facts: Sequence[Fact]) -> None:
    """Store facts as a service does."""
    keeping.keep(connection, facts, UNDERSTAND, time.time_ns() // 1000)


class Bench:
    """A running journal and the worker that empties it."""

    def __init__(self, folder: Path, store_facts: Keep = keep, **options: float) -> None:
        self.stream = io.StringIO()
        log = make_logger("error", self.stream)
        self.folder = folder / "spool"
        self.store = Store(folder / "linkweir.db", wait=0.1)
        migrate(self.store)
        self.aside = Aside(self.folder, log)
        self.journal = LocalJournal(
            self.folder,
            log,
            aside=self.aside.put,
            facts=int(options.get("facts", 5000)),
            wait=options.get("wait", 5.0),
        )
        self.worker = self.working(store_facts)

    def working(self, store_facts: Keep, tell: Tell | None = None) -> ClickWorker:
        """A worker for the journal."""
        made = ClickWorker(
            self.store,
            self.journal,
            Spool(self.folder),
            make_logger("error", self.stream),
            keep=store_facts,
            tell=tell,
            aside=self.aside.put,
            quiet=self.journal.quiet,
            retry=0.1,
        )
        self.journal.written = made.wake
        return made

    def append(self, *facts: Fact) -> list[Fate]:
        """Append from an event loop of its own, all at once, and wait for every fate."""

        async def append() -> list[Fate]:
            return list(await asyncio.gather(*[self.journal.append(one) for one in facts]))

        return asyncio.run(append())

    def total(self) -> int:
        """How many facts the store holds."""
        with self.store.read() as connection:
            return clicks.total(connection)

    def settled(self, count: int) -> None:
        """Wait until the journal is empty; the store holds so many facts."""
        wait_until(lambda: self.journal.waiting == 0)
        assert self.total() == count

    def stop(self) -> None:
        """End everything."""
        self.journal.stop()
        self.worker.stop()
        self.journal.close()
        self.store.close()

    @property
    def events(self) -> list[str]:
        """What was logged."""
        return [json.loads(line)["event"] for line in self.stream.getvalue().splitlines()]


@pytest.fixture(params=["in C", "in Python"])
def bench(tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    """Started, and stopped at the end; with the queue as it was built, and with its twin."""
    if request.param == "in Python":
        monkeypatch.setattr(local, "make_commit_queue", PythonCommitQueue)
    made = Bench(tmp_path / "data")
    made.journal.start()
    made.worker.start()
    yield made
    made.stop()


def test_it_is_the_interface(tmp_path: Path) -> None:
    """The embedded journal is one of those that may stand beside it: append, read from, acknowledge."""
    bench = Bench(tmp_path)
    bench.journal.start()
    journal: Journal = bench.journal

    async def append() -> Fate:
        return await journal.append(fact(4))

    assert asyncio.run(append()) == "kept"
    batch = journal.read_from(None, 10)
    assert batch is not None
    assert [one.position for one in batch.facts] == [4]
    assert batch.position is not None
    assert journal.read_from(batch.position, 10) == Batch([], batch.position)
    journal.acknowledge(batch.position)
    assert journal.read_from(None, 10) == Batch([], None)
    bench.stop()


def test_a_kept_fact_is_on_the_disk_and_soon_in_the_store(bench: Bench) -> None:
    """When the promise says "kept", the fact waits in the journal's files or is in the store, where it comes once."""
    assert bench.append(fact(1)) == ["kept"]
    assert bench.journal.waiting + bench.total() >= 1
    bench.settled(1)


def test_many_threads_lose_and_double_nothing(bench: Bench) -> None:
    """Facts from event loops of many threads at once are all kept and stored, each once."""
    fates: list[Fate] = []
    threads = [
        threading.Thread(target=lambda: fates.extend(bench.append(*[fact(n) for n in range(100)]))) for _ in range(10)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert fates == ["kept"] * 1000
    bench.settled(1000)


def test_loops_that_begin_and_end_at_the_same_time_hurt_nobody(bench: Bench) -> None:
    """Threads that run one event loop after the other keep every fact, though all of them tidy up after all."""
    fates: list[Fate] = []
    before, loops = sys.getswitchinterval(), 40

    async def one() -> Fate:
        return await bench.journal.append(fact(0))

    def thread() -> None:
        for _ in range(loops):
            fates.append(asyncio.run(one()))

    threads = [threading.Thread(target=thread) for _ in range(16)]
    sys.setswitchinterval(1e-6)
    try:
        for each in threads:
            each.start()
        for each in threads:
            each.join()
    finally:
        sys.setswitchinterval(before)
    assert fates == ["kept"] * (loops * len(threads))


def test_many_facts_share_a_flush(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A thousand facts of one turn of the event loop are durable after a few writes, each with its flush."""
    calls, write, flush = list[str](), os.pwrite, os.fdatasync

    def writing(descriptor: int, data: bytes, offset: int) -> int:
        calls.append("write")
        return write(descriptor, data, offset)

    def flushing(descriptor: int) -> None:
        calls.append("flush")
        flush(descriptor)

    monkeypatch.setattr(local, "make_commit_queue", PythonCommitQueue)
    bench = Bench(tmp_path)
    bench.journal.start()
    bench.append(fact(0))
    monkeypatch.setattr(os, "pwrite", writing)
    monkeypatch.setattr(os, "fdatasync", flushing)
    assert set(bench.append(*[fact(n) for n in range(1000)])) == {"kept"}
    assert 0 < len(calls) < 20
    assert calls == ["write", "flush"] * (len(calls) // 2)
    monkeypatch.undo()
    bench.stop()


def test_a_locked_store_delays_no_reader(bench: Bench) -> None:
    """While the store is locked facts are kept at once and wait; when it is free they are stored, each once."""
    lock = sqlite3.connect(bench.store.path, isolation_level=None, check_same_thread=False)
    lock.execute("BEGIN EXCLUSIVE")
    for n in range(20):  # kept, and not late, although nobody but we can end the lock
        assert bench.append(fact(n)) == ["kept"]
    assert bench.total() == 0
    assert bench.journal.waiting == 20
    wait_until(lambda: bench.worker.failures > 0)
    lock.execute("ROLLBACK")
    lock.close()
    bench.settled(20)


def test_the_same_fact_twice_is_one(bench: Bench) -> None:
    """A fact that reaches the store again, as after a crash between storing and acknowledging, counts once."""
    one = fact(1)
    assert bench.append(one) == bench.append(one) == ["kept"]
    bench.settled(1)


def test_a_crash_between_storing_and_acknowledging_counts_once(tmp_path: Path) -> None:
    """Facts that were stored but not acknowledged come again, and the store still holds each once."""
    bench = Bench(tmp_path)
    bench.journal.start()
    bench.append(*[fact(n) for n in range(50)])
    batch = bench.journal.read_from(None, 30)
    assert batch is not None
    with bench.store.write() as connection:
        keep(connection, batch.facts)
    bench.journal.close()  # and then it dies
    bench.worker.start()
    bench.settled(50)
    bench.stop()


def test_a_crash_between_acknowledging_and_wiping_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a dead reader had acknowledged and not wiped is wiped by the next one, or no erasure would ever be whole."""
    first = Bench(tmp_path)
    first.journal.start()
    assert first.append(fact(1), fact(2)) == ["kept", "kept"]
    batch = first.journal.read_from(None, 10)
    assert batch is not None
    assert batch.position is not None
    with monkeypatch.context() as patch:
        patch.setattr(Segment, "wipe", lambda *_: None)
        first.journal.acknowledge(batch.position)
    places = written_up_to(first.journal.segments)
    assert not wiped(first.journal.segments, places)
    first.journal.close()
    assert first.journal.read_from(None, 10) is not None
    assert wiped(first.journal.segments, places)
    first.journal.stop()
    first.journal.close()


def test_old_spool_files_are_brought_in(bench: Bench) -> None:
    """What a release before the journal left in the folder is stored, once."""
    left(bench.folder, [fact(1), fact(2)])
    wait_until(lambda: bench.worker.drained == 2)
    bench.settled(2)
    assert list(bench.folder.glob("*.ndjson")) == []


def test_readers_do_not_wait_for_a_long_journal(tmp_path: Path) -> None:
    """While thousands of facts are brought to the store, new ones are kept, however long that takes."""
    storing, go = threading.Event(), threading.Event()

    def slowly(connection: Connection, facts: Sequence[Fact]) -> None:
        storing.set()
        go.wait(WAIT)
        keep(connection, facts)

    bench = Bench(tmp_path, slowly)
    bench.journal.start()
    bench.append(*[fact(n) for n in range(4000)])
    bench.worker.start()
    assert storing.wait(WAIT)
    assert bench.append(fact(1)) == ["kept"]
    assert bench.total() == 0
    go.set()
    bench.settled(4001)
    bench.stop()


def test_stopping_keeps_what_has_arrived(tmp_path: Path) -> None:
    """A stop right after many appends stores all of them; appends after it are told that they are lost."""
    bench = Bench(tmp_path)
    bench.journal.start()
    bench.worker.start()
    assert set(bench.append(*[fact(n) for n in range(1200)])) == {"kept"}
    bench.stop()
    assert bench.total() == 1200
    assert bench.append(fact(1)) == ["lost"]
    assert bench.journal.lost == 1
    bench.store.close()


def test_a_stopped_journal_can_start_again(bench: Bench) -> None:
    """After a stop and a new start facts are kept as before, and the figures go on."""
    assert bench.append(fact(1)) == ["kept"]
    bench.journal.stop()
    assert bench.append(fact(2)) == ["lost"]
    bench.journal.start()
    assert bench.append(fact(3), fact(4)) == ["kept", "kept"]
    assert (bench.journal.kept, bench.journal.lost) == (3, 1)
    bench.settled(3)


def test_a_full_journal_says_so_and_recovers(tmp_path: Path) -> None:
    """Beyond its room facts are lost, counted and logged, but not once for each; with room again they are kept."""
    bench = Bench(tmp_path, facts=100)
    bench.journal.start()
    fates = bench.append(*[fact(n) for n in range(10_000)])
    taken = fates.count("kept")
    assert 100 <= taken < 10_000
    assert fates == ["kept"] * taken + ["lost"] * (10_000 - taken)
    assert (bench.journal.lost, bench.journal.full) == (10_000 - taken, True)
    assert 1 <= bench.events.count("click.lost") <= 3
    bench.worker.start()
    bench.settled(taken)
    wait_until(lambda: not bench.journal.full)
    assert bench.append(fact(1)) == ["kept"]
    bench.settled(taken + 1)
    bench.stop()


def test_a_reader_never_waits_for_a_disk_that_hangs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the disk does not answer within the wait the fate is "late"; the fact is stored when it does after all."""
    bench, gate = Bench(tmp_path, wait=0.2), threading.Event()
    real = bench.journal.segments.take

    def hanging() -> tuple[Segment, int] | None:
        gate.wait(WAIT)
        return real()

    bench.journal.start()
    bench.worker.start()
    monkeypatch.setattr(bench.journal.segments, "take", hanging)
    assert bench.append(fact(1), fact(2)) == ["late", "late"]
    assert bench.total() == 0  # the disk hangs on
    gate.set()
    wait_until(lambda: bench.total() == 2)
    bench.stop()


def test_one_who_goes_away_takes_nobody_along(bench: Bench) -> None:
    """A cancelled wait leaves the others of its group theirs, and its own fact is stored all the same."""

    async def append() -> list[object]:
        tasks = [asyncio.ensure_future(bench.journal.append(fact(n))) for n in range(3)]
        tasks[1].cancel()
        return list(await asyncio.gather(*tasks, return_exceptions=True))

    first, second, third = asyncio.run(append())
    assert (first, third) == ("kept", "kept")
    assert isinstance(second, asyncio.CancelledError)
    bench.settled(3)


def test_a_fact_that_cannot_be_stored_blocks_nothing(tmp_path: Path) -> None:
    """One fact that breaks the storing of a whole batch is set aside, and all others are stored."""

    def broken(connection: Connection, facts: Sequence[Fact]) -> None:
        if any(one.position == 13 for one in facts):
            raise ZeroDivisionError
        keep(connection, facts)

    bench = Bench(tmp_path, broken)
    bench.journal.start()
    bench.append(*[fact(n) for n in range(40)])
    bench.worker.start()
    bench.settled(39)
    (line,) = (bench.folder / "aside.bad").read_text().splitlines()
    assert json.loads(line)["fact"]["position"] == 13
    assert bench.aside.count == 1
    bench.stop()


def test_a_scrub_waits_for_nobody_who_came_later(tmp_path: Path) -> None:
    """Facts that are written while a scrub waits do not hold it up: on a busy service the journal is never empty."""
    bench = Bench(tmp_path)
    bench.journal.start()
    bench.append(*[fact(n) for n in range(5)])
    places = written_up_to(bench.journal.segments)
    batch = bench.journal.read_from(None, 100)
    assert batch is not None
    bench.append(*[fact(n) for n in range(5)])
    assert not wiped(bench.journal.segments, places)
    assert batch.position is not None
    bench.journal.acknowledge(batch.position)
    assert wiped(bench.journal.segments, places)
    assert bench.journal.waiting == 5
    bench.stop()


def test_a_scrubbed_journal_holds_nobody(tmp_path: Path) -> None:
    """While facts wait a scrub says that it is not done; after it no file holds a byte of any of them."""
    bench = Bench(tmp_path)
    bench.journal.start()
    bench.append(*[fact(n, ip="203.0.113.77", user_agent="VerySpecialBrowser") for n in range(700)])
    assert not scrubbed(bench.journal.segments, time.monotonic() + 0.1)
    bench.worker.catch_up()
    assert scrubbed(bench.journal.segments, time.monotonic() + WAIT)
    assert bench.total() == 700
    for path in bench.folder.iterdir():
        data = path.read_bytes()
        assert b"203.0.113.77" not in data
        assert b"VerySpecial" not in data
    bench.stop()


@pytest.mark.parametrize("back", [3600.0, 1e9])
def test_a_clock_that_jumps_back_hurts_nothing(bench: Bench, monkeypatch: pytest.MonkeyPatch, back: float) -> None:
    """With the clock an hour, or thirty years, back in the middle all facts are kept, stored and acknowledged once."""
    bench.append(*[fact(n, at=2_000_000_000_000_000) for n in range(20)])
    real, real_ns = time.time, time.time_ns
    monkeypatch.setattr(time, "time", lambda: real() - back)
    monkeypatch.setattr(time, "time_ns", lambda: real_ns() - int(back * 1e9))
    assert set(bench.append(*[fact(n, at=1) for n in range(20)])) == {"kept"}
    bench.settled(40)


def test_two_processes_worth_of_journals_share_a_folder(tmp_path: Path) -> None:
    """Two journals on one folder take facts at the same time; one worker stores all, and the other takes over."""
    one, two = Bench(tmp_path), Bench(tmp_path)
    for bench in (one, two):
        bench.journal.start()
        bench.worker.start()
    for n in range(10):
        one.append(fact(n))
        two.append(fact(n))
    one.settled(20)
    first, second = (one, two) if one.worker.stored else (two, one)
    assert (first.worker.stored, second.worker.stored) == (20, 0)
    first.stop()
    second.append(fact(1))
    second.settled(21)
    assert second.worker.stored == 1
    second.stop()


def test_the_worker_forgets_what_was_set_aside_long_ago(tmp_path: Path) -> None:
    """What could not be stored is taken out of its file when it has lain there as long as anything may be kept."""
    bench = Bench(tmp_path)
    bench.journal.start()
    bench.aside.path.write_bytes(b'{"set_aside_at": 1, "fact": {"ip": "192.0.2.1"}}\n')
    bench.aside.put({"fact": {"ip": "192.0.2.2"}})
    bench.worker.catch_up()
    data = bench.aside.path.read_bytes()
    assert (b"192.0.2.1" in data, b"192.0.2.2" in data) == (False, True)
    bench.stop()


def test_storing_steps_aside_for_readers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While many readers come nothing is stored for a while, but never for longer than the patience."""
    monkeypatch.setattr(worker, "PATIENCE", 1.0)
    monkeypatch.setattr(local, "FEW", 0)
    stored_at: list[float] = []

    def noting(connection: Connection, facts: Sequence[Fact]) -> None:
        stored_at.append(time.monotonic())
        keep(connection, facts)

    bench = Bench(tmp_path, noting)
    bench.journal.start()
    bench.worker.start()
    began = time.monotonic()
    count = 0
    while (passed := time.monotonic() - began) < 3 or not stored_at:
        assert passed < WAIT
        bench.append(fact(count))
        count += 1
    assert len(stored_at) <= 2 + (time.monotonic() - began) / worker.PATIENCE
    bench.settled(count)
    bench.stop()


def test_a_nearly_full_journal_is_emptied_whoever_comes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Above the high-water mark the worker steps aside for nobody, so that nothing is lost while it could be stored."""
    monkeypatch.setattr(worker, "PATIENCE", 1000.0)
    monkeypatch.setattr(local, "FEW", -1)
    bench = Bench(tmp_path, facts=100)
    bench.journal.start()
    bench.append(*[fact(n) for n in range(2500)])
    assert bench.journal.filled > local.HIGH_WATER
    bench.worker.start()
    wait_until(lambda: bench.journal.filled <= local.HIGH_WATER)
    assert bench.total() > 0
    bench.stop()


def test_a_slow_store_gets_smaller_batches() -> None:
    """What took long is done in smaller pieces, what was quick in larger ones, within bounds."""
    assert worker.fitting(500, 0.1) == worker.BATCH
    assert worker.fitting(500, 0.5) == 250
    assert worker.fitting(500, 60.0) == worker.fitting(1, 1.0) == worker.BESIDE
    assert worker.fitting(3, 0.0) == worker.BATCH


def test_what_is_told_is_told_about_once_a_second(tmp_path: Path) -> None:
    """The worker looks for what is to be told right after storing and then again and again."""
    bench, told = Bench(tmp_path), list[float]()

    def tell(_connection: Connection) -> int:
        told.append(time.monotonic())
        return 0

    bench.worker = bench.working(keep, tell)
    bench.journal.start()
    bench.worker.start()
    bench.append(fact(1))
    bench.settled(1)
    wait_until(lambda: len(told) >= 3)
    bench.stop()
