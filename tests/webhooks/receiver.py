"""A real HTTP receiver for webhooks that can be told to behave badly."""

import json
import socket
import threading
import time
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

from tests.web.running_service import WAIT_SECONDS

Behaviour = str  # ok, fail, hang, drip, redirect, lie, huge, late (ok, but only when told by `go`)


@dataclass(frozen=True, slots=True)
class ReceivedRequest:
    """One request; names of headers in lower case."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body."""
        return json.loads(self.body)


class WebhookReceiver:
    """Listens on loopback; `behaviour` may be changed while it does."""

    def __init__(self, behaviour: Behaviour = "ok") -> None:
        self.behaviour = behaviour
        self.received: list[ReceivedRequest] = []
        self.release = threading.Event()
        self._ended = threading.Event()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            """One connection."""

            def do_POST(self) -> None:
                """Note the request and answer as told."""
                size = int(self.headers["content-length"])
                headers = {name.lower(): value for name, value in self.headers.items()}
                receiver.received.append(ReceivedRequest(self.path, headers, self.rfile.read(size)))
                receiver.respond(self)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/hook"

    def respond(self, handler: BaseHTTPRequestHandler) -> None:
        """As the behaviour says."""
        kind = self.behaviour
        if kind == "hang":
            self._ended.wait(10 * WAIT_SECONDS)
            return
        if kind == "late":
            self.release.wait(10 * WAIT_SECONDS)
        if kind == "redirect":
            handler.send_response(302)
            handler.send_header("Location", self.url + "/elsewhere")
            handler.send_header("Content-Length", "0")
            handler.end_headers()
            return
        if kind == "drip":
            handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
            for _ in range(100):
                if self._ended.wait(0.1):
                    return
                handler.wfile.write(b"X: y\r\n")
            return
        if kind == "lie":  # promises more than it gives
            handler.wfile.write(b"HTTP/1.1 500 Oops\r\nContent-Length: 1000\r\n\r\nx")
            handler.connection.shutdown(socket.SHUT_RDWR)
            return
        handler.send_response(200 if kind in ("ok", "huge", "late") else 500)
        size = 10_000_000 if kind == "huge" else 0
        handler.send_header("Content-Length", str(size))
        handler.end_headers()
        handler.wfile.write(b"x" * size)

    def list_of_type(self, kind: str) -> list[ReceivedRequest]:
        """The requests of one type."""
        return [item for item in self.received if item.json["type"] == f"message.{kind}"]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self.release.set()
        self._server.shutdown()
        self._server.server_close()
        time.sleep(0.05)
