"""Tests of linkweir.mail.bounce_notice: whatever strangers have written, the notice is one well-formed mail."""

import email
import email.policy
import uuid
from email.message import EmailMessage

import pytest

from linkweir.mail.bounce_notice import BounceNotice

HOSTILE_TEXT = "x\r\nBcc: eve@example.org\r\n\r\n--é\x00"


@pytest.mark.parametrize("raw", [b"", b"\xff\r\n--\r\n", b"Subject: " + b"x" * 200_000, b"A: b\n\nbody\n"])
@pytest.mark.parametrize("reason", ["", HOSTILE_TEXT, "550 5.7.1 no", "y" * 2000])
def test_a_notice_is_a_mail(raw: bytes, reason: str) -> None:
    """Three parts, one recipient, no header of anybody else's, ASCII only, and never the mail's body."""
    row = {"account_id": uuid.uuid4(), "envelope_from": "a@example.com", "recipient": HOSTILE_TEXT}
    new = BounceNotice(row, raw, reason).to_new_message("weir.example", 1_000_000)
    assert (new.envelope_from, new.recipient, new.route) == ("", "a@example.com", "filter")
    assert isinstance(new.raw, bytes)
    mail = email.message_from_bytes(new.raw, _class=EmailMessage, policy=email.policy.default)
    assert new.raw.isascii()
    assert not mail.defects
    assert mail["bcc"] is None
    assert [part.get_content_type() for part in mail.iter_parts()] == [
        *("text/plain", "message/delivery-status", "text/rfc822-headers"),
    ]
    assert b"body" not in new.raw
    assert mail["to"] == "a@example.com"
