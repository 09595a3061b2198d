"""Exchanges over SMTP: the codes and enhanced codes of replies, and what EHLO offers; never a text."""

import base64
import re
import smtplib
import ssl
from collections.abc import Sequence

from tests.frozen.service import WAIT_SECONDS, Service

MAIL = (
    b"From: News <news@example.com>\r\nTo: smtp@example.org\r\nSubject: By SMTP\r\nMessage-ID: <one@example.com>\r\n"
    b"ahasend-track-clicks: true\r\nahasend-tags: autumn\r\nContent-Type: text/html\r\n\r\n"
    b'<a href="https://example.com/a">one</a>\r\n'
)
Dialogue = list[list[str]]


def record(service: Service, sandbox: tuple[str, str]) -> dict[str, Dialogue]:
    """Every dialogue by its name; `sandbox` is a credential that sends for example.com alone."""
    plain = f"\0{service.smtp_user}\0{service.smtp_password}"
    return {
        "without TLS": _plainly(service, ("NOOP", "VRFY ada", "AUTH PLAIN AAAA", "MAIL FROM:<a@example.com>", "RSET",
                                          "WHAT", "HELP", "QUIT")),
        "without HELO": _talk(smtplib.SMTP("localhost", service.smtp_port, timeout=WAIT_SECONDS), ("MAIL FROM:<a@b.c>",
                                                                                                  "QUIT")),
        "without AUTH": _safely(service, (*_envelope(), "DATA", "QUIT")),
        "AUTH refused": _safely(service, (_auth("\0nobody\0wrong"), "AUTH CRAM-MD5", "AUTH PLAIN !!!", "QUIT")),
        "AUTH PLAIN": _safely(service, (_auth(plain), _auth(plain), *_envelope(), "DATA", "*mail", "QUIT")),
        "AUTH LOGIN": _safely(service, ("AUTH LOGIN", _encode_base64(service.smtp_user),
                                        _encode_base64(service.smtp_password),
                                        "NOOP", "QUIT"), implicit=True),
        "parameters": _safely(service, (
            _auth(plain), "MAIL FROM:<news@example.com> SIZE=99999999", "MAIL FROM:<news@example.com> BODY=8BITMIME",
            "RCPT TO:<nothing", "RCPT TO:<no@domain@here>", "RCPT TO:<ada@example.org> NOTIFY=NEVER", "DATA", "RSET",
            "MAIL FROM:<news@example.com> AUTH=<>", "RSET", "MAIL FROM:<news@example.com> WHAT=1", "MAIL FROM:<>",
            "RSET", "RCPT TO:<ada@example.org>", "MAIL FROM:<news@example.com> SMTPUTF8", "RSET", "EXPN x", "STARTTLS",
            "QUIT")),
        "wrong mails": _safely(service, (
            _auth(plain), *_envelope(), "DATA", "*no author", *_envelope(), "DATA", "*two authors", "QUIT")),
        "another's domain": _safely(service, (
            _auth("\0" + "\0".join(sandbox)), *_envelope("news@example.net"), "DATA", "*foreign", "QUIT")),
        "sandbox": _safely(service, (
            _auth("\0" + "\0".join(sandbox)), *_envelope(recipient="toy@example.org"), "DATA", "*mail", "QUIT")),
    }  # fmt: skip


MAILS = {
    "*mail": MAIL,
    "*no author": MAIL.replace(b"From:", b"X-From:").replace(b"To: smtp", b"To: orphan"),
    "*two authors": MAIL.replace(b"Subject:", b"From: other@example.com\r\nSubject:").replace(b"To: smtp", b"To: pair"),
    "*foreign": MAIL.replace(b"news@example.com", b"news@example.net"),
}


def _envelope(sender: str = "news@example.com", recipient: str = "smtp@example.org") -> tuple[str, str]:
    return f"MAIL FROM:<{sender}>", f"RCPT TO:<{recipient}>"


def _encode_base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _auth(text: str) -> str:
    return f"AUTH PLAIN {_encode_base64(text)}"


def _plainly(service: Service, commands: Sequence[str]) -> Dialogue:
    return _talk(smtplib.SMTP("localhost", service.smtp_port, timeout=WAIT_SECONDS), ("EHLO client.example", *commands))


def _safely(service: Service, commands: Sequence[str], *, implicit: bool = False) -> Dialogue:
    context = ssl.create_default_context(cafile=str(service.data / "smtp-selfsigned.pem"))
    if implicit:
        client: smtplib.SMTP = smtplib.SMTP_SSL("localhost", service.smtps_port, timeout=WAIT_SECONDS, context=context)
    else:
        client = smtplib.SMTP("localhost", service.smtp_port, timeout=WAIT_SECONDS)
        client.starttls(context=context)
    return _talk(client, ("EHLO client.example", *commands))


def _talk(client: smtplib.SMTP, commands: Sequence[str]) -> Dialogue:
    """Say each line and note the reply; credentials are noted as the way to sign in alone."""
    result: Dialogue = []
    for command in commands:
        if command in MAILS:
            client.send(MAILS[command] + b".\r\n")
            reply: tuple[int, bytes] = client.getreply()
        else:
            reply = client.docmd(command)
        result.append([_show_command(command, result), _code(command, *reply)])
        if reply[0] == 221:
            break
    client.close()
    return result


def _show_command(command: str, before: Dialogue) -> str:
    if before and before[-1][1].startswith("334"):
        return "<credential>"
    return re.sub(r"^(AUTH PLAIN) [A-Za-z0-9+/=]{12,}$", r"\1 <credential>", command)


def _code(command: str, code: int, text: bytes) -> str:
    said = text.decode()
    if command.startswith("EHLO"):
        return f"{code} {' | '.join(sorted(said.splitlines()[1:]))}"
    enhanced = re.match(r"\d\.\d+\.\d+(?= |$)", said)
    return f"{code} {enhanced[0]}" if enhanced else str(code)
