"""The SMTP commands whose reading the library leaves too narrow or too wide (aiosmtpd): paths, parameters, AUTH.

A path is taken as it is written. The library reads it as a header's address and writes it anew, which makes another
address of some.
"""

import collections
import re
from collections.abc import Mapping
from typing import Any

from aiosmtpd.smtp import SMTP, syntax

from linkweir.smtp.mail_data import DataError, MailData

# RFC 5321 section 4.1.2, with a source route that is ignored (appendix F.2); without brackets as old scripts have it.
PATH_PATTERN = re.compile(
    r'(?:<(?:@[^\s<>":]*:)?(?P<path>(?:"(?:[^"\\]|\\.)*"|[^\s<>"\\])*)>|(?P<bare>[^\s<>"\\]+))(?P<rest>(?:\s.*)?)', re.S
)
PARAMETER_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*")
MAX_COMMAND_BYTES = 12_288  # bytes: AUTH may have so many (RFC 4954 section 4), MAIL with AUTH= and UTF-8 over 2,000
MAX_BLOCK_BYTES = 1 << 30  # bytes; all that has arrived: the library stops the client long before
DATA_ERROR_REPLIES: Mapping[DataError, str] = {
    "line too long": "500 Line too long (see RFC5321 4.5.3.1.6)",
    "too much data": "552 Error: Too much mail data",
}
BODY_TYPES = ("7BIT", "8BITMIME")


class RejectedCommand(Exception):
    """A command that is answered with this line."""


class SmtpCommands(SMTP):
    """MAIL, RCPT, AUTH and what else clients trip over. `announced` is the size that MAIL has named, or 0."""

    command_size_limit = MAX_COMMAND_BYTES
    AuthLoginUsernameChallenge = "Username:"  # word for word what some clients wait for
    AuthLoginPasswordChallenge = "Password:"

    def __init__(self, handler: Any, **options: Any) -> None:
        # the library's are one dictionary for all connections, which each new one empties
        self.command_size_limits = collections.defaultdict(lambda: MAX_COMMAND_BYTES)
        super().__init__(handler, **options)
        self.declared_size = 0

    @syntax("AUTH <mechanism>")
    async def smtp_AUTH(self, arg: str | None) -> None:  # noqa: N802 - the library's names
        """Sign in; the mechanism may be written in any case."""
        mechanism, space, rest = (arg or "").partition(" ")
        await super().smtp_AUTH(mechanism.upper() + space + rest)

    @syntax("MAIL FROM: <address>", extended=" [SP <mail-parameters>]")
    async def smtp_MAIL(self, arg: str | None) -> None:  # noqa: N802
        """Begin a mail."""
        if await self.check_helo_needed() or await self.check_auth_needed("MAIL"):
            return
        assert self.envelope is not None
        try:
            if self.envelope.mail_from is not None:
                raise RejectedCommand("503 5.5.1 nested MAIL command; send RSET first")
            path, parameters = _parse_path(arg, "FROM:")
            self._apply_parameters(parameters)
        except RejectedCommand as refused:
            await self.push(str(refused))
            return
        await self.push(await self._call_handler_hook("MAIL", path, []))

    @syntax("RCPT TO: <address>", extended=" [SP <mail-parameters>]")
    async def smtp_RCPT(self, arg: str | None) -> None:  # noqa: N802
        """One more recipient."""
        if await self.check_helo_needed() or await self.check_auth_needed("RCPT"):
            return
        assert self.envelope is not None
        try:
            if self.envelope.mail_from is None:
                raise RejectedCommand("503 5.5.1 send MAIL first")
            path, parameters = _parse_path(arg, "TO:")
            for name in parameters:
                raise RejectedCommand(f"555 5.5.4 RCPT parameter {name} is not supported")
        except RejectedCommand as refused:
            await self.push(str(refused))
            return
        if path.lower() == "postmaster":  # needs no domain, and is ours then (RFC 5321 section 4.1.1.3)
            path = f"{path}@{self.hostname}"
        await self.push(await self._call_handler_hook("RCPT", path, []))

    @syntax("DATA")
    async def smtp_DATA(self, arg: str | None) -> None:  # noqa: N802
        """Take one mail in blocks; the library takes it line by line."""
        if await self.check_helo_needed() or await self.check_auth_needed("DATA"):
            return
        assert self.envelope is not None
        if not self.envelope.rcpt_tos or arg:
            await self.push("501 Syntax: DATA" if self.envelope.rcpt_tos else "503 Error: need RCPT command")
            return
        await self.push("354 End data with <CR><LF>.<CR><LF>")
        data = MailData(self.data_size_limit, self.line_length_limit)
        await self._read_mail(data)
        if data.error is not None:
            await self.push(DATA_ERROR_REPLIES[data.error])
            self._set_post_data_state()  # type: ignore[no-untyped-call]
            return
        self.envelope.content = self.envelope.original_content = data.take_content()
        reply = await self._call_handler_hook("DATA")
        self._set_post_data_state()  # type: ignore[no-untyped-call]
        await self.push(reply)

    async def _read_mail(self, data: MailData) -> None:
        while True:
            block = await self._reader.read(MAX_BLOCK_BYTES)
            if not block:
                raise ConnectionResetError("the connection was closed within a mail")
            rest = data.add(block)
            if rest is not None:
                if rest:  # the next command, of a client that does not wait
                    self._reader.feed_data(rest)
                return

    @syntax("VRFY <address>")
    async def smtp_VRFY(self, arg: str | None) -> None:  # noqa: N802
        """Answer VRFY without disclosing which users exist."""
        if await self.check_auth_needed("VRFY"):
            return
        await self.push("252 2.1.5 cannot verify the address" if arg else "501 5.5.4 VRFY needs an address")

    @syntax("STARTTLS", when="tls_context")
    async def smtp_STARTTLS(self, arg: str | None) -> None:  # noqa: N802
        """Encrypt, once."""
        if self._tls_protocol is not None or self.tls_context is None:
            await self.push(
                "503 5.5.1 " + ("TLS is already active" if self._is_encrypted else "STARTTLS is not offered")
            )
            return
        await super().smtp_STARTTLS(arg or "")

    async def smtp_GET(self, _arg: str | None) -> None:  # noqa: N802
        """Close the connection of a browser that a web page has sent here: nothing that follows may be taken for a
        mail.
        """
        await self.push("421 4.7.0 this is an SMTP server, not a web server")
        if self.transport is not None and self._handler_coroutine is not None:
            self._handler_coroutine.cancel()
            self.transport.close()

    smtp_POST = smtp_PUT = smtp_HEAD = smtp_OPTIONS = smtp_CONNECT = smtp_GET  # noqa: N815

    @property
    def _is_encrypted(self) -> bool:
        return self.transport is not None and self.transport.get_extra_info("sslcontext") is not None

    def _apply_parameters(self, parameters: Mapping[str, str | None]) -> None:
        """The parameters of MAIL. Raises RejectedCommand."""
        size = parameters.get("SIZE", "0") or ""
        if not (size.isascii() and size.isdecimal()) or len(size) > 20:
            raise RejectedCommand("501 5.5.4 SIZE must be a number of bytes")
        if self.data_size_limit and int(size) > self.data_size_limit:
            raise RejectedCommand(f"552 5.3.4 the mail is too large: at most {self.data_size_limit} bytes")
        if (parameters.get("BODY", "7BIT") or "").upper() not in BODY_TYPES:
            raise RejectedCommand(f"501 5.5.4 BODY must be {' or '.join(BODY_TYPES)}")
        if parameters.get("SMTPUTF8") is not None:
            raise RejectedCommand("501 5.5.4 SMTPUTF8 takes no value")
        # AUTH= says who vouches for the mail: taken from anybody, believed of nobody (RFC 4954 section 5)
        for name in parameters.keys() - {"SIZE", "BODY", "SMTPUTF8", "AUTH"}:
            raise RejectedCommand(f"555 5.5.4 MAIL parameter {name} is not supported")
        assert self.envelope is not None
        self.envelope.smtp_utf8 = "SMTPUTF8" in parameters
        self.declared_size = int(size)


def _parse_path(arg: str | None, keyword: str) -> tuple[str, dict[str, str | None]]:
    """The path and the parameters, their names in upper case, behind FROM: or TO:. Raises RejectedCommand."""
    if arg is None or arg[: len(keyword)].upper() != keyword or arg.upper() == keyword:
        raise RejectedCommand(f"501 5.5.4 expected {keyword}<address>")
    match = PATH_PATTERN.fullmatch(arg[len(keyword) :].strip(" \t"))
    if match is None:
        raise RejectedCommand("553 5.1.3 invalid address syntax")
    parameters: dict[str, str | None] = {}
    for parameter in match["rest"].split():
        name, equals, value = parameter.partition("=")
        if not PARAMETER_NAME.fullmatch(name) or name.upper() in parameters or (equals and not value):
            raise RejectedCommand("501 5.5.4 malformed parameter")
        parameters[name.upper()] = value if equals else None
    path = match["path"]
    return match["bare"] if path is None else path, parameters
