"""Tests of linkweir.db.send_aggregates_table: messages counted by hour as they are accepted and delivered."""

import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, delete, insert, select

from linkweir.clock import HOUR_US
from linkweir.db import accounts_table, click_aggregates_table, schema, send_aggregates_table
from linkweir.db.database import Database
from linkweir.db.time_buckets import HOUR as HOURLY
from tests.databases import make_database
from tests.db.aggregate_statements import select_with_values

ACCOUNT = uuid.uuid4()


@pytest.fixture
def database(dialect: str, tmp_path: Path) -> Iterator[Database]:
    """A migrated database with one account."""
    database = make_database(tmp_path / "data")
    with database.write() as connection:
        accounts_table.create(connection, ACCOUNT, "x", 1)
    yield database
    database.close()


def make_message_row(**fields: Any) -> dict[str, Any]:
    """A row of `messages`."""
    key = uuid.uuid4()
    values = {
        "id": key,
        "number": key.int >> 66,
        "account_id": ACCOUNT,
        "message_id": f"{key}@example.com",
        "sender": "news@example.com",
        "recipient": "ada@example.org",
        "subject": "x",
        "tags": [],
        "status": "Received",
        "num_attempts": 0,
        "track_clicks": True,
        "privacy": "full",
        "created_at": 5 * HOUR_US + 1,
        "updated_at": 5 * HOUR_US + 1,
        "sender_domain": "example.com",
        "recipient_domain": "example.org",
        "sandbox_result": None,
        "attributes": None,
        "variant": None,
        **fields,
    }
    return values


def list_hourly_sends(connection: Connection) -> dict[tuple[str, str, int, str], tuple[int, int]]:
    """Everything that `sends` holds by the hour."""
    return {
        (row.scope, row.dimension, row.hour, row.value): (row.sent, row.delivered)
        for row in connection.execute(select_with_values(schema.send_aggregates))
        if row.hours == HOURLY
    }


def test_each_scope_counts_along_each_dimension(database: Database) -> None:
    """A message counts once in the account, its tags and its sender's domain, along everything known of it."""
    one = make_message_row(tags=["a", "b", "a"], variant="B", attributes={"plan": "pro"})
    with database.write() as connection:
        connection.execute(insert(schema.messages), [one])
        send_aggregates_table.count_accepted(connection, [one])
        send_aggregates_table.count_delivered(connection, [one["id"]])
        result = list_hourly_sends(connection)
    scopes = {"", "tag:a", "tag:b", "sender:example.com"}
    sides = {
        *(("", ""), ("tag", "a"), ("tag", "b"), ("sender_domain", "example.com")),
        *(("recipient_domain", "example.org"), ("variant", "B"), ("attribute:plan", "pro")),
    }
    assert set(result) == {(scope, dimension, 5, value) for scope in scopes for dimension, value in sides}
    assert set(result.values()) == {(1, 1)}


def test_a_sandbox_counts_nowhere(database: Database) -> None:
    """Nothing was sent, so nothing is counted; its tags are noted all the same, for it may be clicked on."""
    one = make_message_row(tags=["a"], sandbox_result="deliver")
    with database.write() as connection:
        connection.execute(insert(schema.messages), [one])
        send_aggregates_table.count_accepted(connection, [one])
        send_aggregates_table.count_delivered(connection, [one["id"]])
        assert list_hourly_sends(connection) == {}
        assert connection.scalars(select(schema.message_tags.c.message_id)).all() == [one["id"]]


def test_few_differences_add_up_as_many_do(database: Database, dialect: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is counted message by message gives the sums that it gives together: with keys that are new, that have a
    number, and that hold U+0000, quotes or nothing, in several hours, and when it is taken back.
    """
    odd = "nul\0inside" if dialect == "sqlite" else "none"  # PostgreSQL has no such texts
    rows = [
        make_message_row(tags=tags, variant=variant, attributes=attributes, created_at=hour * HOUR_US)
        for hour in (5, 6, 30, 500)
        for tags in ([], ["a"], ["a", "b\"'"])
        for variant in (None, "B", "")
        for attributes in (None, {"plan": "\u00fc", "x": odd}, {"1": "1"})
    ]
    sums = []
    for most, batches in ((click_aggregates_table.MAX_SINGLE_ROWS, [[row] for row in rows]), (0, [rows])):
        monkeypatch.setattr(click_aggregates_table, "MAX_SINGLE_ROWS", most)
        with database.write() as connection:
            for batch in batches:
                send_aggregates_table._add_counts(connection, batch, "sent")
            for batch in batches[:1]:
                send_aggregates_table._add_counts(connection, batch, "sent", factor=-1)
                send_aggregates_table._add_counts(connection, batch, "sent")
            stored = connection.execute(select_with_values(schema.send_aggregates)).mappings()
            names = ("scope", "dimension", "hours", "hour", "value", "sent", "delivered")
            sums.append(sorted(tuple(row[name] for name in names) for row in stored))
            connection.execute(delete(schema.send_aggregates))
    assert sums[0] == sums[1]
    assert len(sums[0]) > 200
