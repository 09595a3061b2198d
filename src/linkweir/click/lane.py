"""The way of facts from event loops to the disk: put in by any thread, written and flushed together by one.

ext/journal does this without the interpreter's lock, which readers need meanwhile. PlainLane is the same in Python: it
says what is right, and works where the extension was not built.
"""

import contextlib
import os
import struct
import threading
import time
from typing import Literal, Protocol

from linkweir.click.segment import Target, flush, framed, room_of

Outcome = Literal["idle", "ended", "full", "moved"]
ONE = (1).to_bytes(8, "little" if struct.pack("=H", 1)[0] else "big")  # what an eventfd takes
_COUNT = struct.Struct("<Q")


class Lane(Protocol):
    """Facts are decided in the order in which they were taken: kept, when they are durable, or dropped.

    For at most so many facts and bytes that wait. All figures but `held` are counted since the beginning. `wait`, `run`
    and `drop` are for one thread.
    """

    def push(self, payloads: list[bytes], bell: int) -> tuple[int, int]:
        """How many were taken, from the front, and how many have ever been. Fewer than all: too many wait, or the lane
        has ended. `bell`: a descriptor that eight bytes are written to each time facts were decided, until these are.
        """

    def wait(self, idle: float) -> bool:
        """Does the thread hold facts, which may take so many seconds to come?"""

    def run(self, target: Target, count: memoryview, *, idle: float, gather: float, together: int) -> Outcome:
        """Write what is held and what comes, until something else is to be done: nothing has come for `idle` seconds;
        the lane has ended and all was decided; the next fact does not fit; the file is not at its path any more. Raises
        OSError when the system takes nothing: what it took in part was promised to nobody.

        `count`: eight bytes where the facts that are in the file are counted. After `together` facts or more at once
        `gather` seconds are left between two flushes, for more facts to share one.
        """

    def drop(self) -> None:
        """Give up what is held."""

    def end(self) -> None:
        """Take nothing any more; `run` ends when all was decided."""

    def begin(self) -> None:
        """After an end: take facts again."""

    @property
    def taken(self) -> int:
        """Facts that were put in."""

    @property
    def decided(self) -> int:
        """Facts that were kept or dropped."""

    @property
    def kept(self) -> int:
        """Facts that are durable."""

    @property
    def told(self) -> int:
        """Facts that were decided, with every bell of theirs rung: it may be closed."""

    @property
    def held(self) -> int:
        """Facts that the writing thread has taken over and that are not decided yet."""


class PlainLane:
    """As Lane has it."""

    def __init__(self, facts: int, size: int) -> None:
        self.taken = self.decided = self.kept = self.told = 0
        self._most, self._most_bytes = facts, size
        self._news = threading.Condition()
        self._front: list[bytes] = []
        self._back: list[bytes] = []
        self._bells: set[int] = set()
        self._ringing: set[int] = set()
        self._ended = False

    @property
    def held(self) -> int:
        """As Lane has it."""
        return len(self._back)

    def push(self, payloads: list[bytes], bell: int) -> tuple[int, int]:
        """As Lane has it."""
        with self._news:
            room = 0 if self._ended else self._most - (self.taken - self.decided)
            size = sum(map(len, self._front))
            taken = 0
            for payload in payloads[: max(0, room)]:
                size += len(payload)
                if size > self._most_bytes:
                    break
                taken += 1
            self._front += payloads[:taken]
            self.taken += taken
            if bell >= 0:
                self._bells.add(bell)
            self._news.notify()
            return taken, self.taken

    def wait(self, idle: float) -> bool:
        """As Lane has it."""
        if not self._back:
            with self._news:
                self._news.wait_for(lambda: self._front or self._ended, idle)
                self._back, self._front = self._front, []
                self._ringing, self._bells = self._bells, set()
        return bool(self._back)

    def run(self, target: Target, count: memoryview, *, idle: float, gather: float, together: int) -> Outcome:
        """As Lane has it."""
        while self.wait(idle):
            began, facts = time.monotonic(), len(self._back)
            outcome = self._write(target, count)
            if outcome != "idle":
                return outcome
            if facts >= together:
                time.sleep(max(0.0, began + gather - time.monotonic()))
        return "ended" if self._ended else "idle"

    def _write(self, target: Target, count: memoryview) -> Outcome:
        if not _in_place(target):
            return "moved"
        frames, room = [], target.size - target.at
        for payload in self._back:
            room -= room_of(payload)
            if room < 0:
                break
            frames.append(framed(payload, target.seed))
        if not frames:
            return "full"
        data = b"".join(frames)
        write_durably(target.descriptor, data, target.at)
        target.at += len(data)
        _COUNT.pack_into(count, 0, _COUNT.unpack_from(count)[0] + len(frames))
        self._decide(len(frames), kept=True)
        return "full" if self._back else "idle"

    def drop(self) -> None:
        """As Lane has it."""
        self._decide(len(self._back), kept=False)

    def _decide(self, facts: int, *, kept: bool) -> None:
        with self._news:
            self.decided += facts
            self.kept += facts if kept else 0
            del self._back[:facts]
        for bell in self._ringing:
            with contextlib.suppress(BlockingIOError):  # full: it has been rung already
                os.write(bell, ONE)
        if not self._back:
            self.told = self.decided

    def begin(self) -> None:
        """As Lane has it."""
        with self._news:
            self._ended = False

    def end(self) -> None:
        """As Lane has it."""
        with self._news:
            self._ended = True
            self._news.notify()


def _in_place(target: Target) -> bool:
    try:
        status = os.stat(target.path)
    except OSError:
        return False
    return (status.st_dev, status.st_ino) == target.identity and status.st_size >= target.size


def write_durably(descriptor: int, data: bytes, offset: int) -> None:
    """Write all of it and flush. Raises OSError."""
    rest = memoryview(data)
    while rest:
        written = os.pwrite(descriptor, rest, offset)  # may take a part; the rest says why
        rest, offset = rest[written:], offset + written
    flush(descriptor)


def new_lane(facts: int, size: int) -> Lane:
    """The fastest that there is here."""
    try:
        from linkweir import _journal
    except ImportError:
        return PlainLane(facts, size)
    return _journal.Lane(facts, size)
