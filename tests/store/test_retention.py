"""Tests of linkweir.store.retention and linkweir.store.events."""

import uuid
from typing import Any

from sqlalchemy import delete, func, select

from linkweir.store import events, messages, retention
from linkweir.store import tables as t
from tests.store.filled import NOW, Filled

LATER = NOW + 1000


def sent(filled: Filled, **fields: object) -> uuid.UUID:
    """A message that no longer waits."""
    key = filled.add(**fields)
    with filled.store.write() as connection:
        connection.execute(delete(t.queue).where(t.queue.c.message_id == key))
    return key


def test_content_goes_when_its_time_is_over(filled: Filled) -> None:
    """What still waits for its delivery keeps its content, and so does what is to be kept longer."""
    gone, kept, waiting = sent(filled), sent(filled, keep_until_at=LATER + 1), filled.add()
    with filled.store.write() as connection:
        assert retention.drop_contents(connection, LATER, 10) == 1
        found = [messages.content(connection, key) for key in (gone, kept, waiting)]
    assert found == [None, b"raw", b"raw"]


def test_a_message_goes_with_all_that_belongs_to_it(filled: Filled) -> None:
    """Events and content go with it, its short links stay for its readers, and others keep theirs."""
    old = sent(filled, retain_until_at=LATER, short_links={0: "https://a.example/"})
    young = sent(filled, retain_until_at=LATER + 1)
    with filled.store.write() as connection:
        for key in (old, young):
            told: dict[str, Any] = {"message": key, "kind": "reception", "data": {}}
            events.add(connection, account=filled.account, at=NOW, **told)
        number = connection.scalar(select(t.messages.c.number).where(t.messages.c.id == old))
        assert number is not None
        assert retention.drop_messages(connection, LATER, 10) == 1
        assert [len(events.of_message(connection, key)) for key in (old, young)] == [0, 1]
        assert messages.get(connection, filled.account, old) is None
        assert messages.destination(connection, number, 0) == "https://a.example/"
        assert connection.scalar(select(func.count()).select_from(t.contents)) == 1


def test_no_more_goes_at_a_time_than_is_asked_for(filled: Filled) -> None:
    """A turn removes its number, and the next ones the rest."""
    for _ in range(5):
        sent(filled, retain_until_at=LATER)
    with filled.store.write() as connection:
        assert [retention.drop_messages(connection, LATER, 2) for _ in range(4)] == [2, 2, 1, 0]


def test_events_are_told_in_their_order(filled: Filled) -> None:
    """Events come back oldest first, each with what was noted of it."""
    key = filled.add()
    rows = [
        {"account_id": filled.account, "message_id": key, "kind": str(at), "at": at, "data": {"at": at}}
        for at in (3, 1, 2)
    ]
    with filled.store.write() as connection:
        events.add_many(connection, rows)
        events.add_many(connection, [])
        assert [(one["kind"], one["data"]) for one in events.of_message(connection, key)] == [
            (str(at), {"at": at}) for at in (1, 2, 3)
        ]
