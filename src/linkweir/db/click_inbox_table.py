"""Statements on the inbox of click events: sealed groups that machines with a journal brought, until a worker has
stored what is in them. A claim is a lease.
"""

import uuid
from collections.abc import Collection, Iterable, Sequence

from sqlalchemy import Connection, delete, func, insert, select, update

from linkweir.db.schema import click_inbox


def add(connection: Connection, groups: Iterable[tuple[uuid.UUID, int, bytes]], now: int) -> None:
    """Add groups: id, number of events, sealed events."""
    rows = [{"id": key, "events": events, "data": data, "created_at": now} for key, events, data in groups]
    if rows:
        connection.execute(insert(click_inbox), rows)


def claim(
    connection: Connection, limit: int, worker: uuid.UUID, now: int, until: int
) -> Sequence[tuple[uuid.UUID, int, bytes]]:
    """Claim up to `limit` groups, the oldest first, and skip those that another transaction is claiming: id, time of
    arrival, sealed events.
    """
    unclaimed = (
        select(click_inbox.c.id, click_inbox.c.created_at, click_inbox.c.data)
        .where(click_inbox.c.claimed_until_at <= now)
        .order_by(click_inbox.c.created_at, click_inbox.c.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    found = [(row.id, row.created_at, row.data) for row in connection.execute(unclaimed)]
    if found:
        here = click_inbox.c.id.in_([key for key, *_ in found])
        connection.execute(update(click_inbox).where(here).values(claimed_by=worker, claimed_until_at=until))
    return found


def delete_groups(connection: Connection, groups: Collection[uuid.UUID]) -> None:
    """Delete groups whose events are stored."""
    connection.execute(delete(click_inbox).where(click_inbox.c.id.in_(groups)))


def count_events(connection: Connection, before: int | None = None) -> int:
    """Count the events that wait, or those that came `before` a time."""
    statement = select(func.coalesce(func.sum(click_inbox.c.events), 0))
    if before is not None:
        statement = statement.where(click_inbox.c.created_at < before)
    return int(connection.scalar(statement) or 0)
