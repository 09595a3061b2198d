"""Tests of linkweir.smtp.authenticator and of both ways to TLS: who may sign in, how, and how often."""

import base64
import smtplib
import socket
import ssl
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest

from linkweir.accounts.sign_in_limiter import SMTP_LIMIT
from linkweir.smtp import smtp_connection, smtp_server
from tests.smtp.submission_service import MAIL, SubmissionService
from tests.web.running_service import WAIT_SECONDS, wait_until


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SubmissionService]:
    """One service for this file, with both ports."""
    with SubmissionService(tmp_path_factory.mktemp("signin") / "data") as service:
        yield service


def encode_base64(text: str) -> str:
    """As AUTH has it."""
    return base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize("implicit", [False, True])
@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN", "login"])
def test_both_mechanisms_over_both_kinds_of_tls(service: SubmissionService, mechanism: str, implicit: bool) -> None:
    """AUTH PLAIN and LOGIN, in any case, sign in after STARTTLS and over implicit TLS, and a mail is taken."""
    username, password = service.credentials
    plain = mechanism == "PLAIN"
    with service.connect(sign_in=False, implicit=implicit) as client:
        client.ehlo()
        assert client.esmtp_features["auth"].split() == ["LOGIN", "PLAIN"]
        given = encode_base64(f"\0{username}\0{password}" if plain else username)
        code, challenge = client.docmd(f"AUTH {mechanism} {given}")
        if not plain:
            assert (code, base64.b64decode(challenge)) == (334, b"Password:")
            code, _ = client.docmd(encode_base64(password))
        assert code == 235
        assert client.sendmail("a@example.com", ["ada@example.org"], MAIL) == {}


def test_login_sends_the_prompts_that_clients_expect(service: SubmissionService) -> None:
    """Without an initial answer AUTH LOGIN asks for `Username:` and `Password:`; `*` ends it."""
    with service.connect(sign_in=False) as client:
        client.ehlo()
        assert client.docmd("AUTH LOGIN") == (334, base64.b64encode(b"Username:"))
        assert client.docmd("*")[0] == 501
        assert client.docmd("AUTH LOGIN") == (334, base64.b64encode(b"Username:"))
        assert client.docmd(encode_base64(service.credentials[0])) == (334, base64.b64encode(b"Password:"))
        assert client.docmd(encode_base64("wrong")) == (535, b"5.7.8 the username or password is wrong")


@pytest.mark.parametrize("command", ["AUTH PLAIN AGEAYg==", "AUTH LOGIN", "AUTH LOGIN YQ=="])
def test_no_password_without_tls(service: SubmissionService, command: str) -> None:
    """Before STARTTLS no mechanism is offered and none is begun."""
    with smtplib.SMTP("localhost", service.port) as client:
        client.ehlo()
        assert not client.has_extn("auth")
        assert client.docmd(command)[0] in (530, 538)


@pytest.mark.parametrize("first", ["PLAIN", "LOGIN"])
def test_guessing_is_limited_whatever_the_mechanism_and_port(tmp_path: Path, first: str) -> None:
    """Ten failures over one mechanism and port stop the eleventh over the other, with the right password too."""
    with SubmissionService(tmp_path / "data") as service:
        username, password = service.credentials
        for number in range(SMTP_LIMIT[1]):
            with service.connect(sign_in=False, implicit=number % 2 == 0) as client:
                client.ehlo()
                assert _try_sign_in(client, first, username, "wrong") == 535
        for mechanism in ("PLAIN", "LOGIN"):
            for implicit in (False, True):
                with service.connect(sign_in=False, implicit=implicit) as client:
                    client.ehlo()
                    assert _try_sign_in(client, mechanism, username, password) == 454


def _try_sign_in(client: smtplib.SMTP, mechanism: str, username: str, password: str) -> int:
    if mechanism == "PLAIN":
        return client.docmd("AUTH PLAIN " + encode_base64(f"\0{username}\0{password}"))[0]
    client.docmd("AUTH LOGIN " + encode_base64(username))
    return client.docmd(encode_base64(password))[0]


def test_implicit_tls_needs_no_starttls_and_takes_none(service: SubmissionService) -> None:
    """Over implicit TLS STARTTLS is neither offered nor carried out, and the greeting comes encrypted only."""
    with service.connect(implicit=True) as client:
        client.ehlo()
        assert not client.has_extn("starttls")
        assert client.docmd("STARTTLS")[0] == 503
        assert client.noop()[0] == 250
    with socket.create_connection(("localhost", service.port_of("submissions")), timeout=WAIT_SECONDS) as plain:
        plain.settimeout(0.5)
        with pytest.raises(TimeoutError):
            plain.recv(1)
        plain.settimeout(20)
        plain.sendall(b"EHLO x\r\nMAIL FROM:<a@example.com>\r\n")
        assert plain.recv(1000)[:1] != b"2"


def test_tls_begins_once(service: SubmissionService) -> None:
    """A second STARTTLS inside TLS is refused, and the connection goes on."""
    with service.connect() as client:
        client.ehlo()
        assert client.docmd("STARTTLS")[0] == 503
        assert client.noop()[0] == 250


def test_an_eager_client_loses_nothing(service: SubmissionService) -> None:
    """What a client sends with the last of its handshake, before the greeting, is answered."""
    with socket.create_connection(("localhost", service.port_of("submissions")), timeout=WAIT_SECONDS) as plain:
        into, out = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = service.make_tls_context.wrap_bio(into, out, server_hostname="localhost")
        while True:
            try:
                tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                plain.sendall(out.read())
                into.write(plain.recv(65536))
        tls.write(b"EHLO eager\r\nQUIT\r\n")
        plain.sendall(out.read())  # the end of the handshake and the commands, in one
        said = b""
        while b"221 " not in said:
            try:
                said += tls.read(65536)
            except ssl.SSLWantReadError:
                into.write(plain.recv(65536))
    assert said.startswith(b"220 ")
    assert b"250 HELP" in said


def test_slots_of_unfinished_handshakes_are_released(service: SubmissionService) -> None:
    """A client that connects to implicit TLS and goes, talks in the clear or sends junk leaves its place free."""
    abrupt = struct.pack("ii", 1, 0)
    port = service.port_of("submissions")
    for said in (b"", b"EHLO x\r\n", b"\x16\x03\x01\x02\x00junk"):
        for _ in range(smtp_connection.MAX_UNAUTHENTICATED + 5):
            client = socket.create_connection(("localhost", port), timeout=WAIT_SECONDS)
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, abrupt)
            client.sendall(said)
            client.close()
        wait_until(lambda: _is_listening(service))
    assert not any(line["event"] == "smtp.bug" for line in service.logs)


def _is_listening(service: SubmissionService) -> bool:
    try:
        service.connect(implicit=True).quit()
    except (smtplib.SMTPException, OSError):
        return False
    return True


def test_a_handshake_that_is_not_begun_holds_a_slot_for_a_limited_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Connections that wait with their handshake count as strangers and are cut off after the idle time."""
    monkeypatch.setattr(smtp_server, "IDLE_SECONDS", 1.0)
    with SubmissionService(tmp_path / "data") as service:
        address = ("localhost", service.port_of("submissions"))
        waiting = [
            socket.create_connection(address, timeout=WAIT_SECONDS) for _ in range(smtp_connection.MAX_UNAUTHENTICATED)
        ]
        with socket.create_connection(address, timeout=WAIT_SECONDS) as late:
            assert late.recv(100).startswith(b"421")
        for item in waiting:
            assert item.recv(100) == b""
            item.close()
        wait_until(lambda: _is_listening(service))
