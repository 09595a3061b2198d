"""Tests of linkweir.db.delivery_queue_table and linkweir.db.messages_table."""

import uuid
from collections.abc import Mapping
from typing import Any

import pytest
from sqlalchemy import update

from linkweir.clock import SECOND_US
from linkweir.db import contents_table, delivery_queue_table, messages_table
from linkweir.db.delivery_queue_table import DeliveryOutcome
from linkweir.db.schema import messages as table
from linkweir.db.schema import queue as queue_table
from tests.db.sample_database import FOREVER_US, NOW_US, SampleDatabase

OWNER, OTHER_OWNER = uuid.uuid4(), uuid.uuid4()


def claim_due(
    sample: SampleDatabase, owner: uuid.UUID = OWNER, now: int = NOW_US, limit: int = 10, route: str = "default"
) -> list[uuid.UUID]:
    """Take what is due for ten seconds."""
    with sample.database.write() as connection:
        claimed = delivery_queue_table.claim(connection, owner, route, now=now, until=now + 10 * SECOND_US, limit=limit)
    return [item.id for item in claimed]


def load_message(sample: SampleDatabase, key: uuid.UUID) -> Mapping[str, Any]:
    """The message as it is now."""
    with sample.database.read() as connection:
        result = messages_table.get(connection, sample.account, key)
    assert result is not None
    return dict(result)


def test_a_message_is_stored_whole(sample: SampleDatabase) -> None:
    """Row, content, queue row and short links come with one call; domains are in lower case; mails may come late."""
    key = sample.queue_message(
        raw=lambda: b"late", short_links={0: "https://a.example/", 7: "https://b.example/"}, due_at=NOW_US + 5
    )
    result = load_message(sample, key)
    assert (result["sender_domain"], result["recipient_domain"]) == ("example.com", "example.org")
    assert (result["status"], result["scheduled_at"], result["click_count"]) == ("Received", NOW_US + 5, 0)
    with sample.database.read() as connection:
        assert contents_table.get(connection, key) == b"late"
        assert messages_table.get_short_link_destination(connection, result["number"], 7) == "https://b.example/"
        assert messages_table.get_short_link_destination(connection, result["number"], 1) is None
        assert messages_table.get(connection, sample.other_account, key) is None
        assert delivery_queue_table.count_waiting(connection) == 1


def test_nothing_to_store_is_nothing(sample: SampleDatabase) -> None:
    """A submission without any recipient that could be accepted leaves no row."""
    with sample.database.write() as connection:
        messages_table.add(connection, [])
        assert delivery_queue_table.count_waiting(connection) == 0


def test_the_longest_due_are_claimed_first_and_once(sample: SampleDatabase) -> None:
    """What is held or due later is left alone, and what a dead worker held is due when its lease has ended."""
    keys = [sample.queue_message(due_at=NOW_US - age) for age in (1, 3, 2)]
    sample.queue_message(due_at=NOW_US + 20 * SECOND_US)
    assert claim_due(sample, limit=2) == [keys[1], keys[2]]
    assert claim_due(sample, OTHER_OWNER) == [keys[0]]
    with sample.database.read() as connection:
        assert not delivery_queue_table.has_due(connection, "default", NOW_US + 9 * SECOND_US)
        assert delivery_queue_table.has_due(connection, "default", NOW_US + 10 * SECOND_US)
    assert set(claim_due(sample, OTHER_OWNER, now=NOW_US + 10 * SECOND_US)) == set(keys)


def test_each_route_has_its_own_queue(sample: SampleDatabase) -> None:
    """What is due on one route is not seen by who asks for another."""
    key = sample.queue_message(route="filter")
    with sample.database.read() as connection:
        assert not delivery_queue_table.has_due(connection, "default", NOW_US)
        assert delivery_queue_table.has_due(connection, "filter", NOW_US)
    assert (claim_due(sample), claim_due(sample, route="filter")) == ([], [key])


def test_a_lease_is_renewed_while_it_is_held(sample: SampleDatabase) -> None:
    """Who still holds a message keeps it longer; who lost it does not get it back."""
    key = sample.queue_message()
    claim_due(sample)
    with sample.database.write() as connection:
        delivery_queue_table.renew(connection, OTHER_OWNER, [key], FOREVER_US)
        delivery_queue_table.renew(connection, OWNER, [key], NOW_US + 30 * SECOND_US)
    assert claim_due(sample, OTHER_OWNER, now=NOW_US + 29 * SECOND_US) == []
    assert claim_due(sample, OTHER_OWNER, now=NOW_US + 30 * SECOND_US) == [key]


@pytest.mark.parametrize(("clicks", "opens", "status"), [(0, 0, "Delivered"), (0, 1, "Opened"), (1, 1, "Clicked")])
def test_a_delivery_ends_a_message(sample: SampleDatabase, clicks: int, opens: int, status: str) -> None:
    """It leaves the queue, its attempt is kept, its content goes when its time is over; a reader may be first."""
    key = sample.queue_message()
    claim_due(sample)
    with sample.database.write() as connection:
        connection.execute(update(table).values(click_count=clicks, open_count=opens))
        ended, again = DeliveryOutcome(key, "Delivered", "250"), DeliveryOutcome(key, "Failed", "again")
        assert delivery_queue_table.settle(connection, OWNER, [ended], NOW_US + 1) == {key}
        assert delivery_queue_table.settle(connection, OWNER, [again], NOW_US + 2) == set()
        assert [
            dict(delivery_attempt)["log"] for delivery_attempt in messages_table.list_delivery_attempts(connection, key)
        ] == ["250"]
        assert contents_table.get(connection, key) is None
        assert delivery_queue_table.count_waiting(connection) == 0
    result = load_message(sample, key)
    assert (result["status"], result["delivered_at"], result["num_attempts"]) == (status, NOW_US + 1, 1)


def test_a_bounce_has_its_class_and_no_delivery(sample: SampleDatabase) -> None:
    """A refused message was never delivered; content that is to be kept stays."""
    key = sample.queue_message(keep_until_at=FOREVER_US)
    claim_due(sample)
    with sample.database.write() as connection:
        bounced = DeliveryOutcome(key, "Bounced", "550", "address")
        delivery_queue_table.settle(connection, OWNER, [bounced], NOW_US)
        assert contents_table.get(connection, key) == b"raw"
    result = load_message(sample, key)
    assert (result["status"], result["bounce_classification"], result["delivered_at"]) == ("Bounced", "address", None)


def test_a_message_that_is_put_back_is_due_later(sample: SampleDatabase) -> None:
    """It is free for anybody at its time, and who does not hold it cannot put it back."""
    key = sample.queue_message()
    claim_due(sample)
    with sample.database.write() as connection:
        assert not delivery_queue_table.requeue(connection, OTHER_OWNER, key, log="no", now=NOW_US, due_at=NOW_US)
        assert delivery_queue_table.requeue(connection, OWNER, key, log="later", now=NOW_US, due_at=NOW_US + SECOND_US)
    assert claim_due(sample, OTHER_OWNER, now=NOW_US + SECOND_US - 1) == []
    with sample.database.write() as connection:
        (again,) = delivery_queue_table.claim(
            connection, OTHER_OWNER, "default", now=NOW_US + SECOND_US, until=FOREVER_US, limit=10
        )
    assert (again.id, again.attempts, again.envelope_from) == (key, 1, "bounces@example.com")
    assert (load_message(sample, key)["status"], load_message(sample, key)["num_attempts"]) == ("Deferred", 1)


def test_a_clock_that_was_ahead_holds_nothing_back(sample: SampleDatabase) -> None:
    """What was accepted, tried or claimed while the clock was a year ahead is due at once; a schedule and
    what waits as it should stay.
    """
    year = 365 * 86_400 * SECOND_US
    accepted = sample.queue_message(now=NOW_US + year, due_at=NOW_US + year)
    tried, scheduled, waiting = (
        sample.queue_message(),
        sample.queue_message(due_at=NOW_US + year),
        sample.queue_message(due_at=NOW_US + SECOND_US),
    )
    claimed = sample.queue_message()
    with sample.database.write() as connection:
        rows = update(queue_table)
        connection.execute(rows.where(queue_table.c.message_id == tried).values(attempts=1, due_at=NOW_US + year))
        held = {"claimed_by": OTHER_OWNER, "claimed_until_at": NOW_US + year}
        connection.execute(rows.where(queue_table.c.message_id == claimed).values(**held))
        assert (
            delivery_queue_table.reset_future_times(
                connection, OWNER, NOW_US, max_delay=7200 * SECOND_US, lease=60 * SECOND_US
            )
            == 2
        )
    assert set(claim_due(sample)) == {accepted, tried, claimed}
    assert claim_due(sample, OTHER_OWNER, now=NOW_US + SECOND_US) == [waiting]
    assert claim_due(sample, OTHER_OWNER, now=NOW_US + year)[-1] == scheduled
