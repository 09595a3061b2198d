"""Arguments of a wrong type: each public function names the argument, what it was given and what is allowed."""

import io
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

import linkweir
from linkweir.tokens.keyring import KeyRing
from linkweir.tokens.tracker import Tracker

RING = KeyRing.generate(datetime(2026, 1, 1, tzinfo=UTC))
TRACKER = Tracker(RING, "https://t.example.com/c/", message=1)
PAGE = b'<a href="https://example.com/">x</a>'
MAIL = b"Content-Type: text/html\r\n\r\n" + PAGE

Call = Callable[[Any], object]
MAILS: list[Call] = [lambda mail: linkweir.rewrite_message(mail, TRACKER), linkweir.check_message]
PAGES: list[Call] = [
    lambda html: linkweir.rewrite(html, TRACKER),
    lambda html: list(linkweir.scan(html)),
    linkweir.check,
    linkweir.Plan,
]
LINKS: list[Call] = [
    lambda links: linkweir.rewrite(PAGE, links),
    linkweir.Rewriter,
    lambda links: list(linkweir.rewrite_chunks([PAGE], links)),
    lambda links: linkweir.Plan(PAGE).render(links),
]
TRACKERS: list[Call] = [
    lambda links: linkweir.check(PAGE, links=links),
    lambda links: list(linkweir.scan(PAGE, links=links)),
    lambda links: linkweir.check_message(MAIL, links=links),
]
SWITCHES: list[Call] = [
    lambda switches: linkweir.rewrite(PAGE, TRACKER, switches=switches),
    lambda switches: linkweir.Rewriter(TRACKER, switches=switches),
    lambda switches: linkweir.check(PAGE, switches=switches),
    lambda switches: linkweir.Plan(PAGE, switches=switches),
    lambda switches: linkweir.rewrite_message(MAIL, TRACKER, switches=switches),
    lambda switches: linkweir.check_message(MAIL, switches=switches),
]
CHARSETS: list[Call] = [
    lambda charset: linkweir.rewrite(PAGE, TRACKER, charset=charset),
    lambda charset: linkweir.Rewriter(TRACKER, charset=charset),
]
RINGS: list[Call] = [
    lambda ring: linkweir.open_link(ring, "https://t.example.com/c/x"),
    lambda ring: linkweir.open_token(ring, "x"),
    lambda ring: linkweir.KeyFile("keys.json").create(ring),
]
SOURCES: list[Call] = [lambda ring: Tracker(ring, "https://t.example.com/c/", message=1)]
BYTES, TEXT = (b"x", bytearray(b"x")), ("x",)


@pytest.mark.parametrize(
    ("name", "allowed", "calls", "wrong"),
    [
        ("mail", "bytes or an EmailMessage", MAILS, (None, 3, [], *TEXT)),
        ("html", "str or a buffer of bytes", PAGES, (None, 3, [])),
        ("links", "a Tracker or a function", LINKS, (None, 3, [], *TEXT, *BYTES)),
        ("links", "a Tracker or a function", [lambda x: linkweir.rewrite_message(MAIL, x)], (3, [], "", *TEXT, *BYTES)),
        ("links", "a Tracker or None", TRACKERS, (3, 0, [], *TEXT, *BYTES)),
        ("switches", "Switches", SWITCHES, (None, 3, [], *TEXT, *BYTES)),
        ("charset", "str", CHARSETS, (None, 3, [], *BYTES)),
        ("ring", "a KeyRing", RINGS, (None, 3, [], *TEXT, *BYTES)),
        ("ring", "a KeyRing, KeyFile or KeyVariable", SOURCES, (None, 3, [], *TEXT, *BYTES)),
        ("path", "str or a path", [linkweir.KeyFile], (None, 3, [])),
        ("name", "str", [linkweir.KeyVariable], (None, 3, [], *BYTES)),
        ("now", "a datetime or None", [KeyRing.generate, RING.rotate], (3, 0, *TEXT)),
        ("data", "bytes or str", [KeyRing.from_json], (None, 3, [])),
        ("url", "str", [lambda url: linkweir.open_link(RING, url)], (None, 3, [], *BYTES)),
        ("token", "str", [lambda token: linkweir.open_token(RING, token)], (None, 3, [], *BYTES)),
        ("base_url", "str", [lambda base: Tracker(RING, base, message=1)], (None, 3, [], *BYTES)),
        ("destination", "str", [lambda destination: TRACKER.mint(destination, 0)], (None, 3, [], *BYTES)),
        ("pixel", "str or None", [lambda x: linkweir.rewrite_message(MAIL, TRACKER, pixel=x)], (3, 0, [], *BYTES)),
        ("honeypot", "str or None", [lambda x: linkweir.rewrite_message(MAIL, TRACKER, honeypot=x)], (3, 0, *BYTES)),
        ("source", "a binary file", [lambda x: linkweir.rewrite_file(x, io.BytesIO(), TRACKER)], (None, 3, *TEXT)),
        ("sink", "a binary file", [lambda x: linkweir.rewrite_file(io.BytesIO(), x, TRACKER)], (None, 3, *TEXT)),
    ],
)
def test_a_wrong_type_is_named(name: str, allowed: str, calls: list[Call], wrong: tuple[Any, ...]) -> None:
    """TypeError, in one form for all of them."""
    for call in calls:
        for value in wrong:
            text = f"{name} must be {allowed}, not {type(value).__name__}"
            with pytest.raises(TypeError, match=f"^{re.escape(text)}$"):
                call(value)
