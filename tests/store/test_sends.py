"""Tests of linkweir.store.sends: messages counted by hour as they are accepted and delivered."""

import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, delete, insert, select, update

from linkweir.store import accounts, sends, tables
from linkweir.store.axes import named
from linkweir.store.engine import Store
from linkweir.store.migrate import migrate
from linkweir.store.migrations.versions.v0003_clicks_understood import SENDS
from linkweir.store.migrations.versions.v0006_sums_by_time import SENT, SIZES, move
from linkweir.store.spans import HOUR as HOURLY

HOUR = 3_600_000_000
ACCOUNT = uuid.uuid4()
BY_HOUR = """
CREATE TABLE sends_by_hour (account_id, scope, dimension, hour, value, sent, delivered)
"""  # as 0003 had `sends`


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A migrated store with one account."""
    made = Store(tmp_path / "data" / "linkweir.db", wait=1)
    migrate(made)
    with made.write() as connection:
        accounts.create(connection, ACCOUNT, "x", 1)
    yield made
    made.close()


def message(**fields: Any) -> dict[str, Any]:
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
        "created_at": 5 * HOUR + 1,
        "updated_at": 5 * HOUR + 1,
        "sender_domain": "example.com",
        "recipient_domain": "example.org",
        "sandbox_result": None,
        "attributes": None,
        "variant": None,
        **fields,
    }
    return values


def counted(connection: Connection) -> dict[tuple[str, str, int, str], tuple[int, int]]:
    """Everything that `sends` holds by the hour."""
    return {
        (row.scope, row.dimension, row.hour, row.value): (row.sent, row.delivered)
        for row in connection.execute(named(tables.sends))
        if row.hours == HOURLY
    }


def test_each_scope_counts_along_each_dimension(store: Store) -> None:
    """A message counts once in the account, its tags and its sender's domain, along everything known of it."""
    one = message(tags=["a", "b", "a"], variant="B", attributes={"plan": "pro"})
    with store.write() as connection:
        connection.execute(insert(tables.messages), [one])
        sends.accepted(connection, [one])
        sends.delivered(connection, one["id"])
        found = counted(connection)
    scopes = {"", "tag:a", "tag:b", "sender:example.com"}
    sides = {
        *(("", ""), ("tag", "a"), ("tag", "b"), ("sender_domain", "example.com")),
        *(("recipient_domain", "example.org"), ("variant", "B"), ("attribute:plan", "pro")),
    }
    assert set(found) == {(scope, dimension, 5, value) for scope in scopes for dimension, value in sides}
    assert set(found.values()) == {(1, 1)}


def test_a_sandbox_counts_nowhere(store: Store) -> None:
    """Nothing was sent, so nothing is counted; its tags are noted all the same, for it may be clicked on."""
    one = message(tags=["a"], sandbox_result="deliver")
    with store.write() as connection:
        connection.execute(insert(tables.messages), [one])
        sends.accepted(connection, [one])
        sends.delivered(connection, one["id"])
        assert counted(connection) == {}
        assert connection.scalars(select(tables.message_tags.c.message_id)).all() == [one["id"]]


def test_the_migration_counts_what_is_there_alike(store: Store) -> None:
    """What the migration counts from stored messages is what would have been counted as they came."""
    some: list[dict[str, Any]] = [
        message(tags=["a", "a"], attributes={"plan": "pro", "town": "Åbo"}),
        message(tags=["a", "b"], variant="A", created_at=9 * HOUR),
        message(recipient_domain="example.net", attributes={}),
        message(tags=["c"], sandbox_result="bounce"),
    ]
    with store.write() as connection:
        connection.execute(insert(tables.messages), some)
        sends.accepted(connection, some)
        for one in some[:2]:
            connection.execute(update(tables.messages).where(tables.messages.c.id == one["id"]).values(delivered_at=1))
            sends.delivered(connection, one["id"])
        before, whole = counted(connection), sorted(map(tuple, connection.execute(named(tables.sends))))
        connection.execute(delete(tables.sends))
        connection.exec_driver_sql(BY_HOUR)
        connection.exec_driver_sql(SENDS.replace("INTO sends", "INTO sends_by_hour"))
        move(connection.exec_driver_sql, "sends", SENT, SIZES)
        assert counted(connection) == before
        assert sorted(map(tuple, connection.execute(named(tables.sends)))) == whole
    assert ("tag:a", "", 5, "") in before
