"""Shares the connections among webhooks, so that slow ones never take what others need. Pure.

A webhook gets its first connection as long as any is free, more of them only while half of all are. Laggards are those
whose last answer was a failure or took long: together they get half of the connections, so that the others always find
the other half, which they give back soon.
"""

import uuid
from collections import Counter


class Turns:
    """One webhook has at most a quarter of the connections, one whose last attempt failed a single one."""

    def __init__(self, connections: int) -> None:
        self._connections = connections
        self._each = max(1, connections // 4)
        self._half = max(1, connections // 2)
        self._busy: Counter[uuid.UUID] = Counter()
        self._lagging = 0

    @property
    def full(self) -> bool:
        """Whether every connection is taken."""
        return self._busy.total() >= self._connections

    def copy(self) -> "Turns":
        """The same state, to plan with."""
        other = Turns(self._connections)
        other._busy, other._lagging = self._busy.copy(), self._lagging
        return other

    def room(self, webhook: uuid.UUID, *, failing: bool, slow: bool = False) -> int:
        """How many more requests may go to this webhook now."""
        taken, mine = self._busy.total(), self._busy[webhook]
        first = min(self._connections - taken, 1 - mine)
        more = min(self._half - taken, (1 if failing else self._each) - mine)
        room = max(0, first, more)
        return min(room, max(0, self._half - self._lagging)) if failing or slow else room

    def take(self, webhook: uuid.UUID, *, lagging: bool) -> None:
        """A request begins; `lagging`: the webhook is failing or slow."""
        self._busy[webhook] += 1
        self._lagging += lagging

    def give(self, webhook: uuid.UUID, *, lagging: bool) -> None:
        """It ended; `lagging` as when it began."""
        self._busy[webhook] -= 1
        self._lagging -= lagging
        self._busy += Counter()  # drops those at zero
