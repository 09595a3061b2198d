"""Tests of linkweir.db.retention_queries and linkweir.db.events_table."""

import uuid
from typing import Any

from sqlalchemy import delete, func, select

from linkweir.db import contents_table, events_table, messages_table, retention_queries
from linkweir.db import schema as t
from tests.db.sample_database import NOW_US, SampleDatabase

LATER_US = NOW_US + 1000


def add_sent_message(sample: SampleDatabase, **fields: object) -> uuid.UUID:
    """A message that no longer waits."""
    key = sample.queue_message(**fields)
    with sample.database.write() as connection:
        connection.execute(delete(t.queue).where(t.queue.c.message_id == key))
    return key


def test_content_goes_when_its_time_is_over(sample: SampleDatabase) -> None:
    """What still waits for its delivery keeps its content, and so does what is to be kept longer."""
    gone, kept, waiting = (
        add_sent_message(sample),
        add_sent_message(sample, keep_until_at=LATER_US + 1),
        sample.queue_message(),
    )
    with sample.database.write() as connection:
        assert retention_queries.delete_contents(connection, LATER_US, 10) == 1
        result = [contents_table.get(connection, key) for key in (gone, kept, waiting)]
    assert result == [None, b"raw", b"raw"]


def test_a_message_goes_with_all_that_belongs_to_it(sample: SampleDatabase) -> None:
    """Events and content go with it, its short links stay for its readers, and others keep theirs."""
    old = add_sent_message(sample, retain_until_at=LATER_US, short_links={0: "https://a.example/"})
    young = add_sent_message(sample, retain_until_at=LATER_US + 1)
    with sample.database.write() as connection:
        for key in (old, young):
            told: dict[str, Any] = {"message": key, "kind": "reception", "data": {}}
            events_table.add(connection, account=sample.account, at=NOW_US, **told)
        number = connection.scalar(select(t.messages.c.number).where(t.messages.c.id == old))
        assert number is not None
        assert retention_queries.delete_messages(connection, LATER_US, 10) == 1
        assert [len(events_table.list_for_message(connection, key)) for key in (old, young)] == [0, 1]
        assert messages_table.get(connection, sample.account, old) is None
        assert messages_table.get_short_link_destination(connection, number, 0) == "https://a.example/"
        assert connection.scalar(select(func.count()).select_from(t.contents)) == 1


def test_deletion_respects_its_limit(sample: SampleDatabase) -> None:
    """A turn removes its number, and the next ones the rest."""
    for _ in range(5):
        add_sent_message(sample, retain_until_at=LATER_US)
    with sample.database.write() as connection:
        assert [retention_queries.delete_messages(connection, LATER_US, 2) for _ in range(4)] == [2, 2, 1, 0]


def test_events_are_listed_in_their_order(sample: SampleDatabase) -> None:
    """Events come back oldest first, each with what was noted of it."""
    key = sample.queue_message()
    rows = [
        {"account_id": sample.account, "message_id": key, "kind": str(at), "at": at, "data": {"at": at}}
        for at in (3, 1, 2)
    ]
    with sample.database.write() as connection:
        events_table.add_many(connection, rows)
        events_table.add_many(connection, [])
        assert [(item["kind"], item["data"]) for item in events_table.list_for_message(connection, key)] == [
            (str(at), {"at": at}) for at in (1, 2, 3)
        ]
