"""Makes the transports that the settings name."""

from linkweir.mail.transport import Transport
from linkweir.mail.transport.base import DiscardTransport, UnavailableTransport
from linkweir.mail.transport.maildir import MaildirTransport
from linkweir.mail.transport.smtp_relay import SmtpRelay, parse_relay_url
from linkweir.settings import Settings


def create_transports(settings: Settings) -> dict[str, Transport]:
    """The transport of each route: "default", and "filter", which returns mail to the mail server it came from."""
    filter_return: Transport = UnavailableTransport(
        "LINKWEIR_FILTER_RETURN is not set: there is no way back to the mail server"
    )
    if settings.filter_return:
        filter_return = _create_relay(f"smtp+plain://{settings.filter_return}", settings)
    return {"default": _create_default(settings), "filter": filter_return}


def _create_default(settings: Settings) -> Transport:
    if settings.transport == "maildir":
        return MaildirTransport(settings.maildir_path)
    return DiscardTransport() if settings.transport == "discard" else _create_relay(settings.transport, settings)


def _create_relay(url: str, settings: Settings) -> SmtpRelay:
    return SmtpRelay(parse_relay_url(url, "LINKWEIR_TRANSPORT"), hostname=settings.mail_hostname)
