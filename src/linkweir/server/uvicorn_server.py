"""uvicorn, hardened for a public address: clients that connect and then send little or nothing must not exhaust
connections.

uvicorn itself waits for ever for the head of a request, and accepts connections until the process has no file
descriptor left for its journal and its database.
"""

import asyncio
import contextlib
import resource
import socket
import time
from collections.abc import Iterator
from functools import partial
from typing import Any

import uvicorn
from starlette.types import ASGIApp

from linkweir.server.http_protocol import StrictHttpProtocol
from linkweir.server.redirect_protocol import RedirectProtocol
from linkweir.web.redirect import RedirectEndpoint
from linkweir.web.stream_slots import LIVE_STREAM

HEAD_SECONDS = 15.0  # for the head of a request, from the last answer or from the connection on
BODY_SECONDS = 300.0  # for its body, and without a byte of the answer being taken
FIRST_REQUEST_SECONDS = 0.5  # for the head of those who have just connected when the server stops
MAX_CONNECTIONS = 5_000  # at a time in one process; each takes 6 KB and what it has sent of a head
MAX_HEAD_BYTES = 32 * 1024  # bytes; a link has at most some 11,000
DESCRIPTORS_PER_CONNECTION = 2  # at most every other file descriptor is for connections
MAX_DESCRIPTORS = 65_536  # as many as the system lets us have, up to this


def raise_descriptor_limit() -> int:
    """Raise the process's limit of file descriptors as far as allowed, and log it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    target = MAX_DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, MAX_DESCRIPTORS)
    if soft != resource.RLIM_INFINITY and soft < target:
        resource.setrlimit(resource.RLIMIT_NOFILE, (target, hard))
        soft = target
    return MAX_DESCRIPTORS if soft == resource.RLIM_INFINITY else soft


def uvicorn_config(app: ASGIApp, redirect: RedirectEndpoint | None = None) -> uvicorn.Config:
    """Return the configuration of uvicorn. `redirect`: what `app` answers tracking links with, to be called directly
    for the bulk of them.
    """
    protocol: Any = StrictHttpProtocol  # of h11, the one whose heads have a limit
    return uvicorn.Config(
        app,
        lifespan="on",
        http=protocol if redirect is None else partial(RedirectProtocol, redirect=redirect),  # type: ignore[arg-type]
        h11_max_incomplete_event_size=MAX_HEAD_BYTES,
        ws="none",
        log_config=None,  # our own logs; uvicorn's access log would show tokens
        access_log=False,
        proxy_headers=False,  # X-Forwarded-For is ours to judge
        server_header=False,
        timeout_graceful_shutdown=10,
    )


class HardenedServer(uvicorn.Server):
    """Drops connections that are slow over a request, and those that have been longest at it when there are too many.

    `head_seconds` and `body_seconds`: seconds; `max_connections` at a time, 0: what the process may have.
    """

    def __init__(
        self,
        config: uvicorn.Config,
        *,
        head_seconds: float = HEAD_SECONDS,
        body_seconds: float = BODY_SECONDS,
        max_connections: int = 0,
    ) -> None:
        super().__init__(config)
        self._timeouts = {False: head_seconds, True: body_seconds}
        self._max_connections = max_connections or min(
            MAX_CONNECTIONS, raise_descriptor_limit() // DESCRIPTORS_PER_CONNECTION
        )
        # connection: what is waited for, and since when
        self._waiting: dict[Any, tuple[tuple[Any, bool, int], float]] = {}

    def stop(self) -> None:
        """Finish the responses under way, then end. May be called from a signal handler."""
        self.should_exit = True

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals are for whoever runs us: uvicorn would heed them only while it serves, miss SIGHUP, and raise those
        that came once more when it has stopped, which would kill us.
        """
        yield

    async def on_tick(self, counter: int) -> bool:
        """Do what uvicorn does ten times a second, and drop slow connections."""
        self._drop_slow_connections()
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """What uvicorn does, but nobody is cut off who has connected by now: closing a listening socket resets those
        who wait there, and uvicorn closes connections whose first request it has not read yet.
        """
        fresh = [connection for listener in sockets or [] for connection in _accept_pending(listener)]
        for server in self.servers:
            server.close()
        self._end_streams()
        loop = asyncio.get_running_loop()
        for connection in fresh:
            await loop.connect_accepted_socket(self._make_protocol, connection)
        until = time.monotonic() + FIRST_REQUEST_SECONDS
        while any(map(_is_silent, self.server_state.connections)) and time.monotonic() < until:  # noqa: ASYNC110
            await asyncio.sleep(0.01)  # nothing of uvicorn's says that a head has come
        await super().shutdown(sockets)

    def _end_streams(self) -> None:
        """Close the connections of answers that would go on: their clients connect anew, to whoever serves then."""
        for connection in self.server_state.connections:
            cycle: Any = getattr(connection, "cycle", None)
            if LIVE_STREAM in getattr(cycle, "scope", ()) and not cycle.response_complete:  # a redirect has no scope
                connection.transport.close()

    def _make_protocol(self) -> asyncio.Protocol:
        make: Any = self.config.http_protocol_class
        protocol: asyncio.Protocol = make(
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )
        return protocol

    def _drop_slow_connections(self) -> None:
        """Drop connections that exceed their time, however small the pieces that arrive in between."""
        moment, before = time.monotonic(), self._waiting
        self._waiting = {}
        for connection in self.server_state.connections:
            last: Any = getattr(connection, "cycle", None)
            answering = last is not None and not last.response_complete
            sends_body = bool(answering and last.more_body)
            unread = _unsent_bytes(connection) if answering else 0
            if answering and not sends_body and not unread:
                continue  # it waits for us
            state = (last, answering, unread)
            known, since = before.get(connection, (None, 0.0))
            self._waiting[connection] = (state, since if known == state else moment)
        too_many = len(self.server_state.connections) - self._max_connections
        for index, (connection, ((_, answering, _), since)) in enumerate(
            sorted(self._waiting.items(), key=lambda item: item[1][1])
        ):
            if index < too_many or moment - since >= self._timeouts[answering]:
                connection.transport.abort()  # not close: it would wait until the other side has read


def _accept_pending(listener: socket.socket) -> Iterator[socket.socket]:
    """Those that wait to be accepted."""
    with contextlib.suppress(OSError):  # none is left
        while True:
            yield listener.accept()[0]


def _is_silent(connection: Any) -> bool:
    """Whether it never sent a whole head of a request."""
    return getattr(connection, "cycle", None) is None


def _unsent_bytes(connection: Any) -> int:
    """Bytes of the answer that have to be taken before more of it can be sent; 0 when nothing holds it up."""
    return int(connection.transport.get_write_buffer_size()) if connection.flow.write_paused else 0
