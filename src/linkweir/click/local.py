"""The embedded journal: an append-only file on this machine's disk, where every fact goes before anything else.

What is appended in one turn of an event loop is a group. One thread writes all groups that have come while it was busy
and flushes once (group commit); the flush runs without the interpreter's lock. No database is asked, so a slow, locked
or missing one delays no reader.
"""

import asyncio
import contextlib
import queue
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from structlog.typing import FilteringBoundLogger

from linkweir.click.aside import Aside
from linkweir.click.fact import Fact
from linkweir.click.journal import Batch, Fate, Position
from linkweir.click.packing import pack
from linkweir.click.reading import Places, Reader, in_use, scrubbed, waiting
from linkweir.click.segments import Segments
from linkweir.click.writing import Writer

BACKLOG = 50_000  # facts waiting for a disk that hangs, some 25 MB; beyond that they are lost, loudly
IDLE = 0.5  # seconds between looks at the wish to stop
GATHER = 0.002  # seconds between two flushes while readers come together: more of them share one
TOGETHER = 4  # facts in a group from which on they do
LOUD = 1.0  # seconds between two lines about facts that are lost


class Group:
    """What one event loop appends in one turn. All but `payloads` is that loop's own."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.payloads: list[bytes] = []
        self.promises: list[asyncio.Future[Fate]] = []
        self.timer: asyncio.TimerHandle | None = None

    def settle(self, fate: Fate, kept: int) -> None:
        """Tell the first `kept` that they are durable and the others their fate."""
        if self.timer is not None:
            self.timer.cancel()
        for place, promise in enumerate(self.promises):
            if not promise.done():
                promise.set_result("kept" if place < kept else fate)


def _settle(told: Sequence[tuple[Group, int]]) -> None:
    for group, kept in told:
        group.settle("lost", kept)


class LocalJournal:
    """Counts since the start: `kept` and `lost`; `wait`: seconds until a fact that is not durable is `late`.

    `written` is called in the writing thread whenever there is something new to read.
    """

    def __init__(self, folder: Path, log: FilteringBoundLogger, *, facts: int, wait: float) -> None:
        self.segments = Segments(folder, facts)
        self.written: Callable[[], None] = lambda: None
        self.kept = self.lost = 0
        self.full = False
        self._log = log
        self._wait = wait
        self.aside = Aside(folder, log)
        self._writer = Writer(self.segments, log)
        self._reader = Reader(self.segments, lambda data: self.aside.put({"unreadable": data.hex()}))
        self._gathering: dict[asyncio.AbstractEventLoop, Group] = {}
        self._groups: queue.SimpleQueue[Group | None] = queue.SimpleQueue()
        self._pending = self._unsaid = 0
        self._loud_at = self._filled_at = self._filled = 0.0
        self._counting = threading.Lock()
        self._accepting = False
        self._thread: threading.Thread | None = None

    @property
    def alive(self) -> bool:
        """Whether the thread runs."""
        return self._thread is not None and self._thread.is_alive()

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
        self._accepting = True
        # daemon: a host that never stops us must still be able to exit; answered facts are durable
        self._thread = threading.Thread(target=self._run, name="linkweir-journal", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Write what has arrived and end."""
        self._accepting = False
        for loop in list(self._gathering):
            self._hand_over(loop)
        self._groups.put(None)
        if self._thread:
            self._thread.join()
        self._writer.close()

    def close(self) -> None:
        """Let another process read, when nothing is to be read here any more."""
        self._reader.close()

    def append(self, fact: Fact) -> asyncio.Future[Fate]:
        """A promise of the fact's fate, in the running event loop; it is kept within `wait` seconds."""
        loop = asyncio.get_running_loop()
        promise: asyncio.Future[Fate] = loop.create_future()
        if not self._accepting or self._pending >= BACKLOG:
            promise.set_result("lost")
            self._lose(1, "the journal does not run or hangs")
            return promise
        payload = pack(fact)
        group = self._gathering.get(loop)
        if group is None:
            group = self._gathering[loop] = Group(loop)
            group.timer = loop.call_later(self._wait, group.settle, "late", 0)
            loop.call_soon(self._hand_over, loop)  # when all requests that are here by now have had their turn
        group.payloads.append(payload)
        group.promises.append(promise)
        return promise

    def hold(self) -> bool:
        """Become the one reader over all processes; False while another one is."""
        return self._reader.hold()

    def read_from(self, position: Position | None, limit: int) -> Batch:
        """As Journal has it. Reads also what processes left that are dead by now."""
        assert position is None or isinstance(position, Places)
        if not self._reader.hold():
            return Batch([], None)
        facts, places = self._reader.read(position, limit)
        return Batch(facts, places if places.offsets else None)

    def written_so_far(self) -> int:
        """Facts that all processes have written; for whoever reads, to see how many come in a while."""
        return self._reader.written()

    def acknowledge(self, position: Position) -> None:
        """As Journal has it. The bytes are wiped, and their files used again."""
        assert isinstance(position, Places)
        self._reader.acknowledge(position)

    def scrub(self, seconds: float) -> bool:
        """Wait until all facts that processes wrote so far were acknowledged, and see their bytes wiped from the disk,
        for an erasure to be complete; False when some were still waiting after so many seconds. Raises OSError.

        Somebody must be emptying the journal meanwhile: a ClickWorker, here or in another process. What was set aside
        is left alone.
        """
        return scrubbed(self.segments, time.monotonic() + seconds)

    def _hand_over(self, loop: asyncio.AbstractEventLoop) -> None:
        group = self._gathering.pop(loop, None)
        if group is not None:
            with self._counting:
                self._pending += len(group.payloads)
            self._groups.put(group)

    def _run(self) -> None:
        going = True
        while going:
            groups, going = self._arrived()
            if groups:
                began = time.monotonic()
                if self._write(groups) >= TOGETHER and (rest := began + GATHER - time.monotonic()) > 0:
                    time.sleep(rest)
            elif self.full:
                self.full = not self._writer.ready()

    def _arrived(self) -> tuple[list[Group], bool]:
        """Every group that is there, after a wait for the first; False at the wish to end."""
        groups: list[Group] = []
        with contextlib.suppress(queue.Empty):
            item = self._groups.get(timeout=IDLE)
            while item is not None:
                groups.append(item)
                item = self._groups.get_nowait()
            return groups, False
        return groups, True

    def _write(self, groups: Sequence[Group]) -> int:
        """Make them durable and say so; how many facts they held."""
        payloads = [payload for group in groups for payload in group.payloads]
        try:
            kept = self._writer.write(payloads)
        except Exception:
            self._log.exception("journal.bug")  # the thread must live: it is the only one
            kept = 0
        lost = len(payloads) - kept
        self.kept += kept
        with self._counting:
            self._pending -= len(payloads)
        self.full = lost > 0
        if lost:
            self._lose(lost, "the journal is full, or its disk takes nothing")
        fates: dict[asyncio.AbstractEventLoop, list[tuple[Group, int]]] = {}
        for group in groups:
            fates.setdefault(group.loop, []).append((group, kept))
            kept -= len(group.payloads)
        for loop, told in fates.items():
            with contextlib.suppress(RuntimeError):  # that loop has ended
                loop.call_soon_threadsafe(_settle, told)
        if lost < len(payloads):
            self.written()
        return len(payloads)

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
