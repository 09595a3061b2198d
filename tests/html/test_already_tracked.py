"""Link rules, section 2, `already-tracked`: a tracker knows its own links, and rewriting twice is rewriting once."""

from datetime import UTC, datetime

import pytest

import linkweir
from linkweir.html.outcome import Outcome
from linkweir.html.plan import Plan
from linkweir.html.rewriter import Rewriter
from linkweir.tokens.keyring import KeyRing
from linkweir.tokens.opener import open_link
from linkweir.tokens.tracker import Tracker

NOW = datetime(2026, 1, 1, tzinfo=UTC)
BASE_URL = "https://t.example.com"
HTML = '<a href="https://x.example/?a&amp;b">1</a><a href="/x">2</a><a href=\'https://y.example/é\'>3</a>'


@pytest.fixture(name="ring", scope="module")
def _ring() -> KeyRing:
    return KeyRing.generate(NOW).with_host(BASE_URL)


@pytest.fixture(name="tracker", scope="module")
def _tracker(ring: KeyRing) -> Tracker:
    return Tracker(ring, BASE_URL, message=7)


def list_outcomes(html: str, tracker: Tracker) -> list[str]:
    """What would become of each link."""
    return [str(item.outcome) for item in linkweir.scan(html, links=tracker)]


def test_links_open_to_their_destinations(ring: KeyRing, tracker: Tracker) -> None:
    """Each tracked link of the output leads to exactly the destination, with its index and message."""
    result = list(linkweir.scan(linkweir.rewrite(HTML, tracker)))
    opened = [open_link(ring, result[i].destination or "") for i in (0, 2)]
    assert [(item.destination, item.index, item.message) for item in opened] == [
        ("https://x.example/?a&b", 0, 7),
        ("https://y.example/é", 2, 7),
    ]
    assert result[1].destination == "/x"


def test_our_links_need_no_escaping(tracker: Tracker) -> None:
    """A tracking link holds no quote and no `&`: what is written is what is read."""
    reported: list[linkweir.Link] = []
    linkweir.rewrite(HTML, tracker, on_link=reported.append)
    written = [item.replacement for item in reported if item.replacement]
    assert len(written) == 2
    assert not set("".join(written)) & set("\"'&<> ")


def test_rewriting_twice_is_rewriting_once(tracker: Tracker) -> None:
    """The second time, every link of ours is `already-tracked` and stays."""
    once = linkweir.rewrite(HTML, tracker)
    assert list_outcomes(once, tracker) == ["already-tracked", "not-http", "already-tracked"]
    assert linkweir.rewrite(once, tracker) == once
    assert Plan(once).render(tracker) == once
    rewriter = Rewriter(tracker)
    assert rewriter.feed(once.encode()) + rewriter.close() == once.encode()
    assert rewriter.counts == {Outcome.ALREADY_TRACKED: 2, Outcome.NOT_HTTP: 1}


def test_another_recipients_link_is_already_tracked(ring: KeyRing, tracker: Tracker) -> None:
    """What counts is the key ring, not the message; rotated keys still count."""
    once = linkweir.rewrite(HTML, tracker)
    later = Tracker(ring.rotate(NOW), BASE_URL, message=8)
    assert list_outcomes(once, later) == ["already-tracked", "not-http", "already-tracked"]


def test_other_links_on_our_host_are_tracked(ring: KeyRing, tracker: Tracker) -> None:
    """A token that does not verify, or another host, is a link like any other."""
    (ours, *_) = linkweir.scan(linkweir.rewrite(HTML, tracker))
    target = ours.destination or ""
    forged = target[:-1] + ("A" if target[-1] != "A" else "B")
    elsewhere = target.replace(BASE_URL, "https://other.example")
    html = f'<a href="{BASE_URL}/"><a href="{forged}"><a href="{elsewhere}"><a href="{target}">'
    assert list_outcomes(html, tracker) == ["tracked", "tracked", "tracked", "already-tracked"]
    stranger = Tracker(KeyRing.generate(NOW).with_host(BASE_URL), BASE_URL)
    assert list_outcomes(html, stranger) == ["tracked"] * 4
