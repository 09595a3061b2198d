"""A way that is not open: mail for it waits in the queue, for it was accepted while it was."""

from linkweir.errors import DeliveryFailed
from linkweir.mail.transport.outgoing import Outgoing, Transport


class Closed(Transport):
    """Takes no mail; `reason` says what would open it."""

    def __init__(self, reason: str) -> None:
        self._reason = reason

    async def deliver(self, mail: Outgoing) -> str:
        """Never. Raises DeliveryFailed."""
        raise DeliveryFailed(self._reason)

    async def close(self) -> None:
        """Nothing is open."""
