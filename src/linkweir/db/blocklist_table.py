"""Statements on destinations and hosts that nobody is sent to any more."""

import uuid
from typing import Literal

from sqlalchemy import Connection, RowMapping, delete, select

from linkweir.db.portable_sql import insert
from linkweir.db.schema import blocklist, erased_messages

BlockKind = Literal["host", "destination"]
BLOCK_KINDS: tuple[BlockKind, ...] = ("host", "destination")


def add(connection: Connection, kind: BlockKind, value: str, reason: str, now: int) -> None:
    """Block a host or destination; when it is blocked already, change the reason. `value` is normalized
    (`link_policy`).
    """
    values = {"id": uuid.uuid4(), "kind": kind, "value": value, "reason": reason, "created_at": now}
    statement = insert(blocklist).values(**values)
    connection.execute(statement.on_conflict_do_update(index_elements=["kind", "value"], set_={"reason": reason}))


def remove(connection: Connection, kind: BlockKind, value: str) -> bool:
    """Open it again; False when it was not blocked."""
    statement = delete(blocklist).where(blocklist.c.kind == kind, blocklist.c.value == value)
    return connection.execute(statement).rowcount > 0


def list_all(connection: Connection) -> list[RowMapping]:
    """All of them, the oldest first."""
    return list(connection.execute(select(blocklist).order_by(blocklist.c.created_at)).mappings())


def is_erased(connection: Connection, number: int) -> bool:
    """Whether the message of this number went to a person who was erased."""
    return connection.scalar(select(erased_messages.c.number).where(erased_messages.c.number == number)) is not None
