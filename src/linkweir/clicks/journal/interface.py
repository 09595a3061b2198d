"""What a journal of click facts can do, whatever it is made of: take facts, give them back in order, forget them.

The embedded one is LocalJournal. A distributed one needs these and nothing else: redirects, their worker and the
operator's figures ask for no more. How it is opened and closed is for whoever constructs it.
"""

from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Literal, Protocol

from linkweir.clicks.click_event import ClickEvent

AppendResult = Literal["kept", "late", "lost"]


class JournalCursor(Protocol):
    """A place in the journal; its meaning is the journal's own."""


@dataclass(frozen=True, slots=True)
class EventBatch:
    """Facts in the order in which they came, and the place behind them; None: there was nothing at all."""

    events: list[ClickEvent]
    cursor: JournalCursor | None


class Journal(Protocol):
    """Facts may come out more than once, after a crash; whoever stores them goes by their ids."""

    def append(self, event: ClickEvent) -> Awaitable[AppendResult]:
        """Take a fact; to be awaited for its fate, within a bounded wait.

        kept: it is durable. late: not yet, and the reader must not wait any longer. lost: nothing could take it.
        """

    def read_from(self, cursor: JournalCursor | None, limit: int) -> EventBatch | None:
        """At most `limit` facts behind `cursor`, or behind the acknowledged ones. None: somebody else reads, and one
        at a time may. Raises OSError.
        """

    def acknowledge(self, cursor: JournalCursor) -> None:
        """Everything before `cursor` is safe elsewhere: durably forget it. Raises OSError."""

    def health_problem(self) -> str | None:
        """What keeps it from taking facts now, for the operator; None: nothing does."""
