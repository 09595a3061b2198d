"""From an SMTP transaction to the submitter, and from its errors to replies. 250 means: committed to disk."""

import asyncio
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Literal

from aiosmtpd.smtp import SMTP, Envelope, Session, TLSSetupException
from sqlalchemy import RowMapping

from linkweir.edge.parts import Parts, now
from linkweir.edge.smtp.protocol import Connection
from linkweir.errors import (
    AccessDenied,
    BadInput,
    LinkweirError,
    NotAllowed,
    NotFound,
    RefusedContent,
    StoreUnavailable,
)
from linkweir.mail import lookup, originators
from linkweir.mail.address import is_path, normal
from linkweir.mail.raw import RawMail
from linkweir.mail.submit import RAW_LIMIT
from linkweir.store import smtp_credentials

RECIPIENTS = 50
# The attack: a line end that one server takes for the end of a mail and the next one does not (SMTP smuggling). A mail
# with a bare CR or LF cannot be passed on as it is and as the standard wants it (RFC 5321 section 2.3.8).
BARE = re.compile(rb"\r(?!\n)|(?<!\r)\n")
LONGEST_ADDRESS = 320  # characters; local parts over RFC 5321's 64 octets are real (bounces to generated senders)


@dataclass(slots=True)
class Sender:
    """Who has signed in: the row of the credential."""

    credential: RowMapping = field(repr=False)


class Intake:
    """The handler of every connection of one server that takes mail from senders."""

    source: Literal["smtp", "filter"] = "smtp"

    def __init__(self, parts: Parts, pool: ThreadPoolExecutor) -> None:
        self._parts = parts
        self._pool = pool

    async def handle_EHLO(  # noqa: N802 - the library's names
        self, server: SMTP, session: Session, _envelope: Envelope, name: str, offered: list[str]
    ) -> list[str]:
        """What is offered, and is true."""
        session.host_name = name
        if server.data_size_limit is None:
            offered.insert(1, "250-SIZE 0")  # no fixed limit (RFC 1870 section 3)
        return [line for line in offered if line[4:] != "SMTPUTF8" or self._takes_utf8()]

    async def handle_MAIL(  # noqa: N802 - the library's names
        self, _server: SMTP, session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        """Begin a mail."""
        if envelope.smtp_utf8 and not self._takes_utf8():
            return "550 5.6.7 the relay that mail leaves by does not take SMTPUTF8"
        try:
            sender = address and self._checked(address, envelope)
            if sender and (allowed := _domains(session.auth_data)) is not None:
                originators.check_address(allowed, sender, "MAIL FROM")
        except BadInput as error:
            return f"553 {error.field} {error.reason}"
        except NotAllowed as error:
            return self._refusal(error)
        envelope.mail_from = sender
        return "250 2.1.0 OK"

    async def handle_RCPT(  # noqa: N802 - the library's names
        self, server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        """Take one more recipient."""
        if len(envelope.rcpt_tos) >= self._most(server):
            return f"452 4.5.3 at most {len(envelope.rcpt_tos)} recipients"
        try:
            envelope.rcpt_tos.append(self._checked(address, envelope, recipient=True))
        except BadInput as error:
            return f"553 {error.field} {error.reason}"
        return "250 2.1.5 OK"

    def _most(self, _server: SMTP) -> int:
        return RECIPIENTS

    def _takes_utf8(self) -> bool:
        """Whether the way out carries it; while that is not known it is taken, and bounced if it turns out not to."""
        return self._parts.worker.takes_utf8("default") is not False

    def _checked(self, path: str, envelope: Envelope, *, recipient: bool = False) -> str:
        """The address with its domain as the DNS has it. Raises BadInput with the enhanced status as its field."""
        if not is_path(path) or len(path) > LONGEST_ADDRESS or (recipient and "@" not in path):
            raise BadInput("5.1.3" if recipient else "5.1.7", "that is no address")
        if path.isascii():
            return path
        if not envelope.smtp_utf8:
            raise BadInput("5.6.7", "an address beyond ASCII needs SMTPUTF8")
        try:
            return normal(path)
        except BadInput as error:
            raise BadInput("5.1.3" if recipient else "5.1.7", error.reason) from None

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Accept the mail for all its recipients, or for none."""
        if isinstance(server, Connection):
            server.received()
        raw = envelope.content
        assert isinstance(raw, bytes)
        if problem := self._problem(raw):
            return f"550 5.6.0 {problem}"
        mail = RawMail(
            envelope.mail_from or "",
            tuple(dict.fromkeys(envelope.rcpt_tos)),
            raw,
            self.source,
            sandbox=isinstance(session.auth_data, Sender) and bool(session.auth_data.credential["sandbox"]),
            smtputf8=envelope.smtp_utf8,
            largest=self._parts.worker.largest("filter" if self.source == "filter" else "default"),
        )
        try:
            stored = asyncio.get_running_loop().run_in_executor(self._pool, self._accept, mail, session.auth_data)
        except RuntimeError:  # no more work is taken
            return "421 4.3.2 the service is stopping"
        try:
            return await stored
        except (LinkweirError, OSError, MemoryError) as error:
            return self._refusal(error)

    def _problem(self, raw: bytes) -> str | None:
        """Why this cannot be taken, or None."""
        return (
            "the mail has a bare CR or LF, which servers read differently (RFC 5321, 2.3.8)"
            if BARE.search(raw)
            else None
        )

    def _refusal(self, error: Exception) -> str:
        """The reply to a mail of which nothing was accepted."""
        if isinstance(error, AccessDenied):
            return "550 5.7.8 this credential opens nothing any more"
        if isinstance(error, NotAllowed):
            return f"550 5.7.1 {_line(str(error))}"
        if isinstance(error, RefusedContent):
            return f"554 5.6.0 {_line(str(error))}"
        if isinstance(error, (BadInput, NotFound)):
            return f"550 5.6.0 {_line(str(error))}"
        if isinstance(error, StoreUnavailable):
            self._parts.log.error("smtp.store_unavailable", error=str(error))
            return "451 4.3.0 the message store does not answer; nothing was accepted"
        self._parts.log.error("smtp.failed", kind=type(error).__name__, exc_info=error)
        return "451 4.3.0 nothing was accepted"

    async def handle_exception(self, error: Exception) -> str:
        """A bug, or a client that went away or speaks no TLS, which any scanner does: no reason for an alarm."""
        if isinstance(error, TLSSetupException | ConnectionError):
            self._parts.log.info("smtp.connection_failed", kind=type(error.__cause__ or error).__name__)
            return "421 4.4.2 the connection failed"
        self._parts.log.error("smtp.bug", kind=type(error).__name__, exc_info=error)
        return "451 4.3.0 internal error"

    def _accept(self, mail: RawMail, who: object) -> str:
        parts = self._parts
        with parts.store.read() as connection:
            account_id = parts.account
            if isinstance(who, Sender):
                account_id, key = who.credential["account_id"], who.credential["id"]
                if smtp_credentials.get(connection, account_id, key) is None:  # deleted since the sign-in
                    raise AccessDenied
            if account_id is None:
                raise NotFound("there is no account")
            account = lookup.load_account(connection, account_id)
        accepted = parts.submitter.submit_raw(parts.ring, account, mail, now(), allowed=_domains(who))
        parts.worker.wake()
        parts.metrics.accepted.inc(len(accepted))
        parts.log.info("messages.accepted", account=str(account.id), accepted=len(accepted), source=self.source)
        return f"250 2.0.0 accepted as {accepted[0]}"


class FilterIntake(Intake):
    """The same for a mail server that has accepted the mail already: what it hands over is never refused for good, for
    then it would be lost to its recipients.
    """

    source = "filter"

    def _takes_utf8(self) -> bool:
        return True  # it offers this to its own senders

    def _most(self, server: SMTP) -> int:
        """As many as can be stored together; the mail server brings the rest next."""
        announced = server.announced if isinstance(server, Connection) else 0
        return max(1, min(RECIPIENTS, RAW_LIMIT // (2 * announced or 1)))

    def _checked(self, path: str, _envelope: Envelope, *, recipient: bool = False) -> str:
        if not is_path(path):
            raise BadInput("5.1.3" if recipient else "5.1.7", "that is no address")
        return path

    def _problem(self, raw: bytes) -> str | None:
        return None

    def _refusal(self, error: Exception) -> str:
        if isinstance(error, BadInput | NotFound | AccessDenied):
            self._parts.log.error("filter.refused", reason=str(error))
            return f"451 4.3.0 {_line(str(error))}"
        return super()._refusal(error)


def _domains(who: object) -> list[str] | None:
    """The domains that whoever has signed in may send from; None: any."""
    return who.credential["domains"] if isinstance(who, Sender) and who.credential["scope"] == "scoped" else None


def _line(text: str) -> str:
    return " ".join("".join(c if c.isascii() and c.isprintable() else " " for c in text).split())[:300]
