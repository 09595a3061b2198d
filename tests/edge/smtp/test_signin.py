"""Tests of linkweir.edge.smtp.signin and of both ways to TLS: who may sign in, how, and how often."""

import base64
import smtplib
import socket
import ssl
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest

from linkweir.edge.smtp import protocol, server, signin
from tests.edge.serving import wait_until
from tests.edge.smtp.submitting import MAIL, Submission


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Submission]:
    """One service for this file, with both ports."""
    with Submission(tmp_path_factory.mktemp("signin") / "data") as service:
        yield service


def base64_of(text: str) -> str:
    """As AUTH has it."""
    return base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize("implicit", [False, True])
@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN", "login"])
def test_both_mechanisms_over_both_kinds_of_tls(served: Submission, mechanism: str, implicit: bool) -> None:
    """AUTH PLAIN and LOGIN, in any case, sign in after STARTTLS and over implicit TLS, and a mail is taken."""
    username, password = served.credential
    plain = mechanism == "PLAIN"
    with served.connect(sign_in=False, implicit=implicit) as client:
        client.ehlo()
        assert client.esmtp_features["auth"].split() == ["LOGIN", "PLAIN"]
        given = base64_of(f"\0{username}\0{password}" if plain else username)
        code, challenge = client.docmd(f"AUTH {mechanism} {given}")
        if not plain:
            assert (code, base64.b64decode(challenge)) == (334, b"Password:")
            code, _ = client.docmd(base64_of(password))
        assert code == 235
        assert client.sendmail("a@example.com", ["ada@example.org"], MAIL) == {}


def test_login_asks_as_clients_wait_for_it(served: Submission) -> None:
    """Without an initial answer AUTH LOGIN asks for `Username:` and `Password:`; `*` ends it."""
    with served.connect(sign_in=False) as client:
        client.ehlo()
        assert client.docmd("AUTH LOGIN") == (334, base64.b64encode(b"Username:"))
        assert client.docmd("*")[0] == 501
        assert client.docmd("AUTH LOGIN") == (334, base64.b64encode(b"Username:"))
        assert client.docmd(base64_of(served.credential[0])) == (334, base64.b64encode(b"Password:"))
        assert client.docmd(base64_of("wrong")) == (535, b"5.7.8 the username or password is wrong")


@pytest.mark.parametrize("command", ["AUTH PLAIN AGEAYg==", "AUTH LOGIN", "AUTH LOGIN YQ=="])
def test_no_password_without_tls(served: Submission, command: str) -> None:
    """Before STARTTLS no mechanism is offered and none is begun."""
    with smtplib.SMTP("localhost", served.port) as client:
        client.ehlo()
        assert not client.has_extn("auth")
        assert client.docmd(command)[0] in (530, 538)


@pytest.mark.parametrize("first", ["PLAIN", "LOGIN"])
def test_guessing_is_limited_whatever_the_mechanism_and_port(tmp_path: Path, first: str) -> None:
    """Ten failures over one mechanism and port stop the eleventh over the other, with the right password too."""
    with Submission(tmp_path / "data") as service:
        username, password = service.credential
        for number in range(signin.TRIES):
            with service.connect(sign_in=False, implicit=number % 2 == 0) as client:
                client.ehlo()
                assert _tried(client, first, username, "wrong") == 535
        for mechanism in ("PLAIN", "LOGIN"):
            for implicit in (False, True):
                with service.connect(sign_in=False, implicit=implicit) as client:
                    client.ehlo()
                    assert _tried(client, mechanism, username, password) == 454


def _tried(client: smtplib.SMTP, mechanism: str, username: str, password: str) -> int:
    if mechanism == "PLAIN":
        return client.docmd("AUTH PLAIN " + base64_of(f"\0{username}\0{password}"))[0]
    client.docmd("AUTH LOGIN " + base64_of(username))
    return client.docmd(base64_of(password))[0]


def test_implicit_tls_needs_no_starttls_and_takes_none(served: Submission) -> None:
    """Over implicit TLS STARTTLS is neither offered nor carried out, and the greeting comes encrypted only."""
    with served.connect(implicit=True) as client:
        client.ehlo()
        assert not client.has_extn("starttls")
        assert client.docmd("STARTTLS")[0] == 503
        assert client.noop()[0] == 250
    with socket.create_connection(("localhost", served.port_of("submissions")), timeout=20) as plain:
        plain.settimeout(0.5)
        with pytest.raises(TimeoutError):
            plain.recv(1)
        plain.settimeout(20)
        plain.sendall(b"EHLO x\r\nMAIL FROM:<a@example.com>\r\n")
        assert plain.recv(1000)[:1] != b"2"


def test_tls_begins_once(served: Submission) -> None:
    """A second STARTTLS inside TLS is refused, and the connection goes on."""
    with served.connect() as client:
        client.ehlo()
        assert client.docmd("STARTTLS")[0] == 503
        assert client.noop()[0] == 250


def test_an_eager_client_loses_nothing(served: Submission) -> None:
    """What a client sends with the last of its handshake, before the greeting, is answered."""
    with socket.create_connection(("localhost", served.port_of("submissions")), timeout=20) as plain:
        into, out = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = served.trusted.wrap_bio(into, out, server_hostname="localhost")
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


def test_places_of_unfinished_handshakes_come_back(served: Submission) -> None:
    """A client that connects to implicit TLS and goes, talks in the clear or sends junk leaves its place free."""
    abrupt = struct.pack("ii", 1, 0)
    port = served.port_of("submissions")
    for said in (b"", b"EHLO x\r\n", b"\x16\x03\x01\x02\x00junk"):
        for _ in range(protocol.STRANGERS + 5):
            client = socket.create_connection(("localhost", port), timeout=20)
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, abrupt)
            client.sendall(said)
            client.close()
        wait_until(lambda: _answers(served))
    assert not any(line["event"] == "smtp.bug" for line in served.logs)


def _answers(served: Submission) -> bool:
    try:
        served.connect(implicit=True).quit()
    except (smtplib.SMTPException, OSError):
        return False
    return True


def test_a_handshake_that_is_not_begun_holds_a_place_and_not_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Connections that wait with their handshake count as strangers and are cut off after the idle time."""
    monkeypatch.setattr(server, "IDLE", 1.0)
    with Submission(tmp_path / "data") as service:
        address = ("localhost", service.port_of("submissions"))
        waiting = [socket.create_connection(address, timeout=20) for _ in range(protocol.STRANGERS)]
        with socket.create_connection(address, timeout=20) as late:
            assert late.recv(100).startswith(b"421")
        for one in waiting:
            assert one.recv(100) == b""
            one.close()
        wait_until(lambda: _answers(service))
