"""Nowhere: for tests of everything but delivery."""

from linkweir.mail.transport.outgoing import Outgoing, Transport


class Discard(Transport):
    """Takes every mail and forgets it."""

    async def deliver(self, mail: Outgoing) -> str:
        """Forget the mail."""
        return f"discarded {len(mail.raw)} bytes"

    async def close(self) -> None:
        """Nothing is open."""
