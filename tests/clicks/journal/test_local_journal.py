"""Tests of the embedded journal and its worker with a real database, real locks and real files."""

import asyncio
import contextlib
import io
import json
import os
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from sqlalchemy import Connection, func, select

from linkweir.clicks.click_event import ClickEvent, encode_event
from linkweir.clicks.enrichment import Enricher
from linkweir.clicks.ingest import ingest_worker
from linkweir.clicks.ingest import pipeline as keeping
from linkweir.clicks.ingest.ingest_worker import IngestFunction, IngestWorker, NotifyFunction
from linkweir.clicks.ingest.message_clicks import ClickClassifier
from linkweir.clicks.journal import local_journal
from linkweir.clicks.journal.dead_letters import DeadLetterFile
from linkweir.clicks.journal.interface import AppendResult, EventBatch, Journal
from linkweir.clicks.journal.local_journal import LocalJournal
from linkweir.clicks.journal.reader import end_cursor, is_wiped, wait_until_wiped
from linkweir.clicks.journal.segment import MAX_RECORD_BYTES, RECORDS_OFFSET, JournalSegment
from linkweir.clicks.known_networks import KnownNetworks
from linkweir.db.database import WriteMode
from linkweir.db.schema import clicks
from linkweir.web.structured_logging import make_logger
from tests.clicks.event_factory import make_event
from tests.databases import make_database, open_again
from tests.reference.commit_queue import make_reference_queue
from tests.web.running_service import WAIT_SECONDS, wait_until

CLASSIFIER = ClickClassifier(Enricher(None, KnownNetworks.load()))


pytestmark = pytest.mark.both_databases


def ingest_events(connection: Connection, facts: Sequence[ClickEvent]) -> int:
    """Store facts as a service does."""
    return keeping.ingest_events(connection, facts, CLASSIFIER, time.time_ns() // 1000)


class JournalHarness:
    """A running journal and the worker that empties it."""

    def __init__(self, folder: Path, store_facts: IngestFunction = ingest_events, **options: float) -> None:
        self.stream = io.StringIO()
        log = make_logger("error", self.stream)
        self.folder = folder / "spool"
        self.database = make_database(folder, timeout=options.get("timeout", 0.1))
        self.dead_letters = DeadLetterFile(self.folder, log)
        self.journal = LocalJournal(
            self.folder,
            log,
            dead_letters=self.dead_letters.append,
            capacity=int(options.get("facts", 5000)),
            wait=options.get("wait", 5.0),
        )
        self.worker = self.make_worker(store_facts)

    def make_worker(self, store_facts: IngestFunction, notify: NotifyFunction | None = None) -> IngestWorker:
        """A worker for the journal."""
        made = IngestWorker(
            self.database,
            self.journal,
            make_logger("error", self.stream),
            ingest=store_facts,
            notify=notify,
            dead_letters=self.dead_letters,
            is_idle=self.journal.is_idle,
            retry_seconds=0.1,
        )
        self.journal.on_durable = made.wake
        return made

    def append(self, *facts: ClickEvent) -> list[AppendResult]:
        """Append from an event loop of its own, all at once, and wait for every fate."""

        async def append() -> list[AppendResult]:
            return list(await asyncio.gather(*[self.journal.append(fact) for fact in facts]))

        return asyncio.run(append())

    def count_events(self) -> int:
        """How many facts the database holds."""
        with self.database.read() as connection:
            return connection.scalar(select(func.count()).select_from(clicks)) or 0

    def wait_until_empty(self, count: int) -> None:
        """Wait until the journal is empty; the database holds so many facts."""
        wait_until(lambda: self.journal.unacknowledged == 0)
        assert self.count_events() == count

    def stop(self) -> None:
        """End everything."""
        self.journal.stop()
        self.worker.stop()
        self.journal.close()
        self.database.close()

    @property
    def log_events(self) -> list[str]:
        """What was logged."""
        return [json.loads(line)["event"] for line in self.stream.getvalue().splitlines()]


@pytest.fixture(params=["in C", "in Python"])
def journal_harness(
    tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[JournalHarness]:
    """Started, and stopped at the end; with the queue in C, and with its reference."""
    if request.param == "in Python":
        monkeypatch.setattr(local_journal, "CommitQueue", make_reference_queue)
    made = JournalHarness(tmp_path / "data")
    made.journal.start()
    made.worker.start()
    yield made
    made.stop()


def test_it_is_the_interface(tmp_path: Path) -> None:
    """The embedded journal is one of those that may stand beside it: append, read from, acknowledge."""
    bench = JournalHarness(tmp_path)
    bench.journal.start()
    journal: Journal = bench.journal

    async def append() -> AppendResult:
        return await journal.append(make_event(4))

    assert asyncio.run(append()) == "kept"
    batch = journal.read_from(None, 10)
    assert batch is not None
    assert [event.position for event in batch.events] == [4]
    assert batch.cursor is not None
    assert journal.read_from(batch.cursor, 10) == EventBatch([], batch.cursor)
    journal.acknowledge(batch.cursor)
    assert journal.read_from(None, 10) == EventBatch([], None)
    bench.stop()


def test_an_appended_event_is_on_disk_and_soon_in_the_database(journal_harness: JournalHarness) -> None:
    """When the promise says "kept", the fact waits in the journal's files or is in the database, and there once."""
    assert journal_harness.append(make_event(1)) == ["kept"]
    assert journal_harness.journal.unacknowledged + journal_harness.count_events() >= 1
    journal_harness.wait_until_empty(1)


def test_an_event_that_is_too_large_is_lost_alone(journal_harness: JournalHarness) -> None:
    """An event of more bytes than a record may have is lost, counted and logged, and never written; the largest that
    fits, and those beside it, are kept.
    """
    room = MAX_RECORD_BYTES - len(encode_event(make_event(0, signals="x" * 60_000)))
    largest = make_event(0, signals="x" * (60_000 + room))
    too_large = make_event(1, signals="x" * (60_001 + room))
    assert journal_harness.append(make_event(2), too_large, largest) == ["kept", "lost", "kept"]
    assert journal_harness.journal.lost == 1
    journal_harness.wait_until_empty(2)
    assert journal_harness.log_events == ["click.lost"]
    assert not journal_harness.dead_letters.path.exists()


def test_many_threads_lose_and_double_nothing(journal_harness: JournalHarness) -> None:
    """Facts from event loops of many threads at once are all kept and stored, each once."""
    fates: list[AppendResult] = []
    threads = [
        threading.Thread(target=lambda: fates.extend(journal_harness.append(*[make_event(n) for n in range(100)])))
        for _ in range(10)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert fates == ["kept"] * 1000
    journal_harness.wait_until_empty(1000)


def test_loops_that_begin_and_end_at_the_same_time_hurt_nobody(journal_harness: JournalHarness) -> None:
    """Threads that run one event loop after the other keep every fact, though all of them tidy up after all."""
    fates: list[AppendResult] = []
    before, loops = sys.getswitchinterval(), 40

    async def one() -> AppendResult:
        return await journal_harness.journal.append(make_event(0))

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
        if offset >= RECORDS_OFFSET:  # before them is the count, which nobody waits for
            calls.append("write")
        return write(descriptor, data, offset)

    def flushing(descriptor: int) -> None:
        calls.append("flush")
        flush(descriptor)

    monkeypatch.setattr(local_journal, "CommitQueue", make_reference_queue)
    bench = JournalHarness(tmp_path)
    bench.journal.start()
    bench.append(make_event(0))
    monkeypatch.setattr(os, "pwrite", writing)
    monkeypatch.setattr(os, "fdatasync", flushing)
    assert set(bench.append(*[make_event(n) for n in range(1000)])) == {"kept"}
    assert 0 < len(calls) < 20
    assert calls == ["write", "flush"] * (len(calls) // 2)
    monkeypatch.undo()
    bench.stop()


def test_a_locked_database_delays_no_reader(journal_harness: JournalHarness) -> None:
    """While the database is locked facts are kept at once and wait; when it is free they are stored, each once."""
    other = open_again(journal_harness.database)
    with contextlib.closing(other), other.write(WriteMode.EXCLUSIVE):
        for n in range(20):  # kept, and not late, although nobody but we can end the lock
            assert journal_harness.append(make_event(n)) == ["kept"]
        assert journal_harness.count_events() == 0
        assert journal_harness.journal.unacknowledged == 20
        wait_until(lambda: journal_harness.worker.failures > 0)
    journal_harness.wait_until_empty(20)


def test_the_same_fact_twice_is_one(journal_harness: JournalHarness) -> None:
    """A fact that reaches the database again, as after a crash between storing and acknowledging, counts once."""
    one = make_event(1)
    assert journal_harness.append(one) == journal_harness.append(one) == ["kept"]
    journal_harness.wait_until_empty(1)


def test_a_crash_between_storing_and_acknowledging_counts_once(tmp_path: Path) -> None:
    """Facts that were stored but not acknowledged come again, and the database still holds each once."""
    bench = JournalHarness(tmp_path)
    bench.journal.start()
    bench.append(*[make_event(n) for n in range(50)])
    batch = bench.journal.read_from(None, 30)
    assert batch is not None
    with bench.database.write() as connection:
        ingest_events(connection, batch.events)
    bench.journal.close()  # and then it dies
    bench.worker.start()
    bench.wait_until_empty(50)
    bench.stop()


def test_a_crash_between_acknowledging_and_wiping_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a dead reader had acknowledged and not wiped is wiped by the next one, or no erasure would ever be whole."""
    first = JournalHarness(tmp_path)
    first.journal.start()
    assert first.append(make_event(1), make_event(2)) == ["kept", "kept"]
    batch = first.journal.read_from(None, 10)
    assert batch is not None
    assert batch.cursor is not None
    with monkeypatch.context() as patch:
        patch.setattr(JournalSegment, "wipe", lambda *_: None)
        first.journal.acknowledge(batch.cursor)
    places = end_cursor(first.journal.segments)
    assert not is_wiped(first.journal.segments, places)
    first.journal.close()
    assert first.journal.read_from(None, 10) is not None
    assert is_wiped(first.journal.segments, places)
    first.journal.stop()
    first.journal.close()


def test_readers_do_not_wait_for_a_long_journal(tmp_path: Path) -> None:
    """While thousands of facts are brought to the database, new ones are kept, however long that takes."""
    storing, go = threading.Event(), threading.Event()

    def slowly(connection: Connection, facts: Sequence[ClickEvent]) -> int:
        storing.set()
        go.wait(WAIT_SECONDS)
        return ingest_events(connection, facts)

    bench = JournalHarness(tmp_path, slowly)
    bench.journal.start()
    bench.append(*[make_event(n) for n in range(4000)])
    bench.worker.start()
    assert storing.wait(WAIT_SECONDS)
    assert bench.append(make_event(1)) == ["kept"]
    assert bench.count_events() == 0
    go.set()
    bench.wait_until_empty(4001)
    bench.stop()


def test_stopping_loses_no_event(tmp_path: Path) -> None:
    """A stop right after many appends stores all of them; appends after it are told that they are lost."""
    bench = JournalHarness(tmp_path)
    bench.journal.start()
    bench.worker.start()
    assert set(bench.append(*[make_event(n) for n in range(1200)])) == {"kept"}
    bench.stop()
    assert bench.count_events() == 1200
    assert bench.append(make_event(1)) == ["lost"]
    assert bench.journal.lost == 1
    bench.database.close()


def test_a_stopped_journal_can_start_again(journal_harness: JournalHarness) -> None:
    """After a stop and a new start facts are kept as before, and the figures go on."""
    assert journal_harness.append(make_event(1)) == ["kept"]
    journal_harness.journal.stop()
    assert journal_harness.append(make_event(2)) == ["lost"]
    journal_harness.journal.start()
    assert journal_harness.append(make_event(3), make_event(4)) == ["kept", "kept"]
    assert (journal_harness.journal.durable, journal_harness.journal.lost) == (3, 1)
    journal_harness.wait_until_empty(3)


def test_a_full_journal_is_reported_and_recovers(tmp_path: Path) -> None:
    """Beyond its room facts are lost, counted and logged, but not once for each; with room again they are kept."""
    bench = JournalHarness(tmp_path, facts=100)
    bench.journal.start()
    fates = bench.append(*[make_event(n) for n in range(10_000)])
    taken = fates.count("kept")
    assert 100 <= taken < 10_000
    assert fates == ["kept"] * taken + ["lost"] * (10_000 - taken)
    assert (bench.journal.lost, bench.journal.full) == (10_000 - taken, True)
    assert 1 <= bench.log_events.count("click.lost") <= 3
    bench.worker.start()
    bench.wait_until_empty(taken)
    wait_until(lambda: not bench.journal.full)
    assert bench.append(make_event(1)) == ["kept"]
    bench.wait_until_empty(taken + 1)
    bench.stop()


def test_a_reader_never_waits_for_a_disk_that_hangs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the disk does not answer within the wait the fate is "late"; the fact is stored when it does after all."""
    bench, gate = JournalHarness(tmp_path, wait=0.2), threading.Event()
    real = bench.journal.segments.acquire

    def hanging() -> tuple[JournalSegment, int] | None:
        gate.wait(WAIT_SECONDS)
        return real()

    bench.journal.start()
    bench.worker.start()
    monkeypatch.setattr(bench.journal.segments, "acquire", hanging)
    assert bench.append(make_event(1), make_event(2)) == ["late", "late"]
    assert bench.count_events() == 0  # the disk hangs on
    gate.set()
    wait_until(lambda: bench.count_events() == 2)
    bench.stop()


def test_one_who_goes_away_takes_nobody_along(journal_harness: JournalHarness) -> None:
    """A cancelled wait leaves the others of its group theirs, and its own fact is stored all the same."""

    async def append() -> list[object]:
        tasks = [asyncio.ensure_future(journal_harness.journal.append(make_event(n))) for n in range(3)]
        tasks[1].cancel()
        return list(await asyncio.gather(*tasks, return_exceptions=True))

    first, second, third = asyncio.run(append())
    assert (first, third) == ("kept", "kept")
    assert isinstance(second, asyncio.CancelledError)
    journal_harness.wait_until_empty(3)


def test_a_fact_that_cannot_be_stored_blocks_nothing(tmp_path: Path) -> None:
    """One fact that breaks the storing of a whole batch is set aside, and all others are stored."""

    def broken(connection: Connection, facts: Sequence[ClickEvent]) -> int:
        if any(fact.position == 13 for fact in facts):
            raise ZeroDivisionError
        return ingest_events(connection, facts)

    bench = JournalHarness(tmp_path, broken)
    bench.journal.start()
    bench.append(*[make_event(n) for n in range(40)])
    bench.worker.start()
    bench.wait_until_empty(39)
    (line,) = (bench.folder / "aside.bad").read_text().splitlines()
    assert json.loads(line)["fact"]["position"] == 13
    assert bench.dead_letters.count == 1
    bench.stop()


def test_a_scrub_waits_for_nobody_who_came_later(tmp_path: Path) -> None:
    """Facts that are written while a scrub waits do not hold it up: on a busy service the journal is never empty."""
    bench = JournalHarness(tmp_path)
    bench.journal.start()
    bench.append(*[make_event(n) for n in range(5)])
    places = end_cursor(bench.journal.segments)
    batch = bench.journal.read_from(None, 100)
    assert batch is not None
    bench.append(*[make_event(n) for n in range(5)])
    assert not is_wiped(bench.journal.segments, places)
    assert batch.cursor is not None
    bench.journal.acknowledge(batch.cursor)
    assert is_wiped(bench.journal.segments, places)
    assert bench.journal.unacknowledged == 5
    bench.stop()


def test_a_scrubbed_journal_holds_nobody(tmp_path: Path) -> None:
    """While facts wait a scrub says that it is not done; after it no file holds a byte of any of them."""
    bench = JournalHarness(tmp_path)
    bench.journal.start()
    bench.append(*[make_event(n, ip="203.0.113.77", user_agent="VerySpecialBrowser") for n in range(700)])
    assert not wait_until_wiped(bench.journal.segments, time.monotonic() + 0.1)
    bench.worker.drain()
    assert wait_until_wiped(bench.journal.segments, time.monotonic() + WAIT_SECONDS)
    assert bench.count_events() == 700
    for path in bench.folder.iterdir():
        data = path.read_bytes()
        assert b"203.0.113.77" not in data
        assert b"VerySpecial" not in data
    bench.stop()


@pytest.mark.parametrize("back", [3600.0, 1e9])
def test_a_clock_that_jumps_back_hurts_nothing(
    journal_harness: JournalHarness, monkeypatch: pytest.MonkeyPatch, back: float
) -> None:
    """With the clock an hour, or thirty years, back in the middle all facts are kept, stored and acknowledged once."""
    journal_harness.append(*[make_event(n, at=2_000_000_000_000_000) for n in range(20)])
    real, real_ns = time.time, time.time_ns
    monkeypatch.setattr(time, "time", lambda: real() - back)
    monkeypatch.setattr(time, "time_ns", lambda: real_ns() - int(back * 1e9))
    assert set(journal_harness.append(*[make_event(n, at=1) for n in range(20)])) == {"kept"}
    journal_harness.wait_until_empty(40)


def test_two_processes_worth_of_journals_share_a_folder(tmp_path: Path) -> None:
    """Two journals on one folder take facts at the same time; one worker stores all, and the other takes over."""
    one, two = JournalHarness(tmp_path), JournalHarness(tmp_path)
    for bench in (one, two):
        bench.journal.start()
        bench.worker.start()
    for n in range(10):
        one.append(make_event(n))
        two.append(make_event(n))
    one.wait_until_empty(20)
    first, second = (one, two) if one.worker.stored else (two, one)
    assert (first.worker.stored, second.worker.stored) == (20, 0)
    first.stop()
    second.append(make_event(1))
    second.wait_until_empty(21)
    assert second.worker.stored == 1
    second.stop()


def test_ingestion_yields_to_readers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While many readers come nothing is stored for a while, but never for longer than the patience."""
    monkeypatch.setattr(ingest_worker, "MAX_YIELD_SECONDS", 1.0)
    monkeypatch.setattr(local_journal, "IDLE_MAX_APPENDS", 0)
    stored_at: list[float] = []

    def noting(connection: Connection, facts: Sequence[ClickEvent]) -> int:
        stored_at.append(time.monotonic())
        return ingest_events(connection, facts)

    bench = JournalHarness(tmp_path, noting)
    bench.journal.start()
    bench.worker.start()
    began = time.monotonic()
    count = 0
    while (passed := time.monotonic() - began) < 3 or not stored_at:
        assert passed < WAIT_SECONDS
        bench.append(make_event(count))
        count += 1
    assert len(stored_at) <= 2 + (time.monotonic() - began) / ingest_worker.MAX_YIELD_SECONDS
    bench.wait_until_empty(count)
    bench.stop()


def test_a_nearly_full_journal_is_emptied_whoever_comes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Above the high-water mark the worker steps aside for nobody, so that nothing is lost while it could be stored."""
    monkeypatch.setattr(ingest_worker, "MAX_YIELD_SECONDS", 1000.0)
    monkeypatch.setattr(local_journal, "IDLE_MAX_APPENDS", -1)
    bench = JournalHarness(tmp_path, facts=100)
    bench.journal.start()
    bench.append(*[make_event(n) for n in range(2500)])
    assert bench.journal.fill_ratio > local_journal.HIGH_WATER_RATIO
    bench.worker.start()
    wait_until(lambda: bench.journal.fill_ratio <= local_journal.HIGH_WATER_RATIO)
    assert bench.count_events() > 0
    bench.stop()


def test_a_slow_database_gets_smaller_batches() -> None:
    """What took long is done in smaller pieces, what was quick in larger ones, within bounds; where others write, too,
    in pieces for which they need not wait long.
    """
    assert ingest_worker.next_batch_size(500, 0.01) == ingest_worker.BATCH_EVENTS
    assert ingest_worker.next_batch_size(500, 2.0) == 250
    assert ingest_worker.next_batch_size(500, 0.5, shared=True) == 250
    assert (
        ingest_worker.next_batch_size(500, 60.0)
        == ingest_worker.next_batch_size(1, 1.0, shared=True)
        == ingest_worker.BATCH_EVENTS_UNDER_LOAD
    )
    assert ingest_worker.next_batch_size(12, 0.0) == ingest_worker.BATCH_EVENTS


def test_batches_shrink_while_somebody_else_writes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once the worker has had to wait for its turn to write, its next transaction is the shorter."""
    monkeypatch.setattr(ingest_worker, "MAX_SHARED_TRANSACTION_SECONDS", 0.0)
    bench = JournalHarness(tmp_path, timeout=WAIT_SECONDS)
    bench.journal.start()
    bench.append(make_event(1))
    with bench.database.write():
        storing = threading.Thread(target=bench.worker.drain)
        storing.start()
        storing.join(20 * ingest_worker.CONTENTION_SECONDS)
        assert storing.is_alive()
    storing.join()
    assert bench.worker.batch_size == ingest_worker.BATCH_EVENTS_UNDER_LOAD
    bench.stop()


def test_notifications_run_about_once_a_second(tmp_path: Path) -> None:
    """The worker looks for due notifications right after storing, and then again and again."""
    bench, times = JournalHarness(tmp_path), list[float]()

    def send_notifications(_connection: Connection) -> int:
        times.append(time.monotonic())
        return 0

    bench.worker = bench.make_worker(ingest_events, send_notifications)
    bench.journal.start()
    bench.worker.start()
    bench.append(make_event(1))
    bench.wait_until_empty(1)
    wait_until(lambda: len(times) >= 3)
    bench.stop()
