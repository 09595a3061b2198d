"""Tests of what retention leaves: sums of messages and clicks that tell nobody apart."""

from sqlalchemy import delete, select

from linkweir.clicks.ingest.rebuild_worker import rebuild_aggregates
from linkweir.clock import DAY_US
from linkweir.db import retention_queries, send_aggregates_table
from linkweir.db import schema as t
from tests.db.aggregate_statements import select_with_values
from tests.db.sample_database import NOW_US, SampleDatabase
from tests.stats.aggregate_rows import insert_click


def test_messages_that_expire_count_on_but_not_by_attribute(sample: SampleDatabase) -> None:
    """When a message's time is over, it no longer counts along its recipient's attributes, and is on no tag's list."""
    common = {"tags": ["a"], "variant": "B", "attributes": {"plan": "pro"}}
    old, young = sample.queue_message(**common, retain_until_at=NOW_US + 1), sample.queue_message(**common)
    with sample.database.write() as connection:
        send_aggregates_table.count_delivered(connection, [old])
        connection.execute(t.messages.update().where(t.messages.c.id == old).values(delivered_at=NOW_US))
        connection.execute(delete(t.queue))
        assert retention_queries.delete_messages(connection, NOW_US + 1, 10) == 1
        rows = connection.execute(select_with_values(t.send_aggregates)).all()
        tagged = connection.scalars(select(t.message_tags.c.message_id)).all()
    assert {(row.sent, row.delivered) for row in rows if not row.dimension.startswith("attribute:")} == {(2, 1)}
    assert {(row.sent, row.delivered) for row in rows if row.dimension == "attribute:plan"} == {(1, 0)}
    assert tagged == [young]


def test_the_last_one_takes_its_value_along(sample: SampleDatabase) -> None:
    """A value of an attribute that no kept message has is gone."""
    sample.queue_message(attributes={"customer": "4711"}, retain_until_at=NOW_US + 1)
    with sample.database.write() as connection:
        connection.execute(delete(t.queue))
        retention_queries.delete_messages(connection, NOW_US + 1, 10)
        assert "4711" not in connection.scalars(select(t.aggregate_values.c.text)).all()


def test_strangers_are_forgotten_as_long_after_as_messages(sample: SampleDatabase) -> None:
    """A click on a link minted in bulk loses address, user agent and message name after the account's days; it counts
    on, also when sums are made anew.
    """
    words = {"ip": "192.0.2.1", "user_agent": "x", "message_ref": "77", "destination": "https://example.com/"}
    with sample.database.write() as connection:
        old = insert_click(connection, sample.account, at=NOW_US, country="SE", **words)
        young = insert_click(connection, sample.account, at=NOW_US + 2 * DAY_US, **words)
    rebuild_aggregates(sample.database, NOW_US, lambda _what, _count: True)

    def sums() -> list[tuple[str, str, int]]:
        with sample.database.read() as connection:
            return [
                (row.dimension, row.value, row.human)
                for row in connection.execute(select_with_values(t.click_aggregates))
            ]

    before = sums()
    assert ("destination", "https://example.com/", 1) in before
    with sample.database.write() as connection:
        now = NOW_US + 31 * DAY_US  # accounts keep metadata for 30 days
        assert [retention_queries.anonymize_unattributed_clicks(connection, now, 10) for _ in range(2)] == [1, 0]
        result = {row.id: row for row in connection.execute(select(t.clicks))}
    names = ("ip", "user_agent", "message_ref", "destination")
    assert [getattr(result[old], name) for name in names] == [None] * 4
    assert (result[old].country, result[old].verdict) == ("SE", "human")
    assert {name: getattr(result[young], name) for name in words} == words
    rebuild_aggregates(sample.database, NOW_US, lambda _what, _count: True)
    assert sorted(sums()) == sorted(before)
