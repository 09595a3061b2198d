"""Statements on what happened to messages."""

import uuid
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, RowMapping, bindparam, insert, select, update

from linkweir.store.many import Many
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


_ADD_HIT = Many(
    insert(events), ("id", "account_id", "message_id", "at", "kind", "data"), ("id", "account_id", "message_id")
)
_rename = update(events).where(events.c.id == bindparam("event")).values(kind=bindparam("to_kind"))
_RENAME = Many(_rename, ("to_kind", "event"), ("event",))


def add_hits(connection: Connection, rows: Sequence[tuple[uuid.UUID, uuid.UUID | None, uuid.UUID, int, str]]) -> None:
    """Store events under the ids of the hits that they are, from which is read what is to be said: the id, account,
    message, time and kind.
    """
    _ADD_HIT.run(connection, [(*row, "{}") for row in rows])


def rename(connection: Connection, kinds: Sequence[tuple[str, uuid.UUID]]) -> None:
    """Say of events that something else happened: the kind, and the event's id."""
    _RENAME.run(connection, kinds)


def of_message(connection: Connection, message: uuid.UUID) -> list[RowMapping]:
    """Every event of a message, oldest first."""
    statement = select(events).where(events.c.message_id == message).order_by(events.c.at, events.c.id)
    return list(connection.execute(statement).mappings())
