"""Multi-producer commit queue: records from many threads, made durable in groups by one writer.

ext/journal does this without the interpreter's lock, which redirects need meanwhile. PythonCommitQueue is its
reference, and takes its place where the extension was not built.
"""

import contextlib
import os
import struct
import threading
import time
from typing import Literal, Protocol

from linkweir.clicks.journal.segment import WriteTarget, frame_record, framed_size, sync_data

WriteOutcome = Literal["idle", "closed", "full", "replaced"]
EVENTFD_INCREMENT = (1).to_bytes(8, "little" if struct.pack("=H", 1)[0] else "big")  # what an eventfd takes
_COUNT = struct.Struct("<Q")


class CommitQueue(Protocol):
    """Records complete in the order in which they were enqueued: durable, or discarded.

    Bounded by records and by bytes that wait. All counters but `in_flight` count since the beginning.
    `wait_for_records`, `write_batches` and `discard` are for one thread, the writer.
    """

    def enqueue(self, payloads: list[bytes], notify_fd: int) -> tuple[int, int]:
        """Enqueue as many records as there is room for; return how many, and how many have ever been enqueued.

        Fewer than all: the queue is full or closed. `notify_fd`: an eventfd that is written to each time records
        complete, until these have; -1 for none.
        """

    def wait_for_records(self, idle: float) -> bool:
        """Take over what is enqueued, waiting up to `idle` seconds for it; return whether there is any."""

    def write_batches(
        self, target: WriteTarget, count: memoryview, *, idle: float, commit_interval: float, batch_threshold: int
    ) -> WriteOutcome:
        """Write and flush what is in flight and what comes, until the caller has to act.

        "idle": nothing came for `idle` seconds. "closed": the queue is closed and all is complete. "full": the next
        record does not fit into the file. "replaced": the path leads to another file, or to none. Raises OSError when
        the system takes nothing: what it took in part was promised to nobody.

        `count`: eight bytes in which the records of the file are counted. After a batch of `batch_threshold` records
        or more the next flush waits until `commit_interval` seconds have passed, for more records to share it.
        """

    def discard(self) -> None:
        """Complete what is in flight without writing it."""

    def close(self) -> None:
        """Accept no more records; `write_batches` returns when all are complete."""

    def reopen(self) -> None:
        """Accept records again."""

    @property
    def enqueued(self) -> int:
        """Records accepted."""

    @property
    def completed(self) -> int:
        """Records durable or discarded."""

    @property
    def durable(self) -> int:
        """Records written and flushed."""

    @property
    def notified(self) -> int:
        """Records completed whose descriptors have all been written to, and may be closed."""

    @property
    def in_flight(self) -> int:
        """Records taken over by the writer and not complete."""


class PythonCommitQueue:
    """As CommitQueue."""

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
        """As CommitQueue."""
        return len(self._writing)

    def enqueue(self, payloads: list[bytes], notify_fd: int) -> tuple[int, int]:
        """As CommitQueue."""
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
        """As CommitQueue."""
        if not self._writing:
            with self._available:
                self._available.wait_for(lambda: self._filling or self._closed, idle)
                self._writing, self._filling = self._filling, []
                self._batch_notify_fds, self._notify_fds = self._notify_fds, set()
        return bool(self._writing)

    def write_batches(
        self, target: WriteTarget, count: memoryview, *, idle: float, commit_interval: float, batch_threshold: int
    ) -> WriteOutcome:
        """As CommitQueue."""
        while self.wait_for_records(idle):
            began, facts = time.monotonic(), len(self._writing)
            outcome = self._write_batch(target, count)
            if outcome != "idle":
                return outcome
            if facts >= batch_threshold:
                time.sleep(max(0.0, began + commit_interval - time.monotonic()))
        return "closed" if self._closed else "idle"

    def _write_batch(self, target: WriteTarget, count: memoryview) -> WriteOutcome:
        if not _is_current_file(target):
            return "replaced"
        frames, room = [], target.size - target.at
        for payload in self._writing:
            room -= framed_size(payload)
            if room < 0:
                break
            frames.append(frame_record(payload, target.seed))
        if not frames:
            return "full"
        data = b"".join(frames)
        write_durably(target.descriptor, data, target.at)
        target.at += len(data)
        _COUNT.pack_into(count, 0, _COUNT.unpack_from(count)[0] + len(frames))
        self._complete(len(frames), durable=True)
        return "full" if self._writing else "idle"

    def discard(self) -> None:
        """As CommitQueue."""
        self._complete(len(self._writing), durable=False)

    def _complete(self, facts: int, *, durable: bool) -> None:
        with self._available:
            self.completed += facts
            self.durable += facts if durable else 0
            del self._writing[:facts]
        for notify_fd in self._batch_notify_fds:
            with contextlib.suppress(BlockingIOError):  # its counter is full: it has been notified already
                os.write(notify_fd, EVENTFD_INCREMENT)
        if not self._writing:
            self.notified = self.completed

    def reopen(self) -> None:
        """As CommitQueue."""
        with self._available:
            self._closed = False

    def close(self) -> None:
        """As CommitQueue."""
        with self._available:
            self._closed = True
            self._available.notify()


def _is_current_file(target: WriteTarget) -> bool:
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
    sync_data(descriptor)


def make_commit_queue(max_records: int, max_bytes: int) -> CommitQueue:
    """The fastest that there is here."""
    try:
        from linkweir import _journal
    except ImportError:
        return PythonCommitQueue(max_records, max_bytes)
    return _journal.CommitQueue(max_records, max_bytes)
