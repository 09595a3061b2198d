"""Statements that find messages by what is known of them, and one that cancels a scheduled one."""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, case, delete, func, or_, select, update

from linkweir.db import contents_table
from linkweir.db.keyset_pagination import load_page
from linkweir.db.portable_sql import each_text_in
from linkweir.db.schema import messages, queue
from linkweir.pagination import PageRequest, RowPage

LIKE_ESCAPES = str.maketrans({"%": r"\%", "_": r"\_", "\\": r"\\"})


_SHOWN_STATUS = case(
    (
        and_(messages.c.status == "Clicked", messages.c.likely_count == 0),
        case((messages.c.open_count > 0, "Opened"), else_="Delivered"),
    ),
    else_=messages.c.status,
)


def search(
    connection: Connection, account: uuid.UUID, page_request: PageRequest, filters: Mapping[str, Any]
) -> RowPage:
    """Messages of an account that meet all filters: `status` (texts), `sender`, `recipient`, `message_id_header`,
    `subject` (part of it), `tags` (any of them), `from_time`, `to_time`, `domains` (of senders; None: all), and
    `shown_status`: the status where a message with no likely click by a person does not count as clicked.
    """
    return load_page(
        connection, messages, page_request, [messages.c.account_id == account, *_build_conditions(filters)]
    )


def _build_conditions(filters: Mapping[str, Any]) -> Sequence[ColumnElement[Any]]:
    conditions: list[ColumnElement[Any]] = []
    if filters.get("status"):
        conditions.append(func.lower(messages.c.status).in_([status.lower() for status in filters["status"]]))
    if filters.get("shown_status"):
        conditions.append(func.lower(_SHOWN_STATUS).in_([status.lower() for status in filters["shown_status"]]))
    if filters.get("sender"):
        conditions.append(func.lower(messages.c.sender) == filters["sender"].lower())
    if filters.get("recipient"):
        conditions.append(messages.c.person == filters["recipient"].lower())
    if filters.get("message_id_header"):
        conditions.append(messages.c.message_id == filters["message_id_header"].strip("<> "))
    if filters.get("subject"):
        conditions.append(messages.c.subject.ilike(f"%{filters['subject'].translate(LIKE_ESCAPES)}%", escape="\\"))
    if filters.get("tags"):
        conditions.append(has_tag(filters["tags"]))
    if filters.get("from_time") is not None:
        conditions.append(messages.c.created_at >= filters["from_time"])
    if filters.get("to_time") is not None:
        conditions.append(messages.c.created_at < filters["to_time"])
    if filters.get("domains") is not None:
        conditions.append(messages.c.sender_domain.in_(filters["domains"]))
    return conditions


def has_tag(tags: Sequence[str]) -> ColumnElement[bool]:
    """The message has one of these tags."""
    each = each_text_in(messages.c.tags)
    return select(each.c.value).where(each.c.value.in_(tags)).exists()


def cancel(connection: Connection, account: uuid.UUID, message: uuid.UUID, now: int) -> bool:
    """Take a scheduled message off the queue; False when its time has come or somebody delivers it already."""
    here = and_(messages.c.id == message, messages.c.account_id == account)
    mine = select(messages.c.id).where(here, messages.c.scheduled_at.is_not(None))
    free = or_(queue.c.claimed_until_at.is_(None), queue.c.claimed_until_at <= now)
    waiting = and_(queue.c.message_id.in_(mine), queue.c.due_at > now, queue.c.attempts == 0, free)
    if not connection.execute(delete(queue).where(waiting)).rowcount:
        return False
    contents_table.delete_expired(connection, [message], now)
    connection.execute(update(messages).where(here).values(status="Cancelled", updated_at=now))
    return True
