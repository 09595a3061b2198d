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
        self._left = limit

    def hold(self) -> "Held":
        """Room for one request or mail, empty at first."""
        return Held(self)

    def take(self, size: int) -> bool:
        """Whether there was room for so many bytes, which are held now."""
        with self._lock:
            if size > self._left:
                return False
            self._left -= size
            return True

    def give(self, size: int) -> None:
        """So many bytes are no longer held."""
        with self._lock:
            self._left += size


class Held:
    """What one request or mail holds; given back by `release` or at the end of a `with`."""

    def __init__(self, incoming: Incoming) -> None:
        self._incoming = incoming
        self._booked = 0
        self._used = 0

    def book(self, size: int) -> bool:
        """Whether there is room for what was announced; it is kept for what arrives."""
        more = size - self._booked
        if more > 0 and not self._incoming.take(more):
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
