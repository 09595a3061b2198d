"""Tests of hits by the sender's own people: what their verdict is, and that others' does not depend on them."""

from dataclasses import replace
from typing import Any

import pytest

from linkweir.clicks.classify import Evidence, Hit, classify_hits
from linkweir.clicks.classify.traffic_history import TrafficHistory
from tests.clicks.classify.hit_factory import START_US, make_hit, make_scan

EVIDENCE = Evidence(delivered_at=START_US - 600_000_000, link_count=6)
READER = {"ip": "198.51.100.9", "user_agent": "Mozilla/5.0 (iPhone)", "device": "phone"}


@pytest.mark.parametrize("origin", ["network", "recipient"])
@pytest.mark.parametrize(
    "changes", [{}, {"method": "HEAD"}, {"prefetch": True}, {"kind": "open"}, {"kind": "honeypot"}]
)
def test_an_internal_hit_is_internal_whatever_else_it_is(origin: str, changes: dict[str, Any]) -> None:
    """The verdict is certain, and names the setting that it comes from and nothing else."""
    (found,) = classify_hits([make_hit(internal=origin, **changes)], EVIDENCE)
    assert (found.verdict, found.confidence, found.reasons) == ("internal", 1.0, (f"internal-{origin}",))


def _judge_reader(others: list[Hit]) -> tuple[str, float, tuple[str, ...]]:
    reader = make_hit(1.0, 0, **READER)
    found = {one.id: one for one in classify_hits([*others, reader], EVIDENCE)}[reader.id]
    return found.verdict, found.machine_probability, found.reasons


def test_internal_hits_change_no_other_verdict() -> None:
    """A tester who runs through all links beside a reader's click leaves the verdict on that as it is; somebody else
    who does so would not.
    """
    sweep = make_scan([0.1 * step for step in range(6)], ip=READER["ip"], user_agent=READER["user_agent"])
    assert _judge_reader([replace(hit, internal="network") for hit in sweep]) == _judge_reader([])
    assert _judge_reader(sweep) != _judge_reader([])


def test_nothing_is_learned_from_internal_hits() -> None:
    """Neither the record of a program nor the share of machines follows from them."""
    history = TrafficHistory()
    for message in range(30):
        hits = [replace(hit, internal="recipient") for hit in make_scan([0.0, 0.1, 0.2, 0.3])]
        for hit, found in zip(hits, classify_hits(hits, EVIDENCE), strict=True):
            history.observe_verdict(hit, found, message)
    later = make_hit()
    evidence = history.evidence_for([later], "another", delivered_at=None, link_count=None)
    assert (evidence.reputations, evidence.fleets) == ({}, {})
    assert evidence.base_rate == TrafficHistory().base_rate.value
