"""Statements that count what happened to messages."""

import uuid
from collections.abc import Sequence
from typing import Any

import orjson
from sqlalchemy import Connection, bindparam, func, select, true

from linkweir.store.browse import has_tag
from linkweir.store.tables import events, messages

KINDS = ("reception", "delivered", "transient_error", "bounced", "failed", "suppressed", "opened", "clicked")


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
    """The same for each of many periods, in one go over the events."""
    period = func.json_each(bindparam("periods")).table_valued("key", "value")
    first, last = (func.json_extract(period.c.value, f"$[{place}]") for place in range(2))
    conditions = [events.c.account_id == account, events.c.at >= first, events.c.at < last, events.c.kind.in_(KINDS)]
    conditions.append(messages.c.sandbox_result.is_(None))
    if sender_domain:
        conditions.append(messages.c.sender_domain == sender_domain)
    if recipient_domains:
        conditions.append(messages.c.recipient_domain.in_(recipient_domains))
    if tags:
        conditions.append(has_tag(tags))
    statement = (
        select(period.c.key, events.c.kind, func.count(func.distinct(events.c.message_id)))
        .select_from(period.join(events, true()).join(messages, messages.c.id == events.c.message_id))
        .where(*conditions)
        .group_by(period.c.key, events.c.kind)
    )
    found = [dict.fromkeys(KINDS, 0) for _ in periods]
    for place, kind, count in connection.execute(statement, {"periods": orjson.dumps(periods).decode()}):
        found[place][kind] = int(count)
    return found
