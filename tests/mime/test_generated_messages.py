"""Generated mails: encodings, charsets, line ends and soft breaks in every combination that Hypothesis thinks of."""

import base64
import re
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linkweir.html.document import rewrite
from linkweir.mime.message import rewrite_message
from linkweir.tokens.keyring import KeyRing
from linkweir.tokens.opener import open_link
from linkweir.tokens.tracker import Tracker
from tests.mime.assertions import assert_only_links_differ, decode_part, list_parts

RING = KeyRing.generate(datetime.now(UTC)).with_host("https://t.example.com/")
TRACKER = Tracker(RING, "https://t.example.com/", message=7)
CHARSETS = ("utf-8", "iso-8859-1", "windows-1252", "iso-2022-jp", "utf-16-le", "utf-7", "koi8-r")

ADDRESSES = st.from_regex(r"\Ahttps?://[a-z]{1,20}\.example/[A-Za-z0-9=%?/._~-]{0,120}\Z")
TEXTS = st.text(st.sampled_from("abc xyz =.\t\nFrom -\u00e9\u00fc\u3042<>&"), max_size=120)
TAGS = st.builds('<a class=x href="{}" id=y>'.format, ADDRESSES)
PAGES = st.lists(st.one_of(TAGS, TEXTS.map(lambda text: text.replace("<", "").replace("&", ""))), max_size=8).map(
    "".join
)


@st.composite
def encode_quoted_printable(draw: st.DrawFn, data: bytes, newline: bytes) -> bytes:
    """The bytes in quoted-printable, with soft breaks anywhere and more characters encoded than need be."""
    lines = []
    for line in data.split(b"\n"):
        units = [bytes([byte]) if 33 <= byte <= 126 and byte != 61 else b"=%02X" % byte for byte in line]
        column, done = 0, []
        for unit in units:
            if column + len(unit) > 75 or (column and draw(st.integers(0, 39)) == 0):
                done.append(b"=" + newline)
                column = 0
            done.append(unit)
            column += len(unit)
        lines.append(b"".join(done))
    return newline.join(lines)


@st.composite
def encode_body(draw: st.DrawFn, data: bytes, newline: bytes, charset: str) -> tuple[str, bytes]:
    """A transfer encoding and the bytes in it; UTF-16 can stand in base64 only (RFC 2045, section 2.8)."""
    kinds = ("8bit", "quoted-printable", "base64")
    kind = draw(st.sampled_from(kinds if charset != "utf-16-le" else kinds[2:]))
    if kind == "quoted-printable":
        return kind, draw(encode_quoted_printable(data, newline))
    if kind == "base64":
        text, width = base64.b64encode(data), draw(st.sampled_from((4, 60, 76, 1000)))
        return kind, newline.join(text[at : at + width] for at in range(0, len(text), width)) + newline
    return kind, data


@st.composite
def generate_mail(draw: st.DrawFn) -> tuple[bytes, list[tuple[str, bytes]]]:
    """A mail, and charset and bytes of each of its HTML bodies."""
    newline = draw(st.sampled_from((b"\r\n", b"\n")))
    bodies, pieces = [], []
    for _ in range(draw(st.integers(1, 3))):
        charset = draw(st.sampled_from(CHARSETS))
        data = draw(PAGES).encode(charset, "ignore")
        name, body = draw(encode_body(data, newline, charset))
        bodies.append((charset, data))
        head = [
            f"Content-Type: text/html;{newline.decode()} charset={charset}".encode(),
            b"Content-Transfer-Encoding: " + name.encode(),
        ]
        pieces.append(newline.join([*head, b"", body]))
    pieces.insert(
        draw(st.integers(0, len(pieces))), newline.join([b"Content-Type: text/plain", b"", b"https://example.com/"])
    )
    boundary = b"=_b"
    lines = [b"Subject: x", b'Content-Type: multipart/alternative; boundary="' + boundary + b'"', b"", b"preamble"]
    for piece in pieces:
        lines += [b"--" + boundary, piece]
    return newline.join([*lines, b"--" + boundary + b"--", b""]), bodies


@settings(max_examples=80, deadline=None)
@given(generate_mail())
def test_only_links_change_whatever_the_encoding(mail: tuple[bytes, list[tuple[str, bytes]]]) -> None:
    """Decoded by the standard library, each body is what rewriting its text alone gives, and all else is the same."""
    raw, bodies = mail
    done = rewrite_message(raw, TRACKER)
    was = [part for part in list_parts(raw) if part.get_content_type() == "text/html"]
    now = [part for part in list_parts(done.raw) if part.get_content_type() == "text/html"]
    assert len(now) == len(bodies)
    if not {"utf-16-le", "utf-7"} & set(dict(bodies)):  # a link in these does not look like one
        assert_only_links_differ(raw, done.raw)
    first = 0
    for (charset, _), before, after in zip(bodies, was, now, strict=True):
        if charset == "utf-7" and decode_part(after) == decode_part(before):
            continue  # a quote shares its shift sequence with its neighbour: it cannot be cut out, and is not
        text = decode_part(before).decode(charset)
        links: list[str] = []

        def link(destination: str, index: int, base: int = first, links: list[str] = links) -> str | None:
            links.append(destination)
            return TRACKER.mint(destination, index + base)

        assert decode_part(after).decode(charset) == rewrite(text, link)
        first += text.count("<a ")


@settings(max_examples=60, deadline=None)
@given(
    st.binary(max_size=400),
    st.sampled_from((b"", b"Content-Type: text/html\n", b"Content-Type: multipart/mixed; boundary=b\n\n--b\n")),
)
def test_no_bytes_make_it_raise(noise: bytes, head: bytes) -> None:
    """Any bytes are a mail; what cannot be understood comes back as it was."""
    done = rewrite_message(head + noise, TRACKER)
    assert done.raw == head + noise or re.search(rb"https?://", noise, re.IGNORECASE)


def test_each_link_opens_to_its_own_index() -> None:
    """Links are numbered over all parts, so that a short link of a second part is not the first part's."""
    part = b'Content-Type: text/html\n\n<a href="https://a.example/1"><a href="https://a.example/%d">\n'
    raw = b"Content-Type: multipart/mixed; boundary=b\n\n--b\n" + part % 2 + b"\n--b\n" + part % 3 + b"\n--b--\n"
    result = re.findall(rb"https://t[^\"]+", rewrite_message(raw, TRACKER).raw)
    opened = [open_link(RING, link.decode()) for link in result]
    assert [(item.index, item.destination) for item in opened] == [
        (0, "https://a.example/1"),
        (1, "https://a.example/2"),
        (2, "https://a.example/1"),
        (3, "https://a.example/3"),
    ]


@pytest.mark.parametrize("newline", [b"\r\n", b"\n"])
@pytest.mark.parametrize("encoding", [b"quoted-printable", b"base64"])
def test_a_part_of_one_line_is_broken_as_its_mail_is(encoding: bytes, newline: bytes) -> None:
    """A part without a line end gets, where it must be broken, the kind of line end that its headers have."""
    page = b'<a class=x href="https://example.com/">x</a>'
    body = base64.b64encode(page) if encoding == b"base64" else page.replace(b"=", b"=3D")
    raw = newline.join([b"Content-Type: text/html", b"Content-Transfer-Encoding: " + encoding, b"", body])
    broken = rewrite_message(raw, lambda _destination, _index: "https://t.example.com/" + "x" * 90).raw[len(raw) - 20 :]
    assert broken.count(newline) == broken.count(b"\n") > 0
