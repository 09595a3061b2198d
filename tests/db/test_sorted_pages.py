"""Tests of linkweir.db.sorted_pages by the lists that use it: messages, and who clicked in a campaign."""

import uuid
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import insert, update

from linkweir.db import click_lists, message_search
from linkweir.db.schema import click_rows, message_link_rows, messages
from linkweir.pagination import SortedPage, SortRequest
from tests.db.sample_database import NOW_US, SampleDatabase

pytestmark = pytest.mark.both_databases

LoadPage = Callable[[SortRequest], SortedPage]
SUBJECTS = ("beta", "Alpha", "", "beta", "Ärger", "alpha.1", "z" * 300)
CLICKERS = (  # recipient, variant, clicks in basis points, first and last click, machine clicks
    ("Cem@example.org", None, 9_000, 5, 5, 0),
    ("ada@example.org", "b", 27_000, 3, 9, 2),
    ("ben@example.org", "a", 9_000, 4, None, 7),
)


def turn_over(load: LoadPage, column: str, *, is_ascending: bool) -> list[uuid.UUID]:
    """The rows on all pages of two rows, which are the same on the way back."""
    request = SortRequest(column, is_ascending, 2)
    pages = [load(request)]
    assert not pages[0].more_before
    while pages[-1].more_after:
        last = pages[-1].rows[-1]
        pages.append(load(replace(request, position=(last["sort_key"], last["id"]))))
    for page, next_page in zip(pages[-2::-1], pages[:0:-1], strict=True):
        first = next_page.rows[0]
        back = load(replace(request, direction="before", position=(first["sort_key"], first["id"])))
        assert (back.rows, back.more_before, back.more_after) == (page.rows, page is not pages[0], True)
    return [row["id"] for page in pages for row in page.rows]


@pytest.mark.parametrize("is_ascending", [True, False])
def test_messages_are_in_the_order_of_each_column(sample: SampleDatabase, is_ascending: bool) -> None:
    """Each message is on one page, in the order of the column whatever letter case its text has; other accounts' are on
    none.
    """
    made = {
        sample.queue_message(subject=subject, recipient=f"{'Xx'[n % 2]}{n % 3}@example.org", now=NOW_US + n): n
        for n, subject in enumerate(SUBJECTS)
    }
    sample.queue_message(account_id=sample.other_account)
    with sample.database.write() as connection:
        for key, n in made.items():
            connection.execute(update(messages).where(messages.c.id == key).values(expected_clicks=n % 4))
    orders: dict[str, Callable[[int], Any]] = {
        "subject": lambda n: SUBJECTS[n].translate({ord("A"): "a"})[:100],
        "recipient": lambda n: n % 3,
        "accepted": lambda n: n,
        "status": lambda _n: "received",
        "clicks": lambda n: n % 4,
    }
    assert set(orders) == set(message_search.SORT_KEYS)
    with sample.database.read() as connection:
        for column, order in orders.items():
            found = turn_over(
                lambda request: message_search.search_sorted(connection, sample.account, request),
                column,
                is_ascending=is_ascending,
            )
            values = [order(made[key]) for key in found]
            assert values == sorted(map(order, made.values()), reverse=not is_ascending), column


def test_only_the_newest_messages_are_sorted(sample: SampleDatabase) -> None:
    """Of more messages than may be sorted the oldest are left out, and the page says so; filters apply to the rest."""
    keys = [sample.queue_message(subject=f"s{9 - n}", now=NOW_US + n, tags=["x"] * (n % 2)) for n in range(4)]
    request = SortRequest("subject", True, 10)
    with sample.database.read() as connection:
        for searched, tag, left in ((3, "", [3, 2, 1]), (4, "", [3, 2, 1, 0]), (1, "x", [3]), (2, "x", [3, 1])):
            page = message_search.search_sorted(connection, sample.account, request, tag=tag, searched=searched)
            assert [row["id"] for row in page.rows] == [keys[n] for n in left]
            assert page.is_cut == (searched in (1, 3))


@pytest.mark.parametrize("is_ascending", [True, False])
def test_clickers_are_in_the_order_of_each_column(sample: SampleDatabase, is_ascending: bool) -> None:
    """Each clicker of the campaign is on one page in the order of the column; a last click that is not stored comes
    before all others.
    """
    made = {add_clicker(sample, n): n for n in range(len(CLICKERS))}
    orders: dict[str, Callable[[int], Any]] = {
        "recipient": lambda n: CLICKERS[n][0].lower(),
        "variant": lambda n: CLICKERS[n][1] or "",
        "sent": lambda n: n,
        "first": lambda n: CLICKERS[n][3],
        "last": lambda n: CLICKERS[n][4] or 0,
        "clicks": lambda n: CLICKERS[n][2],
        "links": lambda _n: 1,
        "machine": lambda n: CLICKERS[n][5],
    }
    assert set(orders) == set(click_lists.CLICKER_SORT_COLUMNS)
    with sample.database.read() as connection:
        for column, order in orders.items():
            found = turn_over(
                lambda request: click_lists.list_clickers_sorted(
                    connection, sample.account, "sale", request, position=None
                ),
                column,
                is_ascending=is_ascending,
            )
            values = [order(made[key]) for key in found]
            assert values == sorted(map(order, made.values()), reverse=not is_ascending), column
        last = click_lists.find_last_clicks(connection, list(made), None)
        assert {made[key]: at for key, at in last.items()} == {0: 5, 1: 9}
        assert click_lists.find_last_clicks(connection, list(made), 1) == {}
        page = click_lists.list_clickers_sorted(
            connection, sample.account, "sale", SortRequest("sent", True, 9), position=None, searched=2
        )
        assert ([made[row["id"]] for row in page.rows], page.is_cut) == ([1, 2], True)


def add_clicker(sample: SampleDatabase, n: int) -> uuid.UUID:
    """A message of the campaign whose first link was clicked as CLICKERS says; its id."""
    recipient, variant, expected, first, last, machine = CLICKERS[n]
    key = sample.queue_message(recipient=recipient, variant=variant, tags=["sale"], now=NOW_US + n)
    link = {"message_id": key, "position": 0, "human": 1, "machine": machine, "expected_clicks": expected}
    hit = {"method": "GET", "privacy": "full", "key_id": 1, "position": 0, "account_id": sample.account}
    with sample.database.write() as connection:
        connection.execute(insert(message_link_rows).values(**link, first_at=first))
        if last is not None:
            for at, verdict in ((last, "human"), (last + 50, "machine")):
                row = {**hit, "id": uuid.uuid4(), "at": at, "message_id": key, "verdict": verdict}
                connection.execute(insert(click_rows).values(**row))
    return key
