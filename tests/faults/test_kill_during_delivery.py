"""`kill -9` under load, again and again: what was answered 202 or 250 is delivered, and none of it is corrupted."""

import email
import hashlib
import os
import re
import signal
import smtplib
import ssl
import subprocess
import threading
import time
from pathlib import Path
from typing import Any

import httpx
from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.preloaded_command import start_command
from tests.smtp.receiving_server import ReceivingServer
from tests.web.running_service import WAIT_SECONDS, find_free_port, wait_until

KILLS = 4
LOAD_SECONDS = 1.2  # seconds between two kills


class RelaySink:
    """The relay's side: keeps every mail that it answered 250."""

    def __init__(self) -> None:
        self.mails: list[bytes] = []

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Take it."""
        assert isinstance(envelope.content, bytes)
        self.mails.append(envelope.content)
        return "250 OK"


class DeliveryProcess:
    """`linkweir serve` in a process of its own, on one data folder."""

    def __init__(self, data: Path, relay: int, workers: int = 1, **more_settings: str) -> None:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("LINKWEIR_")}
        is_first = not data.exists()
        settings = {
            "LINKWEIR_DATA": str(data),
            "LINKWEIR_API_KEY": "k" * 40,
            "LINKWEIR_TRANSPORT": f"smtp+plain://127.0.0.1:{relay}",
            "LINKWEIR_CLAIM_SECONDS": "1",
            "LINKWEIR_RETRY_SECONDS": "0.2",
            "LINKWEIR_RATE_LIMIT": "100000",
            "LINKWEIR_RATE_BURST": "100000",
            "LINKWEIR_LOG_LEVEL": "error",
            **more_settings,
        }
        self._process = start_command(
            ["serve", "--port", "0", "--workers", str(workers)],
            env={**kept, **settings},
            stdout=subprocess.PIPE,
            text=True,
        )
        printed = ""
        assert self._process.stdout is not None
        awaited = {"Account", "\nSMTP", *(["username"] if is_first else [])}  # a name and a password are shown once
        while not all(word in printed for word in awaited):
            line = self._process.stdout.readline()
            assert line, printed
            printed += line
        self.printed = printed
        self.url = _parse(r"listens on (http://\S+?);", printed)
        self.account = _parse(r"Account\s+(\S+)", printed)
        self.smtp = int(_parse(r"SMTP\s+\S+ port (\d+)", printed))
        signed = re.search(r"username (\S+)  password (\S+)", printed)
        self.credential = (signed[1], signed[2]) if signed else None

    def kill(self) -> None:
        """At once, without a word."""
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()


def _parse(pattern: str, text: str) -> str:
    match = re.search(pattern, text)
    assert match is not None, text
    return match[1]


def test_what_was_accepted_is_delivered(tmp_path: Path) -> None:
    """Four kills under API and SMTP load, of one process and of several: each accepted mail reaches the relay whole; a
    second copy has the same id.
    """
    sink = RelaySink()
    port = find_free_port()
    relay = ReceivingServer(sink, hostname="127.0.0.1", port=port)
    relay.start()
    try:
        accepted = _kill_under_load(tmp_path / "data", port)
        assert len(accepted) > 20
        last = DeliveryProcess(tmp_path / "data", port)
        wait_until(lambda: accepted <= set(map(_read_mark, sink.mails)))
        last.kill()
    finally:
        relay.stop()
    whole = {_read_mark(mail): hashlib.sha256(_read_body(mail)).digest() for mail in sink.mails}
    for mail in sink.mails:  # copies are equal, and no body was cut
        assert hashlib.sha256(_read_body(mail)).digest() == whole[_read_mark(mail)]
        page = email.message_from_bytes(mail).get_payload(decode=True)
        assert isinstance(page, bytes)
        assert page.rstrip().endswith(b"the end")


def _kill_under_load(data: Path, relay: int) -> set[str]:
    """Kill the service under load; the marks of what it accepted."""
    accepted: set[str] = set()
    credential: tuple[str, str] | None = None
    for turn in range(KILLS):
        service = DeliveryProcess(data, relay, workers=1 + turn % 2)
        credential = service.credential or credential
        assert credential is not None
        stop = threading.Event()
        loads = [
            threading.Thread(target=_send_by_api, args=(service, f"api-{turn}", accepted, stop)),
            threading.Thread(target=_send_by_smtp, args=(service, credential, data, f"smtp-{turn}", accepted, stop)),
        ]
        for entry in loads:
            entry.start()
        before = len(accepted)
        time.sleep(LOAD_SECONDS)
        wait_until(lambda: len(accepted) > before + 5)  # noqa: B023 - on a busy machine too
        service.kill()
        stop.set()
        for entry in loads:
            entry.join(20)
    return accepted


def _send_by_api(service: DeliveryProcess, name: str, accepted: set[str], stop: threading.Event) -> None:
    with httpx.Client(
        base_url=service.url, headers={"Authorization": "Bearer " + "k" * 40}, trust_env=False, timeout=WAIT_SECONDS
    ) as client:
        for number in range(100_000):
            mark = f"{name}-{number}"
            body: dict[str, Any] = {
                "from": {"email": "a@example.com"},
                "recipients": [  # two, whose mails share what they have in common
                    {"email": "b@example.org", "substitutions": {"copy": ""}},
                    {"email": "c@example.org", "substitutions": {"copy": "-c"}},
                ],
                "subject": mark + "{{ copy }}",
                "html_content": '<a href="https://example.com/">x</a>' + "x" * 5000 + "the end",
                "tracking": {"click": True},
            }
            try:
                answer = client.post(f"/v2/accounts/{service.account}/messages", json=body)
            except httpx.HTTPError:
                return
            if answer.status_code == 202:
                accepted |= {mark, f"{mark}-c"}
            if stop.is_set():
                return


def _send_by_smtp(  # noqa: PLR0917 - a thread's arguments
    service: DeliveryProcess,
    credential: tuple[str, str],
    data: Path,
    name: str,
    accepted: set[str],
    stop: threading.Event,
) -> None:
    context = ssl.create_default_context(cafile=str(data / "smtp-selfsigned.pem"))
    try:
        with smtplib.SMTP("localhost", service.smtp, timeout=WAIT_SECONDS) as client:
            client.starttls(context=context)
            client.login(*credential)
            for number in range(100_000):
                mark = f"{name}-{number}"
                head = f"From: a@example.com\r\nSubject: {mark}\r\nahasend-track-clicks: true\r\n"
                body = '<a href="https://example.com/">x</a>\r\n' + "x" * 900 + "\r\nthe end\r\n"
                mail = f"{head}Content-Type: text/html\r\n\r\n{body}"
                client.sendmail("a@example.com", ["b@example.org"], mail)
                accepted.add(mark)
                if stop.is_set():
                    return
    except (OSError, smtplib.SMTPException):
        return


def _read_mark(mail: bytes) -> str:
    return _parse(r"(?m)^Subject: (\S+)", mail.decode("latin-1"))


def _read_body(mail: bytes) -> bytes:
    return mail.partition(b"\r\n\r\n")[2]
