"""Clients that people use, as they come, over both kinds of TLS."""

import asyncio
import shutil
import subprocess
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import aiosmtplib
import pytest

from tests.conftest import skip_or_fail
from tests.smtp.submission_service import MAIL, SubmissionService
from tests.web.running_service import WAIT_SECONDS, wait_until


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SubmissionService]:
    """One service for this file."""
    with SubmissionService(tmp_path_factory.mktemp("clients") / "data") as service:
        yield service


def list_subjects(service: SubmissionService) -> set[str]:
    """Of all messages."""
    return {item["subject"] for item in service.client.get(f"{service.account_path}/messages").json()["data"]}


def run_tool(service: SubmissionService, tool: str, *words: str) -> str:
    """What the tool prints when it has succeeded."""
    if not shutil.which(tool):
        skip_or_fail(f"{tool} is not installed")
    done = subprocess.run(  # noqa: S603 - a tool of the system
        [tool, *words], capture_output=True, text=True, timeout=WAIT_SECONDS, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.mark.parametrize("implicit", [False, True])
@pytest.mark.parametrize(
    "more",
    [
        (),
        ("--login-options", "AUTH=LOGIN"),
        ("--login-options", "AUTH=PLAIN", "--sasl-ir"),
        ("--mail-auth", "<>"),
        ("--mail-auth", "x+y@example.com"),
        ("--mail-rcpt", "jürgen@bücher.example"),
    ],
)
def test_curl(service: SubmissionService, tmp_path: Path, implicit: bool, more: tuple[str, ...]) -> None:
    """curl signs in either way, sends AUTH= when it is told to, and writes to addresses beyond ASCII."""
    scheme, port = ("smtps", service.port_of("submissions")) if implicit else ("smtp", service.port)
    file, subject = tmp_path / "mail", f"curl {implicit} {' '.join(more)}".strip()
    file.write_bytes(MAIL.replace(b"Hello", subject.encode()))
    username, password = service.credentials
    run_tool(
        service,
        "curl",
        *("-sS", "--ssl-reqd", "--cacert", str(service.settings.data / "smtp-selfsigned.pem")),
        *("--url", f"{scheme}://localhost:{port}", "--user", f"{username}:{password}", "-T", str(file)),
        *("--mail-from", "news@example.com", "--mail-rcpt", "ada@example.org", *more),
    )
    assert subject in list_subjects(service)


@pytest.mark.parametrize("implicit", [False, True])
@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
def test_swaks(service: SubmissionService, mechanism: str, implicit: bool) -> None:
    """swaks signs in either way and pipelines its commands."""
    port = service.port_of("submissions") if implicit else service.port
    username, password = service.credentials
    subject = f"swaks {mechanism} {implicit}"
    run_tool(
        service,
        "swaks",
        *("--server", "localhost", "--port", str(port), "--tls-on-connect" if implicit else "--tls"),
        *("--auth", mechanism, "--auth-user", username, "--auth-password", password, "--pipeline"),
        *("--from", "news@example.com", "--to", "ada@example.org", "--header", f"Subject: {subject}"),
    )
    assert subject in list_subjects(service)


@pytest.mark.parametrize("implicit", [False, True])
@pytest.mark.parametrize("recipient", ["ada@example.org", "jürgen@bücher.example"])
def test_aiosmtplib(service: SubmissionService, recipient: str, implicit: bool) -> None:
    """aiosmtplib sends, beyond ASCII too."""
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "news@example.com", recipient, f"aio {recipient} {implicit}"
    mail.set_content("hello")
    username, password = service.credentials
    client = aiosmtplib.SMTP(
        hostname="localhost",
        port=service.port_of("submissions") if implicit else service.port,
        use_tls=implicit,
        start_tls=not implicit,
        tls_context=service.make_tls_context,
        username=username,
        password=password,
    )
    errors, _ = asyncio.run(send_and_close(client, mail))
    assert not errors


async def send_and_close(client: aiosmtplib.SMTP, mail: EmailMessage) -> Any:
    """Send a mail, and wait until the connection is closed: over TLS that takes an answer, and the client, which does
    not wait for it, leaves it to a loop that ends here.
    """
    async with client:
        connection = client.get_transport_info("socket")
        result = await client.send_message(mail)
    async with asyncio.timeout(WAIT_SECONDS):
        while connection.fileno() >= 0:  # noqa: ASYNC110 - nothing of the client's says that it is closed
            await asyncio.sleep(0.01)
    return result


@pytest.mark.parametrize("recipient", ["ada@example.org", "jürgen@bücher.example"])
def test_smtplib(service: SubmissionService, recipient: str) -> None:
    """Python's own client sends, beyond ASCII too, and the mail lies in the outbox."""
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "news@example.com", recipient, "smtplib Ä"
    mail["Message-ID"] = f"<{recipient.isascii()}@smtplib.example>"
    mail.set_content("Grüße")
    with service.connect(implicit=True) as client:
        assert client.send_message(mail) == {}
    folder = service.settings.maildir_path / "new"
    wait_until(lambda: any(mail["Message-ID"].encode() in path.read_bytes() for path in folder.glob("*")))
