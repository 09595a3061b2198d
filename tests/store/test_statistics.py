"""Tests of linkweir.store.statistics."""

import uuid
from typing import Any

import pytest

from linkweir.store import events, statistics
from tests.report.filling import click
from tests.store.filled import NOW, Filled


def happened(filled: Filled, key: uuid.UUID, kind: str, at: int = NOW) -> None:
    """Note an event, or store the hit that is one."""
    with filled.store.write() as connection:
        if kind in ("clicked", "opened"):
            hit = "open" if kind == "opened" else "click"
            click(connection, filled.account, message_id=key, at=at, kind=hit)
            return
        events.add(connection, account=filled.account, message=key, kind=kind, at=at, data={})


def counts(filled: Filled, start: int = NOW, end: int = NOW + 10, **filters: Any) -> dict[str, int]:
    """What was counted, without the zeros."""
    with filled.store.read() as connection:
        found = statistics.deliverability(connection, filled.account, start, end, **filters)
    assert found.keys() == set(statistics.KINDS)
    return {kind: count for kind, count in found.items() if count}


def test_a_message_counts_once_for_each_kind(filled: Filled) -> None:
    """Two clicks on one message are one, clicks on two are two; notes and sandbox messages do not count."""
    one, two, trial = filled.add(), filled.add(), filled.add(sandbox_result="deliver")
    for key, kind in ((one, "clicked"), (one, "clicked"), (two, "clicked"), (one, "delivered"), (two, "dkim-broken")):
        happened(filled, key, kind)
    happened(filled, trial, "delivered")
    assert counts(filled) == {"clicked": 2, "delivered": 1}


def test_a_period_holds_its_beginning_and_not_its_end(filled: Filled) -> None:
    """Periods that touch count each event once."""
    happened(filled, filled.add(), "reception", NOW + 10)
    assert counts(filled, NOW, NOW + 10) == {}
    assert counts(filled, NOW + 10, NOW + 11) == {"reception": 1}


@pytest.mark.parametrize(
    ("filters", "fits"),
    [
        ({"sender_domain": "example.com"}, True),
        ({"sender_domain": "other.example"}, False),
        ({"recipient_domains": ["x.example", "example.org"]}, True),
        ({"recipient_domains": ["example.com"]}, False),
        ({"tags": ["b", "c"]}, True),
        ({"tags": ["c"]}, False),
    ],
)
def test_filters_look_at_the_message(filled: Filled, filters: dict[str, Any], fits: bool) -> None:
    """Sender's and recipient's domains and tags choose what counts."""
    happened(filled, filled.add(tags=["a", "b"]), "bounced")
    assert counts(filled, **filters) == ({"bounced": 1} if fits else {})


def test_many_periods_are_counted_in_one_go(filled: Filled) -> None:
    """Each period has its own counts, in the order asked for; a message that was clicked in two counts in both."""
    key = filled.add()
    for at in (NOW, NOW + 3, NOW + 25):
        happened(filled, key, "clicked", at)
    with filled.store.read() as connection:
        periods = [(NOW + start, NOW + start + 10) for start in (20, 0, 10)]
        found = statistics.deliverability_by(connection, filled.account, periods)
    assert [row["clicked"] for row in found] == [1, 1, 0]
