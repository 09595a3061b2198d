"""Statements on what happened to messages."""

import uuid
from typing import Any

from sqlalchemy import Connection, RowMapping, insert, select

from linkweir.store.tables import events


def add(
    connection: Connection, *, account: uuid.UUID, message: uuid.UUID, kind: str, at: int, data: dict[str, Any]
) -> uuid.UUID:
    """Store one event; its id."""
    event = uuid.uuid4()
    values = {"id": event, "account_id": account, "message_id": message, "kind": kind, "at": at, "data": data}
    connection.execute(insert(events).values(**values))
    return event


def of_message(connection: Connection, message: uuid.UUID) -> list[RowMapping]:
    """Every event of a message, oldest first."""
    statement = select(events).where(events.c.message_id == message).order_by(events.c.at, events.c.id)
    return list(connection.execute(statement).mappings())
