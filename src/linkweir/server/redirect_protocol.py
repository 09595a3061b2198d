"""Answers plain requests for tracking links on the connection itself, without HTTP library, middleware and routing.

A request is plain when `linkweir._http` reads its head and its path is that of a link. Every other byte goes to the
protocol that this one extends, in the order in which it came; so heads that are large, slow or not whole, idle
connections and the end of the server are judged there alone. Knows nothing of links and clicks: the answer is the
endpoint's, which the application calls for all other requests.
"""

import asyncio
from typing import Any

import h11
from starlette.types import Scope
from uvicorn.protocols.http.h11_impl import STATUS_PHRASES

from linkweir._http import MAX_HEAD_BYTES, parse_request_head
from linkweir.clicks.journal.interface import AppendResult
from linkweir.server.http_protocol import StrictHttpProtocol
from linkweir.web.redirect import RedirectDecision, RedirectEndpoint
from linkweir.web.redirect_responses import AsgiResponse, HeaderList

STATUS_LINES = {status: b"HTTP/1.1 %d %b\r\n" % (status, phrase) for status, phrase in STATUS_PHRASES.items()}


class RedirectCycle:
    """A request that is answered here: what uvicorn and the server's limits look at meanwhile and afterwards."""

    __slots__ = ("closes", "decision", "disconnected", "is_head", "keep_alive", "response_complete", "task")
    more_body = False
    message_event = asyncio.Event()  # uvicorn sets it; nobody waits for it

    def __init__(self, *, is_head: bool, closes: bool) -> None:
        self.is_head = is_head
        self.closes = closes
        self.keep_alive = not closes
        self.disconnected = self.response_complete = False
        self.decision: RedirectDecision | None = None
        self.task: asyncio.Task[None] | None = None  # the loop alone would not keep it


class RedirectProtocol(StrictHttpProtocol):
    """The ordinary protocol, with a shorter way for tracking links.

    That way is open between two requests only, when the ordinary one holds no byte of the next, and one request at a
    time takes it: pipelined ones wait, unread, as they do there.
    """

    def __init__(self, *args: Any, redirect: RedirectEndpoint, **options: Any) -> None:
        super().__init__(*args, **options)
        self._redirect = redirect
        self._answering = False
        self._is_untouched = True  # the ordinary protocol has been handed no byte
        self._idle_until = 0.0  # on the loop's clock, when the connection is closed; 0: something came since
        self._idle_timer: asyncio.TimerHandle | None = None
        self._default_headers: HeaderList | None = None
        self._default_lines = b""

    def connection_lost(self, exc: Exception | None) -> None:
        """As the ordinary one does."""
        if self._idle_timer is not None:
            self._idle_timer.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Answer a plain request for a link; hand on everything else."""
        self._idle_until = 0.0
        if self._answering:
            self._received += data
            self.transport.pause_reading()
            return
        taken = 0 if self._received else self._take_request(data)
        if not taken:
            super().data_received(data)
        elif taken < len(data):
            self._received += data[taken:]
            self.transport.pause_reading()

    @property
    def has_more(self) -> bool:
        """Whether there is anything to be read now."""
        return not self._answering and super().has_more

    def read_chunk(self) -> None:
        """Read the next request, or as much as takes about a millisecond."""
        if self._answering:
            return
        self._idle_until = 0.0
        if taken := self._take_request(bytes(self._received[:MAX_HEAD_BYTES])) if self._is_between_requests() else 0:
            del self._received[:taken]
            if not self._received:
                self.transport.resume_reading()
        else:
            self._is_untouched = False
            super().read_chunk()

    def _is_between_requests(self) -> bool:
        flow, cycle = self.flow, self.cycle
        return (
            (cycle is None or cycle.response_complete)
            and not flow.read_paused
            and not flow.write_paused
            and not self.transport.is_closing()
            and (self._is_untouched or self._is_ordinary_idle())
        )

    def _is_ordinary_idle(self) -> bool:
        connection = self.conn
        return (
            connection.their_state is h11.IDLE
            and connection.our_state is h11.IDLE
            and not len(connection._receive_buffer)
        )

    def _take_request(self, data: bytes) -> int:
        """Begin to answer the request that the data begins with; its length, 0 for one that is not answered here."""
        head = parse_request_head(data) if self._is_between_requests() else None
        if head is None:
            return 0
        method, path, http_version, fields, closes, length = head
        if closes and length < len(data):
            return 0  # nothing may follow
        scope: Scope = {
            "type": "http",
            "method": method,
            "path": path,
            "http_version": http_version,
            "headers": fields,
            "client": self.client,
        }
        if not (self._redirect.running and self._redirect.matches(scope)):
            return 0
        if not self._is_untouched:
            self._unset_keepalive_if_required()
        self._answering = True
        self.cycle = cycle = RedirectCycle(is_head=method == "HEAD", closes=closes)  # type: ignore[assignment]
        cycle.decision = decision = self._redirect.begin(scope)
        if decision is not None and isinstance(decision.appended, asyncio.Future):
            decision.appended.add_done_callback(self._on_appended)
        else:
            cycle.task = self.loop.create_task(self._respond(cycle, scope))
        return length

    def _on_appended(self, appended: asyncio.Future[AppendResult]) -> None:
        cycle: Any = self.cycle
        try:
            self._send(cycle, self._redirect.finish_appended(cycle.decision, appended))
        except BaseException:  # nobody else would end a connection that still seems to be answered
            self.transport.close()
            raise

    async def _respond(self, cycle: RedirectCycle, scope: Scope) -> None:
        """Answer what has to wait for more than a future of the journal, or for nothing."""
        try:
            self._send(cycle, await self._redirect.respond(scope, cycle.decision))
        except BaseException:
            self.transport.close()
            raise

    def _send(self, cycle: RedirectCycle, response: AsgiResponse) -> None:
        """Write the response as uvicorn does with h11, and go on with the next request."""
        self._answering = False
        if cycle.disconnected:
            return
        head = b"".join(
            (
                self._status_and_date(response.status),
                response.field_lines,
                b"Connection: close\r\n\r\n" if cycle.closes else b"\r\n",
                b"" if cycle.is_head else response.body,
            )
        )
        self.transport.write(head)
        cycle.response_complete = True
        self.server_state.total_requests += 1
        if not cycle.keep_alive:
            self.transport.close()
        if self.transport.is_closing():
            return
        self._idle_until = self.loop.time() + self.timeout_keep_alive
        if self._idle_timer is None:  # one timer for many requests: it looks again when it is too early
            self._idle_timer = self.loop.call_at(self._idle_until, self._close_when_idle)
        if self._received:
            self._resume()

    def _status_and_date(self, status: int) -> bytes:
        """The first lines; uvicorn makes a new list of default headers each second."""
        headers = self.server_state.default_headers
        if headers is not self._default_headers:
            self._default_headers = headers
            self._default_lines = b"".join(b"%b: %b\r\n" % field for field in headers)
        return STATUS_LINES[status] + self._default_lines

    def _close_when_idle(self) -> None:
        self._idle_timer = None
        if self._idle_until > self.loop.time():
            self._idle_timer = self.loop.call_at(self._idle_until, self._close_when_idle)
        elif self._idle_until:
            self.timeout_keep_alive_handler()
