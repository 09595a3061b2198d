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

from linkweir.edge.smtp import protocol, server
from linkweir.edge.smtp.intake import BARE
from tests.conftest import missing
from tests.edge.serving import WAIT, at_some_pace, wait_until
from tests.edge.smtp.submitting import MAIL, Submission


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Submission]:
    """One service for this file."""
    with Submission(tmp_path_factory.mktemp("smtp") / "data", max_message=300_000) as service:
        yield service


def with_headers(*lines: bytes) -> bytes:
    """The mail with more headers."""
    return b"".join(line + b"\r\n" for line in lines) + MAIL


def arrived(served: Submission, message_id: str) -> bytes:
    """The mail as it lies in the outbox."""
    wait_until(lambda: any(message_id.encode() in path.read_bytes() for path in new(served)))
    return next(path.read_bytes() for path in new(served) if message_id.encode() in path.read_bytes())


def new(served: Submission) -> list[Path]:
    """The files of the outbox."""
    return list((served.settings.maildir_path / "new").glob("*"))


def test_a_mail_is_tracked_when_its_header_asks(served: Submission) -> None:
    """With `ahasend-track-clicks: true` the link is replaced, the header is gone, and all else is as it was."""
    with served.connect() as client:
        client.sendmail("bounce@example.com", ["ada@example.org"], with_headers(b"AHASEND-Track-Clicks:  TRUE "))
    raw = arrived(served, "one@example.com")
    link = re.search(rb'"(http[^"]+)"', raw)
    assert link is not None
    assert link[1].startswith(served.settings.base_url.encode())
    start = raw.index(b"From: News")
    assert raw[start:].replace(link[1], b"https://example.com/a") == MAIL
    assert b"ahasend" not in raw.lower()
    answer = served.reader.get(link[1].decode())
    assert answer.headers["location"] == "https://example.com/a"


def test_each_recipient_has_a_message(served: Submission) -> None:
    """Two recipients make two messages with the sender's Message-ID and links of their own."""
    mail = with_headers(b"ahasend-track-clicks: true").replace(b"one@", b"two@")
    with served.connect() as client:
        client.sendmail("bounce@example.com", ["ada@example.org", "bob@example.org"], mail)
    wait_until(lambda: sum(b"two@example.com" in path.read_bytes() for path in new(served)) == 2)
    listed = served.client.get(f"{served.base}/messages", params={"message_id_header": "<two@example.com>"}).json()
    assert {one["recipient"] for one in listed["data"]} == {"ada@example.org", "bob@example.org"}
    both = b"".join(path.read_bytes() for path in new(served) if b"two@" in path.read_bytes())
    assert len(set(re.findall(rb'"(http[^"]+)"', both))) == 2


def test_nothing_is_taken_without_tls_and_sign_in(served: Submission) -> None:
    """MAIL and AUTH before STARTTLS are refused, and so is MAIL before AUTH."""
    with smtplib.SMTP("localhost", served.port) as client:
        client.ehlo()
        assert not client.has_extn("auth")
        assert client.docmd("MAIL FROM:<a@example.com>")[0] == 530
        assert client.docmd("AUTH PLAIN AGEAYg==")[0] in (530, 538)
    with served.connect(sign_in=False) as client:
        client.ehlo()
        assert client.docmd("MAIL FROM:<a@example.com>")[0] == 530


def test_a_wrong_password_is_535(served: Submission) -> None:
    """Bad credentials are answered 535 5.7.8, whether the username exists or not."""
    for username in (served.credential[0], "nobody"):
        with served.connect(sign_in=False) as client, pytest.raises(smtplib.SMTPAuthenticationError) as refused:
            client.login(username, "wrong")
        assert (refused.value.smtp_code, refused.value.smtp_error[:5]) == (535, b"5.7.8")


@pytest.mark.parametrize(
    "ending",
    [
        *(b"\n.\n", b"\n.\r\n", b"\r.\r", b"\r\n.\n", b"\r\n.\r", b"\r.\r\n", b"\n.\r"),
        *(b"\r\n\0.\r\n", b"\r\n.\0\r\n", b"\0", b"\r\n.\r\0\n", b"\r\0\n.\r\n", b"\n\n.\n\n", b"\r\r\n.\r\r\n"),
    ],
)
def test_smuggling_is_refused(served: Submission, ending: bytes) -> None:
    """A bare CR or LF or a NUL around a dot neither ends a mail nor comes through: all of it is refused."""
    with served.connect() as client:
        client.mail("a@example.com")
        client.rcpt("b@example.org")
        assert client.docmd("DATA")[0] == 354
        client.send(b"Subject: x\r\n\r\nbody" + ending + b"MAIL FROM:<evil@example.com>\r\nRCPT TO:<c@example.org>\r\n")
        client.send(b"\r\n.\r\n")
        assert client.getreply()[0] == (554 if ending.count(b"\0") and not BARE.search(ending) else 550)
        assert client.noop()[0] == 250
    assert all(b"evil@example.com" not in path.read_bytes() for path in new(served))


def test_a_line_may_be_long(served: Submission) -> None:
    """Real mails have lines over 998 octets: they are taken as they are."""
    mail = MAIL.replace(b"one@", b"long@") + b"x" * 50_000 + b"\r\n"
    with served.connect() as client:
        client.sendmail("a@example.com", ["ada@example.org"], mail)
    assert arrived(served, "long@example.com").endswith(b"x" * 50_000 + b"\r\n")


def test_a_mail_that_is_too_large_is_552(served: Submission) -> None:
    """The limit is told in EHLO and kept in DATA."""
    with served.connect() as client:
        client.ehlo()
        assert client.esmtp_features["size"] == "300000"
        with pytest.raises(smtplib.SMTPResponseException) as refused:
            client.sendmail("a@example.com", ["ada@example.org"], MAIL + b"x" * 400_000)
    assert refused.value.smtp_code == 552


def test_fifty_recipients_and_no_more(served: Submission) -> None:
    """The fifty-first recipient is answered 452, and the fifty are served."""
    mail = MAIL.replace(b"one@", b"fifty@")
    with served.connect() as client:
        refused = client.sendmail("a@example.com", [f"r{number}@example.org" for number in range(51)], mail)
    assert [code for code, _ in refused.values()] == [452]
    wait_until(lambda: sum(b"fifty@example.com" in path.read_bytes() for path in new(served)) == 50)


def test_a_connection_has_its_number_of_mails(served: Submission, monkeypatch: pytest.MonkeyPatch) -> None:
    """The mail after the last one that a connection may bring is answered 421; on a new one it is taken."""
    assert protocol.MAILS == 10_000
    monkeypatch.setattr(protocol, "MAILS", 3)
    with served.connect() as client:
        for number in range(3):
            client.sendmail("a@example.com", ["ada@example.org"], MAIL.replace(b"one@", b"%d@many." % number))
        client.mail("a@example.com")
        client.rcpt("ada@example.org")
        assert client.docmd("DATA")[0] == 421
        with pytest.raises(smtplib.SMTPServerDisconnected):
            client.noop()
        client.close()
    with served.connect() as client:
        assert client.sendmail("a@example.com", ["ada@example.org"], MAIL.replace(b"one@", b"3@many.")) == {}
    for number in range(4):
        assert arrived(served, f"{number}@many.example.com")


def test_what_is_missing_is_added(served: Submission) -> None:
    """A mail without Message-ID and Date gets them; Bcc does not go out."""
    mail = b"From: a@example.com\r\nBcc: secret@example.org\r\nSubject: bare\r\n\r\nHello\r\n"
    with served.connect() as client:
        client.sendmail("a@example.com", ["ada@example.org"], mail)
    wait_until(lambda: any(mail["subject"] == "bare" for mail in mails_with_any_id(served)))
    found = next(mail for mail in mails_with_any_id(served) if mail["subject"] == "bare")
    assert found["message-id"]
    assert found["date"]
    assert found["bcc"] is None


def mails_with_any_id(served: Submission) -> list[Message]:
    """Every mail of the outbox, parsed."""
    return [email.message_from_bytes(path.read_bytes()) for path in new(served)]


def test_a_locked_store_is_a_temporary_failure(served: Submission) -> None:
    """While the database cannot be written nothing is accepted: 451, and the client may try again."""
    with served.connect() as client, served.service.store.write():
        served.service.store._wait = 0.2
        with pytest.raises(smtplib.SMTPResponseException) as refused:
            client.sendmail("a@example.com", ["ada@example.org"], MAIL)
    served.service.store._wait = 5
    assert refused.value.smtp_code == 451


def test_a_stop_answers_what_was_stored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A mail whose commit has begun when the service stops is answered 250, one that comes after it 421."""
    entered, go = threading.Event(), threading.Event()
    with Submission(tmp_path / "data") as service:
        store = service.service.submitter.submit_raw

        def slowly(*args: Any, **names: Any) -> Any:
            entered.set()
            assert go.wait(20)
            return store(*args, **names)

        monkeypatch.setattr(service.service.submitter, "submit_raw", slowly)
        with service.connect() as client, service.connect() as late:
            for one in (client, late):
                one.mail("a@example.com")
                one.rcpt("ada@example.org")
                assert one.docmd("DATA")[0] == 354
            client.send(MAIL + b".\r\n")
            assert entered.wait(20)
            stopping = threading.Thread(target=service.service.stop)
            stopping.start()
            time.sleep(0.2)
            late.send(MAIL + b".\r\n")
            assert late.getreply()[0] == 421
            go.set()
            assert client.getreply()[0] == 250
            assert client.getreply()[0] == 421
            stopping.join(20)
            for one in (client, late):
                one.close()


def test_swaks_hands_in_a_mail(served: Submission) -> None:
    """The field's own test tool signs in over STARTTLS and is answered 250."""
    tool = shutil.which("swaks")
    if tool is None:
        missing("swaks is not installed")
    username, password = served.credential
    done = subprocess.run(  # noqa: S603 - a tool of the system
        [
            *(tool, "--server", "localhost", "--port", str(served.port), "--tls", "--auth", "PLAIN"),
            *("--auth-user", username, "--auth-password", password, "--from", "news@example.com"),
            *("--to", "ada@example.org", "--header", "ahasend-track-clicks: true", "--header", "Subject: by swaks"),
            *("--add-header", "Content-Type: text/html", "--body", '<a href="https://example.com/swaks">x</a>'),
        ],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert "250 2.0.0 accepted" in done.stdout
    wait_until(lambda: any(mail["subject"] == "by swaks" for mail in mails_with_any_id(served)))


def test_an_unverified_client_sees_a_certificate_that_signs_itself(served: Submission) -> None:
    """Without being told to trust it, a client refuses the certificate made on first start."""
    with smtplib.SMTP("localhost", served.port) as client, pytest.raises(ssl.SSLCertVerificationError):
        client.starttls(context=ssl.create_default_context())


@pytest.mark.parametrize("dripping", ["nothing", "a command", "a mail"])
def test_who_keeps_us_waiting_is_cut_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dripping: str) -> None:
    """A client that says nothing, drips a command or drips a mail loses its connection after its time."""

    def work(seconds: float) -> None:
        monkeypatch.setattr(server, "IDLE", seconds)
        monkeypatch.setattr(protocol, "LONGEST_MAIL", 1.3 * seconds)
        with Submission(tmp_path / str(seconds)) as service, service.connect() as client:
            assert client.sock is not None
            if dripping == "a mail":
                client.mail("a@example.com")
                client.rcpt("b@example.org")
                client.docmd("DATA")
            with pytest.raises(OSError):  # noqa: PT011 - a reset, a broken pipe, or an end of TLS
                _drip(client.sock, silent=dripping == "nothing", pause=seconds / 6)
            client.close()

    at_some_pace(0.6, work)


def _drip(connection: socket.socket, *, silent: bool, pause: float) -> None:
    """Send a byte now and then, or nothing; raises OSError when the other side has had enough."""
    if silent:
        connection.settimeout(WAIT)
        try:
            if not connection.recv(1000):
                raise ConnectionResetError
        except TimeoutError:
            pytest.fail("nobody hung up")
    for _ in range(60):
        time.sleep(pause)
        connection.sendall(b"x")
