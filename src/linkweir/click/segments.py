"""The files of a journal's folder: preallocated together, taken one at a time, found again by whoever reads them.

Several processes may share the folder. No clock decides anything here: the order of files is that of their numbers.
"""

import contextlib
import fcntl
import os
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path

from linkweir.click.lane import write_durably
from linkweir.click.packing import NAMES
from linkweir.click.scanning import scan
from linkweir.click.segment import LONGEST, START, Segment

SUFFIX = ".journal"
BYTES_PER_FACT = 512  # a long destination and user agent with all the rest; 300 is usual
SEGMENT = 2 << 20  # bytes: small enough to be read and wiped in one go
FEWEST = 4  # files: one is written while another is read


class Segments:
    """A folder with room for `facts` facts. Constructing does no I/O."""

    def __init__(self, path: Path, facts: int) -> None:
        self.path = path
        self.gone: set[tuple[int, int]] = set()  # files in use that somebody has removed or cut
        self.heard: Callable[[Path], None] = lambda path: None  # called with each of them
        wanted = facts * BYTES_PER_FACT
        self.count = max(FEWEST, -(-wanted // SEGMENT))
        self.size = START + max(2 * LONGEST, -(-wanted // self.count) + 4095 & ~4095)

    def paths(self) -> list[Path]:
        """The files there are; none when the folder is gone."""
        with contextlib.suppress(OSError):
            return sorted(self.path.glob("*" + SUFFIX))
        return []

    def found(self) -> dict[Path, tuple[int, int]]:
        """The same, with what the system knows each by (st_dev, st_ino)."""
        with contextlib.suppress(OSError), os.scandir(self.path) as entries:
            device = os.stat(self.path).st_dev
            return {Path(one.path): (device, one.inode()) for one in entries if one.name.endswith(SUFFIX)}
        return {}

    def lose(self, segment: Segment) -> None:
        """Somebody has removed or cut this one, and with it what nobody had read."""
        if segment.identity not in self.gone:
            self.gone.add(segment.identity)
            self.heard(segment.path)

    def make(self) -> None:
        """Preallocate the files that are missing. OSError, also when the disk is full: some may be there then."""
        if len(self.paths()) >= self.count:
            return
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _alone(self.path / "making.lock"):
            for _ in range(self.count - len(self.paths())):
                self._make_one()
            _flush_folder(self.path)

    def _make_one(self) -> None:
        name = secrets.token_hex(8)
        path = self.path / (name + ".new")
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            write_durably(descriptor, bytes(self.size), 0)  # not room alone: flushing into that takes twice as long
            os.rename(path, self.path / (name + SUFFIX))
        except OSError:
            os.unlink(path)
            raise
        finally:
            os.close(descriptor)

    def take(self) -> tuple[Segment, int] | None:
        """A file to write to from an offset on, locked; None when none is free.

        One that a dead process has left half empty goes first: restarts must not use up the folder.
        """
        free, last = None, 0
        for segment in self._opened():
            last = max(last, segment.life.number if segment.life else 0)
            if segment.end is None and segment.lock():
                if segment.size < START + 2 * LONGEST and segment.life is None:
                    segment.path.unlink(missing_ok=True)  # it was cut: another is made in its place
                    segment.close()
                    continue
                segment.refresh()  # it may have been sealed just before it was locked
                start = _left_behind(segment)
                if start is not None:
                    if free:
                        free.close()
                    return segment, start
                if free is None and segment.life is None:
                    free = segment
                    continue
            segment.close()
        if free is None:
            return None
        free.begin(last + 1, NAMES)
        return free, START

    def _opened(self) -> Iterator[Segment]:
        for path in self.paths():
            with contextlib.suppress(FileNotFoundError):
                yield Segment(path)


def _left_behind(segment: Segment) -> int | None:
    """Where a life whose writer died can go on: behind its last fact; None when it cannot, or should not."""
    if segment.life is None or segment.life.names != NAMES or segment.end is not None:
        return None
    data = os.pread(segment.descriptor, segment.size - segment.acked, segment.acked)
    found = scan(data, segment.acked, segment.life.seed, whole=True)
    start = found.facts[-1][1] if found.facts else segment.acked
    if found.bad or segment.size - start < segment.size // 2:
        return None  # damaged, or hardly worth it: the reader ends it
    return start


@contextlib.contextmanager
def _alone(path: Path) -> Iterator[None]:
    """One process at a time."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _flush_folder(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
