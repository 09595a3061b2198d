"""Tests of the mail with click counts over its links."""

from datetime import UTC, datetime

from linkweir.dashboard import heatmap
from linkweir.html.document import rewrite
from linkweir.stats.verdict_counts import LinkClicks
from linkweir.tokens import HONEYPOT_INDEX
from linkweir.tokens.keyring import KeyRing
from linkweir.tokens.tracker import Tracker

RING = KeyRing.generate(datetime(2026, 1, 1, tzinfo=UTC))
TRACKER = Tracker(RING, "https://t.example.com/", message=7)
PAGE = """<p><a class="x" href="https://example.com/a">one</a> <a href="mailto:x@example.com">mail</a>
<A HREF='https://example.com/&uuml;'><img alt="two" src="https://example.com/i.png"></A></p>"""


def test_counts_stand_at_the_links_that_they_belong_to() -> None:
    """Each tracked link has the clicks of its position, also where others stand between; what is not tracked has
    none; the strongest link is the warmest.
    """
    page = heatmap.render_heatmap(
        rewrite(PAGE, TRACKER),
        RING,
        {
            0: LinkClicks(human=1200, machine=9, expected_clicks=12_000_000),
            2: LinkClicks(unsure=3, expected_clicks=30_000),
        },
    )
    assert '<span data-linkweir-count="1200">1,200</span>one' in page
    assert 'data-linkweir-heat="4"' in page
    assert '<span data-linkweir-count="3">3</span><img' in page
    assert page.count("<span") == 2


def test_no_link_is_left() -> None:
    """No address of the mail is left in the drawn page."""
    page = heatmap.render_heatmap(rewrite(PAGE, TRACKER), RING, {})
    for word in ("href", "t.example.com", "example.com/i.png", "mailto"):
        assert word not in page
    assert "one</a>" in page


def test_links_show_where_they_really_lead() -> None:
    """The list of links has the destination in place of the tracking link, and no position for untracked ones."""
    result = [
        (heatmap_link.position, heatmap_link.destination)
        for heatmap_link in heatmap.heatmap_links(rewrite(PAGE, TRACKER), RING)
    ]
    assert result == [(0, "https://example.com/a"), (None, "mailto:x@example.com"), (2, "https://example.com/ü")]


def test_the_hidden_link_has_no_count() -> None:
    """The link that only machines follow is drawn without a count, and is in no list of links."""
    html = PAGE + f'<a href="{TRACKER.mint("https://t.example.com/", HONEYPOT_INDEX)}" style="display:none"></a>'
    assert [heatmap_link.position for heatmap_link in heatmap.heatmap_links(html, RING)] == [None] * 4
    assert "<span" not in heatmap.render_heatmap(html, RING, {})


def test_a_mail_may_be_broken() -> None:
    """A mail without HTML, with an unknown charset or of random bytes has no picture and breaks nothing."""
    assert heatmap.html_body(b"Content-Type: text/plain\r\n\r\nhello") is None
    assert heatmap.html_body(b"Content-Type: text/html; charset=nonsense\r\n\r\n<p>x") in (None, "<p>x")
    for data in (b"", b"\xff\x00\n\n", bytes(range(256)) * 4):
        heatmap.html_body(data)
