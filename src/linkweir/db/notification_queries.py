"""Statements on clicks that webhooks wait to hear of."""

import uuid
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, RowMapping, Select, bindparam, select, update

from linkweir.db.schema import clicks, messages

_CLICK_COLUMNS = (  # what is told of a hit, beside its message
    *(clicks.c.id, clicks.c.at, clicks.c.kind, clicks.c.privacy, clicks.c.position, clicks.c.destination),
    *(clicks.c.ip, clicks.c.user_agent, clicks.c.verdict, clicks.c.confidence, clicks.c.reasons, clicks.c.first),
    *(clicks.c.told, clicks.c.country, clicks.c.device),
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
    statement = _select_with_message().where(clicks.c.tell_at <= now).order_by(clicks.c.tell_at).limit(limit)
    return list(connection.execute(statement).mappings())


def _select_with_message() -> Select[Any]:
    return select(*_CLICK_COLUMNS, *_MESSAGE_COLUMNS).join(messages, messages.c.id == clicks.c.message_id)


def mark_notified(connection: Connection, verdicts: Sequence[tuple[uuid.UUID, str]]) -> None:
    """Note the verdicts that webhooks were notified of; nothing more is due for these hits."""
    if verdicts:
        statement = update(clicks).where(clicks.c.id == bindparam("click"))
        rows = [{"click": key, "verdict_told": verdict} for key, verdict in verdicts]
        connection.execute(statement.values(told=bindparam("verdict_told"), tell_at=None), rows)


def get_for_message(connection: Connection, message: uuid.UUID) -> dict[uuid.UUID, RowMapping]:
    """Return the hits of a message by their ids, as notifications describe them."""
    statement = select(*_CLICK_COLUMNS).where(clicks.c.message_id == message)
    return {row["id"]: row for row in connection.execute(statement).mappings()}
