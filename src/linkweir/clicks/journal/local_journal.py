"""The embedded journal: append-only files on this machine's disk, to which every event goes before anything else.

What is appended in one iteration of an event loop is a batch. One thread writes all batches that have come while it was
busy and flushes once (group commit), without the interpreter's lock, and wakes the loops. It uses no database, so a
slow, locked or missing one delays no reader.
"""

import asyncio
import contextlib
import os
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from structlog.typing import FilteringBoundLogger

from linkweir._journal import CommitQueue
from linkweir.background import WorkerThread
from linkweir.clicks.click_event import ClickEvent, encode_event
from linkweir.clicks.journal.carry_signals import CarrySignals
from linkweir.clicks.journal.dead_letters import DeadLetterSink
from linkweir.clicks.journal.interface import AppendResult, EventBatch, JournalCursor
from linkweir.clicks.journal.reader import (
    JournalReader,
    LocalCursor,
    count_active_segments,
    count_unacknowledged,
)
from linkweir.clicks.journal.segment import MAX_RECORD_BYTES
from linkweir.clicks.journal.segment_directory import SegmentDirectory
from linkweir.clicks.journal.writer import JournalWriter

MAX_QUEUED_EVENTS = 50_000  # facts waiting for a disk that hangs; beyond that they are lost, loudly
MAX_QUEUED_BYTES = 50_000_000
IDLE_SECONDS = 0.5  # seconds between looks at whether a full journal has room again
IDLE_SAMPLE_SECONDS = 0.05  # seconds in which few readers came: then there is time to store
IDLE_MAX_APPENDS = 50  # readers in that time: a fifth of a processor
MIN_YIELD_SECONDS = 0.01  # seconds that others who write to the database get in any case
HIGH_WATER_RATIO = 0.5  # the share of a full journal from which on readers no longer come first
FILE_GONE_REASON = "removed or cut while in use: the clicks in it that were not stored yet are lost"
LOSS_LOG_INTERVAL_SECONDS = 1.0  # seconds between two lines about facts that are lost
CARRY_POLL_SECONDS = 0.001  # between looks at how far the carrier is, while a redirect waits for it
CARRY_RING_SECONDS = 0.02  # between two rings of redirects that wait: one may have been heard by somebody else


class AppendBatch:
    """What one event loop appends in one iteration; `first_number`, `end_number`: its events' numbers in the queue."""

    def __init__(self) -> None:
        self.payloads: list[bytes] = []
        self.futures: list[asyncio.Future[AppendResult]] = []
        self.timer: asyncio.TimerHandle | None = None
        self.first_number = self.end_number = 0

    def resolve(self, result: AppendResult, durable_count: int = 0) -> None:
        """Resolve the first `durable_count` events as durable and the others with `result`."""
        if self.timer is not None:
            self.timer.cancel()
        self._resolve_from(0, result, durable_count)

    def resolve_undurable(self, durable_count: int) -> None:
        """Resolve as lost what comes behind the first `durable_count` events, which still wait for the carrier."""
        self._resolve_from(durable_count, "lost", durable_count)

    def _resolve_from(self, start: int, result: AppendResult, durable_count: int) -> None:
        for index, promise in enumerate(self.futures[start:], start):
            if not promise.done():
                promise.set_result("kept" if index < durable_count else result)

    @property
    def is_resolved(self) -> bool:
        """Whether nobody waits any more for any of its events."""
        return all(promise.done() for promise in self.futures)


@dataclass(frozen=True, slots=True)
class HeldBatch:
    """A batch that is durable here, and waits for the carrier. `moment`: when it was durable, at the latest; `mark`:
    the carrier's mark at that time.
    """

    batch: AppendBatch
    moment: int
    mark: int

    def is_carried(self, mark: int) -> bool:
        """Whether it is, now that the carrier's mark is this one."""
        return mark != self.mark and mark >= self.moment


class LoopWaker:
    """Wakes an event loop from a thread that must not wait for the interpreter's lock.

    `write_fd` takes eight bytes for each record that completes; `on_wake` is called in the loop, once for many.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, on_wake: Callable[[], None]) -> None:
        self._loop = loop
        self._on_wake = on_wake
        if hasattr(os, "eventfd"):
            self.write_fd = self._read_fd = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        else:
            self._read_fd, self.write_fd = os.pipe()
            os.set_blocking(self._read_fd, False)
            os.set_blocking(self.write_fd, False)
        loop.add_reader(self._read_fd, self._on_readable)

    def _on_readable(self) -> None:
        with contextlib.suppress(BlockingIOError):
            os.read(self._read_fd, 4096)
        self._on_wake()

    def close(self) -> None:
        """Stop listening. In the loop's own thread, or when the loop is closed."""
        if not self._loop.is_closed():
            self._loop.remove_reader(self._read_fd)
        for descriptor in {self.write_fd, self._read_fd}:
            os.close(descriptor)


class LoopState:
    """The batches of one event loop that are not resolved."""

    def __init__(self, loop: asyncio.AbstractEventLoop, on_wake: Callable[["LoopState"], None]) -> None:
        self.loop = loop
        self.open_batches: list[AppendBatch] = []  # one or none
        self.in_flight: deque[AppendBatch] = deque()
        self.held: deque[HeldBatch] = deque()
        self.carry_timer: asyncio.TimerHandle | None = None
        self.next_ring_at = 0.0
        self.end_number = 0  # the number behind its last fact
        self.waker = LoopWaker(loop, lambda: on_wake(self))


class LocalJournal(WorkerThread):
    """Counts since the start: `kept` and `lost`; `wait`: seconds until a fact that is not durable is `late`;
    `dead_letters` keeps records that cannot be read; `carry_signals`: a fact is kept only when the carrier has it, too.

    `written` is called in an event loop whenever there is something new to read.
    """

    def __init__(
        self,
        folder: Path,
        log: FilteringBoundLogger,
        *,
        dead_letters: DeadLetterSink,
        capacity: int,
        wait: float,
        carry_signals: CarrySignals | None = None,
    ) -> None:
        super().__init__("journal")
        self.segments = SegmentDirectory(folder, capacity)
        self.segments.on_lost = lambda path: log.error("journal.file_gone", file=str(path), reason=FILE_GONE_REASON)
        self.on_durable: Callable[[], None] = lambda: None
        self.lost = 0
        self.full = False
        self._log = log
        self._wait = wait
        self._carry_signals = carry_signals
        self._queue = CommitQueue(MAX_QUEUED_EVENTS, MAX_QUEUED_BYTES)
        self._writer = JournalWriter(self.segments, self._queue, log)
        self._reader = JournalReader(self.segments, lambda data: dead_letters({"unreadable": data.hex()}))
        self._loop_states: dict[asyncio.AbstractEventLoop, LoopState] = {}
        self._lost_ranges: deque[tuple[int, int]] = deque(
            maxlen=10_000
        )  # numbers, from and up to; neighbours are joined
        self._unlogged_losses = 0
        self._next_loss_log_at = self._next_fill_check_at = self._cached_fill_ratio = 0.0
        self._loss_lock = threading.Lock()
        self._accepting = False

    @property
    def durable(self) -> int:
        """The number of events that this process has made durable."""
        return self._queue.durable

    @property
    def unacknowledged(self) -> int:
        """The number of events of all processes that have not been acknowledged."""
        return count_unacknowledged(self.segments)

    @property
    def fill_ratio(self) -> float:
        """The share of the folder's files that hold events, as it was at most a moment ago."""
        if time.monotonic() >= self._next_fill_check_at:
            self._next_fill_check_at = time.monotonic() + IDLE_SECONDS
            self._cached_fill_ratio = count_active_segments(self.segments) / self.segments.count
        return self._cached_fill_ratio

    def start(self) -> None:
        """Preallocate what is missing and begin to write."""
        try:
            self.segments.preallocate()
        except OSError as error:
            self._log.error("journal.not_preallocated", error=str(error), folder=str(self.segments.path))
        self._queue.reopen()
        self._accepting = True
        super().start()

    def stop(self) -> None:
        """Write what has arrived and end."""
        self._accepting = False
        for side in list(self._loop_states.values()):
            self._flush_batch(side)
        self._queue.close()
        super().stop()
        self._writer.close()
        for side in filter(self._remove_loop, list(self._loop_states.values())):
            try:
                side.loop.call_soon_threadsafe(self._close_loop, side)
            except RuntimeError:  # that loop has ended
                self._close_loop(side)

    def close(self) -> None:
        """Let another process read, when nothing is to be read here any more."""
        self._reader.close()
        if self._carry_signals is not None:
            self._carry_signals.close()

    def append(self, event: ClickEvent) -> asyncio.Future[AppendResult]:
        """Append an event; return a future of its outcome in the running event loop, resolved within `wait` seconds."""
        loop = asyncio.get_running_loop()
        promise: asyncio.Future[AppendResult] = loop.create_future()
        if not self._accepting:
            promise.set_result("lost")
            self._count_lost(1, "the journal does not run")
            return promise
        payload = encode_event(event)
        if len(payload) > MAX_RECORD_BYTES:  # whoever reads would take it for damaged bytes
            promise.set_result("lost")
            self._count_lost(1, "the event is too large")
            return promise
        side = self._loop_states.get(loop) or self._get_loop_state(loop)
        if side.open_batches:
            group = side.open_batches[0]
        else:
            group = AppendBatch()
            group.timer = loop.call_later(self._wait, group.resolve, "late")
            side.open_batches.append(group)
            loop.call_soon(self._flush_batch, side)  # when all requests that are here by now have had their turn
        group.payloads.append(payload)
        group.futures.append(promise)
        return promise

    def read_from(self, cursor: JournalCursor | None, limit: int) -> EventBatch | None:
        """As Journal has it. Reads also what processes left that are dead by now."""
        assert cursor is None or isinstance(cursor, LocalCursor)
        if not self._reader.acquire():
            return None
        facts, offsets = self._reader.read(cursor, limit)
        return EventBatch(facts, offsets if offsets.offsets else None)

    def acknowledge(self, cursor: JournalCursor) -> None:
        """As Journal has it. The bytes are wiped, and their files used again."""
        assert isinstance(cursor, LocalCursor)
        self._reader.acknowledge(cursor)

    def health_problem(self) -> str | None:
        """As Journal has it."""
        if not self.alive:
            return "not running"
        return f"clicks are being lost: {self.lost} so far" if self.full else None

    def is_idle(self) -> bool:
        """Did few readers come in a moment, which is waited for here, or must those who store go on all the same, since
        the files fill? For the one that reads.
        """
        if self.fill_ratio >= HIGH_WATER_RATIO:
            time.sleep(MIN_YIELD_SECONDS)
            return True
        before = self._reader.count_written()
        time.sleep(IDLE_SAMPLE_SECONDS)
        if self._reader.count_written() - before > IDLE_MAX_APPENDS:
            return False
        self._reader.refresh()  # a file may have been taken meanwhile
        return self._reader.count_written() - before <= IDLE_MAX_APPENDS

    def _get_loop_state(self, loop: asyncio.AbstractEventLoop) -> LoopState:
        """Return the state of this loop; those of ended loops are removed once their batches are resolved."""
        for side in list(self._loop_states.values()):
            over = side.loop.is_closed() and not side.open_batches and self._queue.notified >= side.end_number
            if over and self._remove_loop(side):
                self._close_loop(side)
        side = self._loop_states[loop] = LoopState(loop, self._resolve_batches)
        return side

    def _remove_loop(self, side: LoopState) -> bool:
        """True for one of the threads that find it at once: a descriptor closed twice may be another's."""
        return self._loop_states.pop(side.loop, None) is side

    def _close_loop(self, side: LoopState) -> None:
        self._resolve_batches(side)
        side.waker.close()

    def _flush_batch(self, side: LoopState) -> None:
        try:
            group = side.open_batches.pop()
        except IndexError:
            return  # a stop was faster
        taken, behind = self._queue.enqueue(group.payloads, side.waker.write_fd)
        group.first_number, group.end_number = behind - taken, behind
        side.end_number = behind
        side.in_flight.append(group)
        if taken < len(group.futures):
            self._count_lost(len(group.futures) - taken, "the journal's disk hangs, or it has ended")
            self._resolve_batches(side)

    def _resolve_batches(self, side: LoopState) -> None:
        """Resolve the events whose outcome is known. In the loop's own thread."""
        decided, news = self._queue.completed, False
        while side.in_flight and side.in_flight[0].end_number <= decided:
            group = side.in_flight.popleft()
            durable_count = group.end_number - group.first_number
            for first, behind in tuple(self._lost_ranges):
                if first < group.end_number and behind > group.first_number:
                    durable_count = min(durable_count, max(0, first - group.first_number))
            news = news or durable_count > 0
            if self._carry_signals is None or not durable_count:
                group.resolve("lost", durable_count)
            else:
                group.resolve_undurable(durable_count)
                side.held.append(HeldBatch(group, time.monotonic_ns(), self._carry_signals.read_mark()))
        if news:
            self.on_durable()
        if side.held and side.carry_timer is None:
            side.next_ring_at = 0.0
            self._resolve_held(side)

    def _resolve_held(self, side: LoopState) -> None:
        """Resolve what the carrier has brought away, and look again soon while anything waits for it. In the loop's own
        thread.
        """
        assert self._carry_signals is not None
        side.carry_timer, mark = None, self._carry_signals.read_mark()
        while side.held and (side.held[0].is_carried(mark) or side.held[0].batch.is_resolved):
            side.held.popleft().batch.resolve("kept")
        if not side.held or side.loop.is_closed():
            return
        if time.monotonic() >= side.next_ring_at:
            side.next_ring_at = time.monotonic() + CARRY_RING_SECONDS
            self._carry_signals.set()
        side.carry_timer = side.loop.call_later(CARRY_POLL_SECONDS, self._resolve_held, side)

    def _run(self) -> None:
        while True:
            try:
                if self._queue.wait_for_records(IDLE_SECONDS):
                    self._write_queue()
                elif self._stopping:
                    return
                elif self.full:
                    self.full = not self._writer.has_space()
            except Exception:
                self._log.exception("journal.bug")  # the thread must live: it is the only one
                self._discard_in_flight()

    def _write_queue(self) -> None:
        durable_before = self._queue.durable
        if self._writer.write(IDLE_SECONDS):
            self._discard_in_flight()
        elif self._queue.durable > durable_before:
            self.full = False

    def _discard_in_flight(self) -> None:
        """Resolve everything in the queue as lost: no file takes it."""
        first, count = self._queue.completed, self._queue.in_flight
        if self._lost_ranges and self._lost_ranges[-1][1] == first:
            self._lost_ranges[-1] = self._lost_ranges[-1][0], first + count
        else:
            self._lost_ranges.append((first, first + count))
        self.full = count > 0
        self._count_lost(count, "the journal is full, or its disk takes nothing")
        self._queue.discard()

    def _count_lost(self, count: int, reason: str) -> None:
        """Count lost events and log them, but not thousands of times a second."""
        with self._loss_lock:
            self.lost += count
            self._unlogged_losses += count
            if time.monotonic() < self._next_loss_log_at:
                return
            self._next_loss_log_at = time.monotonic() + LOSS_LOG_INTERVAL_SECONDS
            facts, self._unlogged_losses = self._unlogged_losses, 0
        self._log.error("click.lost", facts=facts, reason=reason)
