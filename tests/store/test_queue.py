"""Tests of linkweir.store.queue and linkweir.store.messages."""

import uuid
from collections.abc import Mapping
from typing import Any

import pytest
from sqlalchemy import update

from linkweir.store import messages, queue
from linkweir.store.tables import messages as table
from linkweir.store.tables import queue as queue_table
from tests.store.filled import FOREVER, NOW, SECOND, Filled

ME, SOMEBODY = uuid.uuid4(), uuid.uuid4()


def claim(
    filled: Filled, owner: uuid.UUID = ME, now: int = NOW, limit: int = 10, route: str = "default"
) -> list[uuid.UUID]:
    """Take what is due for ten seconds."""
    with filled.store.write() as connection:
        claimed = queue.claim(connection, owner, route, now=now, until=now + 10 * SECOND, limit=limit)
    return [item.id for item in claimed]


def row(filled: Filled, key: uuid.UUID) -> Mapping[str, Any]:
    """The message as it is now."""
    with filled.store.read() as connection:
        found = messages.get(connection, filled.account, key)
    assert found is not None
    return dict(found)


def test_a_message_is_stored_whole(filled: Filled) -> None:
    """Row, content, queue row and short links come with one call; domains are in lower case; mails may come late."""
    key = filled.add(
        raw=lambda: b"late", short_links={0: "https://a.example/", 7: "https://b.example/"}, due_at=NOW + 5
    )
    found = row(filled, key)
    assert (found["sender_domain"], found["recipient_domain"]) == ("example.com", "example.org")
    assert (found["status"], found["scheduled_at"], found["click_count"]) == ("Received", NOW + 5, 0)
    with filled.store.read() as connection:
        assert messages.content(connection, key) == b"late"
        assert messages.destination(connection, found["number"], 7) == "https://b.example/"
        assert messages.destination(connection, found["number"], 1) is None
        assert messages.get(connection, filled.other, key) is None
        assert queue.size(connection) == 1


def test_nothing_to_store_is_nothing(filled: Filled) -> None:
    """A submission without any recipient that could be accepted leaves no row."""
    with filled.store.write() as connection:
        messages.add(connection, [])
        assert queue.size(connection) == 0


def test_the_longest_due_are_claimed_first_and_once(filled: Filled) -> None:
    """What is held or due later is left alone, and what a dead worker held is due when its lease has ended."""
    keys = [filled.add(due_at=NOW - age) for age in (1, 3, 2)]
    filled.add(due_at=NOW + 20 * SECOND)
    assert claim(filled, limit=2) == [keys[1], keys[2]]
    assert claim(filled, SOMEBODY) == [keys[0]]
    with filled.store.read() as connection:
        assert not queue.any_due(connection, "default", NOW + 9 * SECOND)
        assert queue.any_due(connection, "default", NOW + 10 * SECOND)
    assert set(claim(filled, SOMEBODY, now=NOW + 10 * SECOND)) == set(keys)


def test_each_route_has_its_own_queue(filled: Filled) -> None:
    """What is due on one route is not seen by who asks for another."""
    key = filled.add(route="filter")
    with filled.store.read() as connection:
        assert not queue.any_due(connection, "default", NOW)
        assert queue.any_due(connection, "filter", NOW)
    assert (claim(filled), claim(filled, route="filter")) == ([], [key])


def test_a_lease_is_renewed_while_it_is_held(filled: Filled) -> None:
    """Who still holds a message keeps it longer; who lost it does not get it back."""
    key = filled.add()
    claim(filled)
    with filled.store.write() as connection:
        queue.renew(connection, SOMEBODY, [key], FOREVER)
        queue.renew(connection, ME, [key], NOW + 30 * SECOND)
    assert claim(filled, SOMEBODY, now=NOW + 29 * SECOND) == []
    assert claim(filled, SOMEBODY, now=NOW + 30 * SECOND) == [key]


@pytest.mark.parametrize(("clicks", "opens", "status"), [(0, 0, "Delivered"), (0, 1, "Opened"), (1, 1, "Clicked")])
def test_a_delivery_ends_a_message(filled: Filled, clicks: int, opens: int, status: str) -> None:
    """It leaves the queue, its attempt is kept, its content goes when its time is over; a reader may be first."""
    key = filled.add()
    claim(filled)
    with filled.store.write() as connection:
        connection.execute(update(table).values(click_count=clicks, open_count=opens))
        assert queue.settle(connection, ME, key, status="Delivered", log="250", now=NOW + 1)
        assert not queue.settle(connection, ME, key, status="Failed", log="again", now=NOW + 2)
        assert [dict(one)["log"] for one in messages.delivery_attempts(connection, key)] == ["250"]
        assert messages.content(connection, key) is None
        assert queue.size(connection) == 0
    found = row(filled, key)
    assert (found["status"], found["delivered_at"], found["num_attempts"]) == (status, NOW + 1, 1)


def test_a_bounce_has_its_class_and_no_delivery(filled: Filled) -> None:
    """A refused message was never delivered; content that is to be kept stays."""
    key = filled.add(keep_until_at=FOREVER)
    claim(filled)
    with filled.store.write() as connection:
        queue.settle(connection, ME, key, status="Bounced", log="550", now=NOW, classification="address")
        assert messages.content(connection, key) == b"raw"
    found = row(filled, key)
    assert (found["status"], found["bounce_classification"], found["delivered_at"]) == ("Bounced", "address", None)


def test_a_message_that_is_put_back_is_due_later(filled: Filled) -> None:
    """It is free for anybody at its time, and who does not hold it cannot put it back."""
    key = filled.add()
    claim(filled)
    with filled.store.write() as connection:
        assert not queue.put_back(connection, SOMEBODY, key, log="no", now=NOW, due_at=NOW)
        assert queue.put_back(connection, ME, key, log="later", now=NOW, due_at=NOW + SECOND)
    assert claim(filled, SOMEBODY, now=NOW + SECOND - 1) == []
    with filled.store.write() as connection:
        (again,) = queue.claim(connection, SOMEBODY, "default", now=NOW + SECOND, until=FOREVER, limit=10)
    assert (again.id, again.attempts, again.envelope_from) == (key, 1, "bounces@example.com")
    assert (row(filled, key)["status"], row(filled, key)["num_attempts"]) == ("Deferred", 1)


def test_a_clock_that_was_ahead_holds_nothing_back(filled: Filled) -> None:
    """What was accepted, tried or claimed while the clock was a year ahead is due at once; a schedule and
    what waits as it should stay.
    """
    year = 365 * 86_400 * SECOND
    accepted = filled.add(now=NOW + year, due_at=NOW + year)
    tried, scheduled, waiting = filled.add(), filled.add(due_at=NOW + year), filled.add(due_at=NOW + SECOND)
    claimed = filled.add()
    with filled.store.write() as connection:
        rows = update(queue_table)
        connection.execute(rows.where(queue_table.c.message_id == tried).values(attempts=1, due_at=NOW + year))
        held = {"claimed_by": SOMEBODY, "claimed_until_at": NOW + year}
        connection.execute(rows.where(queue_table.c.message_id == claimed).values(**held))
        assert queue.recall(connection, ME, NOW, wait=7200 * SECOND, lease=60 * SECOND) == 2
    assert set(claim(filled)) == {accepted, tried, claimed}
    assert claim(filled, SOMEBODY, now=NOW + SECOND) == [waiting]
    assert claim(filled, SOMEBODY, now=NOW + year)[-1] == scheduled
