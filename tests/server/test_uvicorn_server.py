"""The server against clients that connect and say little: real sockets on loopback."""

import asyncio
import contextlib
import resource
import socket
import threading
import time
from collections.abc import Iterator

import pytest
from starlette.types import Receive, Scope, Send

from linkweir.server.uvicorn_server import (
    MAX_HEAD_BYTES,
    HardenedServer,
    raise_descriptor_limit,
    uvicorn_config,
)
from tests.web.running_service import WAIT_SECONDS, retry_with_longer_timeouts, wait_until

TIMEOUT_SECONDS = 0.6
PIECE_COUNT, PIECE_BYTES = 200, 100_000  # more than the system holds for a connection
GET_REQUEST = b"GET / HTTP/1.1\r\nHost: a\r\n"


async def slow_app(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers `/slow` after longer than a head may take, `/large` with many bytes, everything else at once."""
    if scope["type"] == "lifespan":
        for done in ("startup", "shutdown"):
            await receive()
            await send({"type": f"lifespan.{done}.complete"})
        return
    if scope["method"] == "POST":
        while (await receive()).get("more_body"):
            pass
    if scope["path"] == "/slow":
        await asyncio.sleep(3 * TIMEOUT_SECONDS)
    if scope["path"] == "/large":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for _ in range(PIECE_COUNT):
            await send({"type": "http.response.body", "body": bytes(PIECE_BYTES), "more_body": True})
        await send({"type": "http.response.body"})
        return
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body"})


@contextlib.contextmanager
def run_server(**limits: float) -> Iterator[tuple[HardenedServer, tuple[str, int]]]:
    """A server in a thread and its address."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = HardenedServer(uvicorn_config(slow_app), **limits)  # type: ignore[arg-type]
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        wait_until(lambda: server.started)
        yield server, listener.getsockname()
    finally:
        server.should_exit = True
        thread.join()


def is_dropped(connection: socket.socket, within: float) -> bool:
    """Does the server end it in that time, without a word?"""
    connection.settimeout(within)
    try:
        return connection.recv(100) == b""
    except ConnectionResetError:
        return True
    except TimeoutError:
        return False


def is_closed(connection: socket.socket) -> bool:
    """Has the server ended it by now?"""
    connection.setblocking(False)
    try:
        return connection.recv(100) == b""
    except ConnectionResetError:
        return True
    except BlockingIOError:
        return False


@pytest.mark.parametrize("said", [b"", b"G", GET_REQUEST])
def test_a_head_must_come_in_time(said: bytes) -> None:
    """Who has not said all of a request's head after some seconds is dropped, even when it says a bit more."""
    with run_server(head_seconds=TIMEOUT_SECONDS) as (_, address), socket.create_connection(address) as connection:
        began = time.monotonic()
        with contextlib.suppress(OSError):
            connection.sendall(said)
            for _ in range(8):
                time.sleep(TIMEOUT_SECONDS / 4)
                connection.sendall(b"X")
        assert is_dropped(connection, WAIT_SECONDS)
        assert time.monotonic() - began >= TIMEOUT_SECONDS


def test_a_second_head_must_come_in_time_too() -> None:
    """A connection that is kept alive gets no more time for its next request than for its first."""
    with run_server(head_seconds=TIMEOUT_SECONDS) as (_, address), socket.create_connection(address) as connection:
        connection.sendall(GET_REQUEST + b"\r\n")
        assert connection.recv(1000).startswith(b"HTTP/1.1 204")
        connection.sendall(b"GET ")
        assert is_dropped(connection, WAIT_SECONDS)


def test_a_slow_answer_is_waited_for() -> None:
    """A request that has come in whole is answered, however long the answer takes."""
    with run_server(head_seconds=TIMEOUT_SECONDS) as (_, address), socket.create_connection(address) as connection:
        connection.sendall(GET_REQUEST.replace(b"/ ", b"/slow ") + b"\r\n")
        connection.settimeout(WAIT_SECONDS)
        assert connection.recv(1000).startswith(b"HTTP/1.1 204")


def test_a_body_must_come_in_time() -> None:
    """Who sends a request's body byte by byte is dropped in the end; one in time is answered."""
    start = GET_REQUEST.replace(b"GET", b"POST") + b"Content-Length: 9\r\n\r\n"

    def work(seconds: float) -> None:
        with (
            run_server(head_seconds=seconds / 2, body_seconds=seconds) as (_, address),
            socket.create_connection(address) as quick,
            socket.create_connection(address) as connection,
        ):
            began = time.monotonic()
            quick.sendall(start)
            connection.sendall(start)
            time.sleep(seconds / 4)
            quick.sendall(b"123456789")
            assert quick.recv(1000).startswith(b"HTTP/1.1 204")
            with contextlib.suppress(OSError):
                for _ in range(5):
                    connection.sendall(b"1")
                    time.sleep(seconds / 4)
            assert is_dropped(connection, WAIT_SECONDS)
            assert time.monotonic() - began >= seconds

    retry_with_longer_timeouts(TIMEOUT_SECONDS, work)


def test_an_answer_must_be_taken() -> None:
    """Who takes nothing of an answer for long is dropped; who takes it slowly, over longer than that, gets it whole."""
    ask = GET_REQUEST.replace(b"/ ", b"/large ") + b"Connection: close\r\n\r\n"

    def work(seconds: float) -> None:
        with run_server(body_seconds=seconds) as (server, address), contextlib.ExitStack() as stack:
            idle, reader = (stack.enter_context(socket.create_connection(address)) for _ in range(2))
            began, got = time.monotonic(), 0
            for connection in (idle, reader):
                connection.sendall(ask)
            while piece := reader.recv(PIECE_BYTES):
                got += len(piece)
                time.sleep(2 * seconds / PIECE_COUNT)
            assert got > PIECE_COUNT * PIECE_BYTES
            assert time.monotonic() - began > seconds
            wait_until(lambda: not server.server_state.connections)

    retry_with_longer_timeouts(TIMEOUT_SECONDS, work)


def test_a_flood_blocks_nobody() -> None:
    """Of too many connections the longest waiting are dropped, so that a new one is answered."""

    def work(_seconds: float) -> None:
        with run_server(max_connections=50) as (_, address), contextlib.ExitStack() as stack:
            busy = stack.enter_context(socket.create_connection(address))
            busy.sendall(GET_REQUEST.replace(b"/ ", b"/slow ") + b"\r\n")
            flood = [stack.enter_context(socket.create_connection(address)) for _ in range(300)]
            wait_until(lambda: sum(map(is_closed, flood)) >= 250)  # which of those that came in one moment is open
            late = stack.enter_context(socket.create_connection(address))
            assert not is_dropped(late, 0.5)
            for path in (GET_REQUEST, GET_REQUEST):
                with socket.create_connection(address) as connection:
                    connection.sendall(path + b"\r\n")
                    assert connection.recv(1000).startswith(b"HTTP/1.1 204")
            busy.settimeout(WAIT_SECONDS)
            assert busy.recv(1000).startswith(b"HTTP/1.1 204")  # whoever is being answered is not among the dropped

    retry_with_longer_timeouts(TIMEOUT_SECONDS, work)


def test_a_head_has_a_limit() -> None:
    """A head that goes on for ever is refused when it reaches the limit, and held in memory no further."""
    with run_server() as (_, address), socket.create_connection(address) as connection:
        connection.sendall(GET_REQUEST + b"X-A: " + b"a" * MAX_HEAD_BYTES)
        connection.settimeout(WAIT_SECONDS)
        assert connection.recv(1000).startswith(b"HTTP/1.1 400")


def test_connections_leave_descriptors_for_the_rest() -> None:
    """The limit of file descriptors is raised as far as the system allows, and connections get half of it at most."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
        result = raise_descriptor_limit()
        assert result == resource.getrlimit(resource.RLIMIT_NOFILE)[0] > 256
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
