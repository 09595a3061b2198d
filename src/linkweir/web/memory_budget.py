"""Memory budget of incoming data: bytes of requests and mails that have arrived and are not yet stored.

One budget for HTTP and SMTP. What exceeds it is refused with a time to retry, so that many large mails at once slow
their senders down and never exhaust the memory.
"""

import threading
from types import TracebackType
from typing import Self


class MemoryBudget:
    """`limit` bytes for all together. Threads may share it."""

    def __init__(self, limit: int) -> None:
        self._lock = threading.Lock()
        self._limit = self._free = limit

    def reserve(self, *, unlimited_if_idle: bool = False) -> "Reservation":
        """Room for one request or mail, empty at first. `unlimited_if_idle`: while there is no other it may be of
        any size.
        """
        return Reservation(self, unlimited_if_idle)

    def acquire(self, size: int, *, already_reserved: int | None = None) -> bool:
        """Whether there was room for so many bytes, which are held now; there is any while only `already_reserved`
        are held.
        """
        with self._lock:
            is_only_request = already_reserved is not None and self._free + already_reserved == self._limit
            if size > self._free and not is_only_request:
                return False
            self._free -= size
            return True

    def release(self, size: int) -> None:
        """So many bytes are no longer held."""
        with self._lock:
            self._free += size


class Reservation:
    """The bytes reserved for one request or mail; returned by `release` or at the end of a `with`."""

    def __init__(self, budget: MemoryBudget, unlimited_if_idle: bool) -> None:
        self._budget = budget
        self._unlimited_if_idle = unlimited_if_idle
        self._reserved = 0
        self._used = 0

    def grow_to(self, size: int) -> bool:
        """Reserve room for the announced size; False when there is none."""
        more = size - self._reserved
        if more > 0 and not self._budget.acquire(
            more, already_reserved=self._reserved if self._unlimited_if_idle else None
        ):
            return False
        self._reserved = max(self._reserved, size)
        return True

    def add(self, size: int) -> bool:
        """Reserve room for what has arrived; False when there is none."""
        self._used += size
        return self.grow_to(self._used)

    def release(self) -> None:
        """Give everything back."""
        self._budget.release(self._reserved)
        self._reserved = self._used = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()
