"""Nowhere: for tests of everything but delivery."""

from linkweir.mail.transport.base import OutgoingMail, Transport


class DiscardTransport(Transport):
    """Takes every mail and forgets it."""

    async def deliver(self, mail: OutgoingMail) -> str:
        """Forget the mail."""
        return f"discarded {len(mail.raw)} bytes"

    async def close(self) -> None:
        """Nothing is open."""
