"""Reads the journal's files: those of living processes and of dead ones, by one reader at a time over all processes."""

import contextlib
import fcntl
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from linkweir.click.fact import Fact
from linkweir.click.packing import unpack
from linkweir.click.scanning import scan
from linkweir.click.segment import RECORD, START, Segment
from linkweir.click.segments import Segments

LOCK = "reading.lock"
LOOK = 0.05  # seconds


@dataclass(frozen=True, slots=True)
class Places:
    """How far one has come in each life: by the life's id."""

    offsets: dict[bytes, int]


class Reader:
    """`aside` is handed what cannot be read, once, so that it blocks nothing. Not for several threads at once."""

    def __init__(self, segments: Segments, aside: Callable[[bytes], None]) -> None:
        self._segments = segments
        self._aside = aside
        self._open: dict[Path, Segment] = {}
        self._reported: set[tuple[bytes, int]] = set()
        self._lock = -1

    def hold(self) -> bool:
        """Become the one reader, or say that another process is it."""
        path = self._segments.path / LOCK
        if self._lock >= 0 and _same(self._lock, path):
            return True
        self.close()
        try:
            self._lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError:
            return False  # no folder: nothing to read
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(self._lock)
            self._lock = -1
            return False
        return True

    def close(self) -> None:
        """Let another process read."""
        for segment in self._open.values():
            segment.close()
        self._open.clear()
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def read(self, after: Places | None, limit: int) -> tuple[list[Fact], Places]:
        """At most `limit` facts behind these places or what was acknowledged."""
        facts: list[Fact] = []
        offsets = dict(after.offsets) if after else {}
        for segment in self._in_use():
            assert segment.life is not None
            start = max(segment.acked, offsets.get(segment.life.id, START))
            found, end = self._read(segment, start, limit - len(facts))
            facts += found
            if end > start:
                offsets[segment.life.id] = end
            if len(facts) >= limit:
                break
        return facts, Places(offsets)

    def acknowledge(self, places: Places) -> None:
        """Forget what lies before these places; a file of which all is forgotten is free again."""
        for segment in self._in_use():
            assert segment.life is not None
            position = places.offsets.get(segment.life.id, START)
            if position > segment.acked:
                segment.acknowledge(position)
            if segment.end is not None and segment.acked >= segment.end:
                segment.free()

    def look(self) -> None:
        """See which files are in use, for `written`."""
        self._in_use()

    def written(self) -> int:
        """How many facts the files that were in use at the last look hold or held in this life; only the difference of
        two such numbers means something.
        """
        return sum(segment.counted() for segment in self._open.values() if segment.life)

    def _in_use(self) -> list[Segment]:
        """Files with a life, the oldest life first."""
        found = self._segments.found()
        for path in [path for path, one in self._open.items() if found.get(path) != one.identity]:
            if self._open[path].life:
                self._segments.lose(self._open[path])
            self._open.pop(path).close()
        for path in found:
            with contextlib.suppress(FileNotFoundError):
                if path in self._open:
                    if self._open[path].was_cut() and self._open[path].life:
                        self._segments.lose(self._open[path])
                    self._open[path].refresh()
                else:
                    self._open[path] = Segment(path)
                    if self._lock >= 0:
                        self._open[path].wipe_rest()
        used = [(one.life.number, one.path, one) for one in self._open.values() if one.life]
        return [one for _, _, one in sorted(used)]

    def _read(self, segment: Segment, start: int, limit: int) -> tuple[list[Fact], int]:
        """Facts from `start` on, and where they end. A life whose writer is dead is ended here."""
        abandoned = segment.end is None and segment.lock()
        try:
            if abandoned:
                segment.refresh()  # its writer may have written, and sealed it, before it ended
            if segment.life is None:
                return [], start
            whole = abandoned or segment.end is not None
            if not whole and not any(os.pread(segment.descriptor, RECORD.size, start)):
                return [], start
            data = os.pread(segment.descriptor, (segment.end or segment.size) - start, start)
            found = scan(data, start, segment.life.seed, whole=whole, limit=limit)
            if abandoned and segment.end is None and found.end >= segment.size:
                segment.seal(segment.size)
            return self._facts(segment, found.facts, found.bad), found.end
        finally:
            if abandoned:
                segment.unlock()

    def _facts(self, segment: Segment, found: list[tuple[bytes, int]], bad: list[tuple[bytes, int]]) -> list[Fact]:
        assert segment.life is not None
        facts = []
        for payload, offset in found:
            try:
                facts.append(unpack(payload, segment.life.names))
            except ValueError:
                bad.append((payload, offset))
        for piece, offset in bad:
            if (segment.life.id, offset) not in self._reported:  # it may be read again before it is acknowledged
                self._reported.add((segment.life.id, offset))
                self._aside(piece)
        return facts


def waiting(segments: Segments) -> int:
    """How many facts nobody has acknowledged yet, in all files of the folder; a look without any lock."""
    count = 0
    for path in segments.paths():
        with contextlib.suppress(OSError), contextlib.closing(Segment(path)) as segment:
            if segment.life is not None:
                stop = segment.end or segment.size
                data = os.pread(segment.descriptor, stop - segment.acked, segment.acked)
                count += len(scan(data, segment.acked, segment.life.seed, whole=False).facts)
    return count


def written_up_to(segments: Segments) -> Places:
    """Where the facts of each file end at this moment."""
    ends: dict[bytes, int] = {}
    for path in segments.paths():
        with contextlib.suppress(FileNotFoundError), contextlib.closing(Segment(path)) as segment:
            if segment.life is not None:
                data = os.pread(segment.descriptor, (segment.end or segment.size) - segment.acked, segment.acked)
                ends[segment.life.id] = scan(data, segment.acked, segment.life.seed, whole=False).end
    return Places(ends)


def wiped(segments: Segments, places: Places) -> bool:
    """Is nothing left of what stood before these places?"""
    for path in segments.paths():
        with contextlib.suppress(FileNotFoundError), contextlib.closing(Segment(path)) as segment:
            end = places.offsets.get(segment.life.id, START) if segment.life else START
            if any(os.pread(segment.descriptor, end - START, START)):
                return False
    return True


def scrubbed(segments: Segments, until: float) -> bool:
    """Wait until all facts that are there now were acknowledged, and see their bytes wiped from the disk; False when
    some were still waiting at `until` (of the monotonic clock). What arrives meanwhile is not waited for: where readers
    never pause the journal is never empty. Raises OSError.
    """
    places = written_up_to(segments)
    while not wiped(segments, places):
        if time.monotonic() >= until:
            return False
        time.sleep(LOOK)
    for path in segments.paths():
        with contextlib.suppress(FileNotFoundError), path.open("rb") as file:
            os.fdatasync(file)
    return True


def in_use(segments: Segments) -> int:
    """How many files of the folder hold facts, or are written to."""
    count = 0
    for path in segments.paths():
        with contextlib.suppress(OSError), contextlib.closing(Segment(path)) as segment:
            count += segment.life is not None
    return count


def _same(descriptor: int, path: Path) -> bool:
    try:
        ours, named = os.fstat(descriptor), os.stat(path)
    except OSError:
        return False
    return (ours.st_dev, ours.st_ino) == (named.st_dev, named.st_ino)
