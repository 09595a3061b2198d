"""Places for answers that go on: a bounded number in a process, and for each user. For the event loop only."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

LIVE_STREAM = "linkweir.live_stream"  # key of the ASGI scope of such an answer
MAX_STREAMS = 64  # in one process
MAX_STREAMS_PER_USER = 4


class StreamSlots:
    """The places that are taken, by user."""

    def __init__(self, most: int = MAX_STREAMS, most_per_user: int = MAX_STREAMS_PER_USER) -> None:
        self._most, self._most_per_user = most, most_per_user
        self._taken: Counter[str] = Counter()

    @contextmanager
    def hold(self, user: str) -> Iterator[bool]:
        """Hold a place; False when none is free."""
        if self._taken.total() >= self._most or self._taken[user] >= self._most_per_user:
            yield False
            return
        self._taken[user] += 1
        try:
            yield True
        finally:
            self._taken[user] -= 1
            self._taken += Counter()  # drops users without a stream

    @property
    def count(self) -> int:
        """How many places are taken."""
        return self._taken.total()
