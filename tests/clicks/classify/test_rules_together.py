"""What an old browser, and a HEAD of the same source, say beside how and when links were followed."""

import pytest

from linkweir.clicks.classify import Classification, Evidence, Hit, classify_hits
from linkweir.clock import SECOND_US
from tests.clicks.classify.hit_factory import START_US, make_hit, make_scan


def judge(hits: list[Hit], age_seconds: int, links: int = 10) -> list[Classification]:
    """The judgement on hits of a mail with so many links, delivered so long before."""
    return classify_hits(hits, Evidence(delivered_at=START_US - age_seconds * SECOND_US, link_count=links))


@pytest.mark.parametrize(
    ("signals", "verdict"),
    [(("old-browser", "no-accept-language"), "machine"), (("old-browser",), "human"), ((), "human")],
)
def test_an_old_browser_that_lacks_headers_of_its_own_is_a_machine(signals: tuple[str, ...], verdict: str) -> None:
    """Hours after delivery, an old release is a person's, but not one that leaves out what it sends."""
    found = judge([make_hit(signals=signals)], 7200, links=2)[0]
    assert (found.verdict, "old-incomplete" in found.reasons) == (verdict, verdict == "machine")


def test_half_of_many_links_tell_by_the_browser_who_followed_them() -> None:
    """Five of ten links within minutes, hours after delivery, are a person's, but a machine's with an old browser."""
    times = [0, 30.0, 44, 95, 118]
    assert {one.verdict for one in judge(make_scan(times), 9000)} == {"human"}
    old = judge(make_scan(times, signals=("old-browser", "no-sec-fetch", "lacks-sec-fetch")), 9000)
    assert all("half-by-old" in one.reasons for one in old)
    assert all(one.machine_probability > 0.5 for one in old)


@pytest.mark.parametrize(
    ("age_seconds", "signals", "verdict"),
    [(1200, (), "human"), (1200, ("no-accept-language",), "machine"), (60, (), "machine")],
)
def test_an_office_that_checks_links_at_the_click_is_full_of_people(
    age_seconds: int, signals: tuple[str, ...], verdict: str
) -> None:
    """After a HEAD of its office, a complete browser's click is a person's where few scanners come any more."""
    head = make_hit(0, method="HEAD", user_agent="a gateway")
    found = judge([head, make_hit(0.6, signals=signals)], age_seconds, links=4)[1]
    assert (found.verdict, "head-beside" in found.reasons) == (verdict, verdict == "machine")
