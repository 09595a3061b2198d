"""One file of the journal: preallocated, written by one process at a time, read by another, used again and again.

    0     magic, the life's random id, its number in the order of lives, CRC    written when a life begins
    512   id, where the facts end, CRC                                          written when its writer leaves it
    1024  id, up to where facts were acknowledged, CRC                          written by the reader
    1536  how many facts were written                                           a hint: not flushed, no CRC
    2048  the names of a fact's fields as JSON, with length and CRC
    4096  facts: length, CRC, bytes, up to a multiple of 8

Every CRC begins with the life's id, so that nothing of an earlier life can be taken for something of this one. Whoever
writes holds the file's lock, which the system lets go when the process dies, however it dies. A file without a life is
free, and holds nothing but zeros behind its head: what was acknowledged is wiped.
"""

import json
import os
import secrets
import struct
import sys
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from linkweir.durable_files import sync_data, try_lock, unlock

MAGIC = b"LWJRNL1\n"
END_OFFSET, ACKED_OFFSET, WRITTEN_OFFSET, FIELD_NAMES_OFFSET, RECORDS_OFFSET = 512, 1024, 1536, 2048, 4096  # offsets
RECORD_HEADER = struct.Struct("<II")  # length and CRC
_EPOCH_HEADER = struct.Struct("<8s16sQI")
_MARK = struct.Struct("<16sQI")
_FIELD_NAMES_HEADER = struct.Struct("<HI")
_COUNT = struct.Struct("<Q")
MAX_RECORD_BYTES = 65_535  # bytes of one fact: a destination has at most 8000, a user agent 1024 characters
WIPE_CHUNK_BYTES = 1 << 18  # bytes that are wiped at a time
WriteOutcome = Literal["idle", "closed", "full", "replaced"]  # why the commit queue stopped writing


@dataclass(frozen=True, slots=True)
class Epoch:
    """What a file is used for from being taken to being free again; `number` puts the lives of a folder in order."""

    id: bytes
    number: int
    field_names: tuple[str, ...]

    @property
    def seed(self) -> int:
        """What CRCs of this life begin with."""
        return zlib.crc32(self.id)


@dataclass(slots=True)
class WriteTarget:
    """Where to write: a file that must still be at its path, from `at` (which moves on) to `size`; CRCs begin with
    `seed`. `count` records were written to it; that is written at `count_at` (-1: nowhere), for others to see.
    """

    descriptor: int
    path: Path
    identity: tuple[int, int]
    seed: int
    at: int
    size: int
    count: int = 0
    count_at: int = -1


class JournalSegment:
    """An open file of the journal. OSError from every method, as the system gives it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        status = os.fstat(self.descriptor)
        self.size, self.identity = status.st_size, (status.st_dev, status.st_ino)
        self.epoch: Epoch | None = None
        self.end: int | None = None  # None: somebody may still be writing
        self.acked = RECORDS_OFFSET
        self._epoch_header = b""
        self.refresh()

    def close(self) -> None:
        """Let go of file and lock."""
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1

    def lock(self) -> bool:
        """Become the writer, unless there is one."""
        return try_lock(self.descriptor)

    def unlock(self) -> None:
        """Somebody else may write."""
        unlock(self.descriptor)

    def is_current_file(self) -> bool:
        """Whether this is still the file of that name, and as long as it was."""
        try:
            status = os.stat(self.path)
        except OSError:
            return False
        return (status.st_dev, status.st_ino) == self.identity and status.st_size >= self.size

    def was_truncated(self) -> bool:
        """Whether the file was truncated since it was opened. From then on it ends where it ends."""
        size, self.size = self.size, min(self.size, os.fstat(self.descriptor).st_size)
        return self.size < size

    def refresh(self) -> None:
        """Read the head again."""
        head = os.pread(self.descriptor, RECORDS_OFFSET, 0)
        if head[: _EPOCH_HEADER.size] != self._epoch_header or self.epoch is None or len(head) < RECORDS_OFFSET:
            self.epoch = _parse_epoch(head)
        self._epoch_header = head[: _EPOCH_HEADER.size]
        self.end = self._read_mark(head, END_OFFSET)
        self.acked = self._read_mark(head, ACKED_OFFSET) or RECORDS_OFFSET

    def read_record_count(self) -> int:
        """Return how many events were written in this epoch, as its writer says now; none in a truncated file."""
        written = os.pread(self.descriptor, _COUNT.size, WRITTEN_OFFSET)
        return int(_COUNT.unpack(written)[0]) if len(written) == _COUNT.size else 0

    def _read_mark(self, head: bytes, offset: int) -> int | None:
        if self.epoch is None:
            return None
        mark_id, value, crc = _MARK.unpack_from(head, offset)
        whole = mark_id == self.epoch.id and crc == zlib.crc32(head[offset : offset + _MARK.size - 4], self.epoch.seed)
        return int(value) if whole and RECORDS_OFFSET <= value <= self.size else None

    def begin_epoch(self, number: int, field_names: Sequence[str]) -> Epoch:
        """A new life. The caller holds the lock, and the file is free."""
        life = Epoch(secrets.token_bytes(16), number, tuple(field_names))
        text = json.dumps(field_names).encode()
        os.pwrite(
            self.descriptor, _FIELD_NAMES_HEADER.pack(len(text), zlib.crc32(text, life.seed)) + text, FIELD_NAMES_OFFSET
        )
        first = _EPOCH_HEADER.pack(MAGIC, life.id, number, 0)[:-4]
        os.pwrite(self.descriptor, first + struct.pack("<I", zlib.crc32(first)), 0)
        sync_data(self.descriptor)
        self.epoch, self.end, self.acked = life, None, RECORDS_OFFSET
        return life

    def make_write_target(self, at: int) -> WriteTarget:
        """For whoever writes, from `at` on."""
        assert self.epoch is not None
        written = self.read_record_count()
        return WriteTarget(
            self.descriptor, self.path, self.identity, self.epoch.seed, at, self.size, written, WRITTEN_OFFSET
        )

    def seal(self, end: int) -> None:
        """Seal the epoch: nobody will write more in it."""
        self._write_mark(END_OFFSET, end)
        sync_data(self.descriptor)
        self.end = end

    def acknowledge(self, offset: int) -> None:
        """Everything before `offset` is safe elsewhere; that is durable, and then those bytes are wiped."""
        before = self.acked
        self._write_mark(ACKED_OFFSET, offset)
        sync_data(self.descriptor)
        self.acked = offset
        self.wipe(before, offset)

    def wipe(self, start: int, end: int) -> None:
        """Zeros from `start` to `end`; durable with the next flush."""
        for offset in range(start, end, WIPE_CHUNK_BYTES):
            os.pwrite(self.descriptor, bytes(min(WIPE_CHUNK_BYTES, end - offset)), offset)

    def finish_wipe(self) -> None:
        """Wipe what a reader left that died after it had acknowledged. For the one that reads: nobody else frees it."""
        if self.epoch is not None and any(os.pread(self.descriptor, self.acked - RECORDS_OFFSET, RECORDS_OFFSET)):
            self.wipe(RECORDS_OFFSET, self.acked)
            sync_data(self.descriptor)

    def free(self) -> None:
        """End this life. The caller knows that all was acknowledged and that nobody writes."""
        sync_data(self.descriptor)  # what was wiped, before the head that says what it was
        os.pwrite(self.descriptor, bytes(RECORDS_OFFSET), 0)
        sync_data(self.descriptor)
        self.epoch, self.end, self.acked = None, None, RECORDS_OFFSET

    def _write_mark(self, offset: int, value: int) -> None:
        assert self.epoch is not None
        first = _MARK.pack(self.epoch.id, value, 0)[:-4]
        os.pwrite(self.descriptor, first + struct.pack("<I", zlib.crc32(first, self.epoch.seed)), offset)


def _parse_epoch(head: bytes) -> Epoch | None:
    if len(head) < RECORDS_OFFSET:
        return None
    magic, identity, number, crc = _EPOCH_HEADER.unpack_from(head)
    if magic != MAGIC or crc != zlib.crc32(head[: _EPOCH_HEADER.size - 4]):
        return None
    length, crc = _FIELD_NAMES_HEADER.unpack_from(head, FIELD_NAMES_OFFSET)
    text = head[FIELD_NAMES_OFFSET + _FIELD_NAMES_HEADER.size : FIELD_NAMES_OFFSET + _FIELD_NAMES_HEADER.size + length]
    if crc != zlib.crc32(text, zlib.crc32(identity)):
        return None
    return Epoch(identity, number, tuple(json.loads(text)))


@dataclass(frozen=True, slots=True)
class ScanResult:
    """Payloads in order, each with the offset behind its record; `corrupt`: damaged pieces, each with its offset;
    `end`: the offset to go on from.
    """

    records: list[tuple[bytes, int]]
    corrupt: list[tuple[bytes, int]]
    end: int


def scan_records(data: bytes, offset: int, seed: int, *, sealed: bool, limit: int = sys.maxsize) -> ScanResult:
    """Find the records of `data`, which begins at `offset` of the file. What is damaged costs nothing but itself.

    Stops at zeros, where nothing has been written yet. `sealed`: nobody writes there any more, so records are searched
    behind damaged bytes and zeros, too, and the end is the end of `data`.
    """
    records: list[tuple[bytes, int]] = []
    corrupt: list[tuple[bytes, int]] = []
    at, used = 0, len(data.rstrip(b"\0"))
    while at < used and len(records) < limit:
        payload = _parse_record(data, at, seed)
        if payload is not None:
            at += RECORD_HEADER.size + len(payload) + -len(payload) % 8
            records.append((payload, offset + at))
            continue
        following = (
            _find_next_record(data, at, used, seed) if sealed or any(data[at : at + RECORD_HEADER.size]) else None
        )
        if following is None and not sealed:
            break
        following = used if following is None else following
        if piece := data[at:following].strip(b"\0"):
            corrupt.append((piece, offset + at))
        at = following
    if sealed and at >= used:
        at = len(data)
    return ScanResult(records, corrupt, offset + at)


def _parse_record(data: bytes, at: int, seed: int) -> bytes | None:
    """The payload of the record at this offset; None when there is none, or not a whole one."""
    if at + RECORD_HEADER.size > len(data):
        return None
    length, crc = RECORD_HEADER.unpack_from(data, at)
    start = at + RECORD_HEADER.size
    if not 0 < length <= MAX_RECORD_BYTES or start + length > len(data):
        return None
    payload = data[start : start + length]
    return payload if zlib.crc32(payload, seed) == crc else None


def _find_next_record(data: bytes, at: int, used: int, seed: int) -> int | None:
    """The offset of the next whole record behind `at`."""
    for offset in range(at + 8, used, 8):
        if _parse_record(data, offset, seed) is not None:
            return offset
    return None
