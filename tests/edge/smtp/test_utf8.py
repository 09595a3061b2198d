"""Addresses beyond ASCII (RFC 6531) from submission to delivery, and in everything that shows them."""

import re
import smtplib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests.edge.serving import free_port, wait_until
from tests.edge.smtp.submitting import MAIL, Submission
from tests.mail.transport.test_relay import FINE, UTF8, StandIn

ADDRESS = "Jürgen.Ünal@bücher.example"
STORED = "Jürgen.Ünal@xn--bcher-kva.example"  # the domain as the DNS has it, the local part as it was written


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Submission]:
    """One service for this file, whose mails land in a Maildir."""
    with Submission(tmp_path_factory.mktemp("utf8") / "data") as service:
        yield service


def begun(client: smtplib.SMTP) -> smtplib.SMTP:
    """A client that may write UTF-8."""
    client.ehlo()
    client.command_encoding = "utf-8"
    return client


def handed_in(client: smtplib.SMTP, *recipients: str, sender: str = "ä@example.com", mail: bytes = MAIL) -> str:
    """The answer to a mail with these addresses."""
    client.mail(sender, ["SMTPUTF8", "BODY=8BITMIME"])
    for one in recipients:
        assert client.rcpt(one)[0] == 250
    code, said = client.data(mail)
    assert code == 250
    return said.decode()


def listed(served: Submission, **filters: Any) -> list[dict[str, Any]]:
    """The account's messages."""
    found: list[dict[str, Any]] = served.client.get(f"{served.base}/messages", params=filters).json()["data"]
    return found


def test_a_mail_beyond_ascii_is_taken_and_shown(served: Submission) -> None:
    """Envelope, From and Subject in UTF-8: the mail lies in the outbox byte for byte, and API and dashboard show it."""
    mail = MAIL.replace(b"News <news@example.com>", "Grüße <ä@bücher.example>".encode()).replace(b"one@", b"utf8@")
    mail = mail.replace(b"Hello", "Grüße aus Köln".encode())
    with served.connect() as client:
        assert begun(client).has_extn("smtputf8")
        key = handed_in(client, ADDRESS, sender=ADDRESS, mail=mail).rpartition(" ")[2]
    wait_until(lambda: listed(served, message_id_header="<utf8@example.com>")[0]["status"] == "Delivered")
    (message,) = listed(served, message_id_header="<utf8@example.com>")
    assert (message["recipient"], message["subject"]) == (STORED, "Grüße aus Köln")
    assert message["sender"] == "ä@xn--bcher-kva.example"
    (stored,) = (path.read_bytes() for path in (served.settings.maildir_path / "new").glob(f"*{key.replace('-', '')}*"))
    assert stored.endswith(mail)


def test_the_wishes_of_an_international_domain_hold(served: Submission) -> None:
    """What the account wishes for a domain is found for a sender who writes that in its own script."""
    asked = {"domain": "xn--grn-ioa.example", "track_clicks": True}
    served.client.post(f"{served.base}/domains", json=asked).raise_for_status()
    mail = MAIL.replace(b"news@example.com", "a@GRÜN.example".encode()).replace(b"one@", b"wishes@")
    with served.connect() as client:
        handed_in(begun(client), "ada@example.org", mail=mail)
    (message,) = listed(served, message_id_header="<wishes@example.com>")
    assert message["sender"] == "a@xn--grn-ioa.example"
    assert message["domain_id"]
    links = served.client.get(f"{served.base}/messages/{message['id']}/links").json()["data"]
    assert [one["outcome"] for one in links] == ["tracked"]


def test_the_domain_alone_may_be_written_either_way(served: Submission) -> None:
    """An internationalised domain and its form in ASCII are one recipient and one message."""
    with served.connect() as client:
        handed_in(begun(client), "idn@bücher.example", "idn@xn--bcher-kva.example", "idn@BÜCHER.example")
    assert {one["recipient"] for one in listed(served, recipient="idn@xn--bcher-kva.example")} == {
        "idn@xn--bcher-kva.example"
    }
    assert len(listed(served, recipient="idn@xn--bcher-kva.example")) == 1


@pytest.mark.parametrize("spelled", [ADDRESS, STORED, "jÜRGEN.üNAL@BÜCHER.example"])
def test_a_person_beyond_ascii_can_be_exported_and_erased(served: Submission, spelled: str) -> None:
    """Everything on them is handed out and removed, in whatever case and form of the domain they are named."""
    with served.connect() as client:
        handed_in(begun(client), ADDRESS, mail=MAIL.replace(b"one@", b"person@"))
    path = f"{served.base}/recipients/{quote(spelled)}"
    wait_until(lambda: {one["status"] for one in listed(served)} == {"Delivered"})
    assert STORED in served.client.get(path).json()["messages"][0]["recipient"]
    assert served.client.delete(path).json()["messages"] >= 1
    assert all(one["recipient"] != STORED for one in listed(served))


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
def test_utf8_needs_its_word(served: Submission, command: str, code: int, status: bytes) -> None:
    """An address beyond ASCII without SMTPUTF8, or with a domain that cannot be, is refused before the mail."""
    with served.connect() as client:
        begun(client)
        answer = client.docmd(command)
        assert (answer[0], answer[1][:5]) == (code, status)


def test_what_is_no_utf8_is_no_address(served: Submission) -> None:
    """Bytes of another charset in a command are refused, and the connection goes on; in EHLO they do no harm."""
    with served.connect() as client:
        begun(client)
        client.command_encoding = "latin-1"
        assert client.docmd("EHLO müller-pc")[0] == 250
        assert client.docmd("MAIL FROM:<jürgen@example.com> SMTPUTF8")[0] == 553
        assert client.docmd("VRFY jürgen")[0] == 252
        assert client.docmd("grüß gott")[0] == 500
        assert client.noop()[0] == 250


def test_a_relay_without_it_means_that_it_is_not_offered(tmp_path: Path) -> None:
    """Where the relay does not offer SMTPUTF8, neither do we, and MAIL with it is refused with 5.6.7."""
    with StandIn() as relay, Submission(tmp_path / "data", transport=f"smtp+plain://127.0.0.1:{relay.port}") as service:
        wait_until(lambda: service.service.worker.takes_utf8("default") is False)
        with service.connect() as client:
            assert not begun(client).has_extn("smtputf8")
            answer = client.docmd("MAIL FROM:<a@example.com> SMTPUTF8")
            assert (answer[0], answer[1][:5]) == (550, b"5.6.7")
            client.sendmail("a@example.com", ["ada@example.org"], MAIL)
        wait_until(lambda: relay.mails)


def test_a_relay_with_it_gets_the_mail(tmp_path: Path) -> None:
    """Where the relay offers SMTPUTF8 the mail goes there in UTF-8."""
    with StandIn(EHLO=UTF8) as relay:
        transport = f"smtp+plain://127.0.0.1:{relay.port}"
        with Submission(tmp_path / "data", transport=transport) as service, service.connect() as client:
            handed_in(begun(client), ADDRESS)
            wait_until(lambda: relay.mails)
    assert f"RCPT TO:<{STORED}>" in relay.commands
    assert any(re.fullmatch("MAIL FROM:<ä@example.com> .*SMTPUTF8", one) for one in relay.commands)


def test_a_relay_that_is_not_known_yet_bounces_with_a_reason(tmp_path: Path) -> None:
    """While the relay is away the mail is taken; when it is back and does not take it, the mail bounces with a word."""
    port = free_port()
    with Submission(tmp_path / "data", transport=f"smtp+plain://127.0.0.1:{port}") as service:
        with service.connect() as client:
            handed_in(begun(client), ADDRESS)
        wait_until(lambda: listed(service)[0]["status"] == "Deferred")
        with StandIn(port, EHLO=FINE["EHLO"]):
            wait_until(lambda: listed(service)[0]["status"] == "Bounced")
        assert "5.6.7" in listed(service)[0]["delivery_attempts"][-1]["log"]
