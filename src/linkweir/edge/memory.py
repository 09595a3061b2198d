"""How much may be on its way in at a time: bytes of requests and mails that have arrived and are not yet stored.

One count for all doors. What finds no room is told to come again, so that many large mails at once slow their senders
down and never fill the machine.
"""

import threading
from types import TracebackType
from typing import Self


class Incoming:
    """`limit` bytes for all together. Threads may share it."""

    def __init__(self, limit: int) -> None:
        self._lock = threading.Lock()
        self._limit = self._left = limit

    def hold(self, *, alone: bool = False) -> "Held":
        """Room for one request or mail, empty at first. `alone`: while there is no other it may be of any size."""
        return Held(self, alone)

    def take(self, size: int, *, beside: int | None = None) -> bool:
        """Whether there was room for so many bytes, which are held now; there is any while only `beside` are held."""
        with self._lock:
            alone = beside is not None and self._left + beside == self._limit
            if size > self._left and not alone:
                return False
            self._left -= size
            return True

    def give(self, size: int) -> None:
        """So many bytes are no longer held."""
        with self._lock:
            self._left += size


class Held:
    """What one request or mail holds; given back by `release` or at the end of a `with`."""

    def __init__(self, incoming: Incoming, alone: bool) -> None:
        self._incoming = incoming
        self._alone = alone
        self._booked = 0
        self._used = 0

    def book(self, size: int) -> bool:
        """Whether there is room for what was announced; it is kept for what arrives."""
        more = size - self._booked
        if more > 0 and not self._incoming.take(more, beside=self._booked if self._alone else None):
            return False
        self._booked = max(self._booked, size)
        return True

    def add(self, size: int) -> bool:
        """Whether there is room for what has arrived."""
        self._used += size
        return self.book(self._used)

    def release(self) -> None:
        """Give everything back."""
        self._incoming.give(self._booked)
        self._booked = self._used = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()
