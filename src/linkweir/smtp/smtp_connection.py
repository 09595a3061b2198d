"""One SMTP connection, with the limits that the library leaves to its users (aiosmtpd).

A client that sends no byte is cut off after the idle time, one that drips after the longest time for one mail, and one
that sends an endless line as soon as it has sent more than a mail may have. A client that has not signed in has two
minutes for it, and few connections per network. While too much mail is arriving, more is refused temporarily: 451
before it has begun, 421 in the middle of it.
"""

import asyncio
import contextlib
import ssl
from collections.abc import Iterator
from typing import Any

from aiosmtpd.smtp import TLSSetupException

from linkweir.accounts.sign_in_limiter import rate_limit_network
from linkweir.smtp.commands import SmtpCommands
from linkweir.web.memory_budget import MemoryBudget

MAX_LINE_BYTES = 1 << 20  # bytes; RFC 5321's 998 are exceeded by real mail
UNLIMITED_BYTES = 1 << 40
MAX_MAIL_SECONDS = 600.0  # seconds for the DATA of one mail
REPLY_SECONDS = 600.0  # seconds that clients wait for the answer to a mail (RFC 5321 section 4.5.3.2.6)
MAX_MAILS = 10_000  # a connection
SHUTDOWN_GRACE_SECONDS = 0.1  # seconds that a client has to hear that the service stops
AUTH_TIMEOUT_SECONDS = 120.0  # seconds; with a word now and then a stranger could hold a place for ever
MAX_UNAUTHENTICATED = 20  # connections at a time that one network may have without having signed in
MEMORY_FACTOR = 2  # times its size that a mail takes while it arrives and is put together
LIMIT_SLACK_BYTES = 1 << 20  # bytes after the limit in which the client still gets its proper answer


class SmtpConnection(SmtpCommands):
    """aiosmtpd's protocol, bounded; `limits` counts the server's free connections, `memory_budget` is shared by all.

    `implicit_tls`: TLS begins before the first reply (RFC 8314), instead of STARTTLS. `trusted`: the client is a mail
    server of this operator, whose mails and lines may have any length.
    """

    def __init__(
        self,
        handler: Any,
        *,
        limits: "ConnectionLimits",
        memory_budget: MemoryBudget,
        idle_seconds: float,
        auth_required: bool = False,
        trusted: bool = False,
        implicit_tls: ssl.SSLContext | None = None,
        **options: Any,
    ) -> None:
        self.line_length_limit = UNLIMITED_BYTES if trusted else MAX_LINE_BYTES
        super().__init__(handler, timeout=idle_seconds, auth_require_tls=implicit_tls is None, **options)
        self._auth_required = auth_required
        self._implicit_tls = implicit_tls
        self._handshake: asyncio.Task[None] | None = None
        self._idle_seconds = idle_seconds
        self._limits = limits
        self._is_admitted = False
        self.network = ""
        self._received_bytes: int | None = None
        self._deadline: asyncio.Timeout | None = None
        self._auth_timer: asyncio.TimerHandle | None = None
        self._reservation = memory_budget.reserve(unlimited_if_idle=trusted)
        self.mail_count = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Reserve a connection, or answer that none is free."""
        secured = self._original_transport is not None  # STARTTLS comes here a second time
        if not secured and not self._is_admitted:
            self.network = peer_network(transport.get_extra_info("peername"))
            self._is_admitted = self._limits.admit(self)
            if not self._is_admitted:
                assert isinstance(transport, asyncio.Transport)
                transport.write(b"421 4.7.0 too many connections, try again later\r\n")
                transport.close()
                return
            if self._auth_required:
                self._auth_timer = self.loop.call_later(AUTH_TIMEOUT_SECONDS, self._close_unauthenticated)
            if self._implicit_tls is not None:
                assert isinstance(transport, asyncio.Transport)
                self._handshake = self.loop.create_task(self._start_implicit_tls(transport, self._implicit_tls))
                return
        super().connection_made(transport)

    async def _start_implicit_tls(self, transport: asyncio.Transport, context: ssl.SSLContext) -> None:
        """Begin TLS; the connection is reserved already, however long that takes."""
        failed, secure = TLSSetupException(), None
        try:
            secure = await self.loop.start_tls(
                transport, self, context, server_side=True, ssl_handshake_timeout=self._idle_seconds
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
        """Handle the end of the connection; some clients leave in the middle of the handshake."""
        return super().eof_received() if self.session is not None else None

    @property
    def is_unauthenticated(self) -> bool:
        """Whether it should sign in and has not."""
        return self._auth_required and not (self.session is not None and self.session.authenticated)

    def _close_unauthenticated(self) -> None:
        if self.is_unauthenticated and self.transport is not None:
            self.transport.close()

    def connection_lost(self, error: Exception | None) -> None:
        """Release the connection."""
        if self._is_admitted:
            self._is_admitted = False
            self._limits.release(self)
        if self._auth_timer is not None:
            self._auth_timer.cancel()
        if self.session is not None:
            super().connection_lost(error)

    def shut_down(self, *, immediately: bool) -> None:
        """Answer that the service stops and close, or close at once."""
        if not isinstance(self.transport, asyncio.Transport):
            return
        if immediately:
            self.transport.abort()
        else:
            self.transport.write(b"421 4.3.2 the service is stopping\r\n")
            self.transport.close()

    def data_received(self, data: bytes) -> None:
        """Within a mail, anything that arrives shows that the client lives; too much of it ends the connection.

        Between mails only a whole command does: one that drips a command gets no more than the idle time.
        """
        if self._received_bytes is not None:
            self._reset_timeout()
            self._received_bytes += len(data)
            limit = self.data_size_limit
            too_much = limit is not None and self._received_bytes > 2 * limit + LIMIT_SLACK_BYTES
            if too_much and isinstance(self.transport, asyncio.Transport):
                self.transport.write(b"552 5.3.4 the mail is too large\r\n")
                self.transport.close()
                return
            room = self._reservation.add(MEMORY_FACTOR * len(data))
            if not room and isinstance(self.transport, asyncio.Transport):
                self.transport.write(b"421 4.3.1 too much mail is arriving, try again later\r\n")
                self.transport.close()
                return
        super().data_received(data)

    async def smtp_DATA(self, arg: str | None) -> None:  # noqa: N802 - the library's name
        """One mail, within its time."""
        self.mail_count += 1
        if self.mail_count > MAX_MAILS:
            await self.push("421 4.7.0 too many messages in one connection")
            if self.transport is not None:
                self.transport.close()
            return
        if not self._reservation.grow_to(MEMORY_FACTOR * self.declared_size):
            await self.push("451 4.3.1 too much mail is arriving, try again later")
            return
        self._received_bytes = 0
        try:
            with self._limits.track_mail():
                async with asyncio.timeout(MAX_MAIL_SECONDS) as self._deadline:
                    await super().smtp_DATA(arg)
        except TimeoutError:
            await self.push("421 4.4.2 the mail took too long")
            if self.transport is not None:
                self.transport.close()
        finally:
            self._received_bytes = self._deadline = None
            self._reservation.release()
            if self.transport is not None:
                self._reset_timeout()

    def start_reply_timer(self) -> None:
        """The whole mail is here; from now on the client waits for us, and its own clocks do not run."""
        if self._deadline is not None:
            self._deadline.reschedule(self.loop.time() + REPLY_SECONDS)
        self._reset_timeout(REPLY_SECONDS)


def peer_network(peer: Any) -> str:
    """Return the network that one client controls; "" for a peer without an address."""
    try:
        return rate_limit_network(peer[0].partition("%")[0])
    except (TypeError, LookupError, ValueError):
        return ""


class ConnectionLimits:
    """Limits of a server's connections, and the mails under way on them."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._connections: set[SmtpConnection] = set()
        self._open_mails = 0
        self._no_mails = asyncio.Event()
        self._no_mails.set()

    def admit(self, connection: SmtpConnection) -> bool:
        """Reserve a connection; False when none is free."""
        if len(self._connections) >= self._limit:
            return False
        if (
            connection.is_unauthenticated
            and sum(other.is_unauthenticated and other.network == connection.network for other in self._connections)
            >= MAX_UNAUTHENTICATED
        ):
            return False
        self._connections.add(connection)
        return True

    def release(self, connection: SmtpConnection) -> None:
        """A connection has ended."""
        self._connections.discard(connection)

    async def close(self) -> None:
        """End all connections, with a word for those that listen."""
        for at_once in (False, True):
            for connection in list(self._connections):
                connection.shut_down(immediately=at_once)
            await asyncio.sleep(SHUTDOWN_GRACE_SECONDS)

    @contextlib.contextmanager
    def track_mail(self) -> Iterator[None]:
        """Around a mail, from its first byte until its sender has the answer."""
        self._open_mails += 1
        self._no_mails.clear()
        try:
            yield
        finally:
            self._open_mails -= 1
            if not self._open_mails:
                self._no_mails.set()

    async def wait_for_replies(self) -> None:
        """Wait until every sender of a mail has its answer."""
        await self._no_mails.wait()
