"""A way that is not open: mail for it waits in the queue, for it was accepted while it was."""

from linkweir.errors import TemporaryDeliveryError
from linkweir.mail.transport.base import OutgoingMail, Transport


class UnavailableTransport(Transport):
    """Takes no mail; `reason` says what would open it."""

    def __init__(self, reason: str) -> None:
        self._reason = reason

    async def deliver(self, mail: OutgoingMail) -> str:
        """Never. Raises DeliveryFailed."""
        raise TemporaryDeliveryError(self._reason)

    async def close(self) -> None:
        """Nothing is open."""
