"""The interface of a journal of click events: append them, read them in order, acknowledge them.

The embedded one is LocalJournal. A distributed one needs these methods and nothing else: redirects, the ingest worker
and the operator's metrics use no more. Its constructor's caller starts and stops it.
"""

from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Literal, Protocol

from linkweir.clicks.click_event import ClickEvent

AppendResult = Literal["kept", "late", "lost"]


class JournalCursor(Protocol):
    """A cursor of the journal; its meaning is the journal's own."""


@dataclass(frozen=True, slots=True)
class EventBatch:
    """Events in the order in which they came, and the cursor behind them; None: there was nothing at all."""

    events: list[ClickEvent]
    cursor: JournalCursor | None


class EventSource(Protocol):
    """What events are read from: a journal, or a transport. They may be read more than once, after a crash;
    whoever stores them goes by their ids.
    """

    def read_from(self, cursor: JournalCursor | None, limit: int) -> EventBatch | None:
        """Return at most `limit` events behind `cursor`, or behind the acknowledged ones. None: another process reads,
        and only one may. Raises OSError, DatabaseUnavailable, ClickTransportUnavailable.
        """

    def acknowledge(self, cursor: JournalCursor) -> None:
        """Everything before `cursor` is safe elsewhere: durably forget it. Raises OSError, DatabaseUnavailable,
        ClickTransportUnavailable.
        """


class Journal(EventSource, Protocol):
    """A journal, which also takes events."""

    def append(self, event: ClickEvent) -> Awaitable[AppendResult]:
        """Append an event; awaiting it gives its outcome, within a bounded wait.

        kept: it is durable. late: not yet, and the reader must not wait any longer. lost: nothing could take it.
        """

    def health_problem(self) -> str | None:
        """Return what keeps the journal from appending events now, for the operator; None: nothing does."""
