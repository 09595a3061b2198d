"""Mails that somebody made to keep us busy or to be misread: they come back as they were, soon."""

from pathlib import Path

import pytest

from linkweir.html.document import scan
from linkweir.html.outcome import Outcome
from linkweir.html.switches import Switches
from linkweir.mime.message import rewrite_message

LINK_MARKUP = b'<a href="https://example.com/">x</a>'


def make_link(_destination: str, _index: int) -> str:
    """Any link."""
    return "https://t.example.com/x"


def make_multipart(boundary: bytes, body: bytes, kind: bytes = b"mixed") -> bytes:
    """A multipart with this body."""
    return b"Content-Type: multipart/" + kind + b'; boundary="' + boundary + b'"\r\n\r\n' + body


LINK_PART = b"\r\n--b\r\nContent-Type: text/html\r\n\r\n" + LINK_MARKUP


def make_nested_multipart(depth: int) -> bytes:
    """Multiparts inside each other, with a link in the innermost."""
    body = b"Content-Type: text/html\r\n\r\n" + LINK_MARKUP
    for level in range(depth):
        mark = b"b%d" % level
        body = make_multipart(mark, b"--" + mark + b"\r\n" + body + b"\r\n--" + mark + b"--\r\n")
    return body


@pytest.mark.parametrize(
    ("mail", "code"),
    [
        (make_multipart(b"b", LINK_PART * 100_000 + b"\r\n--b--\r\n"), "too-many-parts"),
        (make_nested_multipart(200), "too-deep"),
        (make_multipart(b"b", LINK_PART + b"\r\n--b--\r\n", b"signed"), "signed"),
        (make_multipart(b"b", LINK_PART + b"\r\n--b--\r\n", b"encrypted"), "encrypted"),
        (b"Content-Type: multipart/mixed\r\n\r\n" + LINK_PART, "untouched-part"),
        (b"Content-Type: text/html\r\nContent-Transfer-Encoding: x-uuencode\r\n\r\n" + LINK_MARKUP, "untouched-part"),
        (b"Content-Type: text/html\r\nContent-Transfer-Encoding: base64\r\n\r\nPGEg*aHJlZj0=", "untouched-part"),
        (
            b"Content-Type: text/html\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n" + LINK_MARKUP,
            "untouched-part",
        ),
        (b"Content-Type: text/html; charset=iso-2022-jp\r\n\r\n\xff" + LINK_MARKUP, "untouched-part"),
        (b"Content-Type: text/html; charset=quoted-printable\r\n\r\n" + LINK_MARKUP, "untouched-part"),
        (b"Content-Type: text/html; charset=unicode_escape\r\n\r\n" + LINK_MARKUP, "untouched-part"),
        (b"Content-Type: text/html; charset=utf-16\r\n\r\n" + LINK_MARKUP, "untouched-part"),
        (b"Subject: a\rb\r\nContent-Type: text/html\r\n\r\n" + LINK_MARKUP, "untouched-part"),
        (b"Content-Type: text/html\r\nContent-Type: text/plain\r\n\r\n" + LINK_MARKUP, "untouched-part"),
        (b"Content-Type: text/html" + b";a" * 5_000_000 + b"\r\n\r\n" + LINK_MARKUP, "untouched-part"),
        (b"Content-Type: text/html;\0\r\n\r\n" + LINK_MARKUP, "untouched-part"),
        (b"Content-Type: text/html\r\n" + b"a:\n" * 3_000_000 + b"\r\n" + LINK_MARKUP, "untouched-part"),
        (b"Content-Type: text/html\r\n" + b"a\n" * 5_000_000 + b"\r\n" + LINK_MARKUP, "untouched-part"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_cannot_be_done_without_guessing_stays(mail: bytes, code: str) -> None:
    """The mail comes back byte for byte, with a note that says why."""
    done = rewrite_message(mail, make_link)
    assert done.raw == mail
    assert [note.code for note in done.notes] == [code]


@pytest.mark.parametrize(
    "head",
    [
        b"Content-Type: text/html\r\nContent-Disposition: attachment\r\n\r\n",
        b"Content-Type: text/html\r\nContent-Disposition: something-new\r\n\r\n",
        b"Content-Type: message/rfc822\r\n\r\nContent-Type: text/html\r\n\r\n",
        b"Content-Type: text/x-amp-html\r\n\r\n",
        b"Content-Type: text/calendar\r\n\r\n",
        b"Content-Type: text/plain\r\n\r\n",
        b"\r\n",
    ],
)
def test_parts_that_are_no_html_body_are_not_scanned(head: bytes) -> None:
    """Attachments, attached mails, AMP, calendars and plain text keep their links."""
    mail = make_multipart(b"b", b"--b\r\n" + head + LINK_MARKUP + b"\r\n--b--\r\n")
    done = rewrite_message(mail, make_link)
    assert (done.raw, done.html_parts) == (mail, 0)


def test_a_pgp_block_is_not_changed() -> None:
    """An HTML part that holds a PGP block stays, although it looks like any other."""
    mail = b"Content-Type: text/html\r\n\r\n<pre>-----BEGIN PGP MESSAGE-----</pre>" + LINK_MARKUP
    assert rewrite_message(mail, make_link).raw == mail


def test_a_signature_that_no_longer_fits_is_noted() -> None:
    """A DKIM signature is noted when the body changed, and not when nothing did."""
    head = b"DKIM-Signature: v=1; a=rsa-sha256\r\nContent-Type: text/html\r\n\r\n"
    assert [note.code for note in rewrite_message(head + LINK_MARKUP, make_link).notes] == ["dkim-broken"]
    assert rewrite_message(head + b"x", make_link).notes == ()


@pytest.mark.external
def test_a_mail_that_ends_inside_a_link_names_it(shared_folder: Path) -> None:
    """With a report too, a part cut inside an `<a` tag stays as it was and its one link is `unterminated`."""
    mail = (shared_folder / "cases/cut-in-link.eml").read_bytes()
    done = rewrite_message(mail, make_link, report=True)
    assert done.raw == mail
    assert [(link.link.outcome, link.link.line, link.link.column) for link in done.links] == [
        (Outcome.UNTERMINATED, 2, 1)
    ]


@pytest.mark.parametrize("outlook", [False, True])
def test_a_mail_cut_anywhere_lists_what_its_document_lists(outlook: bool) -> None:
    """Cut at every byte, also inside a conditional comment, a part's links are those that `scan` finds in its body."""
    head = b"Content-Type: text/html\r\n\r\n"
    body = b"\r\n" + LINK_MARKUP
    body += b"\r\n\n<!--[if mso]>\r<v:rect href='https://h/'>\n<A\nhref=x><![endif]-->\n <a x><a\rhref='"
    switches = Switches(outlook=outlook)
    for end in range(len(body) + 1):
        done = rewrite_message(head + body[:end], make_link, switches=switches, report=True)
        expected = scan(body[:end], switches=switches)
        assert [(f.link.start, f.link.end, f.link.line, f.link.column, f.link.outcome) for f in done.links] == [
            (result.start, result.end, result.line, result.column, result.outcome) for result in expected
        ]
