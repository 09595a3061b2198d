"""A connection to NATS servers for threads: an event loop in a thread of its own, which connects when it is first used
and again after the connection was lost.
"""

import asyncio
import contextlib
import ssl
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import CancelledError, Future
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

import nats.errors
from nats.aio.client import Client, Srv
from nats.js import JetStreamContext

from linkweir.errors import ClickTransportUnavailable
from linkweir.nats_servers import NatsServers

MIN_VERSION: Final = (2, 12)
CONNECT_SECONDS: Final = 5.0
ANSWER_SECONDS: Final = 10.0  # for one operation, also while the servers elect a leader, which takes about four
RECONNECT_SECONDS: Final = 0.5
CLOSE_SECONDS: Final = 5.0
POLL_SECONDS: Final = 0.05  # between looks whether a lost connection is there again
T = TypeVar("T")


@dataclass(frozen=True)
class Session:
    """One connection, from connecting until it is lost for good."""

    connection: Client
    stream: JetStreamContext


Setup = Callable[[Session], Awaitable[None]]


class JetStreamClient:
    """Threads may share it. `setup` is called with each new session, and when another server answers in it; what it
    raises leaves the session unused.
    """

    def __init__(self, servers: NatsServers, ca: Path | None, setup: Setup) -> None:
        self._servers = servers
        self._ca = ca
        self._setup = setup
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._session: Session | None = None
        self._is_set_up = False
        self._connecting: asyncio.Lock | None = None
        self._last_error = ""

    def run(self, work: Callable[[Session], Awaitable[T]], seconds: float = ANSWER_SECONDS) -> T:
        """Return what `work` returns in the loop's thread. Raises ClickTransportUnavailable, and what `work` raises of
        its own.
        """
        future: Future[T] = asyncio.run_coroutine_threadsafe(self._work(work, seconds), self._start_loop())
        try:
            return future.result(2 * seconds)
        except (CancelledError, TimeoutError):
            raise ClickTransportUnavailable("NATS: the connection is being closed") from None

    def close(self) -> None:
        """Close the connection and end the thread; it may be used again."""
        with self._lock:
            loop, thread, self._loop, self._thread = self._loop, self._thread, None, None
        if loop is None or thread is None:
            return
        with contextlib.suppress(TimeoutError):
            asyncio.run_coroutine_threadsafe(self._disconnect(), loop).result(2 * CLOSE_SECONDS)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()

    def _start_loop(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                self._connecting = asyncio.Lock()
                self._thread = threading.Thread(target=self._loop.run_forever, name="linkweir-nats", daemon=True)
                self._thread.start()
            return self._loop

    async def _work(self, work: Callable[[Session], Awaitable[T]], seconds: float) -> T:
        try:
            async with asyncio.timeout(seconds):
                return await work(await self._open_session())
        except TimeoutError:
            reason = f" ({self._last_error})" if self._last_error else ""
            raise ClickTransportUnavailable(f"NATS: no answer within {seconds:.0f} seconds{reason}") from None
        except (nats.errors.Error, OSError) as error:
            raise ClickTransportUnavailable(f"NATS: {describe_error(error)}") from None

    async def _open_session(self) -> Session:
        assert self._connecting is not None
        async with self._connecting:
            if self._session is None or self._session.connection.is_closed:
                self._is_set_up = False
                self._session = await self._connect()
            while self._session.connection.is_reconnecting:  # noqa: ASYNC110 - the library has no event for it
                await asyncio.sleep(POLL_SECONDS)
            if not self._is_set_up:
                self._require_version(self._session.connection)
                await self._setup(self._session)
                self._is_set_up = True
                self._last_error = ""
            return self._session

    async def _connect(self) -> Session:
        connection = _Client()
        tls = any(url.startswith("tls://") for url in self._servers.urls)
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                await connection.connect(
                    list(self._servers.urls),
                    name="linkweir",
                    user=self._servers.user,
                    password=self._servers.password,
                    token=self._servers.token,
                    tls=ssl.create_default_context(cafile=self._ca) if tls else None,
                    connect_timeout=2,
                    reconnect_time_wait=RECONNECT_SECONDS,  # type: ignore[arg-type]  # it only sleeps so long
                    max_reconnect_attempts=2,  # of each server; then the next use connects anew
                    error_cb=self._note_error,
                    reconnected_cb=self._require_setup,
                )
        except nats.errors.NoServersError:
            with contextlib.suppress(Exception):
                await connection.close()
            raise ClickTransportUnavailable(
                f"NATS: no server of {', '.join(self._servers.urls)} takes the connection ({self._last_error})"
            ) from None
        except BaseException:
            with contextlib.suppress(Exception):
                await connection.close()
            raise
        return Session(connection, connection.jetstream(timeout=ANSWER_SECONDS))

    async def _note_error(self, error: Exception) -> None:
        self._last_error = describe_error(error)

    async def _require_setup(self) -> None:
        self._is_set_up = False

    @staticmethod
    def _require_version(connection: Client) -> None:
        version = connection.connected_server_version
        if (version.major, version.minor) < MIN_VERSION:
            wanted = ".".join(map(str, MIN_VERSION))
            raise ClickTransportUnavailable(
                f"NATS: the server is version {version.major}.{version.minor}, and must be {wanted} or newer"
            )

    async def _disconnect(self) -> None:
        if self._session is not None and not self._session.connection.is_closed:
            with contextlib.suppress(nats.errors.Error, OSError, TimeoutError):
                async with asyncio.timeout(CLOSE_SECONDS):
                    await self._session.connection.close()
        self._session = None
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()
        await asyncio.sleep(0)


class _Client(Client):
    """The library's client; it also closes the connection to a server that went away while it was being greeted.

    The library forgets that one when it turns to the next server, and leaves it to the garbage collector.
    """

    async def _connect_to_server(self, s: Srv) -> None:
        if self._transport is not None:
            self._transport.close()  # type: ignore[no-untyped-call]
        await super()._connect_to_server(s)


def describe_error(error: BaseException) -> str:
    """What a library or the system says of it, in one line."""
    text = str(error).removeprefix("nats: ").partition("\n")[0]
    return text or type(error).__name__
