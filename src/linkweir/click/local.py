"""The embedded journal: an append-only file on this machine's disk, where every fact goes before anything else.

What is appended in one turn of an event loop is a group. One thread writes all groups that have come while it was busy
and flushes once (group commit), without the interpreter's lock, and wakes the loops. No database is asked, so a slow,
locked or missing one delays no reader.
"""

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

from structlog.typing import FilteringBoundLogger

from linkweir.click.aside import SetAside
from linkweir.click.bell import Bell
from linkweir.click.fact import Fact
from linkweir.click.journal import Batch, Fate, Position
from linkweir.click.lane import make_commit_queue
from linkweir.click.packing import pack
from linkweir.click.reading import Places, Reader, in_use, waiting
from linkweir.click.segments import Segments
from linkweir.click.writing import Writer

BACKLOG = 50_000  # facts waiting for a disk that hangs; beyond that they are lost, loudly
BACKLOG_BYTES = 50_000_000
IDLE = 0.5  # seconds between looks at whether a full journal has room again
MOMENT = 0.05  # seconds in which few readers came: then there is time to store
FEW = 50  # readers in that time: a fifth of a processor
BREATH = 0.01  # seconds that others who write to the store get in any case
HIGH_WATER = 0.5  # the share of a full journal from which on readers no longer come first
LOUD = 1.0  # seconds between two lines about facts that are lost


class Group:
    """What one event loop appends in one turn; `first`, `behind`: its facts' numbers in the queue."""

    def __init__(self) -> None:
        self.payloads: list[bytes] = []
        self.promises: list[asyncio.Future[Fate]] = []
        self.timer: asyncio.TimerHandle | None = None
        self.first = self.behind = 0

    def settle(self, fate: Fate, kept: int = 0) -> None:
        """Tell the first `kept` that they are durable and the others their fate."""
        if self.timer is not None:
            self.timer.cancel()
        for place, promise in enumerate(self.promises):
            if not promise.done():
                promise.set_result("kept" if place < kept else fate)


class Side:
    """What one event loop has appended and not been told of."""

    def __init__(self, loop: asyncio.AbstractEventLoop, heard: Callable[["Side"], None]) -> None:
        self.loop = loop
        self.gathering: list[Group] = []  # one or none
        self.waiting: deque[Group] = deque()
        self.last = 0  # the number behind its last fact
        self.bell = Bell(loop, lambda: heard(self))


class LocalJournal:
    """Counts since the start: `kept` and `lost`; `wait`: seconds until a fact that is not durable is `late`;
    `aside` keeps records that cannot be read.

    `written` is called in an event loop whenever there is something new to read.
    """

    def __init__(self, folder: Path, log: FilteringBoundLogger, *, aside: SetAside, facts: int, wait: float) -> None:
        self.segments = Segments(folder, facts)
        self.segments.heard = lambda path: log.error("journal.file_gone", file=str(path))
        self.written: Callable[[], None] = lambda: None
        self.lost = 0
        self.full = False
        self._log = log
        self._wait = wait
        self._queue = make_commit_queue(BACKLOG, BACKLOG_BYTES)
        self._writer = Writer(self.segments, self._queue, log)
        self._reader = Reader(self.segments, lambda data: aside({"unreadable": data.hex()}))
        self._sides: dict[asyncio.AbstractEventLoop, Side] = {}
        self._dropped: deque[tuple[int, int]] = deque(maxlen=10_000)  # numbers, from and up to; neighbours are joined
        self._unsaid = 0
        self._loud_at = self._filled_at = self._filled = 0.0
        self._counting = threading.Lock()
        self._accepting = self._ended = False
        self._thread: threading.Thread | None = None

    @property
    def alive(self) -> bool:
        """Whether the thread runs."""
        return self._thread is not None and self._thread.is_alive()

    @property
    def kept(self) -> int:
        """Facts that this process has made durable."""
        return self._queue.durable

    @property
    def waiting(self) -> int:
        """Facts of all processes that have not been acknowledged."""
        return waiting(self.segments)

    @property
    def filled(self) -> float:
        """The share of the folder's files that hold facts, as it was at most a moment ago."""
        if time.monotonic() >= self._filled_at:
            self._filled_at = time.monotonic() + IDLE
            self._filled = in_use(self.segments) / self.segments.count
        return self._filled

    def start(self) -> None:
        """Preallocate what is missing and begin to write."""
        try:
            self.segments.make()
        except OSError as error:
            self._log.error("journal.not_preallocated", error=str(error), folder=str(self.segments.path))
        self._queue.reopen()
        self._ended = False
        self._accepting = True
        # daemon: a host that never stops us must still be able to exit; answered facts are durable
        self._thread = threading.Thread(target=self._run, name="linkweir-journal", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Write what has arrived and end."""
        self._accepting = False
        for side in list(self._sides.values()):
            self._hand_over(side)
        self._queue.close()
        self._ended = True
        if self._thread:
            self._thread.join()
        self._writer.close()
        for side in filter(self._took_out, list(self._sides.values())):
            try:
                side.loop.call_soon_threadsafe(self._leave, side)
            except RuntimeError:  # that loop has ended
                self._leave(side)

    def close(self) -> None:
        """Let another process read, when nothing is to be read here any more."""
        self._reader.close()

    def append(self, fact: Fact) -> asyncio.Future[Fate]:
        """A promise of the fact's fate, in the running event loop; it is kept within `wait` seconds."""
        loop = asyncio.get_running_loop()
        promise: asyncio.Future[Fate] = loop.create_future()
        if not self._accepting:
            promise.set_result("lost")
            self._lose(1, "the journal does not run")
            return promise
        payload = pack(fact)
        side = self._sides.get(loop) or self._enter(loop)
        if side.gathering:
            group = side.gathering[0]
        else:
            group = Group()
            group.timer = loop.call_later(self._wait, group.settle, "late")
            side.gathering.append(group)
            loop.call_soon(self._hand_over, side)  # when all requests that are here by now have had their turn
        group.payloads.append(payload)
        group.promises.append(promise)
        return promise

    def read_from(self, position: Position | None, limit: int) -> Batch | None:
        """As Journal has it. Reads also what processes left that are dead by now."""
        assert position is None or isinstance(position, Places)
        if not self._reader.hold():
            return None
        facts, places = self._reader.read(position, limit)
        return Batch(facts, places if places.offsets else None)

    def acknowledge(self, position: Position) -> None:
        """As Journal has it. The bytes are wiped, and their files used again."""
        assert isinstance(position, Places)
        self._reader.acknowledge(position)

    def trouble(self) -> str | None:
        """As Journal has it."""
        if not self.alive:
            return "not running"
        return f"clicks are being lost: {self.lost} so far" if self.full else None

    def quiet(self) -> bool:
        """Did few readers come in a moment, which is waited for here, or must those who store go on all the same, since
        the files fill? For the one that reads.
        """
        if self.filled >= HIGH_WATER:
            time.sleep(BREATH)
            return True
        before = self._reader.written()
        time.sleep(MOMENT)
        if self._reader.written() - before > FEW:
            return False
        self._reader.look()  # a file may have been taken meanwhile
        return self._reader.written() - before <= FEW

    def _enter(self, loop: asyncio.AbstractEventLoop) -> Side:
        """What this loop appends by; those of loops that have ended go, once nothing of theirs is on its way."""
        for side in list(self._sides.values()):
            over = side.loop.is_closed() and not side.gathering and self._queue.notified >= side.last
            if over and self._took_out(side):
                self._leave(side)
        side = self._sides[loop] = Side(loop, self._settle)
        return side

    def _took_out(self, side: Side) -> bool:
        """True for one of the threads that find it at the same time: a bell that is closed twice may be another's."""
        return self._sides.pop(side.loop, None) is side

    def _leave(self, side: Side) -> None:
        self._settle(side)
        side.bell.close()

    def _hand_over(self, side: Side) -> None:
        try:
            group = side.gathering.pop()
        except IndexError:
            return  # a stop was faster
        taken, behind = self._queue.enqueue(group.payloads, side.bell.ring)
        group.first, group.behind = behind - taken, behind
        side.last = behind
        side.waiting.append(group)
        if taken < len(group.promises):
            self._lose(len(group.promises) - taken, "the journal's disk hangs, or it has ended")
            self._settle(side)

    def _settle(self, side: Side) -> None:
        """Tell those whose fate is known. In the loop's own thread."""
        decided, news = self._queue.completed, False
        while side.waiting and side.waiting[0].behind <= decided:
            group = side.waiting.popleft()
            kept = group.behind - group.first
            for first, behind in tuple(self._dropped):
                if first < group.behind and behind > group.first:
                    kept = min(kept, max(0, first - group.first))
            news = news or kept > 0
            group.settle("lost", kept)
        if news:
            self.written()

    def _run(self) -> None:
        while True:
            try:
                if self._queue.wait_for_records(IDLE):
                    self._write()
                elif self._ended:
                    return
                elif self.full:
                    self.full = not self._writer.ready()
            except Exception:
                self._log.exception("journal.bug")  # the thread must live: it is the only one
                self._drop()

    def _write(self) -> None:
        kept = self._queue.durable
        if self._writer.write(IDLE):
            self._drop()
        elif self._queue.durable > kept:
            self.full = False

    def _drop(self) -> None:
        """Nobody takes what the queue holds."""
        first, count = self._queue.completed, self._queue.in_flight
        if self._dropped and self._dropped[-1][1] == first:
            self._dropped[-1] = self._dropped[-1][0], first + count
        else:
            self._dropped.append((first, first + count))
        self.full = count > 0
        self._lose(count, "the journal is full, or its disk takes nothing")
        self._queue.discard()

    def _lose(self, count: int, reason: str) -> None:
        """Count what is lost and say so, but not thousands of times a second."""
        with self._counting:
            self.lost += count
            self._unsaid += count
            if time.monotonic() < self._loud_at:
                return
            self._loud_at = time.monotonic() + LOUD
            facts, self._unsaid = self._unsaid, 0
        self._log.error("click.lost", facts=facts, reason=reason)
