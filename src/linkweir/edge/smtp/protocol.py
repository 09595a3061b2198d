"""One SMTP connection, with the bounds that the library leaves to its users (aiosmtpd).

A client that sends no byte is cut off after the idle time, one that drips after the longest time for one mail, and one
that sends a line without end as soon as it has sent more than a mail may have. Who has not signed in has two minutes
for it, and few connections in one network. While too much mail is arriving, more of it is asked to come again: 451
before it has begun, 421 in the middle of it.
"""

import asyncio
import contextlib
import ssl
from collections.abc import Iterator
from typing import Any

from aiosmtpd.smtp import TLSSetupException

from linkweir.edge.client import network_of
from linkweir.edge.memory import Incoming
from linkweir.edge.smtp.commands import Commands

LONGEST_LINE = 1 << 20  # bytes; RFC 5321's 998 are exceeded by real mail
UNLIMITED = 1 << 40
LONGEST_MAIL = 600.0  # seconds for the DATA of one mail
ANSWER = 600.0  # seconds that clients wait for the answer to a mail (RFC 5321 section 4.5.3.2.6)
MAILS = 10_000  # a connection
GOODBYE = 0.1  # seconds that a client has to hear that the service stops
SIGN_IN = 120.0  # seconds; with a word now and then a stranger could hold a place for ever
STRANGERS = 20  # connections at a time that one network may have without having signed in
LINE = 80  # bytes that the library needs to hold one line, beside the line
SLACK = 1 << 20  # bytes after the limit in which the client still gets its proper answer


class Connection(Commands):
    """What aiosmtpd does, bounded; `places` is the server's count of free connections, `incoming` what all share.

    `implicit_tls`: TLS begins before the first word (RFC 8314), in the place of STARTTLS. `trusted`: the other side is
    a mail server of ours, whose mails and lines may have any length.
    """

    def __init__(
        self,
        handler: Any,
        *,
        places: "Places",
        incoming: Incoming,
        idle: float,
        sign_in: bool = False,
        trusted: bool = False,
        implicit_tls: ssl.SSLContext | None = None,
        **options: Any,
    ) -> None:
        self.line_length_limit = UNLIMITED if trusted else LONGEST_LINE
        super().__init__(handler, timeout=idle, auth_require_tls=implicit_tls is None, **options)
        self._auth_required = sign_in
        self._implicit_tls = implicit_tls
        self._handshake: asyncio.Task[None] | None = None
        self._idle = idle
        self._places = places
        self._holds = False
        self.source = ""
        self._receiving: int | None = None
        self._deadline: asyncio.Timeout | None = None
        self._sign_in_by: asyncio.TimerHandle | None = None
        self._held = incoming.hold(alone=trusted)
        self.mails = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take a place, or say that there is none."""
        secured = self._original_transport is not None  # STARTTLS comes here a second time
        if not secured and not self._holds:
            self.source = network(transport.get_extra_info("peername"))
            self._holds = self._places.take(self)
            if not self._holds:
                assert isinstance(transport, asyncio.Transport)
                transport.write(b"421 4.7.0 too many connections, try again later\r\n")
                transport.close()
                return
            if self._auth_required:
                self._sign_in_by = self.loop.call_later(SIGN_IN, self._end_stranger)
            if self._implicit_tls is not None:
                assert isinstance(transport, asyncio.Transport)
                self._handshake = self.loop.create_task(self._encrypt(transport, self._implicit_tls))
                return
        super().connection_made(transport)

    async def _encrypt(self, transport: asyncio.Transport, context: ssl.SSLContext) -> None:
        """TLS first; the connection has its place already, however long that takes."""
        failed, secure = TLSSetupException(), None
        try:
            secure = await self.loop.start_tls(
                transport, self, context, server_side=True, ssl_handshake_timeout=self._idle
            )
        except OSError as error:  # TLS errors are of this kind, and so is the end of the time for it
            failed.__cause__ = error
        if secure is not None:
            super().connection_made(secure)
            return
        await self.handle_exception(failed)
        transport.close()
        self.connection_lost(failed)

    def eof_received(self) -> bool | None:
        """The client goes; some do so in the middle of the handshake."""
        return super().eof_received() if self.session is not None else None

    @property
    def stranger(self) -> bool:
        """Whether it should sign in and has not."""
        return self._auth_required and not (self.session is not None and self.session.authenticated)

    def _end_stranger(self) -> None:
        if self.stranger and self.transport is not None:
            self.transport.close()

    def connection_lost(self, error: Exception | None) -> None:
        """Give the place back."""
        if self._holds:
            self._holds = False
            self._places.give(self)
        if self._sign_in_by is not None:
            self._sign_in_by.cancel()
        if self.session is not None:
            super().connection_lost(error)

    def end(self, *, at_once: bool) -> None:
        """The service stops: say so and close, or close at once."""
        if not isinstance(self.transport, asyncio.Transport):
            return
        if at_once:
            self.transport.abort()
        else:
            self.transport.write(b"421 4.3.2 the service is stopping\r\n")
            self.transport.close()

    def data_received(self, data: bytes) -> None:
        """Within a mail, anything that arrives shows that the client lives; too much of it ends the connection.

        Between mails only a whole command does: one that drips a command gets no more than the idle time.
        """
        if self._receiving is not None:
            self._reset_timeout()
            self._receiving += len(data)
            limit = self.data_size_limit
            too_much = limit is not None and self._receiving > 2 * limit + SLACK
            if too_much and isinstance(self.transport, asyncio.Transport):
                self.transport.write(b"552 5.3.4 the mail is far too large\r\n")
                self.transport.close()
                return
            room = self._held.add(len(data) + LINE * data.count(b"\n"))
            if not room and isinstance(self.transport, asyncio.Transport):
                self.transport.write(b"421 4.3.1 too much mail is arriving, try again later\r\n")
                self.transport.close()
                return
        super().data_received(data)

    async def smtp_DATA(self, arg: str) -> None:  # noqa: N802 - the library's name
        """One mail, within its time."""
        self.mails += 1
        if self.mails > MAILS:
            await self.push("421 4.7.0 that is enough for one connection")
            if self.transport is not None:
                self.transport.close()
            return
        if not self._held.book(2 * self.announced):  # with its lines a mail takes about twice its size
            await self.push("451 4.3.1 too much mail is arriving, try again later")
            return
        self._receiving = 0
        try:
            with self._places.mail():
                async with asyncio.timeout(LONGEST_MAIL) as self._deadline:
                    await super().smtp_DATA(arg)
        except TimeoutError:
            await self.push("421 4.4.2 the mail took too long")
            if self.transport is not None:
                self.transport.close()
        finally:
            self._receiving = self._deadline = None
            self._held.release()
            if self.transport is not None:
                self._reset_timeout()

    def received(self) -> None:
        """The whole mail is here; from now on the client waits for us, and its own clocks do not run."""
        if self._deadline is not None:
            self._deadline.reschedule(self.loop.time() + ANSWER)
        self._reset_timeout(ANSWER)


def network(peer: Any) -> str:
    """What one client can have of addresses; "" for a peer that has none."""
    try:
        return network_of(peer[0].partition("%")[0])
    except (TypeError, LookupError, ValueError):
        return ""


class Places:
    """The connections that a server has at a time, and the mails under way on them."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._taken: set[Connection] = set()
        self._mails = 0
        self._none = asyncio.Event()
        self._none.set()

    def take(self, one: Connection) -> bool:
        """Whether there was a place."""
        if len(self._taken) >= self._limit:
            return False
        if one.stranger and sum(other.stranger and other.source == one.source for other in self._taken) >= STRANGERS:
            return False
        self._taken.add(one)
        return True

    def give(self, one: Connection) -> None:
        """A connection has ended."""
        self._taken.discard(one)

    async def close(self) -> None:
        """End all connections, with a word for those that listen."""
        for at_once in (False, True):
            for one in list(self._taken):
                one.end(at_once=at_once)
            await asyncio.sleep(GOODBYE)

    @contextlib.contextmanager
    def mail(self) -> Iterator[None]:
        """Around a mail, from its first byte until its sender has the answer."""
        self._mails += 1
        self._none.clear()
        try:
            yield
        finally:
            self._mails -= 1
            if not self._mails:
                self._none.set()

    async def answered(self) -> None:
        """Wait until every sender of a mail has its answer."""
        await self._none.wait()
