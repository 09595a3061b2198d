"""Addresses beyond ASCII (RFC 6531) from submission to delivery, and in everything that shows them."""

import re
import smtplib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests.mail.transport.test_smtp_relay import DEFAULT_REPLIES, UTF8_EHLO, FakeRelay
from tests.smtp.submission_service import MAIL, SubmissionService
from tests.web.running_service import find_free_port, wait_until

ADDRESS = "Jürgen.Ünal@bücher.example"
STORED_ADDRESS = "Jürgen.Ünal@xn--bcher-kva.example"  # the domain as the DNS has it, the local part as it was written


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SubmissionService]:
    """One service for this file, whose mails land in a Maildir."""
    with SubmissionService(tmp_path_factory.mktemp("utf8") / "data") as service:
        yield service


def start_utf8_session(client: smtplib.SMTP) -> smtplib.SMTP:
    """A client that may write UTF-8."""
    client.ehlo()
    client.command_encoding = "utf-8"
    return client


def submit_mail(client: smtplib.SMTP, *recipients: str, sender: str = "ä@example.com", mail: bytes = MAIL) -> str:
    """The answer to a mail with these addresses."""
    client.mail(sender, ["SMTPUTF8", "BODY=8BITMIME"])
    for recipient in recipients:
        assert client.rcpt(recipient)[0] == 250
    code, said = client.data(mail)
    assert code == 250
    return said.decode()


def list_messages(service: SubmissionService, **filters: Any) -> list[dict[str, Any]]:
    """The account's messages."""
    result: list[dict[str, Any]] = service.client.get(f"{service.account_path}/messages", params=filters).json()["data"]
    return result


def test_a_mail_beyond_ascii_is_taken_and_shown(service: SubmissionService) -> None:
    """Envelope, From and Subject in UTF-8: the mail lies in the outbox byte for byte, and API and dashboard show it."""
    mail = MAIL.replace(b"News <news@example.com>", "Grüße <ä@bücher.example>".encode()).replace(b"one@", b"utf8@")
    mail = mail.replace(b"Hello", "Grüße aus Köln".encode())
    with service.connect() as client:
        assert start_utf8_session(client).has_extn("smtputf8")
        key = submit_mail(client, ADDRESS, sender=ADDRESS, mail=mail).rpartition(" ")[2]
    wait_until(lambda: list_messages(service, message_id_header="<utf8@example.com>")[0]["status"] == "Delivered")
    (message,) = list_messages(service, message_id_header="<utf8@example.com>")
    assert (message["recipient"], message["subject"]) == (STORED_ADDRESS, "Grüße aus Köln")
    assert message["sender"] == "ä@xn--bcher-kva.example"
    (stored,) = (
        path.read_bytes() for path in (service.settings.maildir_path / "new").glob(f"*{key.replace('-', '')}*")
    )
    assert stored.endswith(mail)


def test_the_preferences_of_an_international_domain_apply(service: SubmissionService) -> None:
    """What the account wishes for a domain is found for a sender who writes that in its own script."""
    asked = {"domain": "xn--grn-ioa.example", "track_clicks": True}
    service.client.post(f"{service.account_path}/domains", json=asked).raise_for_status()
    mail = MAIL.replace(b"news@example.com", "a@GRÜN.example".encode()).replace(b"one@", b"wishes@")
    with service.connect() as client:
        submit_mail(start_utf8_session(client), "ada@example.org", mail=mail)
    (message,) = list_messages(service, message_id_header="<wishes@example.com>")
    assert message["sender"] == "a@xn--grn-ioa.example"
    assert message["domain_id"]
    links = service.client.get(f"{service.account_path}/messages/{message['id']}/links").json()["data"]
    assert [link["outcome"] for link in links] == ["tracked"]


def test_only_the_domain_may_be_written_in_both_forms(service: SubmissionService) -> None:
    """An internationalised domain and its form in ASCII are one recipient and one message."""
    with service.connect() as client:
        submit_mail(start_utf8_session(client), "idn@bücher.example", "idn@xn--bcher-kva.example", "idn@BÜCHER.example")
    assert {message["recipient"] for message in list_messages(service, recipient="idn@xn--bcher-kva.example")} == {
        "idn@xn--bcher-kva.example"
    }
    assert len(list_messages(service, recipient="idn@xn--bcher-kva.example")) == 1


@pytest.mark.parametrize("spelled", [ADDRESS, STORED_ADDRESS, "jÜRGEN.üNAL@BÜCHER.example"])
def test_a_person_beyond_ascii_can_be_exported_and_erased(service: SubmissionService, spelled: str) -> None:
    """Everything on them is handed out and removed, in whatever case and form of the domain they are named."""
    with service.connect() as client:
        submit_mail(start_utf8_session(client), ADDRESS, mail=MAIL.replace(b"one@", b"person@"))
    path = f"{service.account_path}/recipients/{quote(spelled)}"
    wait_until(lambda: {message["status"] for message in list_messages(service)} == {"Delivered"})
    assert STORED_ADDRESS in service.request_when_allowed("GET", path).json()["messages"][0]["recipient"]
    assert service.request_when_allowed("DELETE", path).json()["messages"] >= 1
    assert all(message["recipient"] != STORED_ADDRESS for message in list_messages(service))


@pytest.mark.parametrize(
    ("command", "code", "status"),
    [
        ("MAIL FROM:<ä@example.com>", 553, b"5.6.7"),
        ("MAIL FROM:<a@bücher.example> BODY=8BITMIME", 553, b"5.6.7"),
        ("MAIL FROM:<ä@xn--.example> SMTPUTF8", 250, b"2.1.0"),
        ("MAIL FROM:<a@\N{ZERO WIDTH SPACE}.example> SMTPUTF8", 553, b"5.1.7"),
        ("MAIL FROM:<a@example.com> SMTPUTF8", 250, b"2.1.0"),
    ],
)
def test_utf8_needs_the_smtputf8_parameter(service: SubmissionService, command: str, code: int, status: bytes) -> None:
    """An address beyond ASCII without SMTPUTF8, or with a domain that cannot be, is refused before the mail."""
    with service.connect() as client:
        start_utf8_session(client)
        answer = client.docmd(command)
        assert (answer[0], answer[1][:5]) == (code, status)


def test_what_is_no_utf8_is_no_address(service: SubmissionService) -> None:
    """Bytes of another charset in a command are refused, and the connection goes on; in EHLO they do no harm."""
    with service.connect() as client:
        start_utf8_session(client)
        client.command_encoding = "latin-1"
        assert client.docmd("EHLO müller-pc")[0] == 250
        assert client.docmd("MAIL FROM:<jürgen@example.com> SMTPUTF8")[0] == 553
        assert client.docmd("VRFY jürgen")[0] == 252
        assert client.docmd("grüß gott")[0] == 500
        assert client.noop()[0] == 250


def test_a_relay_without_it_means_that_it_is_not_offered(tmp_path: Path) -> None:
    """Where the relay does not offer SMTPUTF8, neither do we, and MAIL with it is refused with 5.6.7."""
    with (
        FakeRelay() as relay,
        SubmissionService(tmp_path / "data", transport=f"smtp+plain://127.0.0.1:{relay.port}") as service,
    ):
        wait_until(lambda: service.components.delivery_worker.supports_smtputf8("default") is False)
        with service.connect() as client:
            assert not start_utf8_session(client).has_extn("smtputf8")
            answer = client.docmd("MAIL FROM:<a@example.com> SMTPUTF8")
            assert (answer[0], answer[1][:5]) == (550, b"5.6.7")
            client.sendmail("a@example.com", ["ada@example.org"], MAIL)
        wait_until(lambda: relay.mails)


def test_a_relay_with_it_gets_the_mail(tmp_path: Path) -> None:
    """Where the relay offers SMTPUTF8 the mail goes there in UTF-8."""
    with FakeRelay(EHLO=UTF8_EHLO) as relay:
        transport = f"smtp+plain://127.0.0.1:{relay.port}"
        with SubmissionService(tmp_path / "data", transport=transport) as service, service.connect() as client:
            submit_mail(start_utf8_session(client), ADDRESS)
            wait_until(lambda: relay.mails)
    assert f"RCPT TO:<{STORED_ADDRESS}>" in relay.commands
    assert any(re.fullmatch("MAIL FROM:<ä@example.com> .*SMTPUTF8", command) for command in relay.commands)


def test_a_relay_that_is_not_known_yet_bounces_with_a_reason(tmp_path: Path) -> None:
    """While the relay is away the mail is taken; when it is back and does not take it, the mail bounces with a word."""
    port = find_free_port()
    with SubmissionService(tmp_path / "data", transport=f"smtp+plain://127.0.0.1:{port}") as service:
        with service.connect() as client:
            submit_mail(start_utf8_session(client), ADDRESS)
        wait_until(lambda: list_messages(service)[0]["status"] == "Deferred")
        with FakeRelay(port, EHLO=DEFAULT_REPLIES["EHLO"]):
            wait_until(lambda: list_messages(service)[0]["status"] == "Bounced")
        assert "5.6.7" in list_messages(service)[0]["delivery_attempts"][-1]["log"]
