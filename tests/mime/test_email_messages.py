"""Mails as objects of the standard library: an EmailMessage in, an EmailMessage out."""

import pickle
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest

from linkweir import Tracker, check_message, rewrite_message, scan
from tests.tokens.keyring_factory import RING

TRACKER = Tracker(RING, "https://t.example.com/", message=7)
HTML = '<p>Grüße <a href="https://example.com/a?x=1&amp;y=ü">one</a> <a href="https://example.org/">two</a></p>'
RAW = (
    b"From: a@example.com\r\nSubject: a very long subject that would be folded anew by every policy that folds"
    b" headers of parsed mails, beyond 78\r\nX-Odd: two  spaces\t\r\nContent-Type: text/html; charset=utf-8\r\n"
    b'Content-Transfer-Encoding: quoted-printable\r\n\r\n<a href=3D"https://ex=\r\nample.com/">x</a>\r\n'
)


@pytest.mark.parametrize("encoding", ["quoted-printable", "base64", "8bit"])
def test_a_composed_message_is_rewritten(encoding: str) -> None:
    """All links of the HTML are replaced; text, attachment, headers and the given message stay as they are."""
    mail = EmailMessage()
    mail["Subject"], mail["To"] = "Grüße", "Ada <ada@example.org>"
    mail.set_content("text https://example.com/")
    mail.add_alternative(HTML, subtype="html", cte=encoding)
    mail.add_attachment(b"\x00data", maintype="application", subtype="octet-stream", filename="x.bin")
    before = mail.as_bytes()
    result = rewrite_message(mail, TRACKER, report=True)
    assert mail.as_bytes() == before
    assert (result.replaced, [link.link.destination for link in result.links]) == (
        2,
        ["https://example.com/a?x=1&y=ü", "https://example.org/"],
    )
    body = result.message.get_body(("html",))
    assert body is not None
    links = [link.destination for link in scan(body.get_content())]
    assert links == [TRACKER.mint("https://example.com/a?x=1&y=ü", 0), TRACKER.mint("https://example.org/", 1)]
    assert result.message["subject"] == "Grüße"
    assert [part.get_content() for part in result.message.iter_attachments()] == [b"\x00data"]
    assert len(check_message(mail)[0]) == 2
    assert pickle.loads(pickle.dumps(result)).raw == result.raw  # noqa: S301 - our own


@pytest.mark.parametrize("parsing", [policy.default, policy.SMTP, policy.compat32], ids=["default", "SMTP", "compat32"])
def test_a_parsed_mail_keeps_its_bytes(parsing: policy.Policy) -> None:
    """What was parsed from bytes is rewritten as these bytes are: no header is folded anew. Class and policy stay."""
    mail: Any = message_from_bytes(RAW, policy=parsing)
    result = rewrite_message(mail, TRACKER)
    expected = rewrite_message(RAW, TRACKER)
    assert result.raw.replace(b"\r\n", b"\n") == expected.raw.replace(b"\r\n", b"\n")
    assert (type(result.message), result.message.policy) == (type(mail), parsing)
