"""Tests of what retention leaves: sums of messages and clicks that tell nobody apart."""

from sqlalchemy import delete, select

from linkweir.click.rebuild import rebuild_all
from linkweir.store import retention, sends
from linkweir.store import tables as t
from linkweir.store.axes import named
from tests.report.filling import click
from tests.store.filled import NOW, Filled

DAY = 86_400_000_000


def test_messages_that_expire_count_on_but_not_by_attribute(filled: Filled) -> None:
    """When a message's time is over, it no longer counts along its recipient's attributes, and is on no tag's list."""
    common = {"tags": ["a"], "variant": "B", "attributes": {"plan": "pro"}}
    old, young = filled.add(**common, retain_until_at=NOW + 1), filled.add(**common)
    with filled.store.write() as connection:
        sends.delivered(connection, old)
        connection.execute(t.messages.update().where(t.messages.c.id == old).values(delivered_at=NOW))
        connection.execute(delete(t.queue))
        assert retention.drop_messages(connection, NOW + 1, 10) == 1
        rows = connection.execute(named(t.sends)).all()
        tagged = connection.scalars(select(t.message_tags.c.message_id)).all()
    assert {(row.sent, row.delivered) for row in rows if not row.dimension.startswith("attribute:")} == {(2, 1)}
    assert {(row.sent, row.delivered) for row in rows if row.dimension == "attribute:plan"} == {(1, 0)}
    assert tagged == [young]


def test_the_last_one_takes_its_value_along(filled: Filled) -> None:
    """A value of an attribute that no kept message has is gone."""
    filled.add(attributes={"customer": "4711"}, retain_until_at=NOW + 1)
    with filled.store.write() as connection:
        connection.execute(delete(t.queue))
        retention.drop_messages(connection, NOW + 1, 10)
        assert "4711" not in connection.scalars(select(t.words.c.text)).all()


def test_strangers_are_forgotten_as_long_after_as_messages(filled: Filled) -> None:
    """A click on a link minted in bulk loses address, user agent and message name after the account's days; it counts
    on, also when sums are made anew.
    """
    words = {"ip": "192.0.2.1", "user_agent": "x", "message_ref": "77", "destination": "https://example.com/"}
    with filled.store.write() as connection:
        old = click(connection, filled.account, at=NOW, country="SE", **words)
        young = click(connection, filled.account, at=NOW + 2 * DAY, **words)
    rebuild_all(filled.store, NOW, lambda _what, _count: True)

    def sums() -> list[tuple[str, str, int]]:
        with filled.store.read() as connection:
            return [(row.dimension, row.value, row.human) for row in connection.execute(named(t.rollups))]

    before = sums()
    assert ("destination", "https://example.com/", 1) in before
    with filled.store.write() as connection:
        now = NOW + 31 * DAY  # accounts keep metadata for 30 days
        assert [retention.drop_strangers(connection, now, 10) for _ in range(2)] == [1, 0]
        found = {row.id: row for row in connection.execute(select(t.clicks))}
    names = ("ip", "user_agent", "message_ref", "destination")
    assert [getattr(found[old], name) for name in names] == [None] * 4
    assert (found[old].country, found[old].verdict) == ("SE", "human")
    assert {name: getattr(found[young], name) for name in words} == words
    rebuild_all(filled.store, NOW, lambda _what, _count: True)
    assert sorted(sums()) == sorted(before)
