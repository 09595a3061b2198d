"""A click with the other hits of its message at about the same time, to explain its verdict."""

import uuid
from collections.abc import Collection, Sequence

from sqlalchemy import ColumnElement, Connection, RowMapping, and_, distinct, func, or_, select

from linkweir.db.schema import clicks, messages

MAX_HITS_PER_SIDE = 1000  # hits on either side: of a flood only the nearest
MAX_EARLIER_CLICKS = 50_000  # clicks by the same programs: only the newest before


def get_click(connection: Connection, click: uuid.UUID) -> RowMapping | None:
    """A click, with its message's `recipient`, `delivered_at` and `tracked_links` where there is one; None when it is
    not stored.
    """
    statement = (
        select(clicks, messages.c.recipient, messages.c.delivered_at, messages.c.tracked_links)
        .outerjoin(messages, messages.c.id == clicks.c.message_id)
        .where(clicks.c.id == click)
    )
    return connection.execute(statement).mappings().one_or_none()


def list_around(connection: Connection, click: RowMapping, reach: int) -> Sequence[RowMapping]:
    """The hits of the click's message within `reach` microseconds, it among them, oldest first; the click alone where
    it is tied to no message.
    """
    same = _is_same_message(click)
    if same is None:
        return [click]
    clicks_by_id: dict[uuid.UUID, RowMapping] = {click["id"]: click}
    for side, order in (
        (clicks.c.at.between(click["at"] - reach, click["at"]), clicks.c.at.desc()),
        (clicks.c.at.between(click["at"], click["at"] + reach), clicks.c.at),
    ):
        statement = select(clicks).where(same, side).order_by(order, clicks.c.id).limit(MAX_HITS_PER_SIDE)
        clicks_by_id |= {row["id"]: row for row in connection.execute(statement).mappings() if row["id"] != click["id"]}
    return sorted(clicks_by_id.values(), key=lambda row: (row["at"], row["id"].int))


def _is_same_message(click: RowMapping) -> ColumnElement[bool] | None:
    if click["message_id"] is not None:
        return and_(clicks.c.message_id == click["message_id"])
    if click["message_ref"] is None or click["account_id"] is None:
        return None
    return and_(clicks.c.account_id == click["account_id"], clicks.c.message_ref == click["message_ref"])


def count_recipients_of_ip(connection: Connection, account: uuid.UUID, ip: str, first_at: int, last_at: int) -> int:
    """Count the account's messages that this address hit between these times."""
    stored = func.count(distinct(clicks.c.message_id))
    others = func.count(distinct(clicks.c.message_ref)).filter(clicks.c.message_id.is_(None))
    statement = select(stored + others).where(
        clicks.c.account_id == account,
        clicks.c.at.between(first_at, last_at),
        clicks.c.ip == ip,
        or_(clicks.c.message_id.is_not(None), clicks.c.message_ref.is_not(None)),
    )
    return connection.scalar(statement) or 0


def list_earlier_clicks(
    connection: Connection, account: uuid.UUID, agents: Collection[str], first_at: int, last_at: int
) -> list[RowMapping]:
    """Clicks of an account on its messages by these user agents, between these times, with their verdicts: the newest,
    oldest first.
    """
    statement = (
        select(
            *(clicks.c[name] for name in ("id", "at", "message_id", "message_ref", "ip", "user_agent", "signals")),
            *(clicks.c[name] for name in ("verdict", "reasons", "network", "device")),
        )
        .where(
            clicks.c.account_id == account,
            clicks.c.at.between(first_at, last_at),
            clicks.c.user_agent.in_(agents),
            clicks.c.ip.is_not(None),
            clicks.c.kind == "click",
            or_(clicks.c.message_id.is_not(None), clicks.c.message_ref.is_not(None)),
        )
        .order_by(clicks.c.at.desc())
        .limit(MAX_EARLIER_CLICKS)
    )
    return list(connection.execute(statement).mappings())[::-1]
