"""Mails and commands made to do harm, over both doors: what is taken is taken whole, and nothing is stuck."""

import contextlib
import smtplib
import socket
import ssl
import struct
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from linkweir.app import create_app
from linkweir.errors import SettingsError
from linkweir.settings import Settings
from linkweir.smtp import smtp_connection, smtp_server
from tests.smtp.submission_service import MAIL, SubmissionService
from tests.web.running_service import WAIT_SECONDS, retry_with_longer_timeouts, wait_until

DEEP_MULTIPART = b"".join(
    b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (number, number) for number in range(3000)
)


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SubmissionService]:
    """One service for this file, with both doors; what comes in by the filter has nowhere to go back to."""
    ways = {"filter_listen": "127.0.0.1:0", "filter_return": "127.0.0.1:1"}
    with SubmissionService(tmp_path_factory.mktemp("hostile") / "data", **ways) as service:
        yield service


def submit_to_filter(service: SubmissionService, raw: bytes, *recipients: str) -> dict[str, Any]:
    """Hand a mail in at the filter's door; the newest message as the API shows it."""
    with smtplib.SMTP("127.0.0.1", service.components.smtp_servers[1].address[1], timeout=WAIT_SECONDS) as client:
        client.sendmail("a@example.com", list(recipients) or ["ada@example.org"], raw)
    newest = service.client.get(f"{service.account_path}/messages", params={"limit": 1}).json()["data"][0]
    return service.get_message(newest["id"])


@pytest.mark.parametrize(
    ("subject", "shown"),
    [
        (b"=?utf-7?Q?+2AA-?=", "?"),
        (b"=?unicode_escape?Q?=5Cud800?=", "?"),
        (b"=?utf-16?b?AAA=?= =?zlib?q?x?=", None),
        (b"=?u\xcbf-8?q?x?=", None),
        (b"=?a?q?" * 150_000, None),
    ],
)
def test_no_subject_rejects_a_mail(service: SubmissionService, subject: bytes, shown: str | None) -> None:
    """Encoded words that make halves of characters, name odd codecs or never end: the mail is taken as it is."""
    raw = b"From: a@example.com\r\nSubject: " + subject + b"\r\n\r\nhi\r\n"
    message = submit_to_filter(service, raw)
    assert shown is None or message["subject"] == shown
    assert len(message["subject"]) <= 2000
    assert message["content"].endswith(raw.decode("utf-8", "replace"))


@pytest.mark.parametrize("sender", [b"(" * 5000, b'"' * 50_000 + b"<" * 50_000, b"<a@b\x00c>", b'"x@b> x"@c<d>e'])
def test_no_sender_rejects_a_mail(service: SubmissionService, sender: bytes) -> None:
    """Comments in comments, quotes without end and controls in From: the mail is taken, and its own name is clean."""
    message = submit_to_filter(service, b"From: " + sender + b"\r\nSubject: x\r\n\r\nhi\r\n")
    assert message["message_id"].strip("<>").rpartition("@")[2].replace(".", "").isalnum()


def test_many_odd_headers_and_parts_make_few_notes(service: SubmissionService) -> None:
    """Fifty thousand unknown wishes, or nine thousand parts that cannot be read, are noted briefly."""
    wishes = submit_to_filter(service, b"ahasend-foo: x\r\n" * 50_000 + MAIL)
    part = b"--b\r\nContent-Type: text/html\r\nContent-Transfer-Encoding: x\r\n\r\n<a href='https://a.b'>\r\n"
    head = b"From: a@example.com\r\nahasend-track-clicks: true\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
    parts = submit_to_filter(service, head + part * 9000 + b"--b--\r\n")
    for message, last in ((wishes, "header-ignored"), (parts, "more-notes")):
        notes = [note for note in message["events"] if note["kind"] != "transient_error"]
        assert len(notes) < 60
        assert any(note["kind"] == last and "more" in note["data"]["text"] for note in notes)


@pytest.mark.parametrize(
    "body",
    [
        DEEP_MULTIPART + b"Content-Type: text/html\r\n\r\n<a href='https://a.b'>x</a>\r\n",
        b"Content-Type: text/plain; charset=utf-7\r\n\r\n+2AA-\r\n",
        b"Content-Type: text/plain; charset=unicode_escape\r\n\r\n\\ud800\r\n",
        b'Content-Type: text/plain; charset="a\0b"\r\n\r\nx\r\n',
        b"Content-Type: text/plain; charset*=zlib''x; name*=\xff''%FF\r\nX: \xff\xed\xa0\x80\r\n\r\nx\r\n",
        b"Content-Type: image/png; name*0*=utf-7''%2B2AA-\r\nContent-ID: \xff\r\n\r\nx\r\n",
    ],
)
def test_every_accepted_mail_can_be_read(service: SubmissionService, body: bytes) -> None:
    """Multiparts inside each other and odd charsets, names and bytes: the API shows the message nevertheless."""
    message = submit_to_filter(service, b"From: a@example.com\r\n" + body)
    assert message["content_parsed"]["headers"]["From"] == ["a@example.com"]


@pytest.mark.parametrize("address", [b"a@b\rRCPT TO:<c@d>", b"a\x00@b", b"a\x01@b", b"\x7f@b"])
def test_no_control_passes_in_an_envelope(service: SubmissionService, address: bytes) -> None:
    """A control in MAIL or RCPT is refused: to the next server it might be a command."""
    port = service.components.smtp_servers[1].address[1]
    with socket.create_connection(("127.0.0.1", port), timeout=WAIT_SECONDS) as client, client.makefile("rb") as lines:
        lines.readline()
        for command in (b"HELO x", b"MAIL FROM:<" + address + b">"):
            client.sendall(command + b"\r\n")
            answer = lines.readline()
        assert answer.startswith(b"5")
        client.sendall(b"MAIL FROM:<a@example.com>\r\nRCPT TO:<" + address + b">\r\n")
        assert lines.readline().startswith(b"250")
        assert lines.readline().startswith(b"5")


@pytest.mark.parametrize("recipient", ["v" * 100 + "@example.org", '"a b"@example.org'])
def test_real_recipients_are_taken(service: SubmissionService, recipient: str) -> None:
    """A local part that is longer than the standard has it, as bounces have, or quoted, is no reason to bounce."""
    assert submit_to_filter(service, MAIL, recipient)["recipient"] == recipient


@pytest.mark.parametrize(
    "head",
    [
        b"From: me@mine.example\r\nFrom: ceo@bank.example\r\n",
        b"From: me@mine.example, ceo@bank.example\r\n",
        b"From: me@mine.example <ceo@bank.example>\r\n",
        b"From: ceo@bank.example\r\n",
        b"X: no from\r\n",
        b"no header\r\nFrom: ceo@bank.example\r\n",
        b"From: me@mine.example\r\nSender: ceo@bank.example\r\n",
        b"From: me@mine.example\r\nResent-From: ceo@bank.example\r\n",
        b"From: me@mine.example\r\nResent-Sender : ceo@bank.example\r\n",
        b"From: me@mine.example\r\nno header\r\nSender: ceo@bank.example\r\n",
        b"From: me@mine.example,\r\n ceo@bank.example\r\n",
        b"From: me@mine.example, " + b" " * 9000 + b"ceo@bank.example\r\n",
        b"From: me@sub.mine.example\r\n",
    ],
)
def test_a_scoped_credential_sends_from_its_domains_only(service: SubmissionService, head: bytes) -> None:
    """Not one address of another domain may stand in From, Sender, Resent-* or the envelope; there is one From."""
    asked = {"name": "one", "scope": "scoped", "domains": ["mine.example"]}
    created = service.client.post(f"{service.account_path}/smtp-credentials", json=asked).json()
    with service.connect(sign_in=False) as client:
        client.login(created["username"], created["password"])
        client.sendmail("me@mine.example", ["ada@example.org"], b"From: Me <me@Mine.example>\r\n\r\nhi\r\n")
        with pytest.raises(smtplib.SMTPDataError) as refused:
            client.sendmail("me@mine.example", ["ada@example.org"], head + b"Subject: x\r\n\r\nhi\r\n")
        assert (refused.value.smtp_code, refused.value.smtp_error[:5]) == (550, b"5.7.1")
        for sender, code in (
            ("ceo@bank.example", 550),
            ("me@sub.mine.example", 550),
            ("", 250),
            ("b+1@MINE.example", 250),
        ):
            assert client.mail(sender)[0] == code
            client.rset()


def test_a_revoked_credential_sends_no_more(service: SubmissionService) -> None:
    """A connection that has signed in with a credential sends nothing once that is deleted."""
    created = service.client.post(
        f"{service.account_path}/smtp-credentials", json={"name": "two", "scope": "global"}
    ).json()
    with service.connect(sign_in=False) as client:
        client.login(created["username"], created["password"])
        client.sendmail("a@example.com", ["ada@example.org"], MAIL)
        service.client.delete(f"{service.account_path}/smtp-credentials/{created['id']}").raise_for_status()
        with pytest.raises(smtplib.SMTPDataError) as refused:
            client.sendmail("a@example.com", ["ada@example.org"], MAIL)
    assert (refused.value.smtp_code, refused.value.smtp_error[:5]) == (550, b"5.7.8")


def test_what_was_sent_before_tls_is_forgotten(service: SubmissionService) -> None:
    """Commands pipelined behind STARTTLS in the clear are not carried out once the connection is encrypted."""
    plain = service.connect_raw()
    plain.sendall(b"EHLO x\r\nSTARTTLS\r\nEHLO injected\r\nNOOP\r\n")
    said = b""
    while b"220 Ready" not in said:
        said += plain.recv(4096)
    context = ssl.create_default_context(cafile=str(service.settings.data / "smtp-selfsigned.pem"))
    with context.wrap_socket(plain, server_hostname="localhost") as secure:
        secure.sendall(b"MAIL FROM:<a@example.com>\r\n")
        assert secure.recv(4096).startswith(b"503")  # EHLO has not been said here


def test_connection_slots_are_released(service: SubmissionService) -> None:
    """However a connection ends, also in the middle of STARTTLS, its place is free again afterwards."""
    abrupt = struct.pack("ii", 1, 0)
    for said in (b"", b"EHLO x\r\n", b"EHLO x\r\nSTARTTLS\r\n", b"EHLO x\r\nSTARTTLS\r\n\x16\x03\x01\x02\x00junk"):
        for _ in range(smtp_server.MAX_CONNECTIONS + 10):
            client = socket.create_connection(("localhost", service.port), timeout=WAIT_SECONDS)
            client.recv(1000)  # the greeting, or that there is no place just now
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, abrupt)
            client.sendall(said)
            client.close()
        wait_until(lambda: _is_listening(service))


def test_a_stranger_leaves_connection_slots_to_others(tmp_path: Path) -> None:
    """Connections of one address that have not signed in take a few places only; who signs in has one beside them."""
    with SubmissionService(tmp_path / "data") as served, contextlib.ExitStack() as stack:
        friend = stack.enter_context(served.connect())
        address, said = ("127.0.0.1", served.port), []
        for _ in range(smtp_connection.MAX_UNAUTHENTICATED + 5):
            client = stack.enter_context(
                socket.create_connection(address, timeout=WAIT_SECONDS, source_address=("127.0.0.2", 0))
            )
            said.append(client.recv(1000)[:3])
        assert said == [b"220"] * smtp_connection.MAX_UNAUTHENTICATED + [b"421"] * 5
        assert friend.noop()[0] == 250
        with socket.create_connection(address, timeout=WAIT_SECONDS, source_address=("127.0.0.3", 0)) as other:
            assert other.recv(1000).startswith(b"220")


@pytest.mark.parametrize(
    ("peer", "found"),
    [
        (("192.0.2.7", 1), "192.0.2.7"),
        (("2001:db8:1:2:3:4:5:6", 1, 0, 0), "2001:db8:1:2::/64"),
        (("fe80::1%eth0", 1, 0, 2), "fe80::/64"),
        (None, ""),
        ("", ""),
    ],
)
def test_a_network_is_what_one_client_can_have(peer: object, found: str) -> None:
    """All addresses of one /64 are one client's, each IPv4 address its own."""
    assert smtp_connection.peer_network(peer) == found


def _is_listening(service: SubmissionService) -> bool:
    try:
        service.connect_raw().close()
    except (AssertionError, OSError):
        return False
    return True


def test_who_does_not_sign_in_is_cut_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that keeps its connection with a word now and then, but never signs in, loses it; others do not."""

    def work(seconds: float) -> None:
        monkeypatch.setattr(smtp_connection, "AUTH_TIMEOUT_SECONDS", seconds)
        with SubmissionService(tmp_path / str(seconds)) as service, service.connect() as friend:
            stranger = service.connect(sign_in=False)
            with pytest.raises((OSError, smtplib.SMTPServerDisconnected)):
                _send_commands(stranger, seconds / 10)
            stranger.close()
            assert friend.noop()[0] == 250

    retry_with_longer_timeouts(1.0, work)


def _send_commands(client: smtplib.SMTP, pause: float) -> None:
    for _ in range(60):
        client.noop()
        time.sleep(pause)


def test_a_slow_commit_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once a mail is here, no clock runs against its client: hanging up would make it send the same mail again."""

    def work(seconds: float) -> None:
        monkeypatch.setattr(smtp_server, "IDLE_SECONDS", seconds)
        monkeypatch.setattr(smtp_connection, "MAX_MAIL_SECONDS", 1.4 * seconds)
        with SubmissionService(tmp_path / str(seconds)) as service, service.connect() as client:
            submit = service.components.submitter.submit_raw

            def slowly(*args: Any, **named: Any) -> Any:
                time.sleep(3 * seconds)
                return submit(*args, **named)

            monkeypatch.setattr(service.components.submitter, "submit_raw", slowly)
            client.sendmail("a@example.com", ["ada@example.org"], MAIL)
            with pytest.raises((OSError, smtplib.SMTPServerDisconnected)):  # afterwards the idle time counts again
                _wait_and_send(client, 2.4 * seconds)

    retry_with_longer_timeouts(0.5, work)


def _wait_and_send(client: smtplib.SMTP, pause: float) -> None:
    time.sleep(pause)
    client.noop()


def test_a_failed_handshake_is_no_alarm(service: SubmissionService) -> None:
    """A client that answers STARTTLS with something else, or goes away, is noted in a line and not as a bug."""
    for answer in (b"what is that?\r\n" * 10, b""):
        client = service.connect_raw()
        client.sendall(b"EHLO x\r\nSTARTTLS\r\n")
        while b"Ready" not in client.recv(4096):
            pass
        client.sendall(answer)
        client.close()
    wait_until(lambda: any(line["event"] == "smtp.connection_failed" for line in service.logs))
    assert not any(line["event"] == "smtp.bug" for line in service.logs)


@pytest.mark.parametrize("listen", ["0.0.0.0:0", "[::]:0", "[0:0::0]:0", "8.8.8.8:0", "localhost", "[::1]"])
def test_the_filter_listens_inside_only(tmp_path: Path, listen: str) -> None:
    """It takes mail from anybody: all addresses at once, however that is written, and a public one are refused."""
    settings = Settings(data=tmp_path, filter_listen=listen, filter_return="127.0.0.1:1")
    with pytest.raises(SettingsError, match="FILTER_LISTEN"):
        smtp_server.create_content_filter(create_app(settings).state.linkweir)
