"""A relay as it is: taking mail, refusing it at any step, hanging up, and hanging."""

import asyncio
import socket
import threading
import time
from dataclasses import replace
from types import TracebackType
from typing import Self

import pytest

from linkweir.errors import PermanentDeliveryError, SettingsError, TemporaryDeliveryError
from linkweir.mail.transport import OutgoingMail
from linkweir.mail.transport.smtp_relay import SmtpRelay, parse_relay_url
from tests.mail.delivery_harness import make_outgoing_mail
from tests.web.running_service import WAIT_SECONDS

STEPS = ("greeting", "EHLO", "MAIL", "RCPT", "DATA", "end")
DEFAULT_REPLIES = {
    "greeting": "220 ready",
    "EHLO": "250-there\r\n250-SIZE 1000000\r\n250 8BITMIME",
    "MAIL": "250 2.1.0 OK",
    "RCPT": "250 2.1.5 OK",
    "DATA": "354 go on",
    "end": "250 2.0.0 queued as 1",
    "RSET": "250 OK",
    "QUIT": "221 bye",
    "NOOP": "250 OK",
}


class FakeRelay:
    """A mail server that says what it is told to at each step; "drop" hangs up, "stall" says nothing."""

    def __init__(self, port: int = 0, /, **said: str) -> None:
        self.replies = {**DEFAULT_REPLIES, **said}
        self.mails: list[bytes] = []
        self.commands: list[str] = []
        self.connections = 0
        self._stopped = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", port))
        self._open: list[socket.socket] = []
        self.port = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopped.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for item in self._open:
            item.close()
        self._thread.join(5)

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self._open.append(connection)
            threading.Thread(target=self._handle_connection, args=(connection,), daemon=True).start()

    def _handle_connection(self, connection: socket.socket) -> None:
        try:
            with connection, connection.makefile("rb") as lines:
                if self._reply(connection, "greeting"):
                    self._handle_commands(connection, lines)
        except OSError:
            return

    def _handle_commands(self, connection: socket.socket, lines: object) -> None:
        for line in lines:  # type: ignore[attr-defined]
            word = line.split()[0].decode().upper()
            self.commands.append(line.decode().strip())
            if not self._reply(connection, word):
                return
            if word == "DATA" and self.replies["DATA"].startswith("354"):
                data = []
                for part in lines:  # type: ignore[attr-defined]
                    if part == b".\r\n":
                        break
                    data.append(part.removeprefix(b".") if part.startswith(b"..") else part)
                if self.replies["end"].startswith("250"):
                    self.mails.append(b"".join(data))
                if not self._reply(connection, "end"):
                    return

    def _reply(self, connection: socket.socket, step: str) -> bool:
        text = self.replies[step]
        if text == "stall":
            self._stopped.wait(WAIT_SECONDS)
            return False
        if text == "drop":
            connection.shutdown(socket.SHUT_RDWR)
            return False
        connection.sendall(text.encode() + b"\r\n")
        return True


def make_relay(server: FakeRelay, timeout: float = 5.0) -> SmtpRelay:
    """A relay on the stand-in."""
    return SmtpRelay(
        parse_relay_url(f"smtp+plain://127.0.0.1:{server.port}", "TEST"), hostname="me.example", timeout=timeout
    )


def deliver_all(relay: SmtpRelay, *mails: OutgoingMail) -> list[str]:
    """Deliver one after the other, and close."""

    async def work() -> list[str]:
        try:
            return [await relay.deliver(mail) for mail in mails]
        finally:
            await relay.close()

    return asyncio.run(work())


@pytest.fixture
def raw() -> bytes:
    """A mail with a line that begins with a dot."""
    return b"Subject: x\r\n\r\n.dot\r\nbody\r\n"


def test_a_mail_arrives_byte_for_byte(raw: bytes) -> None:
    """The relay gets the envelope, the size, and the mail as it is; its answer is the log."""
    with FakeRelay() as server:
        assert deliver_all(make_relay(server), make_outgoing_mail(raw)) == ["250 2.0.0 queued as 1"]
        assert server.mails == [raw]
        assert "EHLO me.example" in server.commands
        assert f"MAIL FROM:<a@example.com> SIZE={len(raw)}" in server.commands


def test_a_connection_is_used_again(raw: bytes) -> None:
    """Three mails one after the other go over one connection."""
    with FakeRelay() as server:
        deliver_all(make_relay(server), *(make_outgoing_mail(raw) for _ in range(3)))
        assert (len(server.mails), server.connections) == (3, 1)


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("trouble", ["421 4.3.0 later", "drop", "stall"])
def test_trouble_at_any_step_is_temporary(raw: bytes, step: str, trouble: str) -> None:
    """A 4yz answer, a dropped and a stalled connection at any step: the mail is tried again later."""
    with FakeRelay(**{step: trouble}) as server, pytest.raises(TemporaryDeliveryError) as failed:
        deliver_all(make_relay(server, timeout=0.5), make_outgoing_mail(raw))
    assert not isinstance(failed.value, PermanentDeliveryError)


@pytest.mark.parametrize("step", STEPS)
def test_a_final_no_is_final_for_the_mail_only(raw: bytes, step: str) -> None:
    """5yz to MAIL, RCPT, DATA or the mail itself bounces it; in the greeting or to EHLO it speaks of us."""
    with FakeRelay(**{step: "550 5.1.1 no"}) as server, pytest.raises(TemporaryDeliveryError) as failed:
        deliver_all(make_relay(server, timeout=2), make_outgoing_mail(raw))
    if step in ("greeting", "EHLO"):
        assert not isinstance(failed.value, PermanentDeliveryError)
    else:
        assert isinstance(failed.value, PermanentDeliveryError)
        assert failed.value.classification == "address"


@pytest.mark.parametrize(
    "address",
    [
        "a>b@example.org",
        "a,b@example.org",
        "a b@example.org",
        "a\n@b.c",
        "a@b.c> SIZE=1",
        '"a"b@c.d',
        "a@b@c",
        "\udcff@b.c",
    ],
)
def test_an_address_that_no_command_can_hold_bounces(raw: bytes, address: str) -> None:
    """A recipient that would be read as another one is refused here for good, and nobody gets the mail."""
    with FakeRelay() as server, pytest.raises(PermanentDeliveryError) as refused:
        deliver_all(make_relay(server), replace(make_outgoing_mail(raw), recipient=address))
    assert refused.value.classification == "address"
    assert server.commands == []


def test_an_empty_sender_is_the_null_reverse_path(raw: bytes) -> None:
    """A mail without an envelope sender, which no bounce may follow, is announced as such."""
    with FakeRelay() as server:
        deliver_all(make_relay(server), replace(make_outgoing_mail(raw), envelope_from=""))
        assert any(command.startswith("MAIL FROM:<> ") for command in server.commands)


def test_nothing_stands_between_the_answer_and_the_note(raw: bytes) -> None:
    """A relay that has taken a mail and then says nothing more does not hold up that it was taken."""
    with FakeRelay(RSET="stall") as server:
        started = time.monotonic()
        assert deliver_all(make_relay(server, timeout=WAIT_SECONDS), make_outgoing_mail(raw)) == [
            "250 2.0.0 queued as 1"
        ]
        assert time.monotonic() - started < WAIT_SECONDS / 2  # the stall is longer


@pytest.mark.parametrize("trouble", ["550 what?", "drop", "stall", "garbage"])
def test_a_connection_that_does_not_answer_any_more_is_replaced(raw: bytes, trouble: str) -> None:
    """Whatever an idle connection answers to RSET but 250, the next mail goes over a new one, and none is lost."""
    with FakeRelay(RSET=trouble) as server:
        assert len(deliver_all(make_relay(server, timeout=0.5), make_outgoing_mail(raw), make_outgoing_mail(raw))) == 2
        assert (len(server.mails), server.connections) == (2, 2)


def test_an_answer_too_many_is_no_answer_to_the_next_mail(raw: bytes) -> None:
    """A second answer behind the final 250 neither bounces nor delivers the mail that comes after."""
    with FakeRelay(end="250 2.0.0 queued\r\n550 5.1.1 no such user") as server:
        assert deliver_all(make_relay(server), *(make_outgoing_mail(raw) for _ in range(3))) == ["250 2.0.0 queued"] * 3
        assert len(server.mails) == 3


@pytest.mark.parametrize("step", ["greeting", "EHLO", "MAIL", "end"])
@pytest.mark.parametrize("said", ["250-more\r\n" * 200_000, "2" * 5_000_000, "\x00\xff 1", "-1 x", "", "99"])
def test_an_answer_that_is_none_is_a_failure(raw: bytes, step: str, said: str) -> None:
    """Answers without end, without a code or with a strange one are tried again later, and fill no memory."""
    with FakeRelay(**{step: said}) as server, pytest.raises(TemporaryDeliveryError) as failed:
        deliver_all(make_relay(server, timeout=0.5), make_outgoing_mail(raw))
    assert not isinstance(failed.value, PermanentDeliveryError)
    assert len(str(failed.value)) < 700


@pytest.mark.parametrize("code", ["530 5.7.0 sign in first", "503 5.5.1 not now", "502 5.5.2 what?"])
def test_replies_about_the_client_bounce_nothing(raw: bytes, code: str) -> None:
    """A relay that wants a password or TLS first says nothing of the mail, though it says it to MAIL."""
    with FakeRelay(MAIL=code) as server, pytest.raises(TemporaryDeliveryError) as failed:
        deliver_all(make_relay(server), make_outgoing_mail(raw))
    assert not isinstance(failed.value, PermanentDeliveryError)


def test_eight_bit_mail_needs_a_relay_that_takes_it() -> None:
    """Without 8BITMIME an 8-bit mail is refused here, with a reason, and never changed."""
    mail = make_outgoing_mail(b"Subject: x\r\n\r\n\xc3\xa9\r\n")
    with FakeRelay(EHLO="250 there") as server, pytest.raises(PermanentDeliveryError, match=r"5\.6\.3"):
        deliver_all(make_relay(server), mail)
    with FakeRelay() as server:
        deliver_all(make_relay(server), mail)
        assert any("BODY=8BITMIME" in command for command in server.commands)


@pytest.mark.parametrize(
    "address", ['"ada"@example.org', '"a b>c"@example.org', '"a\\"b"@example.org', "a=+/b@[192.0.2.1]"]
)
def test_an_address_goes_out_as_it_was_written(raw: bytes, address: str) -> None:
    """A quoted local part keeps its quotes and backslashes, needed or not."""
    with FakeRelay() as server:
        deliver_all(make_relay(server), replace(make_outgoing_mail(raw), recipient=address, envelope_from=address))
        assert f"RCPT TO:<{address}>" in server.commands
        assert f"MAIL FROM:<{address}> SIZE={len(raw)}" in server.commands


@pytest.mark.parametrize(
    ("raw", "sent"),
    [
        (b"A: b\r\n\r\na\rb\r\n", b"A: b\r\n\r\na\rb\r\n"),
        (b"A: b\r\n\r\n\r.\r\r\n", b"A: b\r\n\r\n\r.\r\r\n"),
        (b"A: b\r\n\r\nend", b"A: b\r\n\r\nend\r\n"),
        (b"A: b\r\n\r\nx\n.\nMAIL FROM:<a@b.c>\n", b"A: b\r\n\r\nx\r\n.\r\nMAIL FROM:<a@b.c>\r\n"),
        (b".A: b\r\n\r\n..\r\n.\r\n", b".A: b\r\n\r\n..\r\n.\r\n"),
        (b"", b"\r\n"),
    ],
)
def test_a_lone_cr_stays_and_no_dot_ends_a_mail(raw: bytes, sent: bytes) -> None:
    """A lone CR is no line end, a lone LF is none to send, dots are doubled, and the end has a line of its own."""
    with FakeRelay() as server:
        deliver_all(make_relay(server), make_outgoing_mail(raw))
        assert server.mails == [sent]


def learn_extensions(relay: SmtpRelay) -> None:
    """Look what the relay takes, and close."""

    async def work() -> None:
        await relay.probe()
        await relay.close()

    asyncio.run(work())


UTF8_EHLO = "250-there\r\n250-8BITMIME\r\n250 SMTPUTF8"
EIGHT_BIT_MAIL = "Subject: Grüße\r\n\r\nx\r\n".encode()


def test_an_address_beyond_ascii_goes_with_smtputf8() -> None:
    """Sender and recipient are written in UTF-8 to a relay that offers SMTPUTF8."""
    mail = replace(make_outgoing_mail(EIGHT_BIT_MAIL), recipient="jürgen@bücher.example", envelope_from="ä@example.com")
    with FakeRelay(EHLO=UTF8_EHLO) as server:
        deliver_all(make_relay(server), mail)
        assert "MAIL FROM:<ä@example.com> BODY=8BITMIME SMTPUTF8" in server.commands
        assert "RCPT TO:<jürgen@bücher.example>" in server.commands


@pytest.mark.parametrize(
    ("offers", "raw", "flag", "sent"),
    [
        (True, b"Subject: x\r\n\r\nx\r\n", True, True),  # as it came
        (True, EIGHT_BIT_MAIL, False, False),  # so did this: with it the next hop might refuse what it takes today
        (False, b"Subject: x\r\n\r\nx\r\n", True, False),  # nothing needs it
        (False, EIGHT_BIT_MAIL, False, False),
        (False, EIGHT_BIT_MAIL, True, None),
    ],
)
def test_smtputf8_goes_on_as_it_came(offers: bool, raw: bytes, flag: bool, sent: bool | None) -> None:
    """What came with SMTPUTF8 goes on with it or, where that is needed and not offered, bounces; all else without."""
    with FakeRelay(EHLO=UTF8_EHLO if offers else DEFAULT_REPLIES["EHLO"]) as server:
        mail = replace(make_outgoing_mail(raw), smtputf8=flag)
        if sent is None:
            with pytest.raises(PermanentDeliveryError, match=r"5\.6\.7"):
                deliver_all(make_relay(server), mail)
            assert server.mails == []
        else:
            deliver_all(make_relay(server), mail)
            assert any("SMTPUTF8" in command for command in server.commands) == sent


def test_what_a_relay_takes_is_learned(raw: bytes) -> None:
    """Before the first connection it is unknown; looking opens one, which the first mail uses, and may fail quietly."""
    with FakeRelay(EHLO=UTF8_EHLO) as server:
        relay = make_relay(server)
        assert relay.supports_smtputf8 is None
        learn_extensions(relay)
        assert relay.supports_smtputf8 is True
    with FakeRelay() as server:
        relay = make_relay(server)
        deliver_all(relay, make_outgoing_mail(raw))
        assert relay.supports_smtputf8 is False
    gone = make_relay(server, timeout=0.5)
    learn_extensions(gone)
    assert gone.supports_smtputf8 is None


def test_an_idle_connection_that_was_closed_costs_nothing(raw: bytes) -> None:
    """A relay that hangs up between two mails is called again, and both arrive."""
    with FakeRelay() as server:

        async def work() -> None:
            relay = make_relay(server)
            await relay.deliver(make_outgoing_mail(raw))
            for item in server._open:
                item.shutdown(socket.SHUT_RDWR)
            await asyncio.sleep(0.1)
            await relay.deliver(make_outgoing_mail(raw))
            await relay.close()

        asyncio.run(work())
        assert (len(server.mails), server.connections) == (2, 2)


@pytest.mark.parametrize(
    "text",
    [
        "http://a",
        "smtp://",
        "smtp://user@host",
        "smtp://h:x",
        "smtp+plain://u:secret@h",
        "smtp://h/path",
        "gopher://u:secret@h",
    ],
)
def test_an_address_that_makes_no_sense_is_named_without_its_password(text: str) -> None:
    """A transport that cannot be used is an error that never shows a password."""
    with pytest.raises(SettingsError) as refused:
        parse_relay_url(text, "LINKWEIR_TRANSPORT")
    assert "secret" not in str(refused.value)


def test_a_password_goes_over_tls_only() -> None:
    """With a password STARTTLS is not optional, whatever the scheme offers."""
    with FakeRelay() as server:
        relay = SmtpRelay(parse_relay_url(f"smtp://user:secret@127.0.0.1:{server.port}", "TEST"), hostname="me.example")
        with pytest.raises(TemporaryDeliveryError):
            deliver_all(relay, make_outgoing_mail(b"x"))
    assert not any("AUTH" in command for command in server.commands)
    assert "secret" not in repr(parse_relay_url("smtp://user:secret@host", "TEST"))
