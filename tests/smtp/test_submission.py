"""Mail handed in over SMTP by real clients."""

import email
import re
import shutil
import smtplib
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from email.message import Message
from pathlib import Path
from typing import Any

import pytest

from linkweir.smtp import smtp_connection, smtp_server
from linkweir.smtp.mail_handler import has_bare_line_ending
from tests.conftest import skip_or_fail
from tests.smtp.submission_service import MAIL, SubmissionService
from tests.web.running_service import WAIT_SECONDS, retry_with_longer_timeouts, wait_until


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SubmissionService]:
    """One service for this file."""
    with SubmissionService(tmp_path_factory.mktemp("smtp") / "data", max_message=300_000) as service:
        yield service


def mail_with_headers(*lines: bytes) -> bytes:
    """The mail with more headers."""
    return b"".join(line + b"\r\n" for line in lines) + MAIL


def wait_for_outbox_mail(service: SubmissionService, message_id: str) -> bytes:
    """The mail as it lies in the outbox."""
    wait_until(lambda: any(message_id.encode() in path.read_bytes() for path in list_outbox_files(service)))
    return next(path.read_bytes() for path in list_outbox_files(service) if message_id.encode() in path.read_bytes())


def list_outbox_files(service: SubmissionService) -> list[Path]:
    """The files of the outbox."""
    return list((service.settings.maildir_path / "new").glob("*"))


def test_a_mail_is_tracked_when_its_header_requests_it(service: SubmissionService) -> None:
    """With `ahasend-track-clicks: true` the link is replaced, the header is gone, and all else is as it was."""
    with service.connect() as client:
        client.sendmail("bounce@example.com", ["ada@example.org"], mail_with_headers(b"AHASEND-Track-Clicks:  TRUE "))
    raw = wait_for_outbox_mail(service, "one@example.com")
    link = re.search(rb'"(http[^"]+)"', raw)
    assert link is not None
    assert link[1].startswith(service.settings.base_url.encode())
    start = raw.index(b"From: News")
    assert raw[start:].replace(link[1], b"https://example.com/a") == MAIL
    assert b"ahasend" not in raw.lower()
    answer = service.reader.get(link[1].decode())
    assert answer.headers["location"] == "https://example.com/a"


def test_each_recipient_has_a_message(service: SubmissionService) -> None:
    """Two recipients make two messages with the sender's Message-ID and links of their own."""
    mail = mail_with_headers(b"ahasend-track-clicks: true").replace(b"one@", b"two@")
    with service.connect() as client:
        client.sendmail("bounce@example.com", ["ada@example.org", "bob@example.org"], mail)
    wait_until(lambda: sum(b"two@example.com" in path.read_bytes() for path in list_outbox_files(service)) == 2)
    listed = service.client.get(
        f"{service.account_path}/messages", params={"message_id_header": "<two@example.com>"}
    ).json()
    assert {item["recipient"] for item in listed["data"]} == {"ada@example.org", "bob@example.org"}
    both = b"".join(path.read_bytes() for path in list_outbox_files(service) if b"two@" in path.read_bytes())
    assert len(set(re.findall(rb'"(http[^"]+)"', both))) == 2


def test_nothing_is_taken_without_tls_and_sign_in(service: SubmissionService) -> None:
    """MAIL and AUTH before STARTTLS are refused, and so is MAIL before AUTH."""
    with smtplib.SMTP("localhost", service.port) as client:
        client.ehlo()
        assert not client.has_extn("auth")
        assert client.docmd("MAIL FROM:<a@example.com>")[0] == 530
        assert client.docmd("AUTH PLAIN AGEAYg==")[0] in (530, 538)
    with service.connect(sign_in=False) as client:
        client.ehlo()
        assert client.docmd("MAIL FROM:<a@example.com>")[0] == 530


def test_a_wrong_password_is_535(service: SubmissionService) -> None:
    """Bad credentials are answered 535 5.7.8, whether the username exists or not."""
    for username in (service.credentials[0], "nobody"):
        with service.connect(sign_in=False) as client, pytest.raises(smtplib.SMTPAuthenticationError) as refused:
            client.login(username, "wrong")
        assert (refused.value.smtp_code, refused.value.smtp_error[:5]) == (535, b"5.7.8")


@pytest.mark.parametrize(
    "ending",
    [
        *(b"\n.\n", b"\n.\r\n", b"\r.\r", b"\r\n.\n", b"\r\n.\r", b"\r.\r\n", b"\n.\r"),
        *(b"\r\n\0.\r\n", b"\r\n.\0\r\n", b"\0", b"\r\n.\r\0\n", b"\r\0\n.\r\n", b"\n\n.\n\n", b"\r\r\n.\r\r\n"),
    ],
)
def test_smuggling_is_refused(service: SubmissionService, ending: bytes) -> None:
    """A bare CR or LF or a NUL around a dot neither ends a mail nor comes through: all of it is refused."""
    with service.connect() as client:
        client.mail("a@example.com")
        client.rcpt("b@example.org")
        assert client.docmd("DATA")[0] == 354
        client.send(b"Subject: x\r\n\r\nbody" + ending + b"MAIL FROM:<evil@example.com>\r\nRCPT TO:<c@example.org>\r\n")
        client.send(b"\r\n.\r\n")
        assert client.getreply()[0] == (554 if ending.count(b"\0") and not has_bare_line_ending(ending) else 550)
        assert client.noop()[0] == 250
    assert all(b"evil@example.com" not in path.read_bytes() for path in list_outbox_files(service))


def test_a_line_may_be_long(service: SubmissionService) -> None:
    """Real mails have lines over 998 octets: they are taken as they are."""
    mail = MAIL.replace(b"one@", b"long@") + b"x" * 50_000 + b"\r\n"
    with service.connect() as client:
        client.sendmail("a@example.com", ["ada@example.org"], mail)
    assert wait_for_outbox_mail(service, "long@example.com").endswith(b"x" * 50_000 + b"\r\n")


def test_a_mail_that_is_too_large_is_552(service: SubmissionService) -> None:
    """The limit is told in EHLO and kept in DATA."""
    with service.connect() as client:
        client.ehlo()
        assert client.esmtp_features["size"] == "300000"
        with pytest.raises(smtplib.SMTPResponseException) as refused:
            client.sendmail("a@example.com", ["ada@example.org"], MAIL + b"x" * 400_000)
    assert refused.value.smtp_code == 552


def test_fifty_recipients_and_no_more(service: SubmissionService) -> None:
    """The fifty-first recipient is answered 452, and the fifty are served."""
    mail = MAIL.replace(b"one@", b"fifty@")
    with service.connect() as client:
        refused = client.sendmail("a@example.com", [f"r{number}@example.org" for number in range(51)], mail)
    assert [code for code, _ in refused.values()] == [452]
    wait_until(lambda: sum(b"fifty@example.com" in path.read_bytes() for path in list_outbox_files(service)) == 50)


def test_a_connection_has_its_number_of_mails(service: SubmissionService, monkeypatch: pytest.MonkeyPatch) -> None:
    """The mail after the last one that a connection may bring is answered 421; on a new one it is taken."""
    assert smtp_connection.MAX_MAILS == 10_000
    monkeypatch.setattr(smtp_connection, "MAX_MAILS", 3)
    with service.connect() as client:
        for number in range(3):
            client.sendmail("a@example.com", ["ada@example.org"], MAIL.replace(b"one@", b"%d@many." % number))
        client.mail("a@example.com")
        client.rcpt("ada@example.org")
        assert client.docmd("DATA")[0] == 421
        with pytest.raises(smtplib.SMTPServerDisconnected):
            client.noop()
        client.close()
    with service.connect() as client:
        assert client.sendmail("a@example.com", ["ada@example.org"], MAIL.replace(b"one@", b"3@many.")) == {}
    for number in range(4):
        assert wait_for_outbox_mail(service, f"{number}@many.example.com")


def test_what_is_missing_is_added(service: SubmissionService) -> None:
    """A mail without Message-ID and Date gets them; Bcc does not go out."""
    mail = b"From: a@example.com\r\nBcc: secret@example.org\r\nSubject: bare\r\n\r\nHello\r\n"
    with service.connect() as client:
        client.sendmail("a@example.com", ["ada@example.org"], mail)
    wait_until(lambda: any(mail["subject"] == "bare" for mail in list_outbox_mails(service)))
    result = next(mail for mail in list_outbox_mails(service) if mail["subject"] == "bare")
    assert result["message-id"]
    assert result["date"]
    assert result["bcc"] is None


def list_outbox_mails(service: SubmissionService) -> list[Message]:
    """Every mail of the outbox, parsed."""
    return [email.message_from_bytes(path.read_bytes()) for path in list_outbox_files(service)]


def test_a_locked_database_is_a_temporary_failure(service: SubmissionService) -> None:
    """While the database cannot be written nothing is accepted: 451, and the client may try again."""
    with service.connect() as client, service.components.database.write():
        service.components.database._timeout = 0.2
        with pytest.raises(smtplib.SMTPResponseException) as refused:
            client.sendmail("a@example.com", ["ada@example.org"], MAIL)
    service.components.database._timeout = 5
    assert refused.value.smtp_code == 451


def test_a_stop_answers_what_was_stored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A mail whose commit has begun when the service stops is answered 250, one that comes after it 421."""
    entered, go = threading.Event(), threading.Event()
    with SubmissionService(tmp_path / "data") as service:
        database = service.components.submitter.submit_raw

        def slowly(*args: Any, **names: Any) -> Any:
            entered.set()
            assert go.wait(20)
            return database(*args, **names)

        monkeypatch.setattr(service.components.submitter, "submit_raw", slowly)
        with service.connect() as client, service.connect() as late:
            for item in (client, late):
                item.mail("a@example.com")
                item.rcpt("ada@example.org")
                assert item.docmd("DATA")[0] == 354
            client.send(MAIL + b".\r\n")
            assert entered.wait(20)
            stopping = threading.Thread(target=service.components.stop)
            stopping.start()
            time.sleep(0.2)
            late.send(MAIL + b".\r\n")
            assert late.getreply()[0] == 421
            go.set()
            assert client.getreply()[0] == 250
            assert client.getreply()[0] == 421
            stopping.join(20)
            for item in (client, late):
                item.close()


def test_swaks_hands_in_a_mail(service: SubmissionService) -> None:
    """The field's own test tool signs in over STARTTLS and is answered 250."""
    tool = shutil.which("swaks")
    if tool is None:
        skip_or_fail("swaks is not installed")
    username, password = service.credentials
    done = subprocess.run(  # noqa: S603 - a tool of the system
        [
            *(tool, "--server", "localhost", "--port", str(service.port), "--tls", "--auth", "PLAIN"),
            *("--auth-user", username, "--auth-password", password, "--from", "news@example.com"),
            *("--to", "ada@example.org", "--header", "ahasend-track-clicks: true", "--header", "Subject: by swaks"),
            *("--add-header", "Content-Type: text/html", "--body", '<a href="https://example.com/swaks">x</a>'),
        ],
        capture_output=True,
        text=True,
        timeout=WAIT_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert "250 2.0.0 accepted" in done.stdout
    wait_until(lambda: any(mail["subject"] == "by swaks" for mail in list_outbox_mails(service)))


def test_an_unverified_client_sees_a_certificate_that_signs_itself(service: SubmissionService) -> None:
    """Without being told to trust it, a client refuses the certificate made on first start."""
    with smtplib.SMTP("localhost", service.port) as client, pytest.raises(ssl.SSLCertVerificationError):
        client.starttls(context=ssl.create_default_context())


@pytest.mark.parametrize("dripping", ["nothing", "a command", "a mail"])
def test_slow_clients_are_disconnected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dripping: str) -> None:
    """A client that says nothing, drips a command or drips a mail loses its connection after its time."""

    def work(seconds: float) -> None:
        monkeypatch.setattr(smtp_server, "IDLE_SECONDS", seconds)
        monkeypatch.setattr(smtp_connection, "MAX_MAIL_SECONDS", 1.3 * seconds)
        with SubmissionService(tmp_path / str(seconds)) as service, service.connect() as client:
            assert client.sock is not None
            if dripping == "a mail":
                client.mail("a@example.com")
                client.rcpt("b@example.org")
                client.docmd("DATA")
            with pytest.raises(OSError):  # noqa: PT011 - a reset, a broken pipe, or an end of TLS
                _send_slowly(client.sock, silent=dripping == "nothing", pause=seconds / 6)
            client.close()

    retry_with_longer_timeouts(0.6, work)


def _send_slowly(connection: socket.socket, *, silent: bool, pause: float) -> None:
    """Send a byte now and then, or nothing; raises OSError when the other side has had enough."""
    if silent:
        connection.settimeout(WAIT_SECONDS)
        try:
            if not connection.recv(1000):
                raise ConnectionResetError
        except TimeoutError:
            pytest.fail("nobody hung up")
    for _ in range(60):
        time.sleep(pause)
        connection.sendall(b"x")
