"""Tests of linkweir.smtp.commands: what real clients say beside the plainest commands, and what they get."""

import smtplib
import socket
from collections.abc import Iterator

import pytest

from tests.smtp.submission_service import MAIL, SubmissionService
from tests.web.running_service import WAIT_SECONDS, wait_until


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SubmissionService]:
    """One service for this file, with all ways in; what comes in by the filter has nowhere to go back to."""
    ways = {"filter_listen": "127.0.0.1:0", "filter_return": "127.0.0.1:1"}
    more = {"max_message": 300_000, "mail_hostname": "weir.example"}
    with SubmissionService(tmp_path_factory.mktemp("commands") / "data", **ways, **more) as service:
        yield service


@pytest.fixture
def client(service: SubmissionService) -> Iterator[smtplib.SMTP]:
    """One that has signed in and said EHLO."""
    with service.connect() as result:
        result.ehlo()
        yield result


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        ("AUTH=<>", 250),
        ("auth=<>", 250),
        ("AUTH=e+3Dmc2@example.com", 250),
        ("SIZE=1000 BODY=8BITMIME AUTH=<>", 250),
        ("size=0 body=7bit", 250),
        ("SIZE=300000", 250),
        ("SIZE=300001", 552),
        ("SIZE=99999999999999999999", 552),
        ("SIZE=" + "9" * 5000, 501),
        ("SIZE=-1", 501),
        ("SIZE=x", 501),
        ("SIZE", 501),
        ("AUTH=", 501),
        ("BODY=BINARYMIME", 501),
        ("SMTPUTF8=yes", 501),
        ("RET=FULL ENVID=1", 555),
        ("=x", 501),
        ("SIZE=1 SIZE=2", 501),
        ("FOO", 555),
    ],
)
def test_parameters_of_mail(client: smtplib.SMTP, parameters: str, code: int) -> None:
    """AUTH= is taken and ignored; sizes and bodies are checked; DSN, which is not offered, is 555."""
    assert client.docmd(f"MAIL FROM:<a@example.com> {parameters}")[0] == code
    assert client.docmd("RCPT TO:<ada@example.org>")[0] == (250 if code == 250 else 503)
    assert client.rset()[0] == 250


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ("MAIL FROM: <a@example.com>", 250),
        ("mail from:<a@example.com>", 250),
        ("MAIL FROM:a@example.com", 250),
        ("MAIL FROM:<>", 250),
        ("MAIL FROM:<> AUTH=<>", 250),
        ("MAIL FROM:<@relay.example,@b.example:a@example.com>", 250),
        ('MAIL FROM:<"a b"@example.com>', 250),
        ('MAIL FROM:<"a>b"@example.com>', 250),
        ("MAIL FROM:<a@[IPv6:2001:db8::1]>", 250),
        ("MAIL FROM:", 501),
        ("MAIL", 501),
        ("MAIL <a@example.com>", 501),
        ("MAIL TO:<a@example.com>", 501),
        ("MAIL FROM:<a@example.com", 553),
        ("MAIL FROM:a@example.com>", 553),
        ("MAIL FROM:<a b@example.com>", 553),
        ("MAIL FROM:<a@example.com><b@example.com>", 553),
        ("RCPT TO:<ada@example.org>", 503),
        ("DATA", 503),
        ("VRFY ada", 252),
        ("VRFY", 501),
        ("EXPN list", 502),
        ("NOOP", 250),
        ("NOOP what a day", 250),
        ("HELP", 250),
        ("HELP MAIL", 250),
        ("EHLO", 501),
        ("EHLO [IPv6:2001:db8::1]", 250),
        ("EHLO [192.0.2.1]", 250),
        ("HELO", 501),
        ("BDAT 10", 500),
        ("AUTH PLAIN AGEAYg==", 503),
    ],
)
def test_commands(client: smtplib.SMTP, command: str, code: int) -> None:
    """Each command has the answer that the standard gives it, and the connection goes on."""
    assert client.docmd(command)[0] == code
    assert client.noop()[0] == 250


@pytest.mark.parametrize(
    ("parameters", "code"), [("NOTIFY=NEVER", 555), ("ORCPT=rfc822;a@b.c", 555), ("x y", 555), ("", 250)]
)
def test_parameters_of_rcpt(client: smtplib.SMTP, parameters: str, code: int) -> None:
    """RCPT takes no parameter, for none is offered."""
    client.docmd("MAIL FROM:<a@example.com>")
    assert client.docmd(f"RCPT TO:<ada@example.org> {parameters}")[0] == code


def test_addresses_are_taken_as_they_are_written(service: SubmissionService, client: smtplib.SMTP) -> None:
    """Quotes that could be left out stay, and so does the case: another spelling may be another address there."""
    written = ('"ada"@example.org', "Ada.L@Example.org", '"a b"@example.org', "o'hara+x=y@example.org")
    client.docmd("MAIL FROM:<a@example.com>")
    for address in written:
        assert client.docmd(f"RCPT TO:<{address}>")[0] == 250
    client.data(MAIL.replace(b"one@", b"written@"))
    expected = {"message_id_header": "<written@example.com>"}
    result = service.client.get(f"{service.account_path}/messages", params=expected).json()["data"]
    assert {item["recipient"] for item in result} == set(written)


def test_postmaster_needs_no_domain(service: SubmissionService, client: smtplib.SMTP) -> None:
    """RCPT TO:<Postmaster> is taken, for the postmaster of this host."""
    client.docmd("MAIL FROM:<a@example.com>")
    assert client.docmd("RCPT TO:<Postmaster>")[0] == 250
    client.data(MAIL.replace(b"one@", b"postmaster@"))
    expected = {"message_id_header": "<postmaster@example.com>"}
    (result,) = service.client.get(f"{service.account_path}/messages", params=expected).json()["data"]
    assert result["recipient"] == "Postmaster@weir.example"


def test_long_commands_do_not_depend_on_other_connections(service: SubmissionService, client: smtplib.SMTP) -> None:
    """A command of two thousand bytes is taken, also after another connection has begun."""
    service.connect_raw().close()
    assert client.docmd("MAIL FROM:<a@example.com> AUTH=" + "x" * 2000)[0] == 250
    assert client.docmd("NOOP " + "x" * 13_000)[0] == 500


@pytest.mark.parametrize("command", ["GET / HTTP/1.1", "POST /x HTTP/1.1", "CONNECT x:1 HTTP/1.1"])
def test_a_web_page_sends_no_mail(service: SubmissionService, command: str) -> None:
    """A browser that a page has sent to the filter's port, where nobody signs in, gets no mail in."""
    with socket.create_connection(("127.0.0.1", service.port_of("filter")), timeout=WAIT_SECONDS) as web:
        assert web.recv(1000).startswith(b"220 ")
        body = b"HELO x\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\nDATA\r\nX: web\r\n\r\nx\r\n.\r\n"
        web.sendall(command.encode() + b"\r\n" + body)
        assert web.recv(1000).startswith(b"421 ")
        wait_until(lambda: _is_closed(web))
    result = service.client.get(f"{service.account_path}/messages", params={"sender": "a@b.example"}).json()["data"]
    assert result == []


def _is_closed(connection: socket.socket) -> bool:
    try:
        return connection.recv(1000) == b""
    except ConnectionResetError:
        return True
