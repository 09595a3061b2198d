"""Where mail goes: an SMTP relay, a Maildir, or nowhere."""

from linkweir.mail.transport.outgoing import Outgoing, Transport

__all__ = ["Outgoing", "Transport"]
