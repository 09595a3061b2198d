"""The files of a journal's folder: preallocated together, taken one at a time, found again by whoever reads them.

Several processes may share the folder. No clock decides anything here: the order of files is that of their numbers.
"""

import contextlib
import os
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path

from linkweir.clicks.click_event import FIELD_NAMES
from linkweir.clicks.journal.segment import MAX_RECORD_BYTES, RECORDS_OFFSET, JournalSegment, scan_records
from linkweir.durable_files import lock_folder, sync_folder, write_private_file

SUFFIX = ".journal"
BYTES_PER_EVENT = 512  # a long destination and user agent with all the rest; 300 is usual
SEGMENT_BYTES = 2 << 20  # bytes: small enough to be read and wiped in one go
MIN_SEGMENTS = 4  # files: one is written while another is read


class SegmentDirectory:
    """A folder with room for `capacity` events. Constructing does no I/O."""

    def __init__(self, path: Path, capacity: int) -> None:
        self.path = path
        self.lost: set[tuple[int, int]] = set()  # files in use that somebody has removed or cut
        self.on_lost: Callable[[Path], None] = lambda path: None  # called with each of them
        min_bytes = capacity * BYTES_PER_EVENT
        self.count = max(MIN_SEGMENTS, -(-min_bytes // SEGMENT_BYTES))
        self.size = RECORDS_OFFSET + max(2 * MAX_RECORD_BYTES, -(-min_bytes // self.count) + 4095 & ~4095)

    def paths(self) -> list[Path]:
        """The files there are; none when the folder is gone."""
        with contextlib.suppress(OSError):
            return sorted(self.path.glob("*" + SUFFIX))
        return []

    def identities(self) -> dict[Path, tuple[int, int]]:
        """The same, with what the system knows each by (st_dev, st_ino)."""
        with contextlib.suppress(OSError), os.scandir(self.path) as entries:
            device = os.stat(self.path).st_dev
            return {Path(entry.path): (device, entry.inode()) for entry in entries if entry.name.endswith(SUFFIX)}
        return {}

    def report_lost(self, segment: JournalSegment) -> None:
        """Somebody has removed or cut this one, and with it what nobody had read."""
        if segment.identity not in self.lost:
            self.lost.add(segment.identity)
            self.on_lost(segment.path)

    def preallocate(self) -> None:
        """Preallocate the files that are missing. OSError, also when the disk is full: some may be there then."""
        if self._count_whole() >= self.count:
            return
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        with lock_folder(self.path):
            for _ in range(self.count - self._count_whole()):
                self._create_segment()
            sync_folder(self.path)

    def _count_whole(self) -> int:
        """The files that can be written to; shorter ones were cut, or are of a smaller capacity, and are on their way
        out.
        """
        count = 0
        for path in self.paths():
            with contextlib.suppress(FileNotFoundError):
                count += path.stat().st_size >= self.size
        return count

    def _create_segment(self) -> None:
        name = secrets.token_hex(8)
        path = self.path / (name + ".new")
        write_private_file(path, bytes(self.size))  # not room alone: flushing into that takes twice as long
        os.rename(path, self.path / (name + SUFFIX))

    def acquire(self) -> tuple[JournalSegment, int] | None:
        """Return a locked file to write to, and the offset; None when none is free.

        One that a dead process has left half empty goes first: restarts must not use up the folder.
        """
        free, last = None, 0
        for segment in self._open_segments():
            last = max(last, segment.epoch.number if segment.epoch else 0)
            if segment.end is None and segment.lock():
                if segment.size < self.size:  # nobody writes there any more: what it held may be gone, and been read
                    if segment.epoch is None:
                        segment.path.unlink(missing_ok=True)
                    segment.close()
                    continue
                segment.refresh()  # it may have been sealed just before it was locked
                start = _resume_offset(segment)
                if start is not None:
                    if free:
                        free.close()
                    return segment, start
                if free is None and segment.epoch is None:
                    free = segment
                    continue
            segment.close()
        if free is None:
            return None
        free.begin_epoch(last + 1, FIELD_NAMES)
        return free, RECORDS_OFFSET

    def _open_segments(self) -> Iterator[JournalSegment]:
        for path in self.paths():
            with contextlib.suppress(FileNotFoundError):
                yield JournalSegment(path)


def _resume_offset(segment: JournalSegment) -> int | None:
    """Return where an epoch whose writer died can go on: behind its last event; None when it cannot, or should not."""
    if segment.epoch is None or segment.epoch.field_names != FIELD_NAMES or segment.end is not None:
        return None
    data = os.pread(segment.descriptor, segment.size - segment.acked, segment.acked)
    scan = scan_records(data, segment.acked, segment.epoch.seed, sealed=True)
    start = scan.records[-1][1] if scan.records else segment.acked
    if scan.corrupt or segment.size - start < segment.size // 2:
        return None  # damaged, or hardly worth it: the reader ends it
    return start
