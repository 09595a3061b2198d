"""Tests of linkweir.privacy.person_matcher: where an address is seen, and where it is another one's."""

import base64
import quopri
from urllib.parse import quote

import pytest

from linkweir.privacy.person_matcher import ERASED_TEXT, PersonMatcher

EMAIL = "Ada.o'Neil+x@example.org"
ADA_MATCHER = PersonMatcher(EMAIL)


def make_nested_link(times: int) -> str:
    """The address in a link inside a link."""
    text = EMAIL
    for _ in range(times):
        text = "https://example.com/?to=" + quote(text, safe="")
    return text


@pytest.mark.parametrize(
    "text",
    [
        *(EMAIL, EMAIL.upper(), f"to {EMAIL}.", f"<{EMAIL}>", f"https://example.com/{EMAIL}/x", f"user:{EMAIL}"),
        *(
            make_nested_link(1),
            make_nested_link(2),
            make_nested_link(3),
            make_nested_link(1).lower(),
            f"?a={quote(EMAIL)}&b=1",
        ),
    ],
)
def test_a_person_is_seen(text: str) -> None:
    """In any letter case, between other things, and percent-encoded also three times over; and then blotted out."""
    assert ADA_MATCHER.matches(text)
    assert not ADA_MATCHER.matches(ADA_MATCHER.redact(text))
    assert ERASED_TEXT in ADA_MATCHER.redact(text)


@pytest.mark.parametrize(
    "text",
    ["x" + EMAIL, "x." + EMAIL, EMAIL + ".uk", EMAIL + "anisation", "neil+x@example.org", "example.org", "%", ""],
)
def test_somebody_else_is_not(text: str) -> None:
    """An address that contains this one, or is part of it, is another person's."""
    assert not ADA_MATCHER.matches(text)
    assert ADA_MATCHER.redact(text) == text


def test_json_structure_is_preserved() -> None:
    """A recipient in a reply loses address, name and substitutions; a sentence loses the address only."""
    reply = {"data": [{"email": EMAIL.lower(), "name": "Ada", "substitutions": {"a": "b"}, "id": None, "status": 3}]}
    reply["data"].append({"error": f"{EMAIL}: no such host", "email": "bob@example.org", "name": "Bob"})
    ada, bob = ADA_MATCHER.redact_json(reply)["data"]
    assert ada == {"email": ERASED_TEXT, "name": ERASED_TEXT, "substitutions": {}, "id": None, "status": 3}
    assert bob == {"error": f"{ERASED_TEXT}: no such host", "email": "bob@example.org", "name": "Bob"}


def make_part(encoding: str, body: bytes) -> bytes:
    """A mail with one part."""
    head = f"To: bob@example.org\r\nContent-Type: text/html\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n"
    return head.encode() + body


def make_mixed_mail(body: bytes) -> bytes:
    """A mail with an attached text."""
    head = b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n--b\r\n\r\nx\r\n--b\r\n'
    return head + make_part("base64", base64.encodebytes(body)) + b"\r\n--b--\r\n"


TEXT = b"<p>" + b"filling words " * 9 + EMAIL.encode() + b" and more of them</p>"


@pytest.mark.parametrize(
    "raw",
    [
        f"To: {EMAIL}, bob@example.org\n\nx".encode(),
        make_part("7bit", TEXT),
        make_part("7bit", TEXT.replace(b"'", b"&#39;")),
        make_part("7bit", TEXT.replace(b"@", b"&commat;")),
        make_part("quoted-printable", quopri.encodestring(TEXT)),
        make_part("quoted-printable", TEXT.replace(b"example", b"exa=\r\nmple").replace(b"@", b"=40")),
        make_part("base64", base64.encodebytes(TEXT)),
        make_mixed_mail(TEXT),
        b"Subject: =?utf-8?B?" + base64.b64encode(TEXT) + b"?=\r\n\r\nx",
    ],
)
def test_a_mail_names_them_however_it_is_encoded(raw: bytes) -> None:
    """In its header, its texts and an attached text; and a mail about somebody else does not."""
    assert ADA_MATCHER.matches_mail(raw)
    assert not PersonMatcher("eve@example.org").matches_mail(raw)


@pytest.mark.parametrize(
    "raw", [b"", b"=?", b"base64 =?x?q?", b"\xff\0", b"Subject: =?nope?b?!!?=\n\nbase64", b"base64"]
)
def test_a_mail_that_makes_no_sense_names_nobody(raw: bytes) -> None:
    """Whatever stands there, nothing is raised."""
    assert not ADA_MATCHER.matches_mail(raw)
