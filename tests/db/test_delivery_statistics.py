"""Tests of linkweir.db.delivery_statistics."""

import uuid
from typing import Any

import pytest

from linkweir.db import delivery_statistics, events_table
from linkweir.db.delivery_statistics import DeliveryFilter
from tests.db.sample_database import NOW_US, SampleDatabase
from tests.stats.aggregate_rows import insert_click


def add_event(sample: SampleDatabase, key: uuid.UUID, kind: str, at: int = NOW_US) -> None:
    """Note an event, or store the hit that is one."""
    with sample.database.write() as connection:
        if kind in ("clicked", "opened"):
            hit = "open" if kind == "opened" else "click"
            insert_click(connection, sample.account, message_id=key, at=at, kind=hit)
            return
        events_table.add(connection, account=sample.account, message=key, kind=kind, at=at, data={})


def count_events(sample: SampleDatabase, start: int = NOW_US, end: int = NOW_US + 10, **filters: Any) -> dict[str, int]:
    """What was counted, without the zeros."""
    with sample.database.read() as connection:
        periods, selected = [(start, end)], DeliveryFilter(**filters)
        [result] = delivery_statistics.count_events_by_period(connection, sample.account, periods, selected)
    assert result.keys() == set(delivery_statistics.COUNTED_EVENT_KINDS)
    return {kind: count for kind, count in result.items() if count}


def test_a_message_counts_once_for_each_kind(sample: SampleDatabase) -> None:
    """Two clicks on one message are one, clicks on two are two; notes and sandbox messages do not count."""
    one, two, trial = sample.queue_message(), sample.queue_message(), sample.queue_message(sandbox_result="deliver")
    for key, kind in ((one, "clicked"), (one, "clicked"), (two, "clicked"), (one, "delivered"), (two, "dkim-broken")):
        add_event(sample, key, kind)
    add_event(sample, trial, "delivered")
    assert count_events(sample) == {"clicked": 2, "delivered": 1}


def test_a_period_holds_its_beginning_and_not_its_end(sample: SampleDatabase) -> None:
    """Periods that touch count each event once."""
    add_event(sample, sample.queue_message(), "reception", NOW_US + 10)
    assert count_events(sample, NOW_US, NOW_US + 10) == {}
    assert count_events(sample, NOW_US + 10, NOW_US + 11) == {"reception": 1}


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
def test_filters_apply_to_the_message(sample: SampleDatabase, filters: dict[str, Any], fits: bool) -> None:
    """Sender's and recipient's domains and tags choose what counts."""
    add_event(sample, sample.queue_message(tags=["a", "b"]), "bounced")
    assert count_events(sample, **filters) == ({"bounced": 1} if fits else {})


def test_many_periods_are_counted_in_one_go(sample: SampleDatabase) -> None:
    """Each period has its own counts, in the order asked for; a message that was clicked in two counts in both."""
    key = sample.queue_message()
    for at in (NOW_US, NOW_US + 3, NOW_US + 25):
        add_event(sample, key, "clicked", at)
    with sample.database.read() as connection:
        periods = [(NOW_US + start, NOW_US + start + 10) for start in (20, 0, 10)]
        result = delivery_statistics.count_events_by_period(connection, sample.account, periods)
    assert [row["clicked"] for row in result] == [1, 1, 0]
