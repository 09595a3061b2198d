"""Tracking links answered on the connection itself: the same bytes and clicks as through the application, and the same
limits.
"""

import asyncio
import contextlib
import re
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import asdict
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

from linkweir._http import parse_request_head
from linkweir.clicks.click_event import ClickEvent
from linkweir.clicks.journal.interface import AppendResult
from linkweir.db import blocklist_table
from linkweir.server import redirect_protocol
from linkweir.server.uvicorn_server import HardenedServer
from linkweir.tokens import PIXEL_INDEX, Privacy, Tracker
from linkweir.web.redirect import RedirectEndpoint
from tests.server.odd_requests import LAST_REQUEST, Pieces, generate
from tests.web.running_service import WAIT_SECONDS, RunningService, UvicornThread, wait_until

REQUESTS = 1000
DESTINATION = "https://example.com/landing?a=1"
DATE = re.compile(rb"(?im)^date: [^\r]*")


class ProtocolPair:
    """One service on two ports, of which `direct` answers links itself and `ordinary` never does."""

    def __init__(self, data: Path, **settings: Any) -> None:
        self.service = RunningService(data, **settings)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.direct = self.service.settings.port
        self.ordinary: int = self._listener.getsockname()[1]
        self.events: list[ClickEvent] = []
        self.begun = 0

    def __enter__(self) -> "ProtocolPair":
        self._exits = contextlib.ExitStack()
        self._exits.enter_context(self.service)
        self._exits.enter_context(UvicornThread(self.service.app, self._listener))
        journal = self.service.components.local_journal
        append = journal.append

        def record(event: ClickEvent) -> asyncio.Future[AppendResult]:
            self.events.append(event)
            return append(event)

        journal.append = record  # type: ignore[method-assign]
        begin = RedirectEndpoint.begin
        patches = pytest.MonkeyPatch()
        self._exits.callback(patches.undo)

        def count_begun(endpoint: RedirectEndpoint, scope: Any) -> Any:
            self.begun += 1
            return begin(endpoint, scope)

        patches.setattr(RedirectEndpoint, "begin", count_begun)
        return self

    def __exit__(self, *_: object) -> None:
        self._exits.close()

    def exchange(self, port: int, pieces: Pieces) -> tuple[bytes, list[dict[str, Any]], dict[Any, int]]:
        """What comes back, without dates; the events recorded, without ids and times; the figures of the metrics."""
        results = self.service.components.metrics.redirects.results
        for sent in (pieces, pieces, *[(b"".join(pieces),)] * 5):  # in one piece, when the end is faster than the rest
            self.events.clear()
            results.clear()
            self.begun = 0
            answer = send_pieces(port, sent)
            wait_until(lambda: sum(results.values()) == self.begun)  # one that was refused later may still go on
            if answer is not None:
                events = [{**asdict(event), "id": None, "at": None} for event in self.events]
                return DATE.sub(b"date: -", answer), events, dict(results)
        raise AssertionError(f"the connection was reset each time: {pieces!r}")

    @property
    def server(self) -> HardenedServer:
        """The server of `direct`."""
        return self.service._running._server

    def mint(self, index: int = 4, **who: Any) -> str:
        """A token to DESTINATION."""
        tracker = Tracker(self.service.components.keyring, "http://x/c/", **{"message": 7, **who})
        return tracker.mint(DESTINATION, index).rpartition("/")[2]


@pytest.fixture
def protocols(tmp_path: Path) -> Iterator[ProtocolPair]:
    """The two protocols behind a proxy that is trusted."""
    with ProtocolPair(tmp_path / "data", trusted_proxies=(ip_network("127.0.0.0/8"),), journal_facts=50_000) as running:
        yield running


def send_pieces(port: int, pieces: Pieces) -> bytes | None:
    """All that comes back until the connection ends; None when its end destroyed the answer on the way."""
    with contextlib.suppress(ConnectionError), socket.create_connection(("127.0.0.1", port)) as connection:
        connection.settimeout(WAIT_SECONDS)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for number, piece in enumerate(pieces):
            if number:
                time.sleep(0.0005)
            connection.sendall(piece)
        answer = b""
        while part := connection.recv(65536):
            answer += part
        return answer
    return None


def test_both_protocols_give_the_same(protocols: ProtocolPair, monkeypatch: pytest.MonkeyPatch) -> None:
    """A thousand plain and odd requests have the same answers, clicks and metrics on both, and both are taken."""
    heads: list[Any] = []

    def parse(data: bytes) -> Any:
        heads.append(parse_request_head(data))
        return heads[-1]

    monkeypatch.setattr(redirect_protocol, "parse_request_head", parse)
    others = [
        *(
            protocols.mint(privacy=Privacy.ANONYMOUS),
            protocols.mint(privacy=Privacy.PSEUDONYMOUS),
            protocols.mint(PIXEL_INDEX),
        ),
        *(protocols.mint(style="short"), protocols.mint(message="text"), "A" * 60),
    ]
    requests = list(generate(protocols.mint(), others, REQUESTS, seed=1))
    assert len(requests) >= REQUESTS
    for pieces in requests:
        assert protocols.exchange(protocols.direct, pieces) == protocols.exchange(protocols.ordinary, pieces), pieces
    assert sum(head is not None for head in heads) > REQUESTS // 3
    assert sum(head is None for head in heads) > REQUESTS // 10


@pytest.mark.parametrize("kind", ["host", "destination"])
def test_blocked_links(protocols: ProtocolPair, kind: Any) -> None:
    """A blocked destination is answered with the same page on both protocols, and nothing is recorded."""
    value = {"host": "example.com", "destination": DESTINATION}[kind]
    with protocols.service.components.database.write() as connection:
        blocklist_table.add(connection, kind, value, "phishing", 1)
    protocols.service.components.link_policy.refresh()
    request = (f"GET /c/{protocols.mint()} HTTP/1.1\r\nHost: a\r\n\r\n".encode() + LAST_REQUEST,)
    direct, ordinary = protocols.exchange(protocols.direct, request), protocols.exchange(protocols.ordinary, request)
    assert direct == ordinary
    assert direct[0].startswith(b"HTTP/1.1 410 Gone\r\n")
    assert direct[1] == []


@pytest.mark.parametrize("outcome", ["kept", "late", "lost", "bug"])
def test_the_answer_waits_for_the_journal(protocols: ProtocolPair, outcome: Any) -> None:
    """Nothing is sent before the journal has said what became of the click; then the reader is sent on in any case.

    Meanwhile the connection is not an idle one, whether the request came alone or behind another.
    """
    protocols.server.config.timeout_keep_alive = 0.1  # type: ignore[assignment]
    appended: list[asyncio.Future[Any]] = []

    def append(_event: ClickEvent) -> asyncio.Future[Any]:
        appended.append(asyncio.get_running_loop().create_future())
        return appended[-1]

    protocols.service.components.local_journal.append = append  # type: ignore[method-assign,assignment]
    with socket.create_connection(("127.0.0.1", protocols.direct)) as connection:
        connection.sendall(f"GET /c/{protocols.mint()} HTTP/1.1\r\nHost: a\r\n\r\n".encode() * 2)
        for number in range(2):
            wait_until(lambda number=number: len(appended) == number + 1)
            connection.settimeout(0.2)
            with pytest.raises(TimeoutError):
                connection.recv(1)
            connection.settimeout(WAIT_SECONDS)
            future = appended[number]
            future.get_loop().call_soon_threadsafe(
                *((future.set_exception, OSError("bug")) if outcome == "bug" else (future.set_result, outcome))
            )
            assert connection.recv(4096).startswith(b"HTTP/1.1 302 Found\r\n")
    assert protocols.service.read_metric("linkweir_clicks_late_total") == (2 if outcome == "late" else 0)
    assert protocols.service.components.metrics.unrecorded_clicks == (2 if outcome == "bug" else 0)


def test_a_bug_in_the_endpoint_is_a_page(protocols: ProtocolPair, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever goes wrong with an answer, the reader sees the same page on both, and the connection lives on."""
    monkeypatch.setattr(RedirectEndpoint, "_decide", lambda *_: 1 / 0)
    request = (f"GET /c/{protocols.mint()} HTTP/1.1\r\nHost: a\r\n\r\n".encode() + LAST_REQUEST,)
    direct, ordinary = protocols.exchange(protocols.direct, request), protocols.exchange(protocols.ordinary, request)
    assert direct == ordinary
    assert direct[0].startswith(b"HTTP/1.1 503 ")
    assert direct[0].count(b"HTTP/1.1 200") == 1


def test_idle_connections_are_closed(protocols: ProtocolPair) -> None:
    """A connection that is kept alive ends some seconds after its last answer, and not before."""
    request = f"GET /c/{protocols.mint()} HTTP/1.1\r\nHost: a\r\n\r\n".encode()
    with socket.create_connection(("127.0.0.1", protocols.direct)) as connection:
        connection.settimeout(WAIT_SECONDS)
        for _ in range(3):
            time.sleep(2)  # together longer than one wait
            connection.sendall(request)
            assert connection.recv(4096).startswith(b"HTTP/1.1 302")
        began = time.monotonic()
        assert connection.recv(4096) == b""
        assert time.monotonic() - began > 4


def test_busy_connections_are_not_slow_ones(protocols: ProtocolPair, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each answer gives a connection its time for a head anew; a head that does not come in time ends it."""
    monkeypatch.setattr(protocols.server, "_timeouts", {False: 1.0, True: 1.0})
    request = f"GET /c/{protocols.mint()} HTTP/1.1\r\nHost: a\r\n\r\n".encode()
    with socket.create_connection(("127.0.0.1", protocols.direct)) as connection:
        connection.settimeout(WAIT_SECONDS)
        for _ in range(6):
            time.sleep(0.4)
            connection.sendall(request)
            assert connection.recv(4096).startswith(b"HTTP/1.1 302")
        connection.sendall(request[:20])
        with contextlib.suppress(ConnectionResetError):
            assert connection.recv(4096) == b""


def test_a_stop_waits_for_the_answer(tmp_path: Path) -> None:
    """A server that stops while a click is on its way to the disk sends the reader on, and then ends the connection."""
    with ProtocolPair(tmp_path / "data") as protocols:
        appended: list[asyncio.Future[Any]] = []

        def append(_event: ClickEvent) -> asyncio.Future[Any]:
            appended.append(asyncio.get_running_loop().create_future())
            return appended[-1]

        protocols.service.components.local_journal.append = append  # type: ignore[method-assign,assignment]
        with socket.create_connection(("127.0.0.1", protocols.direct)) as connection:
            connection.settimeout(WAIT_SECONDS)
            connection.sendall(f"GET /c/{protocols.mint()} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
            wait_until(lambda: len(appended) == 1)
            protocols.server.stop()
            time.sleep(0.5)
            appended[0].get_loop().call_soon_threadsafe(appended[0].set_result, "kept")
            assert connection.recv(4096).startswith(b"HTTP/1.1 302")
            assert connection.recv(4096) == b""


def test_who_takes_no_answer_gets_no_other(protocols: ProtocolPair) -> None:
    """Of requests that are sent without reading a response, as many are answered as fill the buffers; when they are
    read, all are.
    """
    total = 2000
    protocols.service._listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 8192)
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
        connection.connect(("127.0.0.1", protocols.direct))
        head = f"GET /c/{protocols.mint()} HTTP/1.1\r\nHost: a\r\n\r\n".encode()
        sending = threading.Thread(target=connection.sendall, args=[head * total])
        sending.start()
        wait_until(lambda: any(one.flow.write_paused for one in protocols.server.server_state.connections))  # type: ignore[union-attr]
        begun = 0
        while begun != protocols.begun:  # whoever goes on shows it at every moment
            begun = protocols.begun
            time.sleep(0.5)
        assert begun < total // 2
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        connection.settimeout(WAIT_SECONDS)
        answers, part = 0, b""
        while answers < total:
            part += connection.recv(65536)
            answers += part.count(b"302 Found")
            part = part[-8:] if not part.endswith(b"302 Found") else b""
        sending.join()
    assert (answers, protocols.begun) == (total, total)
