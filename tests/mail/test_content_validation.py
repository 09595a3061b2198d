"""Tests of linkweir.mail.content_validation."""

import pytest

from linkweir.errors import ValidationError
from linkweir.mail import content_validation
from linkweir.mail.message_types import MailAttachment


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("X-A", "b\r\nBcc: all@example.com"),
        ("X-A", "b\nc"),
        ("X-A", "b\rc"),
        ("X-A", "b\x00c"),
        ("X-A", "b\u2028c"),
        ("X-A", "b\x85c"),
        ("X-A\r\nBcc", "x"),
        ("X A", "x"),
        ("X:A", "x"),
        ("", "x"),
        ("Ü", "x"),
        ("Subject", "x"),
        ("TO", "x"),
        ("cc", "x"),
        ("Resent-Sender", "x@example.com"),
        ("Content-Type", "text/plain"),
        ("Content-Transfer-Encoding", "x"),
        ("DATE", "x"),
    ],
)
def test_bad_headers_are_refused(name: str, value: str) -> None:
    """No header of the customer's can end a line, hold a control, or contradict one of ours."""
    with pytest.raises(ValidationError, match="headers"):
        content_validation.check_headers({name: value}, has_reply_to=False)


def test_some_headers_are_for_us() -> None:
    """`message-id`, `bcc` and `return-path` are ignored and `ahasend-*` never leaves; everything else goes out as it
    is.
    """
    ours = {"Message-ID": "<x@y>", "AhaSend-Track-Clicks": "true", "bcc": "x", "Return-Path": "x"}
    assert content_validation.check_headers({**ours, "X-Mine": "ü"}, has_reply_to=True) == {"X-Mine": "ü"}


def test_reply_to_is_given_once() -> None:
    """`reply-to` among the headers and `reply_to` exclude each other."""
    assert content_validation.check_headers({"Reply-To": "x@y.example"}, has_reply_to=False)
    with pytest.raises(ValidationError, match="Reply-To"):
        content_validation.check_headers({"Reply-To": "x@y.example"}, has_reply_to=True)


@pytest.mark.parametrize(
    "item",
    [
        MailAttachment(b"", "text", "a"),
        MailAttachment(b"", "message/rfc822", "a"),
        MailAttachment(b"", "multipart/mixed", "a"),
        MailAttachment(b"", "text/plain; charset=x\r\nX: y", "a"),
        MailAttachment(b"", 'text/plain; charset="x\r\nX: y"', "a"),
        MailAttachment(b"", "text/plain; charset", "a"),
        MailAttachment(b"", 'text/plain; x="a\x00b"', "a"),
        MailAttachment(b"", 'text/plain; x="a\tb"', "a"),
        MailAttachment(b"", 'text/plain; x="=?utf-8?q?a?="', "a"),
        MailAttachment(b"", 'text/plain; x="a =?utf-8?q?a"; y="?="', "a"),
        MailAttachment(b"", "text/plain; x*=utf-8''a", "a"),
        MailAttachment(b"", "message/rfc822; x=y", "a"),
        MailAttachment(b"", "text/plain", "a\r\nX: y"),
        MailAttachment(b"", "text/plain", "a", content_id="logo"),
        MailAttachment(b"", "text/plain", "a", content_id="<a>\r\nX: <y>"),
        MailAttachment(b"", "text/plain", "a", inline=True),
    ],
)
def test_bad_attachments_are_refused(item: MailAttachment) -> None:
    """Types that change the structure, and anything that could end a header, are refused."""
    with pytest.raises(ValidationError, match=r"attachments\[0\]"):
        content_validation.check_attachment(item, "attachments[0]")


class CountingText(str):
    """A page that notes how many characters each count looks at."""

    def count(self, sub: str, start: int | None = None, end: int | None = None, /) -> int:  # type: ignore[override]
        begin, stop, _ = slice(start, end).indices(len(self))
        self.__dict__.setdefault("sizes", []).append(stop - begin)
        return super().count(sub, start, end)


def test_a_page_is_counted_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """No single count looks at more than a piece and the rest of one tag, for nobody else runs meanwhile."""
    monkeypatch.setattr(content_validation, "COUNT_CHUNK_CHARS", 1000)
    monkeypatch.setattr(content_validation, "MAX_LINKS", 5000)
    page = CountingText("<" * 10_000)
    assert content_validation.check_html(page) is page
    assert max(page.__dict__["sizes"]) <= 1000 + len("<v:") - 1
    assert sum(page.__dict__["sizes"]) >= 5 * 10_000


@pytest.mark.parametrize("tag", ["<a", "<A", "<v:", "<V:"])
def test_a_tag_across_two_pieces_is_counted_once(monkeypatch: pytest.MonkeyPatch, tag: str) -> None:
    """Wherever pieces end, the page with as many tags as are allowed passes and one more is refused."""
    monkeypatch.setattr(content_validation, "MAX_LINKS", 50)
    for size in range(1, 12):
        monkeypatch.setattr(content_validation, "COUNT_CHUNK_CHARS", size)
        content_validation.check_html(tag * 50)
        with pytest.raises(ValidationError, match="more than 50 links"):
            content_validation.check_html(tag * 51)
