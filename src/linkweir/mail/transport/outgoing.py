"""One mail on its way out, and what every transport does with it."""

import uuid
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A mail with its envelope; `created_at` is microseconds since 1970."""

    id: uuid.UUID
    created_at: int
    envelope_from: str
    recipient: str
    raw: bytes = field(repr=False)


class Transport(Protocol):
    """Takes mail for good, several at a time."""

    async def deliver(self, mail: Outgoing) -> str:
        """Take the mail; a line for the log. Raises DeliveryFailed (try again), DeliveryRefused (never)."""

    async def close(self) -> None:
        """End what is open."""
