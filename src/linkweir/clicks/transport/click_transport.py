"""The interface of a transport: a shared place between the journals of many machines and the workers that count."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from linkweir.clicks.click_event import ClickEvent
from linkweir.clicks.journal.interface import EventBatch, JournalCursor


@dataclass(frozen=True, slots=True)
class TransportConcern:
    """What an operator should know of a transport that works. `is_certain`: it was seen; else it could not be
    checked.
    """

    text: str
    is_certain: bool


class ClickTransport(Protocol):
    """Threads may share it. A group of events that cannot be opened here stays and blocks nothing."""

    def send(self, events: Sequence[ClickEvent]) -> None:
        """Bring events there: they are durable when this returns. Raises DatabaseUnavailable,
        ClickTransportUnavailable, VaultError.
        """

    def read_from(self, cursor: JournalCursor | None, limit: int) -> EventBatch:
        """Claim about `limit` events that nobody has claimed, at least a group; `cursor` is None. Raises
        DatabaseUnavailable, ClickTransportUnavailable.
        """

    def acknowledge(self, cursor: JournalCursor) -> None:
        """The events of this batch are stored: forget them. Raises DatabaseUnavailable, ClickTransportUnavailable."""

    def count_waiting(self) -> int:
        """How many events are in it. Raises DatabaseUnavailable, ClickTransportUnavailable."""

    def find_end(self) -> int:
        """The position behind everything that is in it now. Raises DatabaseUnavailable, ClickTransportUnavailable."""

    def has_before(self, position: int) -> bool:
        """Whether something before this position is still in it. Raises DatabaseUnavailable,
        ClickTransportUnavailable.
        """

    @property
    def lease_seconds(self) -> float:
        """For how long what was read is its reader's alone."""

    @property
    def concern(self) -> TransportConcern | None:
        """What the operator should know, as of the last check."""

    def close(self) -> None:
        """Give back what was claimed and not stored. It may be used again."""
