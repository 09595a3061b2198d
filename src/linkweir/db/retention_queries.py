"""Statements that remove what was kept long enough."""

import uuid
from typing import Protocol

from sqlalchemy import Connection, delete, select, update

from linkweir.clock import DAY_US
from linkweir.db import contents_table, corrections_table, send_aggregates_table
from linkweir.db.dimensions import CLICK_DIMENSIONS
from linkweir.db.frozen_aggregates_table import EXPIRED_DIMENSIONS, freeze, freeze_clicks
from linkweir.db.schema import (
    accounts,
    attempts,
    click_rows,
    clicks,
    contents,
    events,
    message_link_rows,
    message_tags,
    messages,
    outbox,
    queue,
    verdict_waits,
)


class DeleteBatch(Protocol):
    """Removes up to `limit` of what is due; how many it removed."""

    def __call__(self, connection: Connection, now: int, limit: int) -> int: ...


def delete_contents(connection: Connection, now: int, limit: int) -> int:
    """Remove content that was kept long enough and is not waiting for delivery."""
    waiting = select(queue.c.message_id)
    due = select(contents.c.message_id).where(contents.c.keep_until_at <= now, contents.c.message_id.not_in(waiting))
    removed = contents_table.delete_mails(connection, list(connection.scalars(due.limit(limit))))
    contents_table.delete_unreferenced(connection)
    return removed


ANONYMIZED_COLUMNS = dict.fromkeys(  # what a click loses with its message: all that says whose it was, or might
    (
        *("message_id", "message_ref", "destination", "destination_id", "ip", "user_agent_id", "signals_id"),
        *("system", "region", "network"),
        *(dimension.name for dimension in CLICK_DIMENSIONS if not dimension.is_coarse),
        *("told", "tell_at"),
    )
)


def delete_messages(connection: Connection, now: int, limit: int) -> int:
    """Remove messages that were kept long enough, and what clicks say of their readers; the clicks stay as numbers, and
    so do the sums by hour.
    """
    waiting = select(queue.c.message_id)
    due = select(messages.c.id).where(messages.c.retain_until_at <= now, messages.c.id.not_in(waiting))
    ids = list(connection.scalars(due.limit(limit)))
    corrections_table.record_numbers(connection, ids)
    freeze(connection, ids)
    send_aggregates_table.subtract(connection, ids, EXPIRED_DIMENSIONS)
    contents_table.delete_mails(connection, ids)
    for table in (attempts, events, outbox, verdict_waits, message_link_rows, message_tags):
        connection.execute(delete(table).where(table.c.message_id.in_(ids)))
    connection.execute(
        update(click_rows).where(click_rows.c.message_id.in_(ids)).values(**ANONYMIZED_COLUMNS, firsts=0)
    )
    connection.execute(delete(messages).where(messages.c.id.in_(ids)))
    return len(ids)


def anonymize_unattributed_clicks(connection: Connection, now: int, limit: int) -> int:
    """Clicks on links of messages that are not known here, minted in bulk, lose what says whose they are after as long
    as their account keeps metadata; they stay as numbers, and so do their sums.
    """
    anonymized: list[uuid.UUID] = []
    for account, days in connection.execute(select(accounts.c.id, accounts.c.message_metadata_retention)).all():
        personal = clicks.c.ip.is_not(None) | clicks.c.user_agent.is_not(None) | clicks.c.message_ref.is_not(None)
        old = (
            clicks.c.account_id == account,
            clicks.c.at < now - days * DAY_US,
            clicks.c.message_id.is_(None),
            personal,
        )
        some = list(connection.scalars(select(clicks.c.id).where(*old).limit(limit - len(anonymized))))
        freeze_clicks(connection, account, some)
        anonymized += some
    connection.execute(update(click_rows).where(click_rows.c.id.in_(anonymized)).values(**ANONYMIZED_COLUMNS, firsts=0))
    return len(anonymized)
