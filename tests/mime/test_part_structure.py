"""What a part is, read from its headers as other readers do, and which parts have a body."""

import email
import time
from pathlib import Path

import pytest

from linkweir.html import Outcome
from linkweir.mime.headers import strip_comments
from linkweir.mime.message import check_message, rewrite_message

LINK_MARKUP = b'<a href="https://example.com/">x</a>'
URL = "https://t.example.com/x"


def make_link(_destination: str, _index: int) -> str:
    """Any link."""
    return URL


@pytest.mark.parametrize(
    "head",
    [
        b"Content-Type: text/html (a comment); charset=utf-8",
        b"Content-Type: (a (nested) \\) comment) text/html",
        b"Content-Type: text (x) / (y) html(z)",
        b"Content-Type: text/html; (x) charset=utf-8 (y) ; x=1",
        b"Content-Type: text/html; charset=utf-8(comment)",
        b'Content-Type: text/html; name="a (b"; charset=utf-8',
        b"Content-Type : text/html",
        b"Content-Type\t: text/html",
        b"content-type:text/html\r\nContent-Transfer-Encoding: (x) 7bit (y; z)",
        b"Content-Type: text/html\r\nContent-Disposition: inline (shown; here)",
        b"\xef\xbb\xbfContent-Type: text/html",
        b"X: y\r\nthat was wrapped badly\r\nContent-Type: text/html",
    ],
)
def test_obsolete_syntax_is_syntax(head: bytes) -> None:
    """A part whose headers hold comments or white space where the standards allow them is read; no header changes."""
    mail = head + b"\r\n\r\n" + LINK_MARKUP
    assert rewrite_message(mail, make_link).raw == mail.replace(b"https://example.com/", URL.encode())


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("text/html (a) ; b", "text/html   ; b"),
        ('x; a="(b)"', 'x; a="(b)"'),
        ("x; boundary=a(b)c", "x; boundary=a(b)c"),
        ("x (never closed; y", "x (never closed; y"),
        (r"x (a \) b) y", "x   y"),
        (r"x \(a) y", r"x \(a) y"),
        ('x (it"s) y', "x   y"),
        ("((((x)))) y", "  y"),
        ("(" * 5000 + "x", "(" * 5000 + "x"),
    ],
)
def test_comments_are_white_space(value: str, expected: str) -> None:
    """Each comment becomes a space; in quoted strings, behind a backslash and within a parameter's word is none."""
    assert strip_comments(value) == expected


@pytest.mark.parametrize("piece", ["(", "(x)", "a(", ";a(", "\\(", '"', '"(', "()", "(\\", ";a(a"])
def test_a_long_value_is_read_soon(piece: str) -> None:
    """A megabyte of anything that has to do with comments is read in seconds."""
    started = time.process_time()
    strip_comments(piece * (1_000_000 // len(piece)))
    assert time.process_time() - started < 5


@pytest.mark.parametrize("encoding", [b"base64", b"quoted-printable", b"x-unknown", b"(x) base64"])
def test_a_transfer_encoding_of_a_multipart_is_ignored(encoding: bytes) -> None:
    """The parts of a multipart that names an encoding are read as they stand, as the standard library does."""
    mail = (
        b"Content-Type: multipart/mixed; boundary=b\r\nContent-Transfer-Encoding: " + encoding + b"\r\n\r\n"
        b"--b\r\nContent-Type: text/html\r\n\r\n" + LINK_MARKUP + b"\r\n--b--\r\n"
    )
    done = rewrite_message(mail, make_link)
    assert done.raw == mail.replace(b"https://example.com/", URL.encode())
    assert [part.get_content_type() for part in email.message_from_bytes(mail).walk()][1:] == ["text/html"]


@pytest.mark.parametrize(
    "mail",
    [
        b"Content-Type: text/html\r\n",
        b"Content-Type: text/html",
        b"Content-Type: text/html\r\n\r\n",
        b"Content-Type: text/html\r\n\r\n\r\n \r\n",
        b"Content-Type: text/html\r\nContent-Transfer-Encoding: base64\r\n",
        b"Content-Type: text/html\r\nContent-Transfer-Encoding: base64\r\n\r\n\r\n",
        b"Content-Type: text/html\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n=\r\n",
        b"Content-Type: text/html\r\n<p>the empty line was forgotten</p>\r\n",
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/html\r\n--b--\r\n",
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/html\r\n\r\n--b--\r\n",
    ],
)
def test_without_a_body_there_is_no_pixel(mail: bytes) -> None:
    """A part that ends with its headers, is empty, or begins without an empty line stays as it is."""
    assert rewrite_message(mail, None, pixel=URL, honeypot=URL).raw == mail


@pytest.mark.external
def test_the_part_without_a_body_stays(shared_folder: Path) -> None:
    """The mail whose header block got the pixel is not changed."""
    raw = (shared_folder / "cases" / "html-part-without-body.eml").read_bytes()
    assert rewrite_message(raw, make_link, pixel=URL, honeypot=URL).raw == raw


@pytest.mark.external
@pytest.mark.parametrize("name", ["space-before-colon", "bom"])
def test_the_links_of_odd_mails_are_classified(shared_folder: Path, name: str) -> None:
    """The one link of each mail is tracked by check and by rewrite, and nothing else changes."""
    raw = (shared_folder / "cases" / f"{name}.eml").read_bytes()
    result, _ = check_message(raw)
    assert [item.link.outcome for item in result] == [Outcome.TRACKED]
    assert rewrite_message(raw, make_link).raw == raw.replace(b"https://ex.com/", URL.encode())


@pytest.mark.external
def test_base64_without_its_padding_is_read(shared_folder: Path) -> None:
    """The part is decoded as the standard library does, and its end is as unpadded as before."""
    raw = (shared_folder / "cases" / "b64_nopad.eml").read_bytes()
    done = rewrite_message(raw, make_link).raw
    before, after = (email.message_from_bytes(item).get_payload(decode=True) for item in (raw, done))
    assert isinstance(before, bytes)
    assert after == before.replace(b"https://ex.com/?a=1&amp;b=2", URL.encode())
    assert b"=" not in done.partition(b"\r\n\r\n")[2]


@pytest.mark.parametrize(
    "kind",
    [
        b'multipart/mixed boundary="b"',
        b"multipart/mixed boundary=b; x=y",
        b"multipart/mixed\t boundary=b",
        b"multipart/mixed (x) boundary=b",
    ],
)
def test_a_forgotten_semicolon_is_read_over(kind: bytes) -> None:
    """Behind a type without its semicolon the parameters hold, for a multipart and for HTML."""
    mail = b"Content-Type: " + kind + b"\r\n\r\n--b\r\nContent-Type: text/html charset=gbk\r\n\r\n"
    link_of = b'<a href="https://example.com/\xd6\xd0">x</a>'
    seen: list[str] = []

    def noted(destination: str, _index: int) -> str:
        seen.append(destination)
        return URL

    done = rewrite_message(mail + link_of + b"\r\n--b--\r\n", noted)
    assert done.raw == mail + b'<a href="%s">x</a>\r\n--b--\r\n' % URL.encode()
    assert seen == ["https://example.com/中"]


@pytest.mark.parametrize(
    "head",
    [
        b"multipart/mixed; boundary=c",
        b'multipart/mixed; boundary="b\r\n c"',
        b"multipart/multipart/mixed; boundary=b",
        b"text/html/; charset=utf-8",
        b"multipart; boundary=b",
        b"html",
    ],
)
def test_unreadable_parts_that_may_hold_html_are_reported(head: bytes) -> None:
    """A multipart without its boundary, or a type that is none and speaks of one or of HTML, is left and noted."""
    mail = b"Content-Type: " + head + b"\r\n\r\n--b\r\nContent-Type: text/html\r\n\r\n" + LINK_MARKUP + b"\r\n--b--\r\n"
    done = rewrite_message(mail, make_link)
    assert (done.raw, [note.code for note in done.notes]) == (mail, ["untouched-part"])


@pytest.mark.parametrize("head", [b"text", b"x", b"", b"; name=x", b"multipart/mixed; boundary=c"])
def test_what_holds_none_is_passed_over(head: bytes) -> None:
    """A type that is none is plain text (RFC 2045, 5.2), and an empty multipart has no parts: nothing is said."""
    mail = b"Content-Type: " + head + b"\r\n\r\n" + (b"\r\n \r\n" if b"mixed" in head else LINK_MARKUP)
    done = rewrite_message(mail, make_link)
    assert (done.raw, list(done.notes)) == (mail, [])


def test_headers_below_an_empty_line_are_noted() -> None:
    """A mail that begins with an empty line is all body to most readers; that nothing was judged is said."""
    mail = b"\nFrom: a@example.com\nContent-Type: text/html\n\n" + b'<a href="https://example.com/">x</a>\n'
    assert [note.code for note in rewrite_message(mail, None).notes] == ["odd-header"]
    assert rewrite_message(b"\nHello, see below.\n", None).notes == ()
