"""`linkweir webhooks listen`: a small receiver that verifies what a service sends and prints it, for trying out."""

import argparse
import json
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from linkweir.cli.shared_options import SubcommandParsers, UsageError, add_command, parse_positive_int
from linkweir.errors import InvalidSignature
from linkweir.terminal.text import display_path
from linkweir.webhooks import signing
from linkweir.webhooks.event_kinds import EVENT_KINDS

_MAX_BODY_BYTES = 1 << 20  # bytes of one request
_READ_TIMEOUT_SECONDS = 10.0  # seconds that a sender may be silent
_EXAMPLES = """\
  linkweir webhooks listen --secret aha-whsec-...
  linkweir webhooks listen --port 9000 --secret-file webhook.secret --json

For requests to this machine, start the service with LINKWEIR_WEBHOOK_NETWORKS=127.0.0.0/8

events:
""" + "".join(f"  {f'message.{kind.name}':<24} {kind.description}\n" for kind in EVENT_KINDS)


def add_to(commands: SubcommandParsers) -> None:
    """Add this sub-command, which has one of its own, to the parser."""
    parser = add_command(
        commands,
        "webhooks",
        summary="receive webhook requests on this machine, for testing",
        description="Test webhooks on this machine.",
        examples=_EXAMPLES,
    )
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    listen = add_command(
        actions,
        "listen",
        summary="receive requests, verify and print their events",
        description="Receive webhook requests, verify their signatures and timestamps, and print each event. "
        "Other requests get 401 and are reported. Stop with Ctrl-C.",
        examples=_EXAMPLES,
    )
    listen.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    listen.add_argument(
        "--port", type=int, default=9000, help="port to listen on; 0: a free port (default: %(default)s)"
    )
    secret = listen.add_mutually_exclusive_group(required=True)
    secret.add_argument("--secret", help="the webhook's secret, including its prefix aha-whsec-")
    secret.add_argument("--secret-file", type=Path, metavar="FILE", help="file with the secret, to hide it from `ps`")
    listen.add_argument("--count", type=parse_positive_int, metavar="N", help="stop after N verified events")
    listen.add_argument("--json", action="store_true", help="print each event as one line of JSON")
    listen.set_defaults(run=run_listen)


def run_listen(args: argparse.Namespace) -> int:
    """Serve until interrupted, or until `--count` events have come."""
    text = args.secret if args.secret is not None else args.secret_file.read_text("utf-8").strip()
    if not text:
        raise UsageError("the secret is empty")
    if not 0 <= args.port <= 65535:
        raise UsageError(f"--port {args.port}: must be a number from 0 to 65535")
    with _WebhookServer((args.host, args.port), text.encode(), as_json=args.json, limit=args.count) as server:
        host, port = server.server_address[:2]
        print(f"linkweir: waiting for events at http://{host!s}:{port}/ (Ctrl-C ends)", file=sys.stderr, flush=True)
        server.serve_forever(poll_interval=0.1)
    return 0


class _WebhookServer(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address: tuple[str, int], secret: bytes, *, as_json: bool, limit: int | None) -> None:
        super().__init__(address, _WebhookRequestHandler)
        self._secret = secret
        self._as_json = as_json
        self._remaining = limit
        self._seen_ids: dict[str, None] = {}
        self._lock = threading.Lock()

    def receive(self, headers: dict[str, str], body: bytes) -> None:
        """Print a request that verifies. Raises InvalidSignature, also for a body that is no event."""
        request_id = signing.verify(self._secret, headers, body, time.time())
        try:
            event = json.loads(body)
            line = body.decode() if self._as_json else _format_event(event)
        except (ValueError, AttributeError, TypeError):
            raise InvalidSignature("the signed body is not an event") from None
        with self._lock:
            again = request_id in self._seen_ids
            self._seen_ids[request_id] = None
            if len(self._seen_ids) > 10_000:
                del self._seen_ids[next(iter(self._seen_ids))]
            print(line + (f"  (again: {request_id})" if again and not self._as_json else ""), flush=True)
            if self._remaining is not None:
                self._remaining -= 1
                if self._remaining == 0:
                    threading.Thread(target=self.shutdown, daemon=True).start()


class _WebhookRequestHandler(BaseHTTPRequestHandler):
    server: _WebhookServer
    timeout = _READ_TIMEOUT_SECONDS
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        """One request of a webhook."""
        length = self.headers.get("content-length", "")
        if not (length.isascii() and length.isdigit() and int(length) <= _MAX_BODY_BYTES):
            self.close_connection = True
            self._respond(413 if length.isdigit() else 411)
            return
        body = self.rfile.read(int(length))
        try:
            self.server.receive({name.lower(): value for name, value in self.headers.items()}, body)
        except InvalidSignature as error:
            print(f"linkweir: refused a request: {error}", file=sys.stderr, flush=True)
            self._respond(401)
            return
        self._respond(204)

    def _respond(self, status: int) -> None:
        self.send_response(status)
        if status != 204:
            self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet: what matters is printed by `take`."""


def _format_event(event: dict[str, Any]) -> str:
    data = event["data"]
    columns = [event["timestamp"], event["type"], data.get("recipient", ""), data.get("url", "")]
    flags = [name for name in ("is_bot", "first") if data.get(name)]
    return display_path("  ".join(str(column) for column in (*columns, *flags) if column))
