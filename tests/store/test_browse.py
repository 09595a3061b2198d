"""Tests of linkweir.store.browse and linkweir.store.pages."""

import uuid
from collections.abc import Mapping
from typing import Any

import pytest
from sqlalchemy import update

from linkweir.store import browse, messages, queue
from linkweir.store.pages import Wanted
from linkweir.store.tables import queue as waiting
from tests.store.filled import NOW, SECOND, Filled


def found(filled: Filled, filters: Mapping[str, Any], wanted: Wanted | None = None) -> list[uuid.UUID]:
    """The messages that meet the filters, newest first."""
    with filled.store.read() as connection:
        return [row["id"] for row in browse.find(connection, filled.account, wanted or Wanted(100), filters).rows]


@pytest.mark.parametrize(
    ("filters", "fits"),
    [
        ({}, True),
        ({"status": ["delivered", "RECEIVED"]}, True),
        ({"status": ["Bounced"]}, False),
        ({"sender": "NEWS@example.com"}, True),
        ({"sender": "news@example"}, False),
        ({"recipient": "ada@EXAMPLE.org"}, True),
        ({"subject": "5% OFF_"}, True),
        ({"subject": "5_ off"}, False),
        ({"subject": "\\"}, False),
        ({"tags": ["x", "Sale"]}, True),
        ({"tags": ["sale"]}, False),
        ({"from_time": NOW, "to_time": NOW + 1}, True),
        ({"to_time": NOW}, False),
        ({"from_time": NOW + 1}, False),
        ({"message_id_header": " <one@example.com> "}, True),
        ({"domains": ["example.com"]}, True),
        ({"domains": []}, False),
        ({"sender": "news@example.com", "tags": ["none"]}, False),
    ],
)
def test_each_filter_finds_what_it_says(filled: Filled, filters: dict[str, Any], fits: bool) -> None:
    """All filters must hold; tags count letter case, addresses and statuses do not; wildcards are text."""
    key = filled.add(subject="Now 5% off_!", tags=["Sale"], message_id="one@example.com")
    filled.add(account_id=filled.other, subject="Now 5% off_!", tags=["Sale"], message_id="one@example.com")
    assert found(filled, filters) == ([key] if fits else [])


def test_pages_lead_through_all_in_both_directions(filled: Filled) -> None:
    """Each row is on one page, also where several have the same time, and it is told whether there are more."""
    for number in range(7):
        filled.add(now=NOW + number // 3)
    every = found(filled, {})
    with filled.store.read() as connection:
        place, seen, pages = None, [], []
        while True:
            page = browse.find(connection, filled.account, Wanted(3, "after", place), {})
            seen += [row["id"] for row in page.rows]
            pages.append(page)
            if not page.more_after:
                break
            place = (page.rows[-1]["created_at"], page.rows[-1]["id"])
        first = pages[-1].rows[0]
        back = browse.find(connection, filled.account, Wanted(3, "before", (first["created_at"], first["id"])), {})
    assert seen == every
    assert [page.more_before for page in pages] == [False, True, True]
    assert [row["id"] for row in back.rows] == every[3:6]
    assert (back.more_before, back.more_after) == (True, True)


def test_only_what_waits_for_its_time_is_cancelled(filled: Filled) -> None:
    """A scheduled message is taken back once; one that is due, claimed, tried or another account's is not."""
    later = NOW + 100 * SECOND
    keys = {name: filled.add(due_at=later) for name in ("free", "claimed", "tried", "late")}
    keys["unscheduled"] = filled.add()
    foreign = filled.add(account_id=filled.other, due_at=later)
    with filled.store.write() as connection:
        held = {"claimed_by": uuid.uuid4(), "claimed_until_at": later}
        connection.execute(update(waiting).where(waiting.c.message_id == keys["claimed"]).values(**held))
        connection.execute(update(waiting).where(waiting.c.message_id == keys["tried"]).values(attempts=1))
        connection.execute(update(waiting).where(waiting.c.message_id == keys["late"]).values(due_at=NOW))
    with filled.store.write() as connection:
        gone = {name: browse.cancel(connection, filled.account, key, NOW + SECOND) for name, key in keys.items()}
        assert not browse.cancel(connection, filled.account, foreign, NOW + SECOND)
        assert not browse.cancel(connection, filled.account, keys["free"], NOW + SECOND)
        row = messages.get(connection, filled.account, keys["free"])
        assert queue.size(connection) == 5
        assert messages.content(connection, keys["free"]) is None  # it was to be kept for no time
        assert messages.content(connection, keys["claimed"]) == b"raw"
    assert gone == {"free": True, "claimed": False, "tried": False, "late": False, "unscheduled": False}
    assert row is not None
    assert row["status"] == "Cancelled"
