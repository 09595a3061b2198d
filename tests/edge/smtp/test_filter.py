"""The content filter between two ends of a mail server, here stand-ins: what it accepted comes back."""

import email
import email.policy
import smtplib
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.edge.serving import Served, free_port, wait_until
from tests.edge.smtp.submitting import MAIL

NULL = "<>"  # how the library spells the null reverse-path


class Back:
    """The mail server's end that takes mails back, but those to whom it `refuses`."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, list[str], bytes]] = []
        self.refuses: set[str] = set()

    async def handle_RCPT(  # noqa: N802
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        """A recipient that may be refused."""
        if address in self.refuses:
            return "550 5.1.1 nobody of that name"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Take it."""
        assert isinstance(envelope.content, bytes)
        self.taken.append((envelope.mail_from or "", list(envelope.rcpt_tos), envelope.content))
        return "250 OK"


def filtering(data: Path, listen: int, back: int, **settings: Any) -> Served:
    """A service between these two ports."""
    ways = {"filter_listen": f"127.0.0.1:{listen}", "filter_return": f"127.0.0.1:{back}"}
    return Served(data, **ways, **settings)


def handed_in(listen: int, sender: str, *recipients: str, mail: bytes = MAIL) -> None:
    """A mail from the mail server."""
    with smtplib.SMTP("127.0.0.1", listen) as client:
        client.sendmail(sender, list(recipients), mail)


def test_a_bounce_mail_passes_with_its_empty_sender(tmp_path: Path) -> None:
    """A mail with the null reverse-path comes back with it, byte for byte."""
    listen, back, box = free_port(), free_port(), Back()
    controller = Controller(box, hostname="127.0.0.1", port=back)
    controller.start()
    try:
        with filtering(tmp_path / "data", listen, back) as served:
            handed_in(listen, "", "ada@example.org")
            wait_until(lambda: box.taken)
            assert listed(served)[0]["is_bounce_notification"]
    finally:
        controller.stop()
    ((sender, recipients, mail),) = box.taken
    assert (sender, recipients) == (NULL, ["ada@example.org"])
    assert mail.endswith(MAIL)


def test_the_sender_of_a_refused_mail_is_told(tmp_path: Path) -> None:
    """A mail that is refused for good on its way back brings its sender one notice with the reason; a bounce none."""
    listen, back, box = free_port(), free_port(), Back()
    box.refuses = {"gone@example.org"}
    controller = Controller(box, hostname="127.0.0.1", port=back)
    controller.start()
    try:
        with filtering(tmp_path / "data", listen, back, mail_hostname="weir.example") as served:
            handed_in(listen, "", "gone@example.org")
            wait_until(lambda: [one["status"] for one in listed(served)] == ["Bounced"])
            handed_in(listen, "bounces@example.com", "gone@example.org", "ada@example.org")
            wait_until(lambda: [one["status"] for one in listed(served)].count("Delivered") == 2)
            assert sorted(one["status"] for one in listed(served)) == ["Bounced", "Bounced", "Delivered", "Delivered"]
    finally:
        controller.stop()
    (told,) = [one for one in box.taken if one[0] == NULL]
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


def test_without_a_way_back_mails_wait(tmp_path: Path) -> None:
    """A mail that was accepted waits while the way back is not set, and goes there when it is again."""
    listen, back, box = free_port(), free_port(), Back()
    with filtering(tmp_path / "data", listen, back) as first:
        handed_in(listen, "a@example.com", "ada@example.org")
        wait_until(lambda: listed(first)[0]["status"] == "Deferred")
    with Served(tmp_path / "data") as without:
        wait_until(lambda: "LINKWEIR_FILTER_RETURN" in str(listed(without)[0]["delivery_attempts"]))
        assert listed(without)[0]["status"] == "Deferred"
    controller = Controller(box, hostname="127.0.0.1", port=back)
    controller.start()
    try:
        with filtering(tmp_path / "data", listen, back) as last:
            wait_until(lambda: listed(last)[0]["status"] == "Delivered")
    finally:
        controller.stop()
    assert len(box.taken) == 1


def listed(served: Served) -> list[dict[str, Any]]:
    """The account's messages."""
    found: list[dict[str, Any]] = served.client.get(f"{served.base}/messages").json()["data"]
    return found
