"""Statements on the ids of erased clicks: an event that comes again after the erasure is known, and not stored anew.

A worker may stand still beyond its lease with events in its hands, or have stored some without having said so to the
transport; a machine may have handed over what its journal still holds. The ids are random and say nothing of anybody.
"""

import uuid
from collections.abc import Sequence
from typing import Final

from sqlalchemy import Connection, delete, literal, select

from linkweir.clock import DAY_US
from linkweir.db.portable_sql import insert
from linkweir.db.schema import click_rows, erased_clicks

REMEMBERED_US: Final = 30 * DAY_US  # longer than a transport holds events; a machine may be off for some weeks


def add_clicks_of_messages(connection: Connection, messages: Sequence[uuid.UUID], now: int) -> None:
    """Remember the ids of the clicks of these messages, which are about to be erased."""
    ids = select(click_rows.c.id, literal(now)).where(click_rows.c.message_id.in_(messages))
    connection.execute(insert(erased_clicks).from_select(["id", "at"], ids).on_conflict_do_nothing())


def delete_expired(connection: Connection, now: int, limit: int) -> int:
    """Forget up to `limit` of those that have been remembered long enough; return how many those were."""
    due = select(erased_clicks.c.id).where(erased_clicks.c.at <= now - REMEMBERED_US).limit(limit)
    return connection.execute(delete(erased_clicks).where(erased_clicks.c.id.in_(due))).rowcount
