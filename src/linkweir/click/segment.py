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

import fcntl
import json
import mmap
import os
import secrets
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

MAGIC = b"LWJRNL1\n"
END, ACKED, WRITTEN, NAMES, START = 512, 1024, 1536, 2048, 4096  # offsets
RECORD = struct.Struct("<II")  # length and CRC
_HEAD = struct.Struct("<8s16sQI")
_MARK = struct.Struct("<16sQI")
_NAMES = struct.Struct("<HI")
_COUNT = struct.Struct("<Q")
LONGEST = 65_535  # bytes of one fact: a destination has at most 8000, a user agent 1024 characters
PIECE = 1 << 18  # bytes that are wiped at a time


@dataclass(frozen=True, slots=True)
class Life:
    """What a file is used for from being taken to being free again; `number` puts the lives of a folder in order."""

    id: bytes
    number: int
    names: tuple[str, ...]

    @property
    def seed(self) -> int:
        """What CRCs of this life begin with."""
        return zlib.crc32(self.id)


@dataclass(slots=True)
class Target:
    """Where to write: a file that must still be at its path, from `at` (which moves on) to `size`; CRCs begin with
    `seed`.
    """

    descriptor: int
    path: Path
    identity: tuple[int, int]
    seed: int
    at: int
    size: int


def framed(payload: bytes, seed: int) -> bytes:
    """A fact's bytes as they stand in the file."""
    return RECORD.pack(len(payload), zlib.crc32(payload, seed)) + payload + bytes(-len(payload) % 8)


def room_of(payload: bytes) -> int:
    """How many bytes it takes in the file."""
    return RECORD.size + len(payload) + -len(payload) % 8


def flush(descriptor: int) -> None:
    """What was written stays, whatever happens to the machine. Raises OSError."""
    if hasattr(os, "fdatasync"):
        os.fdatasync(descriptor)
    else:
        os.fsync(descriptor)


class Segment:
    """An open file of the journal. OSError from every method, as the system gives it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        status = os.fstat(self.descriptor)
        self.size, self.identity = status.st_size, (status.st_dev, status.st_ino)
        self.life: Life | None = None
        self.end: int | None = None  # None: somebody may still be writing
        self.acked = START
        self._seen = b""
        self._head: mmap.mmap | None = None
        self.refresh()

    def close(self) -> None:
        """Let go of file and lock."""
        if self._head is not None:
            self._head.close()
            self._head = None
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1

    def lock(self) -> bool:
        """Become the writer, unless there is one."""
        try:
            fcntl.flock(self.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def unlock(self) -> None:
        """Somebody else may write."""
        fcntl.flock(self.descriptor, fcntl.LOCK_UN)

    def in_place(self) -> bool:
        """Is this still the file of that name, and as long as it was?"""
        try:
            status = os.stat(self.path)
        except OSError:
            return False
        return (status.st_dev, status.st_ino) == self.identity and status.st_size >= self.size

    def was_cut(self) -> bool:
        """Has somebody cut it since it was opened? From then on it ends where it ends."""
        size, self.size = self.size, min(self.size, os.fstat(self.descriptor).st_size)
        return self.size < size

    def refresh(self) -> None:
        """See what the head says now."""
        head = os.pread(self.descriptor, START, 0)
        if head[: _HEAD.size] != self._seen or self.life is None:
            self.life = _life(head)
        self._seen = head[: _HEAD.size]
        self.end = self._mark(head, END)
        self.acked = self._mark(head, ACKED) or START

    def counted(self) -> int:
        """How many facts were written in this life, as its writer says now; none in a file that was cut."""
        written = os.pread(self.descriptor, _COUNT.size, WRITTEN)
        return int(_COUNT.unpack(written)[0]) if len(written) == _COUNT.size else 0

    def _mark(self, head: bytes, offset: int) -> int | None:
        if self.life is None:
            return None
        found, value, crc = _MARK.unpack_from(head, offset)
        whole = found == self.life.id and crc == zlib.crc32(head[offset : offset + _MARK.size - 4], self.life.seed)
        return int(value) if whole and START <= value <= self.size else None

    def begin(self, number: int, names: Sequence[str]) -> Life:
        """A new life. The caller holds the lock, and the file is free."""
        life = Life(secrets.token_bytes(16), number, tuple(names))
        text = json.dumps(names).encode()
        os.pwrite(self.descriptor, _NAMES.pack(len(text), zlib.crc32(text, life.seed)) + text, NAMES)
        first = _HEAD.pack(MAGIC, life.id, number, 0)[:-4]
        os.pwrite(self.descriptor, first + struct.pack("<I", zlib.crc32(first)), 0)
        flush(self.descriptor)
        self.life, self.end, self.acked = life, None, START
        return life

    def counter(self) -> memoryview:
        """Where whoever writes counts its facts, for others to see how busy it is: memory that is shared. To be
        released before the file is closed.
        """
        if self._head is None:
            self._head = mmap.mmap(self.descriptor, START)
        return memoryview(self._head)[WRITTEN : WRITTEN + _COUNT.size]

    def target(self, at: int) -> Target:
        """For whoever writes, from `at` on."""
        assert self.life is not None
        return Target(self.descriptor, self.path, self.identity, self.life.seed, at, self.size)

    def seal(self, end: int) -> None:
        """The facts end here: nobody will write more in this life."""
        self._set(END, end)
        flush(self.descriptor)
        self.end = end

    def acknowledge(self, position: int) -> None:
        """Everything before `position` is safe elsewhere; that is durable, and then those bytes are wiped."""
        before = self.acked
        self._set(ACKED, position)
        flush(self.descriptor)
        self.acked = position
        self.wipe(before, position)

    def wipe(self, start: int, end: int) -> None:
        """Zeros from `start` to `end`; durable with the next flush."""
        for offset in range(start, end, PIECE):
            os.pwrite(self.descriptor, bytes(min(PIECE, end - offset)), offset)

    def wipe_rest(self) -> None:
        """Wipe what a reader left that died after it had acknowledged. For the one that reads: nobody else frees it."""
        if self.life is not None and any(os.pread(self.descriptor, self.acked - START, START)):
            self.wipe(START, self.acked)
            flush(self.descriptor)

    def free(self) -> None:
        """End this life. The caller knows that all was acknowledged and that nobody writes."""
        flush(self.descriptor)  # what was wiped, before the head that says what it was
        os.pwrite(self.descriptor, bytes(START), 0)
        flush(self.descriptor)
        self.life, self.end, self.acked = None, None, START

    def _set(self, offset: int, value: int) -> None:
        assert self.life is not None
        first = _MARK.pack(self.life.id, value, 0)[:-4]
        os.pwrite(self.descriptor, first + struct.pack("<I", zlib.crc32(first, self.life.seed)), offset)


def _life(head: bytes) -> Life | None:
    if len(head) < START:
        return None
    magic, identity, number, crc = _HEAD.unpack_from(head)
    if magic != MAGIC or crc != zlib.crc32(head[: _HEAD.size - 4]):
        return None
    length, crc = _NAMES.unpack_from(head, NAMES)
    text = head[NAMES + _NAMES.size : NAMES + _NAMES.size + length]
    if crc != zlib.crc32(text, zlib.crc32(identity)):
        return None
    return Life(identity, number, tuple(json.loads(text)))
