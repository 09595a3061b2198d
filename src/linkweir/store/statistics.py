"""Statements that count what happened to messages."""

import uuid
from collections.abc import Sequence

from sqlalchemy import Connection, func, select

from linkweir.store.browse import has_tag
from linkweir.store.tables import events, messages

KINDS = ("reception", "delivered", "transient_error", "bounced", "failed", "suppressed", "opened", "clicked")


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
    conditions = [events.c.account_id == account, events.c.at >= from_at, events.c.at < to_at, events.c.kind.in_(KINDS)]
    conditions.append(messages.c.sandbox_result.is_(None))
    if sender_domain:
        conditions.append(messages.c.sender_domain == sender_domain)
    if recipient_domains:
        conditions.append(messages.c.recipient_domain.in_(recipient_domains))
    if tags:
        conditions.append(has_tag(tags))
    statement = (
        select(events.c.kind, func.count(func.distinct(events.c.message_id)))
        .join(messages, messages.c.id == events.c.message_id)
        .where(*conditions)
        .group_by(events.c.kind)
    )
    found = {kind: int(count) for kind, count in connection.execute(statement)}
    return {kind: found.get(kind, 0) for kind in KINDS}
