"""Behind a real Postfix, set up as the manual has it: what users send comes here, goes back, is signed and leaves with
its links replaced; what comes in from elsewhere passes by.
"""

import os
import re
import shutil
import smtplib
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

import dkim
import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.conftest import skip_or_fail
from tests.smtp.postfix import OpenDkim, Postfix
from tests.smtp.receiving_server import ReceivingServer
from tests.smtp.submission_service import MAIL
from tests.web.running_service import RunningService, find_free_port, wait_until

RESET = b"Date: Sun, 29 Nov 2026 12:00:00 +0000\r\n" + MAIL.replace(
    b"example.com/a", b"example.com/reset?token=1"
).replace(b"one@", b"reset@")


class NextHop:
    """Where Postfix relays everything to."""

    def __init__(self) -> None:
        self.mails: list[bytes] = []
        self.recipients: list[str] = []

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Take it."""
        assert isinstance(envelope.content, bytes)
        self.mails.append(envelope.content)
        self.recipients += envelope.rcpt_tos
        return "250 OK"


class MailServerPair:
    """A service between the two ends of a Postfix whose mail OpenDKIM signs."""

    def __init__(
        self, served: RunningService, postfix: Postfix, signer: OpenDkim, ports: dict[str, int], hop: NextHop
    ) -> None:
        self.served, self.postfix, self.signer, self.ports, self.hop = served, postfix, signer, ports, hop

    def relay_mail(self, port: str, mail: bytes, *recipients: str) -> bytes:
        """The mail as it leaves Postfix when it was handed in on this port."""
        before = len(self.hop.mails)
        with smtplib.SMTP("127.0.0.1", self.ports[port]) as client:
            client.sendmail("news@example.com", list(recipients) or ["ada@example.org"], mail)
        wait_until(lambda: len(self.hop.mails) > before or "status=bounced" in self.postfix.log.read_text())
        assert len(self.hop.mails) > before, self.postfix.log.read_text()
        return self.hop.mails[-1]


@pytest.fixture(scope="module")
def mail_servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MailServerPair]:
    """One for this file."""
    if not Path("/usr/sbin/postfix").exists() or os.geteuid() != 0:
        skip_or_fail("Postfix is not installed, or this is not root, which it needs")
    if not shutil.which("opendkim") or not shutil.which("opendkim-genkey"):
        skip_or_fail("OpenDKIM is not installed")
    ports = {name: find_free_port() for name in ("incoming", "submission", "back", "to_filter", "relay", "milter")}
    hop = NextHop()
    next_hop = ReceivingServer(hop, hostname="127.0.0.1", port=ports["relay"], enable_SMTPUTF8=True)
    next_hop.start()
    ways = {"filter_listen": f"127.0.0.1:{ports['to_filter']}", "filter_return": f"127.0.0.1:{ports['back']}"}
    folder = Path(tempfile.mkdtemp(prefix="lw"))  # a socket's path must be short
    folder.chmod(0o755)
    try:
        with (
            RunningService(tmp_path_factory.mktemp("postfix") / "data", **ways) as served,
            OpenDkim(folder / "dkim", ports["milter"]) as signer,
            Postfix(folder, **ports) as postfix,
        ):
            wait_until(lambda: _is_listening(ports["milter"]))
            served.client.put(served.account_path, json={"track_clicks": True})
            yield MailServerPair(served, postfix, signer, ports, hop)
    finally:
        next_hop.stop()
        shutil.rmtree(folder, ignore_errors=True)


def _is_listening(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
    except OSError:
        return False
    return True


def test_what_users_send_is_tracked(mail_servers: MailServerPair) -> None:
    """A mail handed in on submission leaves with our link in it and every other byte of its body the same."""
    mail = mail_servers.relay_mail("submission", MAIL)
    link = re.search(rb'"(http[^"]+)"', mail)
    assert link is not None
    assert link[1].startswith(mail_servers.served.settings.base_url.encode())
    assert mail_servers.served.reader.get(link[1].decode()).headers["location"] == "https://example.com/a"
    body, original = (item.partition(b"\r\n\r\n")[2] for item in (mail, MAIL))
    assert body.replace(link[1], b"https://example.com/a") == original


def test_what_comes_in_passes_by(mail_servers: MailServerPair) -> None:
    """A mail from elsewhere, a password reset, comes through with each byte of it, and we have never seen it."""
    mail = mail_servers.relay_mail("incoming", RESET, "user@example.com")
    assert mail.endswith(RESET)
    assert b"DKIM-Signature" not in mail
    expected = {"message_id_header": "<reset@example.com>"}
    assert (
        mail_servers.served.client.get(f"{mail_servers.served.account_path}/messages", params=expected).json()["data"]
        == []
    )


def test_the_signature_is_made_over_the_new_links(mail_servers: MailServerPair) -> None:
    """What leaves has one DKIM signature, which dkimpy and OpenDKIM verify; with another link in it neither does."""
    mail = mail_servers.relay_mail("submission", MAIL)
    assert mail.lower().count(b"dkim-signature:") == 1
    assert dkim.verify(mail, dnsfunc=lambda *_, **__: mail_servers.signer.record)
    assert "verification (s=test, d=example.com" in mail_servers.signer.verify(mail)
    assert "succeeded" in mail_servers.signer.verify(mail)
    changed = mail.replace(b'"http', b'"hxxp')
    assert not dkim.verify(changed, dnsfunc=lambda *_, **__: mail_servers.signer.record)
    assert "succeeded" not in mail_servers.signer.verify(changed)


def test_addresses_and_headers_beyond_ascii_pass(mail_servers: MailServerPair) -> None:
    """A mail with SMTPUTF8 goes through Postfix, the filter and Postfix again to its recipient."""
    mail = MAIL.replace(b"Hello", "Grüße".encode()).replace(b"one@", b"utf8@")
    before = len(mail_servers.hop.mails)
    with smtplib.SMTP("127.0.0.1", mail_servers.ports["submission"]) as client:
        client.ehlo()
        client.command_encoding = "utf-8"
        client.mail("jürgen@example.com", ["SMTPUTF8", "BODY=8BITMIME"])
        assert client.rcpt("ünal@example.org")[0] == 250
        assert client.data(mail)[0] == 250
    wait_until(lambda: len(mail_servers.hop.mails) > before or "status=bounced" in mail_servers.postfix.log.read_text())
    assert mail_servers.hop.recipients[-1:] == ["ünal@example.org"], mail_servers.postfix.log.read_text()
    assert "Subject: Grüße\r\n".encode() in mail_servers.hop.mails[-1]


@pytest.mark.parametrize("address", ['"a b"@example.org', '"a\\"b"@example.org', "x/y=z@example.org", "a@[192.0.2.1]"])
def test_any_address_passes(mail_servers: MailServerPair, address: str) -> None:
    """An odd address of an envelope comes through Postfix and the filter as it is."""
    with smtplib.SMTP("127.0.0.1", mail_servers.ports["submission"]) as client:
        client.ehlo()
        client.docmd("MAIL FROM:<news@example.com>")
        assert client.docmd(f"RCPT TO:<{address}>")[0] == 250
        assert client.data(MAIL)[0] == 250
    wait_until(
        lambda: address in mail_servers.hop.recipients or "status=bounced" in mail_servers.postfix.log.read_text()
    )
    assert address in mail_servers.hop.recipients, mail_servers.postfix.log.read_text()


def test_a_mail_that_would_grow_too_large_goes_back_as_it_came(mail_servers: MailServerPair) -> None:
    """Just below Postfix's limit a mail full of links comes through untracked, with a note, and is not bounced."""
    mail_servers.relay_mail("submission", MAIL)  # by now the limit is known
    line = b'<a href="https://example.com/">x</a>' * 2 + b"\r\n"
    mail = MAIL.replace(b"one@", b"large@") + line * (980_000 // len(line))
    assert mail_servers.relay_mail("submission", mail).endswith(mail.partition(b"\r\n\r\n")[2])
    expected = {"message_id_header": "<large@example.com>"}
    served = mail_servers.served
    (message,) = served.client.get(f"{served.account_path}/messages", params=expected).json()["data"]
    assert "rewrite-too-large" in [item["kind"] for item in served.get_message(message["id"])["events"]]
