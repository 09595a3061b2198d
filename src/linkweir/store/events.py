"""Statements on what happened to messages."""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, RowMapping, bindparam, insert, select, update

from linkweir.store.tables import events


def add(
    connection: Connection, *, account: uuid.UUID, message: uuid.UUID, kind: str, at: int, data: dict[str, Any]
) -> None:
    """Store one event."""
    add_many(connection, [{"account_id": account, "message_id": message, "kind": kind, "at": at, "data": data}])


def add_many(connection: Connection, rows: Sequence[dict[str, Any]]) -> None:
    """Store many events: `account_id`, `message_id`, `kind`, `at`, `data`, and `id` where it means something."""
    if rows:
        connection.execute(insert(events), [{"id": uuid.uuid4(), **row} for row in rows])


def rename(connection: Connection, kinds: Mapping[uuid.UUID, str]) -> None:
    """Say of events, by id, that something else happened."""
    if kinds:
        statement = update(events).where(events.c.id == bindparam("event")).values(kind=bindparam("to_kind"))
        connection.execute(statement, [{"event": key, "to_kind": kind} for key, kind in kinds.items()])


def of_message(connection: Connection, message: uuid.UUID) -> list[RowMapping]:
    """Every event of a message, oldest first."""
    statement = select(events).where(events.c.message_id == message).order_by(events.c.at, events.c.id)
    return list(connection.execute(statement).mappings())
