"""From an SMTP transaction to the submitter, and from its errors to replies. 250 means: committed to disk."""

import asyncio
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal, TypeVar

from aiosmtpd.smtp import SMTP, Envelope, Session, TLSSetupException
from sqlalchemy import Connection, RowMapping

from linkweir.accounts import account_lookup
from linkweir.accounts.account_lookup import SendingAccount
from linkweir.accounts.smtp_credentials import get_smtp_credential, sending_domains
from linkweir.errors import (
    DatabaseUnavailable,
    Forbidden,
    LinkweirError,
    NotFound,
    RejectedContent,
    Unauthorized,
    UnstorableData,
    ValidationError,
)
from linkweir.mail import originators
from linkweir.mail.addresses import is_envelope_path, normalize_domain
from linkweir.mail.raw_submission import RawMail
from linkweir.mail.submission import MAX_RAW_BYTES
from linkweir.smtp.smtp_connection import SmtpConnection
from linkweir.web.services import AppServices

MAX_RECIPIENTS = 50
MAX_CONCURRENT_MAILS = 4  # mails that are rewritten and committed at a time
LARGE_MAIL_BYTES = 4 * 1024 * 1024  # of larger ones one at a time: meanwhile a mail takes several times its size
MAX_ADDRESS_LENGTH = 320  # characters; local parts over RFC 5321's 64 octets are real (bounces to generated senders)
T = TypeVar("T")


@dataclass(slots=True)
class AuthenticatedCredential:
    """The credential that has signed in."""

    credential: RowMapping = field(repr=False)


class SubmissionThreads:
    """The threads in which mails are rewritten and committed: several for small mails, one for large ones."""

    def __init__(self, name: str) -> None:
        self._small = ThreadPoolExecutor(MAX_CONCURRENT_MAILS, name)
        self._large = ThreadPoolExecutor(1, f"{name}-large")

    def run(self, size: int, work: Callable[..., T], *arguments: Any) -> asyncio.Future[T]:
        """Begin to work on a mail of so many bytes. Raises RuntimeError after `shutdown`."""
        threads = self._large if size > LARGE_MAIL_BYTES else self._small
        return asyncio.get_running_loop().run_in_executor(threads, work, *arguments)

    def shutdown(self) -> None:
        """Take no more work, and wait until what there is has ended."""
        self._small.shutdown()
        self._large.shutdown()


class SubmissionHandler:
    """The handler of every connection of one server that takes mail from senders."""

    source: Literal["smtp", "filter"] = "smtp"

    def __init__(self, services: AppServices, threads: SubmissionThreads) -> None:
        self._services = services
        self._threads = threads

    async def handle_EHLO(  # noqa: N802 - the library's names
        self, server: SMTP, session: Session, _envelope: Envelope, name: str, offered: list[str]
    ) -> list[str]:
        """Return the extensions that are offered."""
        session.host_name = name
        if server.data_size_limit is None:
            offered.insert(1, "250-SIZE 0")  # no fixed limit (RFC 1870 section 3)
        return [line for line in offered if line[4:] != "SMTPUTF8" or self._supports_smtputf8()]

    async def handle_MAIL(  # noqa: N802 - the library's names
        self, _server: SMTP, session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        """Begin a mail."""
        if envelope.smtp_utf8 and not self._supports_smtputf8():
            return "550 5.6.7 the relay does not support SMTPUTF8"
        try:
            sender = address and self._parse_address(address, envelope)
            if sender and (allowed := _allowed_domains(session.auth_data)) is not None:
                originators.check_address(allowed, sender, "MAIL FROM")
        except ValidationError as error:
            return f"553 {error.field} {error.reason}"
        except Forbidden as error:
            return self._error_reply(error)
        envelope.mail_from = sender
        return "250 2.1.0 OK"

    async def handle_RCPT(  # noqa: N802 - the library's names
        self, server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        """Take one more recipient."""
        if len(envelope.rcpt_tos) >= self._max_recipients(server):
            return f"452 4.5.3 too many recipients: at most {len(envelope.rcpt_tos)}"
        try:
            envelope.rcpt_tos.append(self._parse_address(address, envelope, recipient=True))
        except ValidationError as error:
            return f"553 {error.field} {error.reason}"
        return "250 2.1.5 OK"

    def _max_recipients(self, _server: SMTP) -> int:
        return MAX_RECIPIENTS

    def _supports_smtputf8(self) -> bool:
        """Whether the delivery route carries it; while that is unknown it is accepted, and bounced if it does not."""
        return self._services.delivery_worker.supports_smtputf8("default") is not False

    def _parse_address(self, path: str, envelope: Envelope, *, recipient: bool = False) -> str:
        """The address with its domain as the DNS has it. Raises ValidationError with the enhanced status as its
        field.
        """
        if not is_envelope_path(path) or len(path) > MAX_ADDRESS_LENGTH or (recipient and "@" not in path):
            raise ValidationError("5.1.3" if recipient else "5.1.7", "invalid address syntax")
        if path.isascii():
            return path
        if not envelope.smtp_utf8:
            raise ValidationError("5.6.7", "an address beyond ASCII needs SMTPUTF8")
        try:
            return normalize_domain(path)
        except ValidationError as error:
            raise ValidationError("5.1.3" if recipient else "5.1.7", error.reason) from None

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Accept the mail for all its recipients, or for none."""
        if isinstance(server, SmtpConnection):
            server.start_reply_timer()
        raw = envelope.content
        assert isinstance(raw, bytes)
        envelope.content = envelope.original_content = None  # it may be large, and waits for its turn
        if problem := self._content_error(raw):
            return f"550 5.6.0 {problem}"
        mail = RawMail(
            envelope.mail_from or "",
            tuple(dict.fromkeys(envelope.rcpt_tos)),
            raw,
            self.source,
            sandbox=isinstance(session.auth_data, AuthenticatedCredential)
            and bool(session.auth_data.credential["sandbox"]),
            smtputf8=envelope.smtp_utf8,
            max_message_bytes=self._services.delivery_worker.max_message_bytes(
                "filter" if self.source == "filter" else "default"
            ),
        )
        try:
            stored = self._threads.run(len(mail.raw), self._submit, mail, session.auth_data)
        except RuntimeError:  # no more work is taken
            return "421 4.3.2 the service is stopping"
        try:
            return await stored
        except (LinkweirError, OSError, MemoryError) as error:
            return self._error_reply(error)

    def _content_error(self, raw: bytes) -> str | None:
        """Return why this cannot be accepted, or None."""
        return (
            "the mail has a bare CR or LF, which servers read differently (RFC 5321, 2.3.8)"
            if has_bare_line_ending(raw)
            else None
        )

    def _error_reply(self, error: Exception) -> str:
        """The reply to a mail of which nothing was accepted."""
        if isinstance(error, Unauthorized):
            return "550 5.7.8 this SMTP credential is no longer valid"
        if isinstance(error, Forbidden):
            return f"550 5.7.1 {_reply_text(str(error))}"
        if isinstance(error, RejectedContent):
            return f"554 5.6.0 {_reply_text(str(error))}"
        if isinstance(error, (ValidationError, NotFound, UnstorableData)):
            return f"550 5.6.0 {_reply_text(str(error))}"
        if isinstance(error, DatabaseUnavailable):
            self._services.log.error("smtp.database_unavailable", error=str(error))
            return "451 4.3.0 the database is not available; nothing was accepted"
        self._services.log.error("smtp.failed", kind=type(error).__name__, exc_info=error)
        return "451 4.3.0 temporary failure; nothing was accepted"

    async def handle_exception(self, error: Exception) -> str:
        """A bug, or a client that went away or speaks no TLS, which any scanner does: no reason for an alarm."""
        if isinstance(error, TLSSetupException | ConnectionError):
            self._services.log.info("smtp.connection_failed", kind=type(error.__cause__ or error).__name__)
            return "421 4.4.2 the connection failed"
        self._services.log.error("smtp.bug", kind=type(error).__name__, exc_info=error)
        return "451 4.3.0 internal error"

    def _submit(self, mail: RawMail, credential: object) -> str:
        parts = self._services
        find_account, allowed = partial(self._find_account, credential), _allowed_domains(credential)
        accepted = parts.submitter.submit_raw(parts.keyring, find_account, mail, parts.database.now(), allowed=allowed)
        parts.delivery_worker.wake()
        parts.metrics.accepted_messages.inc(len(accepted))
        account = str(self._account_id(credential))
        parts.log.info("messages.accepted", account=account, accepted=len(accepted), source=self.source)
        return f"250 2.0.0 accepted as {accepted[0]}"

    def _account_id(self, credential: object) -> uuid.UUID | None:
        if isinstance(credential, AuthenticatedCredential):
            account: uuid.UUID = credential.credential["account_id"]
            return account
        return self._services.account

    def _find_account(self, credential: object, connection: Connection) -> SendingAccount:
        """The account that a mail is for. Raises Unauthorized, NotFound."""
        account_id = self._account_id(credential)
        if account_id is None:
            raise NotFound("there is no account")
        if isinstance(credential, AuthenticatedCredential):
            try:
                get_smtp_credential(connection, account_id, credential.credential["id"])
            except NotFound:  # deleted since the client authenticated
                raise Unauthorized from None
        return account_lookup.load_account(connection, account_id)


class FilterHandler(SubmissionHandler):
    """The same for a mail server that has accepted the mail already: what it hands over is never refused for good, for
    then it would be lost to its recipients.
    """

    source = "filter"

    def _supports_smtputf8(self) -> bool:
        return True  # it offers this to its own senders

    def _max_recipients(self, server: SMTP) -> int:
        """As many as can be stored together; the mail server brings the rest next."""
        announced = server.declared_size if isinstance(server, SmtpConnection) else 0
        return max(1, min(MAX_RECIPIENTS, MAX_RAW_BYTES // (2 * announced or 1)))

    def _parse_address(self, path: str, _envelope: Envelope, *, recipient: bool = False) -> str:
        if not is_envelope_path(path):
            raise ValidationError("5.1.3" if recipient else "5.1.7", "invalid address syntax")
        return path

    def _content_error(self, raw: bytes) -> str | None:
        return None

    def _error_reply(self, error: Exception) -> str:
        if isinstance(error, ValidationError | NotFound | Unauthorized):
            self._services.log.error("filter.refused", reason=str(error))
            return f"451 4.3.0 {_reply_text(str(error))}"
        return super()._error_reply(error)


def _allowed_domains(who: object) -> list[str] | None:
    """The domains that whoever has signed in may send from; None: any."""
    return sending_domains(who.credential) if isinstance(who, AuthenticatedCredential) else None


def has_bare_line_ending(raw: bytes) -> bool:
    """Whether a CR or LF stands alone.

    The attack: a line end that one server takes for the end of a mail and the next one does not (SMTP smuggling). Such
    a mail cannot be passed on as it is and as the standard wants it (RFC 5321 section 2.3.8). Three counts take a tenth
    of the time of a search by pattern, and every connection waits for it.
    """
    pairs = raw.count(b"\r\n")
    return raw.count(b"\r") != pairs or raw.count(b"\n") != pairs


def _reply_text(text: str) -> str:
    return " ".join("".join(c if c.isascii() and c.isprintable() else " " for c in text).split())[:300]
