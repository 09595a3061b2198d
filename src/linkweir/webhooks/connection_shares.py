"""Shares the connections among webhooks, so that slow ones never take what others need. Pure.

A webhook gets its first connection as long as any is free, more of them only while half of all are. Laggards are those
whose last answer was a failure or took long: together they get half of the connections, so that the others always find
the other half, which they give back soon.
"""

import uuid
from collections import Counter


class ConnectionShares:
    """Counts the busy connections of each webhook: at most a quarter of all for one webhook, a single one after a
    failed attempt.
    """

    def __init__(self, connections: int) -> None:
        self._connections = connections
        self._max_per_webhook = max(1, connections // 4)
        self._half = max(1, connections // 2)
        self._busy: Counter[uuid.UUID] = Counter()
        self._slow_count = 0

    @property
    def is_full(self) -> bool:
        """Whether every connection is taken."""
        return self._busy.total() >= self._connections

    def copy(self) -> "ConnectionShares":
        """The same state, to plan with."""
        other = ConnectionShares(self._connections)
        other._busy, other._slow_count = self._busy.copy(), self._slow_count
        return other

    def free_slots(self, webhook: uuid.UUID, *, failing: bool, slow: bool = False) -> int:
        """Return how many more requests may go to this webhook now."""
        taken, mine = self._busy.total(), self._busy[webhook]
        first = min(self._connections - taken, 1 - mine)
        more = min(self._half - taken, (1 if failing else self._max_per_webhook) - mine)
        room = max(0, first, more)
        return min(room, max(0, self._half - self._slow_count)) if failing or slow else room

    def acquire(self, webhook: uuid.UUID, *, slow: bool) -> None:
        """A request begins; `slow`: the webhook is failing or slow."""
        self._busy[webhook] += 1
        self._slow_count += slow

    def release(self, webhook: uuid.UUID, *, slow: bool) -> None:
        """It ended; `slow` as when it began."""
        self._busy[webhook] -= 1
        self._slow_count -= slow
        self._busy += Counter()  # drops those at zero
