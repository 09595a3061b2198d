"""Statements on the inbox of click events: sealed groups that machines with a journal brought, until a worker has
stored what is in them. A claim is a lease.
"""

import itertools
import uuid
from collections.abc import Collection, Iterable

from sqlalchemy import Connection, delete, func, insert, select, update

from linkweir.db.schema import click_inbox


def add(connection: Connection, groups: Iterable[tuple[uuid.UUID, int, bytes]], now: int) -> None:
    """Add groups: id, number of events, sealed events."""
    rows = [{"id": key, "events": events, "data": data, "created_at": now} for key, events, data in groups]
    if rows:
        connection.execute(insert(click_inbox), rows)


def claim(
    connection: Connection, max_groups: int, max_events: int, *, worker: uuid.UUID, now: int, until: int
) -> list[tuple[uuid.UUID, int, int, bytes]]:
    """Claim groups of together at most `max_events`, but at least one, the oldest first; skip those that another
    transaction is claiming. Return the id, number of events, time of arrival and data of each.
    """
    unclaimed = (
        select(click_inbox.c.id, click_inbox.c.events, click_inbox.c.created_at)
        .where(click_inbox.c.claimed_until_at <= now)
        .order_by(click_inbox.c.created_at, click_inbox.c.id)
        .limit(max_groups)
        .with_for_update(skip_locked=True)
    )
    rows = connection.execute(unclaimed).all()
    totals = itertools.accumulate(row.events for row in rows)
    found = {row.id: row for row, total in zip(rows, totals, strict=True) if total <= max_events or row is rows[0]}
    if not found:
        return []
    here = click_inbox.c.id.in_(list(found))
    claimed = update(click_inbox).where(here).values(claimed_by=worker, claimed_until_at=until)
    data = {row.id: row.data for row in connection.execute(claimed.returning(click_inbox.c.id, click_inbox.c.data))}
    return [(key, row.events, row.created_at, data[key]) for key, row in found.items()]


def delete_groups(connection: Connection, groups: Collection[uuid.UUID]) -> None:
    """Delete groups whose events are stored."""
    connection.execute(delete(click_inbox).where(click_inbox.c.id.in_(groups)))


def count_events(connection: Connection, before: int | None = None) -> int:
    """Count the events that wait, or those that came `before` a time."""
    statement = select(func.coalesce(func.sum(click_inbox.c.events), 0))
    if before is not None:
        statement = statement.where(click_inbox.c.created_at < before)
    return int(connection.scalar(statement) or 0)
