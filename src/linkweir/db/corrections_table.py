"""Statements on corrections: destinations of sent links that lead to others, and the messages that they apply to.

A correction is never deleted, only removed from force: it is the record of who led whom where.
"""

import uuid
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from sqlalchemy import Connection, RowMapping, func, insert, literal, select, update

from linkweir.db import portable_sql
from linkweir.db.schema import accounts, corrected_messages, corrections, message_tags, messages

# with the id of the one message that it is for, while that is stored
SELECT = select(corrections, messages.c.id.label("message_id")).outerjoin(
    messages, messages.c.number == corrections.c.number
)
IN_FORCE = corrections.c.removed_at.is_(None)


def add(connection: Connection, values: dict[str, Any]) -> None:
    """A new correction, in force at once."""
    connection.execute(insert(corrections).values(**values))


def get(connection: Connection, account: uuid.UUID, correction: uuid.UUID) -> RowMapping | None:
    """The account's correction with this id, in force or not."""
    statement = SELECT.where(corrections.c.account_id == account, corrections.c.id == correction)
    return connection.execute(statement).mappings().first()


def list_in_force(connection: Connection, account: uuid.UUID | None = None) -> Sequence[RowMapping]:
    """What is in force, the oldest first: of one account, or of all."""
    statement = SELECT.where(IN_FORCE).order_by(corrections.c.created_at, corrections.c.id)
    if account is not None:
        statement = statement.where(corrections.c.account_id == account)
    return connection.execute(statement).mappings().all()


def list_all(connection: Connection, account: uuid.UUID) -> Sequence[RowMapping]:
    """The record of an account: also what was removed, the oldest first."""
    here = corrections.c.account_id == account
    statement = SELECT.where(here).order_by(corrections.c.created_at, corrections.c.id)
    return connection.execute(statement).mappings().all()


def remove(connection: Connection, correction: uuid.UUID, by: str, now: int) -> None:
    """Take it out of force; the record stays."""
    here = (corrections.c.id == correction, IN_FORCE)
    connection.execute(update(corrections).where(*here).values(removed_at=now, removed_by=by))


def count_accounts(connection: Connection) -> int:
    """How many accounts there are; with one, every link of the service is its own."""
    return connection.scalar(select(func.count()).select_from(accounts)) or 0


def iter_numbers(connection: Connection, account: uuid.UUID, campaign: str | None, since: int) -> Iterator[int]:
    """The numbers of the account's messages (with this tag) that were accepted since a time, those that are deleted
    among them if it is 0.
    """
    statement = select(messages.c.number).where(messages.c.account_id == account, messages.c.created_at >= since)
    if campaign is not None:
        statement = (
            select(messages.c.number)
            .join(message_tags, message_tags.c.message_id == messages.c.id)
            .where(message_tags.c.account_id == account, message_tags.c.tag == campaign)
            .where(message_tags.c.created_at >= since)
        )
    yield from connection.scalars(statement)
    if not since:
        deleted = (corrected_messages.c.account_id == account, corrected_messages.c.campaign == (campaign or ""))
        yield from connection.scalars(select(corrected_messages.c.number).where(*deleted))


def record_numbers(connection: Connection, ids: Iterable[uuid.UUID]) -> None:
    """Remember the numbers of messages that are about to be deleted, where corrections apply to their links. With one
    account, those of the whole account need none.
    """
    if connection.scalar(select(corrections.c.id).where(IN_FORCE).limit(1)) is None:
        return
    gone = messages.c.id.in_(list(ids))
    by_campaign = (
        select(messages.c.account_id, message_tags.c.tag, messages.c.number)
        .join(message_tags, message_tags.c.message_id == messages.c.id)
        .join(corrections, (corrections.c.account_id == messages.c.account_id) & IN_FORCE)
        .where(gone, corrections.c.campaign == message_tags.c.tag)
    )
    by_account = (
        select(messages.c.account_id, literal(""), messages.c.number)
        .join(corrections, (corrections.c.account_id == messages.c.account_id) & IN_FORCE)
        .where(gone, corrections.c.campaign.is_(None), corrections.c.number.is_(None))
    )
    for statement in (by_campaign, *([by_account] if count_accounts(connection) > 1 else [])):
        rows = {tuple(row) for row in connection.execute(statement)}
        if rows:
            values = [dict(zip(corrected_messages.columns.keys(), row, strict=True)) for row in sorted(rows, key=repr)]
            connection.execute(portable_sql.insert(corrected_messages).on_conflict_do_nothing(), values)
