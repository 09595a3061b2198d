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
from linkweir.errors import AccessDenied, BadInput, LinkweirError, NotFound, RefusedContent, StoreUnavailable
from linkweir.mail import lookup
from linkweir.mail.raw import RawMail
from linkweir.store import smtp_credentials

RECIPIENTS = 50
# The attack: a line end that one server takes for the end of a mail and the next one does not (SMTP smuggling). A mail
# with a bare CR or LF cannot be passed on as it is and as the standard wants it (RFC 5321 section 2.3.8).
BARE = re.compile(rb"\r(?!\n)|(?<!\r)\n")
# Local parts over RFC 5321's 64 octets are real (bounces to generated senders), and so are quoted ones.
ADDRESS = re.compile(r'(?=.{1,320}\Z)(?:[!#-?A-~]+|"[ !#-\[\]-~]*")@[A-Za-z0-9.\[\]:_-]{1,255}')
SENDER = re.compile(r"[ -~]{0,320}")  # no control: one that is passed on would be a command to the next server


@dataclass(slots=True)
class Sender:
    """Who has signed in: the row of the credential."""

    credential: RowMapping = field(repr=False)


class Intake:
    """The handler of every connection of one server."""

    def __init__(self, parts: Parts, pool: ThreadPoolExecutor, source: Literal["smtp", "filter"]) -> None:
        self._parts = parts
        self._pool = pool
        self._source = source

    async def handle_EHLO(  # noqa: N802 - the library's names
        self, server: SMTP, session: Session, _envelope: Envelope, name: str, offered: list[str]
    ) -> list[str]:
        """What is offered."""
        session.host_name = name
        return [line for line in offered if line[4:] != "SMTPUTF8"]

    async def handle_MAIL(  # noqa: N802 - the library's names
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        """Begin a mail."""
        if not SENDER.fullmatch(address):
            return "553 5.1.7 that is no address that mail can come from"
        envelope.mail_from = address
        return "250 2.1.0 OK"

    async def handle_RCPT(  # noqa: N802 - the library's names
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        """Take one more recipient."""
        if len(envelope.rcpt_tos) >= RECIPIENTS:
            return f"452 4.5.3 at most {RECIPIENTS} recipients"
        if not ADDRESS.fullmatch(address):
            return "553 5.1.3 that is no address that mail can be sent to"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Accept the mail for all its recipients, or for none."""
        if isinstance(server, Connection):
            server.received()
        raw = envelope.content
        assert isinstance(raw, bytes)
        if BARE.search(raw):
            return "550 5.6.0 the mail has a bare CR or LF, which servers read differently (RFC 5321, 2.3.8)"
        mail = RawMail(
            envelope.mail_from or "",
            tuple(dict.fromkeys(envelope.rcpt_tos)),
            raw,
            self._source,
            sandbox=isinstance(session.auth_data, Sender) and bool(session.auth_data.credential["sandbox"]),
        )
        try:
            stored = asyncio.get_running_loop().run_in_executor(self._pool, self._accept, mail, session.auth_data)
        except RuntimeError:  # no more work is taken
            return "421 4.3.2 the service is stopping"
        try:
            return await stored
        except (LinkweirError, OSError, MemoryError) as error:
            return self._refusal(error)

    def _refusal(self, error: Exception) -> str:
        """The reply to a mail of which nothing was accepted."""
        if isinstance(error, AccessDenied):
            return "550 5.7.8 this credential opens nothing any more"
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
        allowed = who.credential["domains"] if isinstance(who, Sender) and who.credential["scope"] == "scoped" else None
        accepted = parts.submitter.submit_raw(parts.ring, account, mail, now(), allowed=allowed)
        parts.worker.wake()
        parts.metrics.accepted.inc(len(accepted))
        parts.log.info("messages.accepted", account=str(account.id), accepted=len(accepted), source=self._source)
        return f"250 2.0.0 accepted as {accepted[0]}"


def _line(text: str) -> str:
    return " ".join("".join(c if c.isascii() and c.isprintable() else " " for c in text).split())[:300]
