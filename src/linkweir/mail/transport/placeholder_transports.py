"""Transports that deliver nothing: one discards every mail, the other defers it."""

from linkweir.errors import TemporaryDeliveryError
from linkweir.mail.transport.base import OutgoingMail, Transport


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
