"""Tests of linkweir.db.hit_search."""

import uuid
from typing import Any

import pytest
from sqlalchemy import insert

from linkweir.db import hit_search
from linkweir.db.hit_search import HitFilter
from linkweir.db.schema import click_rows
from linkweir.pagination import CursorPosition
from tests.db.sample_database import NOW_US, SampleDatabase


def add_hit(sample: SampleDatabase, message: uuid.UUID | None, **fields: Any) -> uuid.UUID:
    """Store a click; its id."""
    key = uuid.uuid4()
    row = {"id": key, "at": NOW_US, "method": "GET", "privacy": "full", "key_id": 1, "position": 0}
    row |= {"account_id": sample.account, "message_id": message, "verdict": "human", **fields}
    with sample.database.write() as connection:
        connection.execute(insert(click_rows).values(row))
    return key


@pytest.mark.parametrize(
    ("given", "fits"),
    [
        (HitFilter(), True),
        (HitFilter(verdicts=("unsure", "human")), True),
        (HitFilter(verdicts=("machine",)), False),
        (HitFilter(kind="click"), True),
        (HitFilter(kind="open"), False),
        (HitFilter(tag="Sale"), True),
        (HitFilter(tag="sale"), False),
        (HitFilter(position=2), True),
        (HitFilter(position=0), False),
        (HitFilter(destination="https://a.example/?u=x@y.example"), True),
        (HitFilter(destination="https://a.example/"), False),
        (HitFilter(person="ada@example.org"), True),
        (HitFilter(person="da@example.org"), False),
        (HitFilter(address="DA@ex"), True),
        (HitFilter(address="_da"), False),
        (HitFilter(dimension="country", value="DE"), True),
        (HitFilter(dimension="country", value=""), False),
        (HitFilter(dimension="device", value=""), True),
        (HitFilter(dimension="variant", value="B"), True),
        (HitFilter(dimension="variant", value="A"), False),
        (HitFilter(dimension="attribute:plan", value="pro"), True),
        (HitFilter(dimension="attribute:plan", value="free"), False),
        (HitFilter(first_at=NOW_US, last_at=NOW_US + 1), True),
        (HitFilter(last_at=NOW_US), False),
        (HitFilter(first_at=NOW_US + 1), False),
    ],
)
def test_each_filter_matches_its_field(sample: SampleDatabase, given: HitFilter, fits: bool) -> None:
    """Every condition is one on the hit or on its message; another account's hits are never found."""
    fields: dict[str, Any] = {"tags": ["Sale"], "variant": "B", "attributes": {"plan": "pro"}}
    hit: dict[str, Any] = {"position": 2, "destination": "https://a.example/?u=x@y.example", "country": "DE"}
    key = add_hit(sample, sample.queue_message(**fields), **hit)
    other = sample.queue_message(account_id=sample.other_account, **fields)
    add_hit(sample, other, account_id=sample.other_account, **hit)
    with sample.database.read() as connection:
        page = hit_search.search_hits(connection, sample.account, given, 9)
        foreign = hit_search.search_hits(connection, sample.account, HitFilter(message=other), 9)
    assert [row["id"] for row in page.rows] == ([key] if fits else [])
    assert foreign.rows == []


def test_a_page_looks_at_so_many_hits_and_the_next_goes_on(sample: SampleDatabase) -> None:
    """However rare a match is, a page looks at five hits; all pages together have each match once, newest first."""
    message = sample.queue_message()
    rare = [
        add_hit(sample, message, at=NOW_US + n // 3, verdict="unsure" if n % 6 == 2 else "machine") for n in range(24)
    ]
    expected = [rare[n] for n in (20, 14, 8, 2)]
    for wish in (HitFilter(verdicts=("unsure",)), HitFilter(verdicts=("unsure",), message=message)):
        found: list[uuid.UUID] = []
        cursor: CursorPosition | None = None
        with sample.database.read() as connection:
            for _ in range(5):
                page = hit_search.search_hits(connection, sample.account, wish, 3, cursor, searched=5)
                found += [row["id"] for row in page.rows]
                cursor = page.older
        assert (found, cursor) == (expected, None)
