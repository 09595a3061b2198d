"""One mail on its way out, what every transport does with it, and two that deliver nothing: one discards every mail,
the other defers it.
"""

import uuid
from abc import ABC, abstractmethod
from dataclasses import dataclass, field

from linkweir.errors import TemporaryDeliveryError


@dataclass(frozen=True, slots=True)
class OutgoingMail:
    """A mail with its envelope; `created_at` is microseconds since 1970."""

    id: uuid.UUID
    created_at: int
    envelope_from: str
    recipient: str
    raw: bytes = field(repr=False)
    smtputf8: bool = False  # it was handed in with SMTPUTF8 (RFC 6531)


class Transport(ABC):
    """Takes mail for good, several at a time."""

    supports_smtputf8: bool | None = True  # addresses beyond ASCII; None: not known yet
    max_message_bytes: int | None = None  # bytes of a mail; None: not known, or any

    @abstractmethod
    async def deliver(self, mail: OutgoingMail) -> str:
        """Deliver the mail; return a line for the log. Raises TemporaryDeliveryError, PermanentDeliveryError."""

    async def probe(self) -> None:  # noqa: B027 - most know all from the start
        """Find out what is not known yet, if that can be done now."""

    @abstractmethod
    async def close(self) -> None:
        """End what is open."""


class DiscardTransport(Transport):
    """Accepts every mail and discards it, for tests of everything but delivery."""

    async def deliver(self, mail: OutgoingMail) -> str:
        """Discard the mail."""
        return f"discarded {len(mail.raw)} bytes"

    async def close(self) -> None:
        """Do nothing: no connection is open."""


class UnavailableTransport(Transport):
    """Defers every mail: a route that was configured when its mail was accepted and is not any more.

    `reason` says which setting is missing.
    """

    def __init__(self, reason: str) -> None:
        self._reason = reason

    async def deliver(self, mail: OutgoingMail) -> str:
        """Raise TemporaryDeliveryError."""
        raise TemporaryDeliveryError(self._reason)

    async def close(self) -> None:
        """Do nothing: no connection is open."""
