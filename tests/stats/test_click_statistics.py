"""Tests of linkweir.stats.click_statistics and campaigns: sums in, figures out."""

import uuid
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from linkweir.db.database import Database
from linkweir.errors import UnsupportedRequest, ValidationError
from linkweir.stats.campaigns import compare_campaigns, compare_variants, list_campaigns
from linkweir.stats.click_statistics import StatisticsQuery, StatisticsResult, query_clicks
from tests.stats.aggregate_rows import insert_click_aggregates, insert_send_aggregates

UTC = ZoneInfo("UTC")


def query_statistics(
    database: Database, account: uuid.UUID, group: str, first: int = 0, last: int = 100, **more: Any
) -> StatisticsResult:
    """The answer to a question."""
    question: dict[str, Any] = {
        "account": account,
        "group_by": group,
        "first": first,
        "last": last,
        "time_zone": UTC,
        **more,
    }
    with database.read() as connection:
        return query_clicks(connection, StatisticsQuery(**question))


def test_time_has_rows_without_clicks_too(database: Database, account: uuid.UUID) -> None:
    """Each period has a row, the sums are those of its hours, and the first and last are cut off as asked."""
    with database.write() as connection:
        insert_click_aggregates(
            connection, account, [("", "", hour, "") for hour in (3, 23, 24, 80)], human=2, machine=5, clickers=1
        )
        insert_click_aggregates(connection, account, [("tag:a", "", 24, "")], unsure=1)
        insert_click_aggregates(connection, uuid.uuid4(), [("", "", 24, "")], human=1000)
    rows = query_statistics(database, account, "day", 4, 80).rows
    assert [(row["first"], row["last"]) for row in rows] == [(4, 24), (24, 48), (48, 72), (72, 80)]
    assert [row["human"] for row in rows] == [2, 2, 0, 0]
    assert rows[0] == {
        **{"first": 4, "last": 24, "human": 2, "unsure": 0, "machine": 5, "prefetch": 0, "internal": 0},
        **{"total": 7, "click_count": 2, "clickers": 1},
        **dict.fromkeys(("expected_clicks", "expected_clicks_low", "expected_clicks_high"), 2.0),
        **dict.fromkeys(("expected_clickers", "expected_clickers_low", "expected_clickers_high"), 1.0),
        "certain_clickers": 1,
    }
    assert [row["click_count"] for row in query_statistics(database, account, "day", 0, 48, tag="a").rows] == [0, 1]


def test_values_by_their_counted_clicks(database: Database, account: uuid.UUID) -> None:
    """Values come with the most counted clicks first, machines only where these are equal; only of the time asked."""
    with database.write() as connection:
        insert_click_aggregates(
            connection, account, [("", "country", hour, "DE") for hour in (1, 2)], human=2, clickers=1
        )
        insert_click_aggregates(connection, account, [("", "country", 1, "FR")], human=1, machine=50)
        insert_click_aggregates(connection, account, [("", "country", 1, "SE")], unsure=1)
        insert_click_aggregates(connection, account, [("", "country", 200, "SE")], human=1000)
    result = query_statistics(database, account, "country")
    assert [(row["value"], row["click_count"], row["total"]) for row in result.rows] == [
        *(("DE", 4, 4), ("FR", 1, 51), ("SE", 1, 1)),
    ]
    assert not result.has_more
    assert "sent" not in result.rows[0]
    short = query_statistics(database, account, "country", limit=2)
    assert ([row["value"] for row in short.rows], short.has_more) == (["DE", "FR"], True)


def test_links_are_taken_apart(database: Database, account: uuid.UUID) -> None:
    """A link's value is its position and its destination; an anonymous one has no destination."""
    with database.write() as connection:
        insert_click_aggregates(
            connection,
            account,
            [("tag:a", "link", 1, "2\thttps://example.com/a\tb"), ("tag:a", "link", 1, "3\t")],
            human=1,
        )
    rows = query_statistics(database, account, "link", tag="a").rows
    assert [(row["position"], row["destination"]) for row in rows] == [(2, "https://example.com/a\tb"), (3, None)]


def test_rates_where_messages_are_known(database: Database, account: uuid.UUID) -> None:
    """A recipient's attribute has messages and a rate; one that nobody was sent to has no rate."""
    with database.write() as connection:
        insert_click_aggregates(
            connection,
            account,
            [("tag:a", "attribute:plan", 1, value) for value in ("pro", "free")],
            human=3,
            clickers=2,
        )
        insert_send_aggregates(connection, account, ("tag:a", "attribute:plan", "pro"), (9, 8))
    pro, free = sorted(
        query_statistics(database, account, "attribute:plan", tag="a").rows, key=lambda row: -row["sent"]
    )
    assert (pro["sent"], pro["delivered"], pro["click_rate"]) == (9, 8, 0.25)
    assert (free["sent"], free["click_rate"]) == (0, None)


def test_both_filters_at_once(database: Database, account: uuid.UUID) -> None:
    """A tag and a sender's domain together go with time, and are refused with anything else."""
    with database.write() as connection:
        rows = [("tag:a", "sender_domain", 1, value) for value in ("example.com", "example.net")]
        insert_click_aggregates(connection, account, rows, human=1)
        insert_click_aggregates(connection, account, [("tag:a", "", 1, ""), ("sender:example.com", "", 1, "")], human=5)
    both: dict[str, Any] = {"tag": "a", "sender_domain": "example.com"}
    assert query_statistics(database, account, "hour", 1, 2, **both).rows[0]["human"] == 1
    assert query_statistics(database, account, "hour", 1, 2, sender_domain="example.com").rows[0]["human"] == 5
    with pytest.raises(UnsupportedRequest):
        query_statistics(database, account, "country", **both)


@pytest.mark.parametrize(("group", "last"), [("planet", 10), ("hour", 1001), ("", 10), ("attribute", 10)])
def test_questions_that_cannot_be_answered(database: Database, account: uuid.UUID, group: str, last: int) -> None:
    """An unknown group and more than a thousand periods are refused by name."""
    with pytest.raises(ValidationError, match="group_by"):
        query_statistics(database, account, group, 0, last)


def test_campaigns_side_by_side(database: Database, account: uuid.UUID) -> None:
    """Each tag has its messages, clicks and rate, in the order asked for; an unknown one has zeros."""
    with database.write() as connection:
        insert_click_aggregates(
            connection, account, [("tag:a", "", 1, ""), ("tag:a", "", 2, ""), ("", "tag", 2, "a")], human=3, clickers=2
        )
        for row in (("tag:a", "", ""), ("", "tag", "a")):
            insert_send_aggregates(connection, account, row, (20, 16))
        insert_send_aggregates(connection, account, ("", "tag", "b"), (30, 0))
    with database.read() as connection:
        unknown, result = compare_campaigns(connection, account, ["x", "a"], 0, 100)
        every, more = list_campaigns(connection, account, 0, 100, 10)
        first, cut = list_campaigns(connection, account, 0, 100, 1)
    assert (unknown["tag"], unknown["sent"], unknown["total"], unknown["click_rate"]) == ("x", 0, 0, None)
    assert (result["sent"], result["delivered"], result["clickers"], result["click_rate"]) == (20, 16, 4, 0.25)
    assert [(row["tag"], row["human"], row["click_rate"]) for row in every] == [("b", 0, None), ("a", 3, 0.125)]
    assert ([row["tag"] for row in first], cut, more) == (["b"], True, False)


def test_expected_numbers_have_an_interval(database: Database, account: uuid.UUID) -> None:
    """Sums of probabilities are shown as numbers between which the true one lies, whatever the verdicts are."""
    doubtful = {"expected_clicks": 81_000, "expected_clicks_variance": 250_000_000, "certain_clickers": 3}
    doubtful |= {"expected_clickers": 52_500, "expected_clickers_variance": 100_000_000}
    with database.write() as connection:
        insert_click_aggregates(connection, account, [("", "", 24, "")], unsure=6, machine=4, clickers=6, **doubtful)
    (row,) = query_statistics(database, account, "day", 24, 48).rows
    names = ("click_count", "expected_clicks", "expected_clicks_low", "expected_clicks_high")
    assert [row[name] for name in names] == [6, 8.1, 5.001, 10.0]  # no more than there are hits
    found = [row[f"expected_clickers{end}"] for end in ("", "_low", "_high")]
    assert (row["clickers"], found, row["certain_clickers"]) == (6, [5.25, 3.29, 7.21], 3)


def test_variants_are_compared_for_significance(database: Database, account: uuid.UUID) -> None:
    """Each variant is compared with the baseline, the first by name unless another is named."""
    with database.write() as connection:
        for name, clickers in (("A", 100), ("B", 160), ("C", 104)):
            insert_click_aggregates(
                connection, account, [("tag:a", "variant", 1, name)], human=clickers, clickers=clickers
            )
            insert_send_aggregates(connection, account, ("tag:a", "variant", name), (1000, 1000))
    with database.read() as connection:
        rows, result = compare_variants(connection, account, "a", (0, 100), None)
        _, turned = compare_variants(connection, account, "a", (0, 100), "C")
        none = compare_variants(connection, account, "other", (0, 100), None)
    assert [(row["variant"], row["click_rate"]) for row in rows] == [("A", 0.1), ("B", 0.16), ("C", 0.104)]
    assert [(item["base"], item["other"], item["significant"]) for item in result] == [
        ("A", "B", True),
        ("A", "C", False),
    ]
    assert [(item["base"], item["other"]) for item in turned] == [("C", "A"), ("C", "B")]
    assert none == ([], [])
