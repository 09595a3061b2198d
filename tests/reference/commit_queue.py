"""The commit queue of linkweir._journal in plain Python: one lock, one list, one write. It defines what is right."""

import contextlib
import os
import struct
import threading
import time
import zlib
from typing import cast

from linkweir._journal import CommitQueue
from linkweir.clicks.journal.segment import WriteOutcome, WriteTarget

_EVENTFD_INCREMENT = (1).to_bytes(8, "little" if struct.pack("=H", 1)[0] else "big")
_RECORD_HEADER = struct.Struct("<II")  # length and CRC
_COUNT = struct.Struct("<Q")


def make_reference_queue(max_records: int, max_bytes: int) -> CommitQueue:
    """A reference queue as the type that the journal takes."""
    return cast("CommitQueue", ReferenceCommitQueue(max_records, max_bytes))


def frame_record(payload: bytes, seed: int) -> bytes:
    """A record as it stands in a journal file: length, CRC, payload, up to a multiple of 8."""
    return _RECORD_HEADER.pack(len(payload), zlib.crc32(payload, seed)) + payload + bytes(-len(payload) % 8)


class ReferenceCommitQueue:
    """Does what CommitQueue does, method by method."""

    def __init__(self, max_records: int, max_bytes: int) -> None:
        self.enqueued = self.completed = self.durable = self.notified = 0
        self._max_records, self._max_bytes = max_records, max_bytes
        self._available = threading.Condition()
        self._filling: list[bytes] = []
        self._writing: list[bytes] = []
        self._notify_fds: set[int] = set()
        self._batch_notify_fds: set[int] = set()
        self._closed = False

    @property
    def in_flight(self) -> int:
        """Do as CommitQueue does."""
        return len(self._writing)

    def enqueue(self, payloads: list[bytes], notify_fd: int) -> tuple[int, int]:
        """Do as CommitQueue does."""
        with self._available:
            room = 0 if self._closed else self._max_records - (self.enqueued - self.completed)
            size = sum(map(len, self._filling))
            taken = 0
            for payload in payloads[: max(0, room)]:
                size += len(payload)
                if size > self._max_bytes:
                    break
                taken += 1
            self._filling += payloads[:taken]
            self.enqueued += taken
            if notify_fd >= 0:
                self._notify_fds.add(notify_fd)
            self._available.notify()
            return taken, self.enqueued

    def wait_for_records(self, idle: float) -> bool:
        """Do as CommitQueue does."""
        if not self._writing:
            with self._available:
                self._available.wait_for(lambda: self._filling or self._closed, idle)
                self._writing, self._filling = self._filling, []
                self._batch_notify_fds, self._notify_fds = self._notify_fds, set()
        return bool(self._writing)

    def write_batches(
        self, target: WriteTarget, *, idle: float, commit_interval: float, batch_threshold: int
    ) -> WriteOutcome:
        """Do as CommitQueue does."""
        while self.wait_for_records(idle):
            began, records = time.monotonic(), len(self._writing)
            outcome = self._write_batch(target)
            if outcome != "idle":
                return outcome
            if records >= batch_threshold:
                time.sleep(max(0.0, began + commit_interval - time.monotonic()))
        return "closed" if self._closed else "idle"

    def _write_batch(self, target: WriteTarget) -> WriteOutcome:
        if not _is_current_file(target):
            return "replaced"
        frames, room = [], target.size - target.at
        for payload in self._writing:
            frame = frame_record(payload, target.seed)
            room -= len(frame)
            if room < 0:
                break
            frames.append(frame)
        if not frames:
            return "full"
        data = b"".join(frames)
        _write_durably(target.descriptor, data, target.at)
        target.at += len(data)
        target.count += len(frames)
        if target.count_at >= 0:
            os.pwrite(target.descriptor, _COUNT.pack(target.count), target.count_at)
        self._complete(len(frames), durable=True)
        return "full" if self._writing else "idle"

    def discard(self) -> None:
        """Do as CommitQueue does."""
        self._complete(len(self._writing), durable=False)

    def _complete(self, count: int, *, durable: bool) -> None:
        with self._available:
            self.completed += count
            self.durable += count if durable else 0
            del self._writing[:count]
        for notify_fd in self._batch_notify_fds:
            with contextlib.suppress(BlockingIOError):  # its counter is full: it has been notified already
                os.write(notify_fd, _EVENTFD_INCREMENT)
        if not self._writing:
            self.notified = self.completed

    def reopen(self) -> None:
        """Do as CommitQueue does."""
        with self._available:
            self._closed = False

    def close(self) -> None:
        """Do as CommitQueue does."""
        with self._available:
            self._closed = True
            self._available.notify()


def _is_current_file(target: WriteTarget) -> bool:
    try:
        status = os.stat(target.path)
    except OSError:
        return False
    return (status.st_dev, status.st_ino) == target.identity and status.st_size >= target.size


def _write_durably(descriptor: int, data: bytes, offset: int) -> None:
    """Write all of it and flush. Raises OSError."""
    rest = memoryview(data)
    while rest:
        written = os.pwrite(descriptor, rest, offset)  # may take a part; the rest says why
        rest, offset = rest[written:], offset + written
    os.fdatasync(descriptor)
