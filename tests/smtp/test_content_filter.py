"""The content filter between two ends of a mail server, here stand-ins: what it accepted comes back."""

import email
import email.policy
import smtplib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session

from linkweir.errors import NotFound, RejectedContent, ValidationError
from linkweir.mail import raw_submission as reading
from linkweir.web.structured_logging import make_logger
from tests.smtp.receiving_server import ReceivingServer
from tests.smtp.submission_service import MAIL
from tests.web.running_service import RunningService, find_free_port, wait_until

NULL_SENDER = "<>"  # how the library spells the null reverse-path


class ReturnServer:
    """The mail server's end that takes mails back, but those to whom it `refuses`."""

    def __init__(self) -> None:
        self.accepted_mails: list[tuple[str, list[str], bytes]] = []
        self.refused_recipients: set[str] = set()
        self.smtputf8: list[bool] = []

    async def handle_RCPT(  # noqa: N802
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        """A recipient that may be refused."""
        if address in self.refused_recipients:
            return "550 5.1.1 nobody of that name"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Take it."""
        assert isinstance(envelope.content, bytes)
        self.accepted_mails.append((envelope.mail_from or "", list(envelope.rcpt_tos), envelope.content))
        self.smtputf8.append(envelope.smtp_utf8)
        return "250 OK"


def make_filter_service(data: Path, listen: int, return_port: int, **settings: Any) -> RunningService:
    """A service between these two ports."""
    ways = {"filter_listen": f"127.0.0.1:{listen}", "filter_return": f"127.0.0.1:{return_port}"}
    return RunningService(data, **ways, **settings)


@contextmanager
def run_filter(data: Path, *, utf8: bool = True, **settings: Any) -> Iterator[tuple[RunningService, int, ReturnServer]]:
    """A filter, its port, and the end that its mails come back to."""
    listen, back, box = find_free_port(), find_free_port(), ReturnServer()
    limits = {"data_size_limit": None, "line_length_limit": 1 << 30}
    factory = type("Taking", (SMTP,), {"line_length_limit": limits.pop("line_length_limit")})
    controller = ReceivingServer(box, hostname="127.0.0.1", port=back)
    controller.factory = lambda: factory(box, enable_SMTPUTF8=utf8, **limits)  # type: ignore[method-assign]
    controller.start()
    try:
        with make_filter_service(data, listen, back, **settings) as served:
            yield served, listen, box
    finally:
        controller.stop()


def submit_mail(listen: int, sender: str, *recipients: str, mail: bytes = MAIL) -> None:
    """A mail from the mail server."""
    with smtplib.SMTP("127.0.0.1", listen) as client:
        client.sendmail(sender, list(recipients), mail)


def test_a_bounce_mail_passes_with_its_empty_sender(tmp_path: Path) -> None:
    """A mail with the null reverse-path comes back with it, byte for byte."""
    listen, back, box = find_free_port(), find_free_port(), ReturnServer()
    controller = ReceivingServer(box, hostname="127.0.0.1", port=back)
    controller.start()
    try:
        with make_filter_service(tmp_path / "data", listen, back) as served:
            submit_mail(listen, "", "ada@example.org")
            wait_until(lambda: box.accepted_mails)
            assert list_messages(served)[0]["is_bounce_notification"]
    finally:
        controller.stop()
    ((sender, recipients, mail),) = box.accepted_mails
    assert (sender, recipients) == (NULL_SENDER, ["ada@example.org"])
    assert mail.endswith(MAIL)


def test_the_sender_of_a_refused_mail_is_notified(tmp_path: Path) -> None:
    """A mail that is refused for good on its way back brings its sender one notice with the reason; a bounce none."""
    listen, back, box = find_free_port(), find_free_port(), ReturnServer()
    box.refused_recipients = {"gone@example.org"}
    controller = ReceivingServer(box, hostname="127.0.0.1", port=back)
    controller.start()
    try:
        with make_filter_service(tmp_path / "data", listen, back, mail_hostname="weir.example") as served:
            submit_mail(listen, "", "gone@example.org")
            wait_until(lambda: [accepted_mail["status"] for accepted_mail in list_messages(served)] == ["Bounced"])
            submit_mail(listen, "bounces@example.com", "gone@example.org", "ada@example.org")
            wait_until(
                lambda: [accepted_mail["status"] for accepted_mail in list_messages(served)].count("Delivered") == 2
            )
            assert sorted(accepted_mail["status"] for accepted_mail in list_messages(served)) == [
                "Bounced",
                "Bounced",
                "Delivered",
                "Delivered",
            ]
    finally:
        controller.stop()
    (told,) = [accepted_mail for accepted_mail in box.accepted_mails if accepted_mail[0] == NULL_SENDER]
    assert told[1] == ["bounces@example.com"]
    notice = email.message_from_bytes(told[2], _class=EmailMessage, policy=email.policy.default)
    assert not notice.defects
    assert (notice.get_content_type(), notice.get_param("report-type")) == ("multipart/report", "delivery-status")
    text, status, headers = notice.iter_parts()
    assert "nobody of that name" in text.get_content()
    blocks: Any = status.get_payload()
    of_mail, of_recipient = blocks
    assert of_mail["reporting-mta"] == "dns; weir.example"
    assert (of_recipient["status"], of_recipient["final-recipient"]) == ("5.1.1", "rfc822; gone@example.org")
    assert "Message-ID: <one@example.com>" in headers.get_content()
    assert "https://example.com/a" not in told[2].decode()


def test_without_a_return_server_mails_wait(tmp_path: Path) -> None:
    """A mail that was accepted waits while the way back is not set, and goes there when it is again."""
    listen, back, box = find_free_port(), find_free_port(), ReturnServer()
    with make_filter_service(tmp_path / "data", listen, back) as first:
        submit_mail(listen, "a@example.com", "ada@example.org")
        wait_until(lambda: list_messages(first)[0]["status"] == "Deferred")
    with RunningService(tmp_path / "data") as without:
        wait_until(lambda: "LINKWEIR_FILTER_RETURN" in str(list_messages(without)[0]["delivery_attempts"]))
        assert list_messages(without)[0]["status"] == "Deferred"
    controller = ReceivingServer(box, hostname="127.0.0.1", port=back)
    controller.start()
    try:
        with make_filter_service(tmp_path / "data", listen, back) as last:
            wait_until(lambda: list_messages(last)[0]["status"] == "Delivered")
    finally:
        controller.stop()
    assert len(box.accepted_mails) == 1


def list_messages(service: RunningService) -> list[dict[str, Any]]:
    """The account's messages."""
    result: list[dict[str, Any]] = service.client.get(f"{service.account_path}/messages").json()["data"]
    return result


def test_smtputf8_is_offered_and_passed_on(tmp_path: Path) -> None:
    """Addresses and headers beyond ASCII come back as they were, announced as they were; so does a mail without."""
    mail = MAIL.replace(b"Hello", "Grüße".encode())
    with run_filter(tmp_path / "data") as (served, listen, box):
        with smtplib.SMTP("127.0.0.1", listen) as client:
            client.ehlo()
            assert client.has_extn("smtputf8")
            assert client.has_extn("8bitmime")
            client.command_encoding = "utf-8"
            client.mail("jürgen@bücher.example", ["SMTPUTF8", "BODY=8BITMIME"])
            assert client.rcpt("Ünal@bücher.example")[0] == 250
            assert client.data(mail)[0] == 250
        submit_mail(listen, "a@example.com", "ada@example.org", mail=mail)
        wait_until(lambda: len(box.accepted_mails) == 2)
        assert {message["recipient"] for message in list_messages(served)} == {"Ünal@bücher.example", "ada@example.org"}
    result = {
        sender: (to, raw.endswith(mail), flag)
        for (sender, to, raw), flag in zip(box.accepted_mails, box.smtputf8, strict=True)
    }
    assert result == {
        "jürgen@bücher.example": (["Ünal@bücher.example"], True, True),
        "a@example.com": (["ada@example.org"], True, False),
    }


def test_a_return_server_without_smtputf8_causes_a_bounce_notice(tmp_path: Path) -> None:
    """Where the way back does not take what it has handed over, the sender has a notice that says so."""
    with run_filter(tmp_path / "data", utf8=False) as (_, listen, box):
        with smtplib.SMTP("127.0.0.1", listen) as client:
            client.ehlo()
            client.command_encoding = "utf-8"
            client.mail("a@example.com", ["SMTPUTF8"])
            client.rcpt("jürgen@example.org")
            assert client.data(MAIL)[0] == 250
        wait_until(lambda: box.accepted_mails)
    ((sender, to, notice),) = box.accepted_mails
    assert (sender, to) == (NULL_SENDER, ["a@example.com"])
    assert b"5.6.7" in notice
    text, status, _ = email.message_from_bytes(notice, _class=EmailMessage, policy=email.policy.default).iter_parts()
    assert "jürgen@example.org" in text.get_content()
    assert r"utf-8; j\x{FC}rgen@example.org" in str(status)


def test_a_sender_beyond_ascii_has_a_notice(tmp_path: Path) -> None:
    """It goes to their address, in UTF-8 in To, with SMTPUTF8."""
    with run_filter(tmp_path / "data") as (_, listen, box):
        box.refused_recipients = {"gone@example.org"}
        with smtplib.SMTP("127.0.0.1", listen) as client:
            client.ehlo()
            client.command_encoding = "utf-8"
            client.mail("jürgen@example.com", ["SMTPUTF8"])
            client.rcpt("gone@example.org")
            assert client.data(MAIL)[0] == 250
        wait_until(lambda: box.accepted_mails)
    ((sender, to, notice),) = box.accepted_mails
    assert (sender, to, box.smtputf8) == (NULL_SENDER, ["jürgen@example.com"], [True])
    assert "\r\nTo: jürgen@example.com\r\n".encode() in notice


def test_the_filter_has_its_own_limit_and_none_by_default(tmp_path: Path) -> None:
    """A mail larger than submission takes, than all that may arrive together, with a line of megabytes, comes back."""
    large = MAIL + b"x" * 5_000_000 + b"\r\n" + b"y" * 900 + b"\r\n"
    small: dict[str, Any] = {"max_message": 300_000, "max_body": 1_000_000, "max_incoming": 1_000_000}
    with run_filter(tmp_path / "data", **small) as (_, listen, box):
        with smtplib.SMTP("127.0.0.1", listen) as client:
            client.ehlo()
            assert client.esmtp_features["size"] == "0"
        submit_mail(listen, "a@example.com", "ada@example.org", mail=large)
        wait_until(lambda: box.accepted_mails)
    assert box.accepted_mails[0][2].endswith(large)
    with (
        run_filter(tmp_path / "other", filter_max_message=300_000) as (_, listen, _),
        smtplib.SMTP("127.0.0.1", listen) as client,
    ):
        client.ehlo()
        assert client.esmtp_features["size"] == "300000"
        assert client.docmd("MAIL FROM:<a@example.com> SIZE=300001")[0] == 552


ODD_MAILS = (
    b"From: a@example.com\r\nSubject: lone\rCR\r\n\r\na\rb\x00c\r\n\r.\r\r\nend\r\n",
    b"no header at all\r\nFrom: a@example.com\r\n\r\nx\r\n",
    b"\r\n",
    b"Bcc : x@example.com\r\nFrom a@b\r\n>From x\r\n\xff\xfe: y\r\n\r\nx\r\n",
    b"Content-Type: multipart/mixed; boundary=\r\n\r\n--\r\n",
)


@pytest.mark.parametrize("mail", ODD_MAILS)
def test_what_a_mail_server_has_taken_comes_back(tmp_path: Path, mail: bytes) -> None:
    """A mail that submission would refuse passes the filter, each byte of it."""
    with run_filter(tmp_path / "data") as (served, listen, box):
        served.client.put(served.account_path, json={"track_clicks": True})
        with smtplib.SMTP("127.0.0.1", listen) as client:
            client.ehlo()
            client.mail("a@example.com")
            client.rcpt("ada@example.org")
            client.docmd("DATA")
            client.send(mail + b".\r\n")
            assert client.getreply()[0] == 250
        wait_until(lambda: box.accepted_mails)
    assert box.accepted_mails[0][2].endswith(mail)


def test_any_address_of_a_mail_server_is_taken(tmp_path: Path) -> None:
    """Quoted, long and unqualified addresses come back as they are written."""
    addresses = ['"a\\\\\\" b"@example.org', "v" * 200 + "@example.org", "root", "a@[192.0.2.1]", "x/y=z@example.org"]
    with run_filter(tmp_path / "data") as (_, listen, box):
        with smtplib.SMTP("127.0.0.1", listen) as client:
            client.ehlo()
            client.docmd("MAIL FROM:<root>")
            for address in addresses:
                assert client.docmd(f"RCPT TO:<{address}>")[0] == 250
            assert client.data(MAIL)[0] == 250
        wait_until(lambda: len(box.accepted_mails) == len(addresses))
    assert {to for _, (to,), _ in box.accepted_mails} >= {"v" * 200 + "@example.org", "root", "a@[192.0.2.1]"}


def test_the_filter_fails_for_a_while_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever goes wrong while a mail is stored is answered 451, so that the mail server keeps it."""
    with run_filter(tmp_path / "data") as (served, listen, box):
        submit = served.components.submitter.submit_raw
        for error in (
            ValidationError("From", "no"),
            NotFound("no account"),
            RejectedContent("odd"),
            RecursionError(),
            OSError(),
        ):
            monkeypatch.setattr(served.components.submitter, "submit_raw", _make_raising(error))
            with smtplib.SMTP("127.0.0.1", listen) as client, pytest.raises(smtplib.SMTPDataError) as refused:
                client.sendmail("a@example.com", ["ada@example.org"], MAIL)
            assert refused.value.smtp_code == 451
        monkeypatch.setattr(served.components.submitter, "submit_raw", submit)
        submit_mail(listen, "a@example.com", "ada@example.org")
        wait_until(lambda: box.accepted_mails)


def _make_raising(error: Exception) -> Callable[..., Any]:
    def fail(*_: Any, **_named: Any) -> Any:
        raise error

    return fail


def test_the_filter_takes_as_many_recipients_as_it_can_store(tmp_path: Path) -> None:
    """To a mail of half a gigabyte the second recipient is answered 452: the mail server brings it next."""
    with run_filter(tmp_path / "data") as (_, listen, _), smtplib.SMTP("127.0.0.1", listen) as client:
        client.ehlo()
        assert client.docmd(f"MAIL FROM:<a@example.com> SIZE={400 << 20}")[0] == 250
        assert [client.docmd(f"RCPT TO:<{name}@example.org>")[0] for name in ("a", "b")] == [250, 452]
        client.rset()
        client.docmd("MAIL FROM:<a@example.com> SIZE=1000")
        assert {client.docmd(f"RCPT TO:<r{number}@example.org>")[0] for number in range(50)} == {250}


def test_a_mail_that_reading_fails_on_passes_untracked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error of ours costs no mail: it comes back without its wishes and else as it came, and its events say so."""
    mail = b"Subject: x\r\nAhaSend-Tags: a,\r\n b\r\nahasend-track-clicks: true\r\n" + MAIL + b"ahasend-x: stays\r\n"
    with run_filter(tmp_path / "data") as (served, listen, box):
        served.client.put(served.account_path, json={"track_clicks": True})
        monkeypatch.setattr(reading, "_decode_header", _make_raising(RecursionError()))
        submit_mail(listen, "a@example.com", "ada@example.org", mail=mail)
        wait_until(lambda: box.accepted_mails)
        (message,) = list_messages(served)
        assert "not-read" in [line["kind"] for line in served.get_message(message["id"])["events"]]
        with pytest.raises(RecursionError):
            reading.parse_mail(reading.RawMail("", (), mail, "smtp"), make_logger("error"))
        assert "RecursionError" in str([line for line in served.logs if line["event"] == "mail.not_read"])
    assert box.accepted_mails[0][2] == b"Subject: x\r\n" + MAIL + b"ahasend-x: stays\r\n"


def test_a_mail_that_rewriting_fails_on_passes_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error of ours costs no mail: it comes back with its own links, its events say so and the log says which."""
    with run_filter(tmp_path / "data") as (served, listen, box):
        served.client.put(served.account_path, json={"track_clicks": True})
        monkeypatch.setattr(reading, "rewrite_message", _make_raising(RecursionError()))
        submit_mail(listen, "a@example.com", "ada@example.org")
        wait_until(lambda: box.accepted_mails)
        (message,) = list_messages(served)
        assert "rewrite-failed" in [line["kind"] for line in served.get_message(message["id"])["events"]]
        assert "RecursionError" in str([line for line in served.logs if line["event"] == "mail.rewrite_failed"])
    assert box.accepted_mails[0][2].endswith(MAIL.partition(b"\r\n\r\n")[2])
