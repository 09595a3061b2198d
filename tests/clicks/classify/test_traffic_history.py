"""Tests of linkweir.clicks.classify.traffic_history."""

from typing import Any

from linkweir.clicks.classify import Evidence, classify_hits
from linkweir.clicks.classify.traffic_history import MIN_PEOPLE, TrafficHistory
from linkweir.clock import SECOND_US
from tests.clicks.classify.hit_factory import START_US, make_hit, make_scan

HOUR_SECONDS = 3600


def add_people(history: TrafficHistory, number: int, **more: Any) -> None:
    """So many people who click hours after delivery."""
    for message in range(number):
        hit = make_hit(**more)
        evidence = history.evidence_for([hit], message, delivered_at=START_US - 7200 * SECOND_US, link_count=5)
        history.observe_verdict(hit, classify_hits([hit], evidence)[0], message)


def test_what_everybody_has_says_nothing() -> None:
    """Behind a proxy that speaks HTTP/1.0 every request is one, which stops counting; before, it counts."""
    history, hit = TrafficHistory(), make_hit(signals=("old-http",))
    delivered = START_US - 7200 * SECOND_US
    assert "old-http" in classify_hits([hit], Evidence(delivered_at=delivered))[0].reasons
    add_people(history, MIN_PEOPLE, signals=("old-http",))
    evidence = history.evidence_for([hit], "other", delivered_at=delivered, link_count=5)
    assert evidence.common_signals == {"old-http"}
    assert "old-http" not in classify_hits([hit], evidence)[0].reasons


def test_headers_count_once_people_are_seen_to_send_them() -> None:
    """That client hints are missing says nothing until enough people sent them."""
    history = TrafficHistory()
    missing = make_hit(signals=("lacks-client-hints",))
    for people, counts in ((0, False), (MIN_PEOPLE, True)):
        add_people(history, people)
        evidence = history.evidence_for([missing], "other", delivered_at=None, link_count=5)
        assert ("few-browser-headers" in classify_hits([missing], evidence)[0].reasons) is counts


def scan_many(history: TrafficHistory, messages: int) -> None:
    """Bursts from changing addresses and user agents of one owner's networks."""
    for number in range(messages):
        hits = make_scan([0, 0.1, 0.2, 0.3], ip=f"198.51.{number}.9", user_agent=f"Browser/{number}", network="a cloud")
        evidence = history.evidence_for(hits, number, delivered_at=START_US, link_count=4)
        for hit, found in zip(hits, classify_hits(hits, evidence), strict=True):
            history.observe_verdict(hit, found, number)


def test_a_fleet_is_known_by_owner_and_headers() -> None:
    """After four mails a single early click from another address of it is a machine's; other headers are other's."""
    history = TrafficHistory()
    scan_many(history, 4)
    single = make_hit(ip="198.51.200.1", user_agent="Browser/99", network="a cloud")
    other = make_hit(ip="198.51.200.1", user_agent="Browser/99", network="a cloud", signals=("no-accept",))
    evidence = history.evidence_for([single, other], "new", delivered_at=START_US - 40 * SECOND_US, link_count=1)
    assert "known-fleet" in classify_hits([single], evidence)[0].reasons
    assert "known-fleet" not in classify_hits([other], evidence)[0].reasons


def test_a_cloud_that_people_click_from_is_not_held_against_them() -> None:
    """Once people clicked from a data centre with such headers, an early click from there is no machine's."""
    history = TrafficHistory()
    early = make_hit(ip="198.51.200.1", network="a cloud")
    cloud = history.evidence_for([early], "new", delivered_at=START_US - 40 * SECOND_US, link_count=1)
    assert "data-centre-soon" not in classify_hits([early], cloud)[0].reasons
    scan_many(history, 4)
    scanned = history.evidence_for([early], "new", delivered_at=START_US - 40 * SECOND_US, link_count=1)
    assert "data-centre-soon" in classify_hits([early], scanned)[0].reasons
    add_people(history, 3, ip="198.51.7.7", network="a cloud")
    known = history.evidence_for([early], "new", delivered_at=START_US - 40 * SECOND_US, link_count=1)
    assert classify_hits([early], known)[0].verdict == "unsure"
