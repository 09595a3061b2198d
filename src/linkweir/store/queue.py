"""Statements on the delivery queue: claim, settle, put back.

A claim is a lease. A worker that dies leaves its rows claimed until the lease ends; then another takes
them, so a message is delivered at least once.
"""

import uuid
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, and_, case, delete, func, insert, or_, select, update

from linkweir.store.tables import attempts, messages, queue


@dataclass(frozen=True, slots=True)
class Claimed:
    """A message that this worker may deliver until its lease ends; its mail is loaded when its turn comes."""

    id: uuid.UUID
    created_at: int
    expires_at: int
    attempts: int


def claim(connection: Connection, owner: uuid.UUID, now: int, until: int, limit: int) -> list[Claimed]:
    """Take up to `limit` due messages that nobody holds."""
    free = or_(queue.c.claimed_until_at.is_(None), queue.c.claimed_until_at <= now)
    statement = (
        select(queue.c.message_id, messages.c.created_at, queue.c.expires_at, queue.c.attempts)
        .join(messages, messages.c.id == queue.c.message_id)
        .where(queue.c.due_at <= now, free)
        .order_by(queue.c.due_at)
        .limit(limit)
        .with_for_update(skip_locked=True, of=queue)
    )
    rows = [Claimed(*row) for row in connection.execute(statement)]
    ids = [row.id for row in rows]
    if ids:
        connection.execute(
            update(queue).where(queue.c.message_id.in_(ids)).values(claimed_by=owner, claimed_until_at=until)
        )
    return rows


def next_due(connection: Connection) -> int | None:
    """When the next message wants to be looked at; None while the queue is empty."""
    at = case((queue.c.claimed_until_at > queue.c.due_at, queue.c.claimed_until_at), else_=queue.c.due_at)
    due: int | None = connection.scalar(select(func.min(at)))
    return due


def size(connection: Connection) -> int:
    """How many messages wait."""
    return connection.scalar(select(func.count()).select_from(queue)) or 0


def settle(connection: Connection, owner: uuid.UUID, message: uuid.UUID, *, status: str, log: str, now: int) -> None:
    """The message's last attempt: off the queue, with its final status ("Delivered" or "Failed")."""
    gone = connection.execute(delete(queue).where(_held(owner, message))).rowcount
    if not gone:
        return  # the lease ended and another worker has it now
    _log_attempt(connection, message, status, log, now)
    delivered = {"delivered_at": now, "sent_at": now} if status == "Delivered" else {}
    connection.execute(
        update(messages)
        .where(messages.c.id == message)
        .values(status=status, num_attempts=messages.c.num_attempts + 1, updated_at=now, **delivered)
    )


def put_back(connection: Connection, owner: uuid.UUID, message: uuid.UUID, *, log: str, now: int, due_at: int) -> None:
    """An attempt failed and another follows at `due_at`."""
    values = {
        "due_at": due_at,
        "attempts": queue.c.attempts + 1,
        "claimed_by": None,
        "claimed_until_at": None,
    }
    if not connection.execute(update(queue).where(_held(owner, message)).values(**values)).rowcount:
        return
    _log_attempt(connection, message, "Deferred", log, now)
    connection.execute(
        update(messages)
        .where(messages.c.id == message)
        .values(status="Deferred", num_attempts=messages.c.num_attempts + 1, updated_at=now)
    )


def _held(owner: uuid.UUID, message: uuid.UUID) -> ColumnElement[bool]:
    return and_(queue.c.message_id == message, queue.c.claimed_by == owner)


def _log_attempt(connection: Connection, message: uuid.UUID, status: str, log: str, now: int) -> None:
    connection.execute(insert(attempts).values(id=uuid.uuid4(), message_id=message, at=now, status=status, log=log))
