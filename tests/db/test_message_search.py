"""Tests of linkweir.db.message_search and linkweir.db.keyset_pagination."""

import uuid
from collections.abc import Mapping
from typing import Any

import pytest
from sqlalchemy import update

from linkweir.clock import SECOND_US
from linkweir.db import contents_table, delivery_queue_table, message_search, messages_table
from linkweir.db.schema import queue as waiting
from linkweir.pagination import PageRequest
from tests.db.sample_database import NOW_US, SampleDatabase


def find_messages(
    sample: SampleDatabase, filters: Mapping[str, Any], limit: PageRequest | None = None
) -> list[uuid.UUID]:
    """The messages that meet the filters, newest first."""
    with sample.database.read() as connection:
        return [
            row["id"]
            for row in message_search.search(connection, sample.account, limit or PageRequest(100), filters).rows
        ]


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
        ({"from_time": NOW_US, "to_time": NOW_US + 1}, True),
        ({"to_time": NOW_US}, False),
        ({"from_time": NOW_US + 1}, False),
        ({"message_id_header": " <one@example.com> "}, True),
        ({"domains": ["example.com"]}, True),
        ({"domains": []}, False),
        ({"sender": "news@example.com", "tags": ["none"]}, False),
    ],
)
def test_each_filter_matches_its_field(sample: SampleDatabase, filters: dict[str, Any], fits: bool) -> None:
    """All filters must hold; tags count letter case, addresses and statuses do not; wildcards are text."""
    key = sample.queue_message(subject="Now 5% off_!", tags=["Sale"], message_id="one@example.com")
    sample.queue_message(
        account_id=sample.other_account, subject="Now 5% off_!", tags=["Sale"], message_id="one@example.com"
    )
    assert find_messages(sample, filters) == ([key] if fits else [])


@pytest.mark.parametrize(
    ("filters", "fits"),
    [
        ({"text": "da@EXAMPLE"}, True),
        ({"text": "5% OFF_"}, True),
        ({"text": "5_ off"}, False),
        ({"text": "al"}, True),
        ({"text": "news@"}, False),
        ({"text": "al", "tag": "Sale"}, True),
        ({"text": "al", "tag": "sale"}, False),
        ({"text": "off", "shown_status": "received"}, True),
        ({"text": "off", "shown_status": "Clicked"}, False),
    ],
)
def test_a_part_of_a_text_is_found(sample: SampleDatabase, filters: dict[str, str], fits: bool) -> None:
    """Recipient, subject and tags are searched for a part in any letter case; other accounts' never."""
    fields: dict[str, Any] = {"subject": "Now 5% off_!", "tags": ["Sale"]}
    key = sample.queue_message(**fields)
    sample.queue_message(account_id=sample.other_account, **fields)
    with sample.database.read() as connection:
        page = message_search.search_texts(connection, sample.account, 9, **filters)  # type: ignore[arg-type]
    assert ([row["id"] for row in page.rows], page.older) == ([key] if fits else [], None)


def test_a_search_looks_at_so_many_rows_and_goes_on(sample: SampleDatabase) -> None:
    """Each page looks at four messages at most, and all pages together find each match once."""
    keys = [sample.queue_message(now=NOW_US + n // 2, subject="odd" if n % 7 == 1 else "even") for n in range(20)]
    found, cursor, pages = [], None, 0
    with sample.database.read() as connection:
        while True:
            page = message_search.search_texts(connection, sample.account, 2, cursor, text="odd", searched=4)
            found += [row["id"] for row in page.rows]
            pages += 1
            if page.older is None:
                break
            assert page.is_cut
            cursor = page.older
    assert set(found) == {keys[1], keys[8], keys[15]}
    assert (len(found), pages) == (3, 6)


def test_addresses_are_found_by_how_they_begin(sample: SampleDatabase) -> None:
    """Each once and in order, up to the limit, and only the account's own; wildcards are text."""
    for name in ("ada", "Ada", "adam", "bo", "a_a"):
        sample.queue_message(recipient=f"{name}@example.org")
    sample.queue_message(recipient="adb@example.org", account_id=sample.other_account)
    with sample.database.read() as connection:
        found = {
            prefix: message_search.list_persons_with_prefix(connection, sample.account, prefix, 2)
            for prefix in ("AD", "a", "a_", "%", "z")
        }
    assert found == {
        "AD": ["ada@example.org", "adam@example.org"],
        "a": ["a_a@example.org", "ada@example.org"],
        "a_": ["a_a@example.org"],
        "%": [],
        "z": [],
    }


def test_pages_lead_through_all_in_both_directions(sample: SampleDatabase) -> None:
    """Each row is on one page, also where several have the same time, and it is told whether there are more."""
    for number in range(7):
        sample.queue_message(now=NOW_US + number // 3)
    every = find_messages(sample, {})
    with sample.database.read() as connection:
        place, seen, pages = None, [], []
        while True:
            page = message_search.search(connection, sample.account, PageRequest(3, "after", place), {})
            seen += [row["id"] for row in page.rows]
            pages.append(page)
            if not page.more_after:
                break
            place = (page.rows[-1]["created_at"], page.rows[-1]["id"])
        first = pages[-1].rows[0]
        back = message_search.search(
            connection, sample.account, PageRequest(3, "before", (first["created_at"], first["id"])), {}
        )
    assert seen == every
    assert [page.more_before for page in pages] == [False, True, True]
    assert [row["id"] for row in back.rows] == every[3:6]
    assert (back.more_before, back.more_after) == (True, True)


def test_only_what_waits_for_its_time_is_cancelled(sample: SampleDatabase) -> None:
    """A scheduled message is taken back once; one that is due, claimed, tried or another account's is not."""
    later = NOW_US + 100 * SECOND_US
    keys = {name: sample.queue_message(due_at=later) for name in ("free", "claimed", "tried", "late")}
    keys["unscheduled"] = sample.queue_message()
    foreign = sample.queue_message(account_id=sample.other_account, due_at=later)
    with sample.database.write() as connection:
        held = {"claimed_by": uuid.uuid4(), "claimed_until_at": later}
        connection.execute(update(waiting).where(waiting.c.message_id == keys["claimed"]).values(**held))
        connection.execute(update(waiting).where(waiting.c.message_id == keys["tried"]).values(attempts=1))
        connection.execute(update(waiting).where(waiting.c.message_id == keys["late"]).values(due_at=NOW_US))
    with sample.database.write() as connection:
        gone = {
            name: message_search.cancel(connection, sample.account, key, NOW_US + SECOND_US)
            for name, key in keys.items()
        }
        assert not message_search.cancel(connection, sample.account, foreign, NOW_US + SECOND_US)
        assert not message_search.cancel(connection, sample.account, keys["free"], NOW_US + SECOND_US)
        row = messages_table.get(connection, sample.account, keys["free"])
        assert delivery_queue_table.count_waiting(connection) == 5
        assert contents_table.get(connection, keys["free"]) is None  # it was to be kept for no time
        assert contents_table.get(connection, keys["claimed"]) == b"raw"
    assert gone == {"free": True, "claimed": False, "tried": False, "late": False, "unscheduled": False}
    assert row is not None
    assert row["status"] == "Cancelled"
