"""Tests of linkweir.clicks.sealed_links."""

from datetime import UTC, datetime
from urllib.parse import quote

import pytest

from linkweir.clicks import sealed_links
from linkweir.tokens import KeyRing, Tracker
from tests.tokens.keyring_factory import RING

TOKEN = Tracker(RING, "https://t.example.com/", message=7).mint("https://example.com/x", 2).rpartition("/")[2]


@pytest.mark.parametrize(
    "text",
    [
        TOKEN,
        TOKEN + ")",
        TOKEN + ".",
        TOKEN + ">.",
        TOKEN + '"',
        TOKEN + "%29",
        f"%{ord(TOKEN[0]):02X}{TOKEN[1:]}",
        quote(quote(TOKEN + ")", safe=""), safe=""),
        TOKEN + "&utm_source=x",
        f"{TOKEN[:9]} {TOKEN[9:]}",
        f"{TOKEN[:9]}=\r\n{TOKEN[9:]}",
        f"{TOKEN[:9]}={TOKEN[9:20]}=\n{TOKEN[20:]}).",
        f"{TOKEN[:9]}!\r\n {TOKEN[9:]}",
        f"{TOKEN[:9]}%0D%0A%20{TOKEN[9:]}",
        f"{TOKEN[:9]}\u200b{TOKEN[9:20]}\xad{TOKEN[20:]}\ufeff",
        quote(f" {TOKEN[:9]}\u00a0\t{TOKEN[9:]}", safe=""),
    ],
)
def test_what_viewers_and_gateways_do_to_a_link_is_forgiven(text: str) -> None:
    """A trailing bracket or stop, percent-encoding of the token, and what wraps a long line still open it."""
    opened = sealed_links.open_token_leniently(RING, text)
    assert opened is not None
    assert (opened.message, opened.index, opened.destination) == (7, 2, "https://example.com/x")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        TOKEN[:-1],
        TOKEN[:20],
        TOKEN + "A",
        "A" + TOKEN,
        TOKEN.swapcase(),
        "https://evil.example/",
        f"{TOKEN[:9]}.{TOKEN[9:]}",
        "= \u200b!" * 1000,
        TOKEN[:-1] + ("A" if TOKEN[-1] != "A" else "B"),
        "%00",
        "ü",
        "A" * 100_000,
        "%25" * 10_000,
    ],
)
def test_nothing_else_opens(text: str) -> None:
    """Cut, lengthened, altered and made-up tokens open nothing."""
    assert sealed_links.open_token_leniently(RING, text) is None


def test_another_ring_opens_nothing() -> None:
    """A token of somebody else's key does not open."""
    assert sealed_links.open_token_leniently(KeyRing.generate(datetime(2026, 1, 1, tzinfo=UTC)), TOKEN) is None


def test_links_survive_rotation() -> None:
    """After any number of rotations the old link opens."""
    ring = RING
    for _ in range(5):
        ring = ring.rotate(datetime(2026, 2, 1, tzinfo=UTC))
    assert sealed_links.open_token_leniently(ring, TOKEN) is not None
