"""An SMTP relay: connections kept open and used in turn (aiosmtplib).

What the relay says of a mail decides: 4yz is tried again, 5yz to MAIL, RCPT or DATA is for good. What it says before it
has seen a mail (greeting, EHLO, STARTTLS, AUTH) is about us and never bounces one.
"""

import contextlib
import re
import ssl
import time
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import unquote, urlsplit

import aiosmtplib

from linkweir.errors import PermanentDeliveryError, SettingsError, TemporaryDeliveryError
from linkweir.mail.addresses import is_envelope_path
from linkweir.mail.transport.base import OutgoingMail, Transport

IDLE_SECONDS = 30.0  # seconds after which an unused connection is not trusted any more: relays close them
DATA_TIMEOUT_FACTOR = (
    10  # times as long as any other step: relays look at a mail before they answer (RFC 5321 section 4.5.3.2.6)
)
SENDER_FAULT_CODES = (502, 503, 530, 534, 535, 538)  # sign in first, use TLS: said to MAIL, and nothing about the mail
BARE_LF = re.compile(rb"(?<!\r)\n")  # a line end to some servers only: who looks for it could smuggle a mail by it
MAX_LOG_CHARS = 500  # characters of a relay's answer that are kept
# the second digit of an enhanced status code (RFC 3463 section 3) as a word
CLASSIFICATIONS = {
    "1": "address",
    "2": "mailbox",
    "3": "system",
    "4": "routing",
    "5": "protocol",
    "6": "content",
    "7": "policy",
}

Security = Literal["offered", "starttls", "tls", "none"]
SCHEMES: dict[str, Security] = {"smtp": "offered", "smtp+starttls": "starttls", "smtps": "tls", "smtp+plain": "none"}


@dataclass(frozen=True, slots=True)
class RelayUrl:
    """Where a relay is and how to sign in there."""

    host: str
    port: int
    security: Security
    user: str | None = None
    password: str | None = field(default=None, repr=False)


def parse_relay_url(text: str, setting: str) -> RelayUrl:
    """From `smtp+starttls://user:password@host:587`. Raises SettingsError, which never shows the password."""
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise SettingsError(f"{setting}: the port is not a number") from None
    security = SCHEMES.get(parts.scheme)
    if security is None or not parts.hostname or parts.path.strip("/") or parts.query or parts.fragment:
        raise SettingsError(f"{setting}: must look like smtp+starttls://user:password@host:587, maildir or discard")
    user = unquote(parts.username) if parts.username else None
    password = unquote(parts.password) if parts.password else None
    if (user is None) != (password is None):
        raise SettingsError(f"{setting}: user and password belong together")
    if user and security == "none":
        raise SettingsError(f"{setting}: a password does not go over a connection without TLS")
    return RelayUrl(parts.hostname, port or (465 if security == "tls" else 25), security, user, password)


class SmtpRelay(Transport):
    """One relay. `hostname` is what EHLO says; `timeout` seconds bound every step."""

    def __init__(
        self, url: RelayUrl, *, hostname: str, timeout: float = 60.0, tls_context: ssl.SSLContext | None = None
    ) -> None:
        self._url = url
        self._hostname = hostname or None
        self._timeout = timeout
        self._tls = tls_context
        self._idle: list[tuple[float, aiosmtplib.SMTP]] = []
        self.supports_smtputf8 = None  # until the first connection

    async def deliver(self, mail: OutgoingMail) -> str:
        """Hand the mail over; the relay's answer. Raises TemporaryDeliveryError, PermanentDeliveryError."""
        for address in (mail.envelope_from, mail.recipient):
            _check_address(address)
        client = await self._get_client()
        try:
            return await self._send(client, mail)
        except aiosmtplib.SMTPResponseException as error:
            raise _to_delivery_error(error) from None
        except (aiosmtplib.SMTPException, OSError) as error:
            client.close()
            raise TemporaryDeliveryError(f"the relay: {_to_log_line(str(error)) or type(error).__name__}") from None
        except BaseException:
            client.close()  # cancelled half-way: its state is unknown
            raise
        finally:
            if client.is_connected:
                self._idle.append((time.monotonic(), client))

    async def probe(self) -> None:
        """Connect, for what the relay offers; the connection waits for the first mail."""
        with contextlib.suppress(TemporaryDeliveryError):
            self._idle.append((time.monotonic(), await self._connect()))

    async def close(self) -> None:
        """Say goodbye on every idle connection."""
        for _, client in self._idle:
            with contextlib.suppress(aiosmtplib.SMTPException, OSError):
                await client.quit(timeout=2)
            client.close()
        self._idle.clear()

    async def _get_client(self) -> aiosmtplib.SMTP:
        """One that is idle and still answers, or a new one.

        RSET comes before the next mail and not after the last: nothing may stand between the relay's 250 and our note
        of it, and what a confused relay has said meanwhile is read here and not taken for an answer to the mail.
        """
        while self._idle:
            since, client = self._idle.pop()
            try:
                if client.is_connected and time.monotonic() - since < IDLE_SECONDS:
                    await client.rset()
                    return client
            except (aiosmtplib.SMTPException, OSError):
                pass
            except BaseException:
                client.close()
                raise
            client.close()
        return await self._connect()

    async def _connect(self) -> aiosmtplib.SMTP:
        where = self._url
        tls = where.security == "tls"
        client = aiosmtplib.SMTP(
            hostname=where.host,
            port=where.port,
            local_hostname=self._hostname,
            timeout=self._timeout,
            use_tls=tls,
            # a password never goes without TLS, so with one STARTTLS is not optional
            start_tls=None if where.security == "offered" and not where.user else where.security != "none" and not tls,
            tls_context=self._tls,
            username=where.user,
            password=where.password,
        )
        try:
            await client.connect()
            if client.is_ehlo_or_helo_needed:
                await client.ehlo()  # what it offers decides how a mail is announced
        except (aiosmtplib.SMTPException, OSError) as error:
            client.close()
            what = "cannot sign in at" if isinstance(error, aiosmtplib.SMTPAuthenticationError) else "cannot reach"
            raise TemporaryDeliveryError(
                f"{what} the relay {where.host}:{where.port}: {_to_log_line(str(error))}"
            ) from None
        self.supports_smtputf8 = client.supports_extension("smtputf8")
        self.max_message_bytes = _max_message_bytes(client)
        return client

    async def _send(self, client: aiosmtplib.SMTP, mail: OutgoingMail) -> str:
        sender, recipient = mail.envelope_from.encode(), mail.recipient.encode()
        options = _mail_options(client, mail)
        # not by the library's own commands, which read an address anew and send it as they have read it
        answer = await client.execute_command(b"MAIL", b"FROM:<" + sender + b">", *options)
        if answer.code != aiosmtplib.SMTPStatus.completed:
            raise aiosmtplib.SMTPSenderRefused(answer.code, answer.message, "")
        answer = await client.execute_command(b"RCPT", b"TO:<" + recipient + b">")
        if answer.code not in (aiosmtplib.SMTPStatus.completed, aiosmtplib.SMTPStatus.will_forward):
            raise aiosmtplib.SMTPRecipientRefused(answer.code, answer.message, "")
        answer = await self._send_data(client, mail.raw)
        return _to_log_line(f"{answer.code} {answer.message}")

    async def _send_data(self, client: aiosmtplib.SMTP, raw: bytes) -> aiosmtplib.SMTPResponse:
        """The mail byte for byte; the library would make a line of what stands behind a lone CR."""
        protocol, limit = client.protocol, self._timeout * DATA_TIMEOUT_FACTOR
        if protocol is None:
            raise aiosmtplib.SMTPServerDisconnected("the connection is lost")
        for data, expected in (
            (b"DATA\r\n", aiosmtplib.SMTPStatus.start_input),
            (_encode_data(raw), aiosmtplib.SMTPStatus.completed),
        ):
            protocol.write(data)
            answer = await protocol.read_response(timeout=limit)
            if answer.code != expected:
                raise aiosmtplib.SMTPDataError(answer.code, answer.message)
        return answer


def _encode_data(raw: bytes) -> bytes:
    """The mail as it stands behind DATA: every line ended by CRLF, its dots doubled, and the end (RFC 5321 section
    4.5.2).
    """
    end = b".\r\n" if raw.endswith(b"\n") else b"\r\n.\r\n"
    if raw.count(b"\n") != raw.count(b"\r\n"):  # counting takes a tenth of the time of the pattern
        raw = BARE_LF.sub(b"\r\n", raw)
    if b"\r\n." in raw:
        raw = raw.replace(b"\r\n.", b"\r\n..")
    return b"".join((b"." * raw.startswith(b"."), raw, end))


def _max_message_bytes(client: aiosmtplib.SMTP) -> int | None:
    size = client.esmtp_extensions.get("size", "")
    return int(size) or None if size.isascii() and size.isdecimal() and len(size) < 20 else None


def _mail_options(client: aiosmtplib.SMTP, mail: OutgoingMail) -> list[bytes]:
    """What MAIL says of the mail. Raises PermanentDeliveryError when the relay cannot carry it."""
    options = [b"SIZE=%d" % len(mail.raw)] if client.supports_extension("size") else []
    if not mail.raw.isascii():
        if not client.supports_extension("8bitmime"):
            raise PermanentDeliveryError("5.6.3 the relay does not take 8-bit mail", "content")
        options.append(b"BODY=8BITMIME")
    addressed = not (mail.envelope_from + mail.recipient).isascii()
    if addressed or mail.smtputf8:
        if client.supports_extension("smtputf8"):
            options.append(b"SMTPUTF8")
        elif addressed or not mail.raw.partition(b"\r\n\r\n")[0].isascii():
            raise PermanentDeliveryError("5.6.7 the relay does not take SMTPUTF8, which this mail needs", "address")
    return options


def _check_address(address: str) -> None:
    """No address may be read as a command, a parameter or another address."""
    if address and not is_envelope_path(address):
        raise PermanentDeliveryError(
            f"5.1.3 {_to_log_line(address)!r} is not an address that SMTP can carry", "address"
        )


def _to_delivery_error(error: aiosmtplib.SMTPResponseException) -> TemporaryDeliveryError:
    line = _to_log_line(f"{error.code} {error.message}")
    about_the_mail = (aiosmtplib.SMTPSenderRefused, aiosmtplib.SMTPRecipientRefused, aiosmtplib.SMTPDataError)
    if 500 <= error.code < 600 and error.code not in SENDER_FAULT_CODES and isinstance(error, about_the_mail):
        enhanced = error.message.split(" ", 1)[0].split(".")
        classification = CLASSIFICATIONS.get(enhanced[1]) if len(enhanced) == 3 and enhanced[0] == "5" else None
        return PermanentDeliveryError(line, classification or "other")
    return TemporaryDeliveryError(line)


def _to_log_line(text: str) -> str:
    """One bounded line for logs: a relay's answer is a stranger's text."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:MAX_LOG_CHARS]
