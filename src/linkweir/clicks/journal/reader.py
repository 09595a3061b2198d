"""Reads the journal's files: those of living processes and of dead ones, by one reader at a time over all processes."""

import contextlib
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from linkweir.clicks.click_event import ClickEvent, decode_event
from linkweir.clicks.journal.segment import RECORD_HEADER, RECORDS_OFFSET, JournalSegment, scan_records
from linkweir.clicks.journal.segment_directory import SegmentDirectory
from linkweir.durable_files import open_lock_file, sync_data, try_lock

LOCK_FILE = "reading.lock"
POLL_SECONDS = 0.05  # seconds


@dataclass(frozen=True, slots=True)
class LocalCursor:
    """How far the journal was read, by the id of each epoch of a file."""

    offsets: dict[bytes, int]


class JournalReader:
    """`dead_letters` is handed what cannot be read, once, so that it blocks nothing. Not for several threads at
    once.
    """

    def __init__(self, segments: SegmentDirectory, dead_letters: Callable[[bytes], None]) -> None:
        self._segments = segments
        self._dead_letters = dead_letters
        self._open_segments: dict[Path, JournalSegment] = {}
        self._reported_records: set[tuple[bytes, int]] = set()
        self._lock = -1

    def acquire(self) -> bool:
        """Become the one reader; False when another process is."""
        path = self._segments.path / LOCK_FILE
        if self._lock >= 0 and _is_same_file(self._lock, path):
            return True
        self.close()
        try:
            self._lock = open_lock_file(path)
            if try_lock(self._lock):
                return True
        except OSError:
            pass  # no folder: nothing to read
        self.close()
        return False

    def close(self) -> None:
        """Let another process read."""
        for segment in self._open_segments.values():
            segment.close()
        self._open_segments.clear()
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def read(self, after: LocalCursor | None, limit: int) -> tuple[list[ClickEvent], LocalCursor]:
        """Return at most `limit` events behind the cursor or the acknowledged ones, and the new cursor."""
        facts: list[ClickEvent] = []
        offsets = dict(after.offsets) if after else {}
        for segment in self._active_segments():
            assert segment.epoch is not None
            start = min(max(segment.acked, offsets.get(segment.epoch.id, RECORDS_OFFSET)), segment.size)
            events, end = self._read_segment(segment, start, limit - len(facts))
            facts += events
            if end > start:
                offsets[segment.epoch.id] = end
            if len(facts) >= limit:
                break
        return facts, LocalCursor(offsets)

    def acknowledge(self, cursor: LocalCursor) -> None:
        """Acknowledge everything before the cursor; a file whose events are all acknowledged is free again."""
        for segment in self._active_segments():
            assert segment.epoch is not None
            position = min(cursor.offsets.get(segment.epoch.id, RECORDS_OFFSET), segment.size)  # it may have been cut
            if position > segment.acked:
                segment.acknowledge(position)
            if segment.end is not None and segment.acked >= segment.end:
                segment.free()

    def refresh(self) -> None:
        """See which files are in use, for `written`."""
        self._active_segments()

    def count_written(self) -> int:
        """Count the events that the files in use at the last read hold or held in this epoch; only the difference of
        two such numbers means something.
        """
        return sum(segment.read_record_count() for segment in self._open_segments.values() if segment.epoch)

    def _active_segments(self) -> list[JournalSegment]:
        """Files with a life, the oldest life first."""
        identities = self._segments.identities()
        for path in [path for path, segment in self._open_segments.items() if identities.get(path) != segment.identity]:
            if self._open_segments[path].epoch:
                self._segments.report_lost(self._open_segments[path])
            self._open_segments.pop(path).close()
        for path in identities:
            with contextlib.suppress(FileNotFoundError):
                if path in self._open_segments:
                    if self._open_segments[path].was_truncated() and self._open_segments[path].epoch:
                        self._segments.report_lost(self._open_segments[path])
                    self._open_segments[path].refresh()
                else:
                    self._open_segments[path] = JournalSegment(path)
                    if self._lock >= 0:
                        self._open_segments[path].finish_wipe()
        used = [
            (segment.epoch.number, segment.path, segment) for segment in self._open_segments.values() if segment.epoch
        ]
        return [segment for _, _, segment in sorted(used)]

    def _read_segment(self, segment: JournalSegment, start: int, limit: int) -> tuple[list[ClickEvent], int]:
        """Read events from `start` on, and return where they end. An epoch whose writer is dead is ended here."""
        abandoned = segment.end is None and segment.lock()
        try:
            if abandoned:
                segment.refresh()  # its writer may have written, and sealed it, before it ended
            if segment.epoch is None:
                return [], start
            whole = abandoned or segment.end is not None
            if not whole and not any(os.pread(segment.descriptor, RECORD_HEADER.size, start)):
                return [], start
            data = os.pread(segment.descriptor, (segment.end or segment.size) - start, start)
            scan = scan_records(data, start, segment.epoch.seed, sealed=whole, limit=limit)
            if abandoned and segment.end is None and scan.end >= segment.size:
                segment.seal(segment.size)
            return self._decode_records(segment, scan.records, scan.corrupt), scan.end
        finally:
            if abandoned:
                segment.unlock()

    def _decode_records(
        self, segment: JournalSegment, records: list[tuple[bytes, int]], bad: list[tuple[bytes, int]]
    ) -> list[ClickEvent]:
        assert segment.epoch is not None
        facts = []
        for payload, offset in records:
            try:
                facts.append(decode_event(payload, segment.epoch.field_names))
            except ValueError:
                bad.append((payload, offset))
        for piece, offset in bad:
            if (
                segment.epoch.id,
                offset,
            ) not in self._reported_records:  # it may be read again before it is acknowledged
                self._reported_records.add((segment.epoch.id, offset))
                self._dead_letters(piece)
        return facts


def count_unacknowledged(segments: SegmentDirectory) -> int:
    """Count the unacknowledged events in all files of the folder, without any lock."""
    count = 0
    for path in segments.paths():
        with contextlib.suppress(OSError), contextlib.closing(JournalSegment(path)) as segment:
            if segment.epoch is not None:
                stop = segment.end or segment.size
                data = os.pread(segment.descriptor, stop - segment.acked, segment.acked)
                count += len(scan_records(data, segment.acked, segment.epoch.seed, sealed=False).records)
    return count


def end_cursor(segments: SegmentDirectory) -> LocalCursor:
    """Return where the events of each file end at this moment."""
    ends: dict[bytes, int] = {}
    for path in segments.paths():
        with contextlib.suppress(FileNotFoundError), contextlib.closing(JournalSegment(path)) as segment:
            if segment.epoch is not None:
                data = os.pread(segment.descriptor, (segment.end or segment.size) - segment.acked, segment.acked)
                ends[segment.epoch.id] = scan_records(data, segment.acked, segment.epoch.seed, sealed=False).end
    return LocalCursor(ends)


def is_wiped(segments: SegmentDirectory, cursor: LocalCursor) -> bool:
    """Whether everything before this cursor was wiped."""
    for path in segments.paths():
        with contextlib.suppress(FileNotFoundError), contextlib.closing(JournalSegment(path)) as segment:
            end = cursor.offsets.get(segment.epoch.id, RECORDS_OFFSET) if segment.epoch else RECORDS_OFFSET
            if any(os.pread(segment.descriptor, end - RECORDS_OFFSET, RECORDS_OFFSET)):
                return False
    return True


def wait_until_wiped(segments: SegmentDirectory, until: float) -> bool:
    """Wait until all facts that are there now were acknowledged, and see their bytes wiped from the disk; False when
    some were still waiting at `until` (of the monotonic clock). What arrives meanwhile is not waited for: where readers
    never pause the journal is never empty. Raises OSError.
    """
    end = end_cursor(segments)
    while not is_wiped(segments, end):
        if time.monotonic() >= until:
            return False
        time.sleep(POLL_SECONDS)
    for path in segments.paths():
        with contextlib.suppress(FileNotFoundError), path.open("rb") as file:
            sync_data(file.fileno())
    return True


def count_active_segments(segments: SegmentDirectory) -> int:
    """Count the files of the folder that hold events, or are written to."""
    count = 0
    for path in segments.paths():
        with contextlib.suppress(OSError), contextlib.closing(JournalSegment(path)) as segment:
            count += segment.epoch is not None
    return count


def _is_same_file(descriptor: int, path: Path) -> bool:
    try:
        opened, named = os.fstat(descriptor), os.stat(path)
    except OSError:
        return False
    return (opened.st_dev, opened.st_ino) == (named.st_dev, named.st_ino)
