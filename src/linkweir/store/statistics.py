"""Statements that count what happened to messages."""

import uuid
from collections.abc import Sequence
from typing import Any

import orjson
from sqlalchemy import ColumnElement, Connection, Select, Table, and_, bindparam, func, select

from linkweir.store.browse import has_tag
from linkweir.store.events import HIT, IS_EVENT
from linkweir.store.tables import clicks, events, messages

NOTED = ("reception", "delivered", "transient_error", "bounced", "failed", "suppressed")
KINDS = (*NOTED, "opened", "clicked")  # these two are read from the hits themselves

Period = tuple[int, int]  # from and to before which moment, in microseconds since 1970


def deliverability(
    connection: Connection,
    account: uuid.UUID,
    from_at: int,
    to_at: int,
    *,
    sender_domain: str | None = None,
    recipient_domains: Sequence[str] = (),
    tags: Sequence[str] = (),
) -> dict[str, int]:
    """How many messages had each kind of event between two moments (microseconds since 1970); each counts once.

    Sandbox messages do not count: nothing was sent.
    """
    filters: dict[str, Any] = {"sender_domain": sender_domain, "recipient_domains": recipient_domains, "tags": tags}
    return deliverability_by(connection, account, [(from_at, to_at)], **filters)[0]


def deliverability_by(
    connection: Connection,
    account: uuid.UUID,
    periods: Sequence[Period],
    *,
    sender_domain: str | None = None,
    recipient_domains: Sequence[str] = (),
    tags: Sequence[str] = (),
) -> list[dict[str, int]]:
    """The same for each of many periods, in one go over the events and one over the clicks and opens."""
    conditions: list[ColumnElement[bool]] = [messages.c.sandbox_result.is_(None)]
    if sender_domain:
        conditions.append(messages.c.sender_domain == sender_domain)
    if recipient_domains:
        conditions.append(messages.c.recipient_domain.in_(recipient_domains))
    if tags:
        conditions.append(has_tag(tags))
    noted = _in_periods(events, events.c.kind).where(events.c.kind.in_(NOTED), events.c.account_id == account)
    hits = _in_periods(clicks, HIT).where(IS_EVENT, clicks.c.account_id == account)
    found = [dict.fromkeys(KINDS, 0) for _ in periods]
    for statement in (noted, hits):
        asked = {"periods": orjson.dumps(periods).decode()}
        for place, kind, count in connection.execute(statement.where(*conditions), asked):
            if kind in KINDS:
                found[place][kind] = int(count)
    return found


def _in_periods(table: Table, kind: ColumnElement[str]) -> Select[Any]:
    """How many messages had each kind of event in each period."""
    period = func.json_each(bindparam("periods")).table_valued("key", "value")
    first, last = (func.json_extract(period.c.value, f"$[{place}]") for place in range(2))
    return (
        select(period.c.key, kind, func.count(func.distinct(table.c.message_id)))
        .select_from(period.join(table, and_(table.c.at >= first, table.c.at < last)))
        .join(messages, messages.c.id == table.c.message_id)
        .group_by(period.c.key, kind)
    )
