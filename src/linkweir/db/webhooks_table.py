"""Statements on webhooks as their owners see them; what waits for them is in `outbox`."""

import uuid
from typing import Any

from sqlalchemy import ColumnElement, Connection, RowMapping, delete, func, insert, select, update

from linkweir.db.portable_sql import each_text_in
from linkweir.db.schema import outbox, verdict_waits, webhooks


def is_subscribed_to(kind: str) -> ColumnElement[bool]:
    """The webhook is told of events of this kind."""
    each = each_text_in(webhooks.c.events)
    return select(each.c.value).where(each.c.value == kind).exists()


def add(connection: Connection, values: dict[str, Any]) -> None:
    """A new webhook."""
    connection.execute(insert(webhooks).values(**values))


def count(connection: Connection, account: uuid.UUID) -> int:
    """How many webhooks an account has."""
    return connection.scalar(select(func.count()).where(webhooks.c.account_id == account)) or 0


def has_disabled(connection: Connection, account: uuid.UUID, failures: int) -> bool:
    """Whether the account has a webhook that is off after more than this many failures in a row."""
    off = (~webhooks.c.enabled, webhooks.c.errors_since_last_success > failures)
    return bool(connection.scalar(select(select(webhooks.c.id).where(webhooks.c.account_id == account, *off).exists())))


def get(connection: Connection, account: uuid.UUID, webhook: uuid.UUID) -> RowMapping | None:
    """One webhook of this account."""
    here = (webhooks.c.account_id == account, webhooks.c.id == webhook)
    return connection.execute(select(webhooks).where(*here)).mappings().first()


def update_row(connection: Connection, webhook: uuid.UUID, values: dict[str, Any]) -> None:
    """Set the given columns."""
    connection.execute(update(webhooks).where(webhooks.c.id == webhook).values(**values))


def remove(connection: Connection, webhook: uuid.UUID) -> None:
    """Forget a webhook with everything that waits for it."""
    for table in (outbox, verdict_waits):
        connection.execute(delete(table).where(table.c.webhook_id == webhook))
    connection.execute(delete(webhooks).where(webhooks.c.id == webhook))
