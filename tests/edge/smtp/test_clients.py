"""Clients that people use, as they come, over both kinds of TLS."""

import asyncio
import shutil
import subprocess
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

import aiosmtplib
import pytest

from tests.conftest import missing
from tests.edge.serving import wait_until
from tests.edge.smtp.submitting import MAIL, Submission


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Submission]:
    """One service for this file."""
    with Submission(tmp_path_factory.mktemp("clients") / "data") as service:
        yield service


def subjects(served: Submission) -> set[str]:
    """Of all messages."""
    return {one["subject"] for one in served.client.get(f"{served.base}/messages").json()["data"]}


def run(served: Submission, tool: str, *words: str) -> str:
    """What the tool prints when it has succeeded."""
    if not shutil.which(tool):
        missing(f"{tool} is not installed")
    done = subprocess.run(  # noqa: S603 - a tool of the system
        [tool, *words], capture_output=True, text=True, timeout=60, check=False
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
def test_curl(served: Submission, tmp_path: Path, implicit: bool, more: tuple[str, ...]) -> None:
    """curl signs in either way, sends AUTH= when it is told to, and writes to addresses beyond ASCII."""
    scheme, port = ("smtps", served.port_of("submissions")) if implicit else ("smtp", served.port)
    file, subject = tmp_path / "mail", f"curl {implicit} {' '.join(more)}".strip()
    file.write_bytes(MAIL.replace(b"Hello", subject.encode()))
    username, password = served.credential
    run(
        served,
        "curl",
        *("-sS", "--ssl-reqd", "--cacert", str(served.settings.data / "smtp-selfsigned.pem")),
        *("--url", f"{scheme}://localhost:{port}", "--user", f"{username}:{password}", "-T", str(file)),
        *("--mail-from", "news@example.com", "--mail-rcpt", "ada@example.org", *more),
    )
    assert subject in subjects(served)


@pytest.mark.parametrize("implicit", [False, True])
@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
def test_swaks(served: Submission, mechanism: str, implicit: bool) -> None:
    """swaks signs in either way and pipelines its commands."""
    port = served.port_of("submissions") if implicit else served.port
    username, password = served.credential
    subject = f"swaks {mechanism} {implicit}"
    run(
        served,
        "swaks",
        *("--server", "localhost", "--port", str(port), "--tls-on-connect" if implicit else "--tls"),
        *("--auth", mechanism, "--auth-user", username, "--auth-password", password, "--pipeline"),
        *("--from", "news@example.com", "--to", "ada@example.org", "--header", f"Subject: {subject}"),
    )
    assert subject in subjects(served)


@pytest.mark.parametrize("implicit", [False, True])
@pytest.mark.parametrize("recipient", ["ada@example.org", "jürgen@bücher.example"])
def test_aiosmtplib(served: Submission, recipient: str, implicit: bool) -> None:
    """aiosmtplib sends, beyond ASCII too."""
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "news@example.com", recipient, f"aio {recipient} {implicit}"
    mail.set_content("hello")
    username, password = served.credential
    errors, _ = asyncio.run(
        aiosmtplib.send(
            mail,
            hostname="localhost",
            port=served.port_of("submissions") if implicit else served.port,
            use_tls=implicit,
            start_tls=not implicit,
            tls_context=served.trusted,
            username=username,
            password=password,
        )
    )
    assert not errors


@pytest.mark.parametrize("recipient", ["ada@example.org", "jürgen@bücher.example"])
def test_smtplib(served: Submission, recipient: str) -> None:
    """Python's own client sends, beyond ASCII too, and the mail lies in the outbox."""
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "news@example.com", recipient, "smtplib Ä"
    mail["Message-ID"] = f"<{recipient.isascii()}@smtplib.example>"
    mail.set_content("Grüße")
    with served.connect(implicit=True) as client:
        assert client.send_message(mail) == {}
    folder = served.settings.maildir_path / "new"
    wait_until(lambda: any(mail["Message-ID"].encode() in path.read_bytes() for path in folder.glob("*")))
