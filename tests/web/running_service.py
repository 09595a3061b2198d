"""A real service for tests: uvicorn on a loopback port, SQLite and a Maildir in a folder, a real HTTP client."""

import contextlib
import email
import email.policy
import functools
import io
import json
import socket
import threading
import time
import uuid
from collections.abc import Callable
from email.message import EmailMessage
from pathlib import Path
from smtplib import SMTPException
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

import httpx
from sqlalchemy import func, select, update
from starlette.types import ASGIApp

from linkweir.app import create_app
from linkweir.clicks.journal.interface import Journal
from linkweir.clock import SECOND_US
from linkweir.db.schema import messages
from linkweir.first_start import create_api_key
from linkweir.html import scan
from linkweir.server.uvicorn_server import HardenedServer, uvicorn_config
from linkweir.settings import Settings
from linkweir.web.redirect import RedirectEndpoint
from linkweir.web.services import AppServices
from linkweir.web.structured_logging import make_logger
from tests.databases import make_database_url

BROWSER_HEADERS = {  # what a reader's browser says: without it, nobody would take a click for a person's
    "User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    "Accept-Language": "en-GB,en;q=0.5",
}
WAIT_SECONDS = 300.0  # what anything may take before a test gives up: only a failing test waits so long
HTML = '<p><a href="https://example.com/a?x=1&amp;y=2">one</a> <a href="https://example.org/b">two</a></p>'


class UvicornThread:
    """An ASGI application on a listening socket, served by uvicorn in a thread; `redirect` answers its tracking links
    without it.
    """

    def __init__(self, app: ASGIApp, listener: socket.socket, redirect: RedirectEndpoint | None = None) -> None:
        self._server = HardenedServer(uvicorn_config(app, redirect))
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [listener]}, daemon=True)
        self._listener = listener

    def __enter__(self) -> Self:
        self._thread.start()
        wait_until(lambda: self._server.started or not self._thread.is_alive())
        assert self._server.started
        return self

    def stop(self) -> None:
        """Let the server end, and wait for it."""
        self._server.should_exit = True
        self._thread.join(WAIT_SECONDS)

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join(WAIT_SECONDS)
        self._listener.close()


class RunningService:
    """One service with an API key and a client that uses it; `logs` collects its log lines. A setting `journal` is
    another journal than its own; the database is one of the test's dialect; `direct_redirects` False sends every
    request through the application.
    """

    def __init__(self, data: Path, **settings: Any) -> None:
        journal: Journal | None = settings.pop("journal", None)
        direct: bool = settings.pop("direct_redirects", True)
        self._listener = socket.create_server(("127.0.0.1", 0))
        port = self._listener.getsockname()[1]
        settings.setdefault("database", make_database_url(data))
        chosen = {"claim_seconds": 1.0, "retry_seconds": 0.1, "spool_retry": 0.2, "journal_facts": 5000, **settings}
        self.settings = Settings(data=data, port=port, **chosen)
        self._stream = io.StringIO()
        self.app = create_app(self.settings, make_logger("debug", self._stream), journal=journal)
        self.components: AppServices = self.app.state.linkweir
        endpoint = RedirectEndpoint(self.components) if direct and self.settings.has_role("redirect") else None
        self._running = UvicornThread(self.app, self._listener, endpoint)
        self.url = f"http://127.0.0.1:{port}"

    def __enter__(self) -> Self:
        self.components.start()
        self.key = create_api_key(self.components.database, "test") or ""
        self.account = str(self.components.account)
        self._running.__enter__()
        self.client = httpx.Client(
            base_url=self.url, headers={"Authorization": f"Bearer {self.key}"}, timeout=WAIT_SECONDS
        )
        self.reader = httpx.Client(base_url=self.url, headers=BROWSER_HEADERS, timeout=WAIT_SECONDS)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.client.close()
        self.reader.close()
        self._running.__exit__(kind, error, trace)

    def stop_server(self) -> None:
        """Stop serving before the end."""
        self._running.stop()

    @property
    def logs(self) -> list[dict[str, Any]]:
        """What was logged so far."""
        return [json.loads(line) for line in self._stream.getvalue().splitlines()]

    @property
    def account_path(self) -> str:
        """The path of the account."""
        return f"/v2/accounts/{self.account}"

    def post_message(self, body: dict[str, Any], **headers: str) -> httpx.Response:
        """POST …/messages."""
        return self.client.post(f"{self.account_path}/messages", json=body, headers=headers)

    def send(self, **fields: Any) -> list[dict[str, Any]]:
        """Send, expect 202, and give the entries."""
        response = self.post_message(make_request(**fields))
        assert response.status_code == 202, response.text
        entries: list[dict[str, Any]] = response.json()["data"]
        return entries

    def get_message(self, message_id: str) -> dict[str, Any]:
        """GET …/messages/{id}."""
        response = self.client.get(f"{self.account_path}/messages/{quote(message_id, safe='')}")
        assert response.status_code == 200, response.text
        result: dict[str, Any] = response.json()
        return result

    def wait_for_mail(self, message_id: str) -> EmailMessage:
        """The mail of a message, once it lies in the Maildir."""
        wait_until(lambda: self.get_message(message_id)["status"] in ("Delivered", "Clicked"))
        return read_maildir(self.settings.maildir_path)[message_id]

    def delivered_links(self, message_id: str) -> list[str]:
        """The destinations of all links in the delivered HTML."""
        return [link.destination or "" for link in scan(html_body(self.wait_for_mail(message_id)))]

    def backdate_deliveries(self) -> None:
        """Let every message have been delivered ten minutes earlier: clicks within seconds are likelier scanners'."""
        missing = select(func.count()).select_from(messages).where(messages.c.delivered_at.is_(None))

        def is_delivered() -> bool:
            with self.components.database.read() as connection:
                return connection.scalar(missing) == 0

        wait_until(is_delivered)
        with self.components.database.write() as connection:
            connection.execute(update(messages).values(delivered_at=messages.c.delivered_at - 600 * SECOND_US))

    def wait_until_ingested(self) -> None:
        """Wait until every click that was answered has been brought from the journal to the database."""
        wait_until(lambda: self.components.local_journal.unacknowledged == 0)

    def request_when_allowed(self, method: str, path: str) -> httpx.Response:
        """The answer of an endpoint that pauses after work that took long, as erasure does on a busy machine."""
        while (answer := self.client.request(method, path)).status_code == 429:
            time.sleep(int(answer.headers["Retry-After"]))
        assert answer.status_code == 200, answer.text
        return answer

    def click_count(self, message_id: str) -> int:
        """The contract's click_count, once all clicks so far are stored."""
        self.wait_until_ingested()
        count: int = self.get_message(message_id)["click_count"]
        return count

    def read_metric(self, name: str) -> float:
        """One figure of /metrics without labels."""
        for line in self.reader.get("/metrics").text.splitlines():
            if line.startswith(name + " "):
                return float(line.split()[1])
        raise AssertionError(f"no metric {name}")


def make_request(**fields: Any) -> dict[str, Any]:
    """A request to send, tracked and with two links unless `fields` say otherwise."""
    return {
        "from": {"email": "news@example.com", "name": "News"},
        "recipients": [{"email": "ada@example.org", "name": "Ada"}],
        "subject": "Hello",
        "html_content": HTML,
        "tracking": {"click": True},
        **fields,
    }


def read_maildir(maildir: Path) -> dict[str, EmailMessage]:
    """Every mail of a Maildir by its Message-ID; two with the same id would be a duplicate delivery."""
    result: dict[str, EmailMessage] = {}
    for path in sorted((maildir / "new").glob("*")):
        message_id, mail = _parse_mail(path, path.stat().st_mtime_ns)
        assert message_id not in result
        result[message_id] = mail
    return result


@functools.lru_cache(500)
def _parse_mail(path: Path, _written_at: int) -> tuple[str, EmailMessage]:
    """The Message-ID and the mail, parsed once: who waits for many mails reads the first of them again and again."""
    mail = email.message_from_bytes(path.read_bytes(), _class=EmailMessage, policy=email.policy.default)
    return mail["message-id"], mail


def html_body(mail: EmailMessage) -> str:
    """The HTML part exactly as its bytes say."""
    part = mail.get_body(("html",))
    assert part is not None
    data = part.get_payload(decode=True)
    assert isinstance(data, bytes)
    return data.decode()


def wait_until(condition: Any, seconds: float = WAIT_SECONDS) -> None:
    """Wait for a condition, or fail. The longer it takes, the less often it is asked for: asking is work, which keeps a
    busy machine from what is waited for.
    """
    start = time.monotonic()
    while not condition():
        waited = time.monotonic() - start
        assert waited < seconds, "waited too long"
        time.sleep(min(0.01 + waited / 20, 0.1))


def retry_with_longer_timeouts(seconds: float, attempt: Callable[[float], object]) -> None:
    """Work that must go well when `seconds` is what some limit of time is: on a busy machine client or server may be
    too late for a short one, then a longer one is tried. What is wrong is wrong at every pace.
    """
    for slower in (1, 4):
        with contextlib.suppress(AssertionError, OSError, SMTPException):
            attempt(slower * seconds)
            return
    attempt(16 * seconds)


def find_free_port() -> int:
    """A port for who cannot be given port 0. The connection that was closed here lasts on in TIME_WAIT: for a minute
    the system gives the port to nobody who asks for any, and lets who names it listen (SO_REUSEADDR).
    """
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)) as client:
            accepted, _ = listener.accept()
            accepted.close()  # who closes first waits
            client.recv(1)
    return port


def random_uuid() -> str:
    """A UUID that nothing has."""
    return str(uuid.uuid4())
