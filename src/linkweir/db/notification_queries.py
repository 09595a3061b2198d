"""Statements on clicks that webhooks wait to hear of."""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Column, Connection, RowMapping, Select, and_, bindparam, select, update

from linkweir.db import message_locks
from linkweir.db.portable_sql import insert
from linkweir.db.schema import click_rows, clicks, messages, verdict_waits

BATCH_ROWS = 500  # SQLite takes at most 999 parameters in old builds

_CLICK_COLUMNS = (  # what is told of a hit, beside its message
    *(clicks.c.id, clicks.c.at, clicks.c.kind, clicks.c.privacy, clicks.c.position, clicks.c.destination),
    *(clicks.c.ip, clicks.c.user_agent, clicks.c.verdict, clicks.c.confidence, clicks.c.reasons, clicks.c.first),
    *(clicks.c.machine_basis_points, clicks.c.told, clicks.c.country, clicks.c.device),
    clicks.c.corrected_destination,
)
_MESSAGE_COLUMNS = (
    messages.c.id.label("message"),
    messages.c.message_id.label("header"),
    *(messages.c.account_id, messages.c.sender, messages.c.sender_domain, messages.c.recipient, messages.c.subject),
)


def list_due(connection: Connection, now: int, limit: int) -> list[RowMapping]:
    """List the hits that are due for notification, the longest due first, each with its message: `message` is its id,
    `header` its Message-ID.
    """
    due = clicks.c.tell_at <= now
    statement = _select_with_message().order_by(clicks.c.tell_at).limit(limit)
    if message_locks.needs_locks(connection):
        due = and_(
            due,
            clicks.c.message_id.in_(_lock_free(connection, click_rows.c.message_id, click_rows.c.tell_at, now, limit)),
        )
    return list(connection.execute(statement.where(due)).mappings())


def _lock_free(
    connection: Connection, message: Column[uuid.UUID], due_at: Column[int], now: int, limit: int
) -> set[uuid.UUID]:
    """Lock the messages of what is due, of those that nobody else tells of or judges at the moment."""
    some = select(message).where(due_at <= now).order_by(due_at).limit(limit)
    return message_locks.try_lock_messages(connection, list(set(connection.scalars(some))))


def list_due_waits(connection: Connection, now: int, limit: int) -> list[RowMapping]:
    """The hits whose webhooks have waited long enough, the longest due first, as in `list_due`, with `webhook_id`."""
    statement = (
        _select_with_message()
        .add_columns(verdict_waits.c.webhook_id)
        .join(verdict_waits, verdict_waits.c.click_id == clicks.c.id)
        .where(verdict_waits.c.due_at <= now)
    )
    if message_locks.needs_locks(connection):
        free = _lock_free(connection, verdict_waits.c.message_id, verdict_waits.c.due_at, now, limit)
        statement = statement.where(clicks.c.message_id.in_(free))
    return list(connection.execute(statement.order_by(verdict_waits.c.due_at).limit(limit)).mappings())


def reset_future_times(connection: Connection, now: int, *, max_delay: int, max_wait: int) -> None:
    """After a clock that was ahead and was set back: make due what would wait for the time that it showed.

    No hit is due later than `max_delay` from now, and no webhook waits longer than `max_wait` (microseconds).
    """
    connection.execute(update(click_rows).where(click_rows.c.tell_at > now + max_delay).values(tell_at=now))
    connection.execute(update(verdict_waits).where(verdict_waits.c.due_at > now + max_wait).values(due_at=now))


def add_waits(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Let webhooks wait for the verdicts on hits: `click_id`, `webhook_id`, `message_id`, `due_at`."""
    if rows:
        connection.execute(insert(verdict_waits).on_conflict_do_nothing(), rows)


def get_waits(connection: Connection, hits: Sequence[uuid.UUID]) -> dict[tuple[uuid.UUID, uuid.UUID], RowMapping]:
    """What webhooks that waited were told of these hits (`due_at`, `told`), by the hit and the webhook."""
    found: dict[tuple[uuid.UUID, uuid.UUID], RowMapping] = {}
    for start in range(0, len(hits), BATCH_ROWS):
        some = select(verdict_waits).where(verdict_waits.c.click_id.in_(hits[start : start + BATCH_ROWS]))
        found |= {(row["click_id"], row["webhook_id"]): row for row in connection.execute(some).mappings()}
    return found


def mark_waits_notified(connection: Connection, rows: Sequence[tuple[uuid.UUID, uuid.UUID, str]]) -> None:
    """Note what webhooks that waited were told: the hit, the webhook, the verdict."""
    if rows:
        here = (verdict_waits.c.click_id == bindparam("click"), verdict_waits.c.webhook_id == bindparam("webhook"))
        statement = update(verdict_waits).where(*here).values(told=bindparam("verdict_told"), due_at=None)
        names = ("click", "webhook", "verdict_told")
        connection.execute(statement, [dict(zip(names, row, strict=True)) for row in rows])


def _select_with_message() -> Select[Any]:
    return select(*_CLICK_COLUMNS, *_MESSAGE_COLUMNS).join(messages, messages.c.id == clicks.c.message_id)


def mark_notified(connection: Connection, verdicts: Sequence[tuple[uuid.UUID, str]]) -> None:
    """Note the verdicts that webhooks were notified of; nothing more is due for these hits."""
    if verdicts:
        statement = update(click_rows).where(click_rows.c.id == bindparam("click"))
        rows = [{"click": key, "verdict_told": verdict} for key, verdict in verdicts]
        connection.execute(statement.values(told=bindparam("verdict_told"), tell_at=None), rows)


def get_for_message(connection: Connection, message: uuid.UUID) -> dict[uuid.UUID, RowMapping]:
    """Return the hits of a message by their ids, as notifications describe them."""
    statement = select(*_CLICK_COLUMNS).where(clicks.c.message_id == message)
    return {row["id"]: row for row in connection.execute(statement).mappings()}
