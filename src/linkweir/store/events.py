"""Statements on what happened to messages."""

import uuid
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, RowMapping, insert, select

from linkweir.store.tables import events


def add(
    connection: Connection, *, account: uuid.UUID, message: uuid.UUID, kind: str, at: int, data: dict[str, Any]
) -> None:
    """Store one event."""
    add_many(connection, [{"account_id": account, "message_id": message, "kind": kind, "at": at, "data": data}])


def add_many(connection: Connection, rows: Sequence[dict[str, Any]]) -> None:
    """Store many events: `account_id`, `message_id`, `kind`, `at`, `data`."""
    if rows:
        connection.execute(insert(events), [{"id": uuid.uuid4(), **row} for row in rows])


def of_message(connection: Connection, message: uuid.UUID) -> list[RowMapping]:
    """Every event of a message, oldest first."""
    statement = select(events).where(events.c.message_id == message).order_by(events.c.at, events.c.id)
    return list(connection.execute(statement).mappings())
