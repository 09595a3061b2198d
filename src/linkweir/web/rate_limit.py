"""Rate limit of an account's requests: a token bucket each, counted over all processes of a service.

`TokenBuckets` has the rule, a `BucketStore` remembers: `FileBuckets` for the processes that share a data folder,
`MemoryBuckets` for one process. Machines that share a database count together by `shared_rate_limit`, which remembers
their shares here.
"""

import contextlib
import hashlib
import os
import struct
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

from linkweir.durable_files import open_lock_file, try_lock, unlock
from linkweir.errors import RateLimited

MAX_BUCKETS = 10_000  # buckets kept in memory; the one unused longest goes first, and it is full by then
LOCK_SECONDS = 0.01  # seconds to wait for another process, which holds the lock for microseconds
LOCK_POLL_SECONDS = 0.0005
RETRY_SECONDS = 1.0  # seconds until a file that could not be used is tried again: others wait in the same event loop
FILE_NAME = "rate-limits"
_SLOT = struct.Struct("<16sdd")  # key, tokens left, moment
_SET_SLOTS = 16  # a key has its place in one of these; another key takes the one unused longest
_SETS = 1024
_SET_BYTES = _SLOT.size * _SET_SLOTS

Bucket = tuple[float, float]  # tokens left, and at which moment of the machine's clock that was


class BucketStore(Protocol):
    """Remembers buckets by key; what was unused for long may be forgotten."""

    def exchange(self, key: bytes, change: Callable[[Bucket | None], Bucket]) -> None:
        """Replace the bucket of this key (None: it is new) by what `change` makes of it, with nobody in between.

        `change` may be called again when the first result could not be stored. Never fails.
        """

    def close(self) -> None:
        """Release what is open; the store may be used again."""


class RateLimit(Protocol):
    """A limit of requests for each key."""

    def try_consume(self, key: object) -> bool:
        """One request, without waiting for anybody; False: `consume` has to be called, in a thread. Raises
        RateLimited with the seconds after which the next one is possible.
        """

    def consume(self, key: object) -> None:
        """One request. Raises RateLimited, DatabaseUnavailable."""


class TokenBuckets:
    """`rate` requests a second, `burst` at once, for each key of the limit called `name`. Threads may share it."""

    def __init__(self, rate: float, burst: int, store: BucketStore, name: str = "") -> None:
        self._rate = rate
        self._burst = burst
        self._store = store
        self._name = name

    def try_consume(self, key: object) -> bool:
        """One request, of which nobody else has to be asked: True. Raises RateLimited as `consume`."""
        self.consume(key)
        return True

    def consume(self, key: object) -> None:
        """One request. Raises RateLimited with the seconds after which the next one is possible."""
        left = 0.0

        def take(bucket: Bucket | None) -> Bucket:
            nonlocal left
            moment = time.monotonic()
            before, at = bucket or (float(self._burst), moment)
            if at > moment:  # of before the machine's last start
                before, at = float(self._burst), moment
            left = min(self._burst, before + (moment - at) * self._rate)
            return (left - 1 if left >= 1 else left), moment

        self._store.exchange(f"{self._name}:{key}".encode(), take)
        if left < 1:
            raise RateLimited((1 - left) / self._rate)


class MemoryBuckets:
    """The buckets of one process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._buckets: OrderedDict[bytes, Bucket] = OrderedDict()

    def exchange(self, key: bytes, change: Callable[[Bucket | None], Bucket]) -> None:
        """As BucketStore has it."""
        with self._lock:
            self._buckets[key] = change(self._buckets.pop(key, None))
            if len(self._buckets) > MAX_BUCKETS:
                self._buckets.popitem(last=False)

    def close(self) -> None:
        """Nothing is open."""


class FileBuckets:
    """The buckets of all processes that use a data folder, in a file of fixed size that is locked for each request.

    Nothing is flushed: after a power cut all buckets are full. While the file cannot be used, each process counts in
    its own memory.
    """

    def __init__(self, data: Path) -> None:
        self._path = data / FILE_NAME
        self._fallback = MemoryBuckets()
        self._lock = threading.Lock()  # a file's lock keeps no thread of the same process out
        self._descriptor = -1
        self._retry_at = 0.0

    def exchange(self, key: bytes, change: Callable[[Bucket | None], Bucket]) -> None:
        """As BucketStore has it."""
        with self._lock:
            if time.monotonic() >= self._retry_at:
                try:
                    self._exchange_in_file(hashlib.blake2s(key, digest_size=16).digest(), change)
                    return
                except OSError:
                    self._retry_at = time.monotonic() + RETRY_SECONDS
            self._fallback.exchange(key, change)

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            if self._descriptor >= 0:
                os.close(self._descriptor)
                self._descriptor = -1

    def _exchange_in_file(self, key: bytes, change: Callable[[Bucket | None], Bucket]) -> None:
        if self._descriptor < 0:
            self._descriptor = open_lock_file(self._path)
        start = int.from_bytes(key[:4], "little") % _SETS * _SET_BYTES
        with _hold_lock(self._descriptor):
            data = os.pread(self._descriptor, _SET_BYTES, start).ljust(_SET_BYTES, b"\0")
            slots = list(_SLOT.iter_unpack(data))
            number = next((number for number, slot in enumerate(slots) if slot[0] == key), None)
            bucket = None if number is None else slots[number][1:]
            if number is None:
                number = _choose_slot(slots)
            os.pwrite(self._descriptor, _SLOT.pack(key, *change(bucket)), start + number * _SLOT.size)


def _choose_slot(slots: list[tuple[bytes, float, float]]) -> int:
    """A slot of before the machine's last start, or the one unused longest; an empty one is of moment 0."""
    moment = time.monotonic()
    return min(range(len(slots)), key=lambda number: (slots[number][2] <= moment, slots[number][2]))


@contextlib.contextmanager
def _hold_lock(descriptor: int) -> Iterator[None]:
    """Hold the lock of a file. OSError when whoever has it does not let go: one that was stopped stops nobody."""
    until = time.monotonic() + LOCK_SECONDS
    while not try_lock(descriptor):
        if time.monotonic() > until:
            raise TimeoutError("the file is locked")
        time.sleep(LOCK_POLL_SECONDS)
    try:
        yield
    finally:
        unlock(descriptor)
