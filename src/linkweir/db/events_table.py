"""Statements on what happened to messages.

Hits, which are many, are not written down a second time: their events are the rows of `clicks`, under their ids and as
they are judged now.
"""

import uuid
from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    Connection,
    RowMapping,
    and_,
    case,
    select,
    union_all,
)

from linkweir.db.aggregate_columns import COUNTED_VERDICTS
from linkweir.db.portable_sql import empty_object
from linkweir.db.row_insert import RowInsert
from linkweir.db.schema import clicks, events

_INSERT = RowInsert(events)


def add(
    connection: Connection, *, account: uuid.UUID, message: uuid.UUID, kind: str, at: int, data: dict[str, Any]
) -> None:
    """Store one event."""
    add_many(connection, [{"account_id": account, "message_id": message, "kind": kind, "at": at, "data": data}])


def add_many(connection: Connection, rows: Sequence[dict[str, Any]]) -> None:
    """Store many events: `account_id`, `message_id`, `kind`, `at`, `data`, and `id` where it means something."""
    _INSERT.run(connection, [{"id": uuid.uuid4(), **row} for row in rows])


def list_notes(connection: Connection, message: uuid.UUID, codes: Sequence[str]) -> list[tuple[str, dict[str, Any]]]:
    """Code and data of what was noted of a message under these codes."""
    statement = select(events.c.kind, events.c.data).where(events.c.message_id == message, events.c.kind.in_(codes))
    return [(row.kind, row.data) for row in connection.execute(statement)]


_IS_COUNTED = and_(clicks.c.kind == "click", clicks.c.verdict.in_(COUNTED_VERDICTS))
HIT_EVENT_KIND = case(
    (clicks.c.kind == "open", "opened"), (_IS_COUNTED, "clicked"), else_="machine_click"
)  # the kind of a hit's event
IS_HIT_EVENT = clicks.c.method == "GET"  # nobody reads what a HEAD brings


def list_for_message(connection: Connection, message: uuid.UUID) -> list[RowMapping]:
    """Every event of a message, oldest first: `id`, `at`, `kind`, `data`. Hits have their own ids, and no data."""
    noted = select(events.c.id, events.c.at, events.c.kind, events.c.data).where(events.c.message_id == message)
    nothing = empty_object()
    hits = select(clicks.c.id, clicks.c.at, HIT_EVENT_KIND, nothing).where(clicks.c.message_id == message, IS_HIT_EVENT)
    both = union_all(noted, hits).subquery()
    return list(connection.execute(select(both).order_by(both.c.at, both.c.id)).mappings())
