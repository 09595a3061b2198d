"""Where mail goes: an SMTP relay, a Maildir, or nowhere."""

from linkweir.mail.transport.base import OutgoingMail, Transport

__all__ = ["OutgoingMail", "Transport"]
