"""Shares the connections among webhooks, so that slow ones never take what others need. Pure."""

import uuid
from collections import Counter


class Turns:
    """One webhook has at most a quarter of the connections. One whose last attempt failed has a single one, and
    all failing ones together have half.
    """

    def __init__(self, connections: int) -> None:
        self._connections = connections
        self._each = max(1, connections // 4)
        self._failing_limit = max(1, connections // 2)
        self._busy: Counter[uuid.UUID] = Counter()
        self._failing = 0

    @property
    def full(self) -> bool:
        """Whether every connection is taken."""
        return self._busy.total() >= self._connections

    def copy(self) -> "Turns":
        """The same state, to plan with."""
        other = Turns(self._connections)
        other._busy, other._failing = self._busy.copy(), self._failing
        return other

    def room(self, webhook: uuid.UUID, *, failing: bool) -> int:
        """How many more requests may go to this webhook now."""
        free = self._connections - self._busy.total()
        if failing:
            return max(0, min(free, 1 - self._busy[webhook], self._failing_limit - self._failing))
        return max(0, min(free, self._each - self._busy[webhook]))

    def take(self, webhook: uuid.UUID, *, failing: bool) -> None:
        """A request begins."""
        self._busy[webhook] += 1
        self._failing += failing

    def give(self, webhook: uuid.UUID, *, failing: bool) -> None:
        """It ended; `failing` as when it began."""
        self._busy[webhook] -= 1
        self._failing -= failing
        self._busy += Counter()  # drops those at zero
