"""Mails of the service to its own users: invitations, password resets and reports.

Some carry secrets, so they are neither tracked nor stored, nor part of any account's messages: they go straight to the
relay, and only to one. Without a relay the dashboard shows the links to whoever made them.
"""

import asyncio
import uuid
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate, make_msgid
from urllib.parse import urlsplit

from linkweir.clock import now
from linkweir.errors import TemporaryDeliveryError
from linkweir.mail.transport.base import OutgoingMail
from linkweir.mail.transport.smtp_relay import SmtpRelay, parse_relay_url
from linkweir.settings import Settings

RELAY_TIMEOUT_SECONDS = 10.0  # of each step: somebody waits for the page
NO_RELAY = ("maildir", "discard")


def has_relay(settings: Settings) -> bool:
    """Whether mails leave this service, so that a notice can."""
    return settings.transport not in NO_RELAY


def dashboard_url(settings: Settings, root: str) -> str:
    """Return the dashboard's public URL: at the host of the base URL, or at the first API host where that host serves
    tracking links only.
    """
    parts = urlsplit(settings.base_url)
    host = parts.netloc
    if settings.api_hosts and parts.hostname not in settings.api_hosts:
        name = settings.api_hosts[0]
        host = (f"[{name}]" if ":" in name else name) + (f":{parts.port}" if parts.port else "")
    return f"{parts.scheme}://{host}{root}"


def operator_url(settings: Settings, local_url: str) -> str:
    """Return where API and dashboard answer: at this machine's own address, or at the dashboard's public URL where the
    settings name API hosts that it is none of.
    """
    is_local = not settings.api_hosts or urlsplit(local_url).hostname in settings.api_hosts
    return local_url if is_local else dashboard_url(settings, "")


def send_notice(settings: Settings, recipient: str, subject: str, text: str, html: str = "") -> bool:
    """Send a mail, with an HTML part or without; return whether the relay took it. Raises nothing that a relay can
    do.
    """
    domain = settings.mail_hostname or urlsplit(settings.base_url).hostname or "localhost"
    sender = settings.notice_sender or f"linkweir@{domain}"
    mail = EmailMessage(SMTP)
    mail["From"], mail["To"], mail["Subject"] = sender, recipient, subject
    mail["Date"], mail["Message-ID"] = formatdate(), make_msgid(domain=domain)
    mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: no vacation notice answers it
    mail.set_content(text)
    if html:
        mail.add_alternative(html, subtype="html")
    outgoing = OutgoingMail(uuid.uuid4(), now(), sender, recipient, mail.as_bytes())
    return asyncio.run(_deliver(settings, outgoing))


async def _deliver(settings: Settings, mail: OutgoingMail) -> bool:
    relay = SmtpRelay(
        parse_relay_url(settings.transport, "LINKWEIR_TRANSPORT"),
        hostname=settings.mail_hostname,
        timeout=RELAY_TIMEOUT_SECONDS,
    )
    try:
        await relay.deliver(mail)
    except TemporaryDeliveryError:
        return False
    finally:
        await relay.close()
    return True
