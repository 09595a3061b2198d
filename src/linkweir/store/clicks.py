"""Statements on recorded clicks. Storing a fact twice keeps one: its id was made at the redirect."""

import uuid
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, RowMapping, and_, bindparam, case, func, select, update
from sqlalchemy.dialects.sqlite import insert

from linkweir.store import accounts
from linkweir.store.tables import clicks, messages

MANY = 500  # SQLite takes at most 999 parameters in old builds


def add(connection: Connection, facts: Sequence[dict[str, Any]]) -> dict[uuid.UUID, uuid.UUID | None]:
    """Store facts (the columns of `clicks` without account and message, plus `number`, the message's
    token number, and `objected`); the ids of those that were not stored before, each with its message.

    Each is counted for the message's account, or for the owner of the link key when the message is
    unknown here.
    """
    known = _messages(connection, sorted({fact["number"] for fact in facts if fact["number"] is not None}))
    owners = _owners(connection, {fact["key_id"] for fact in facts})
    rows = []
    for fact in facts:
        number = fact["number"]
        message, account = known.get(number, (None, None)) if number is not None else (None, None)
        row = {name: value for name, value in fact.items() if name not in ("number", "objected")}
        if fact["objected"]:  # counted for the account, but no longer tied to the message
            message = None
        row |= {"message_id": message, "account_id": account or owners.get(fact["key_id"])}
        if message is not None:
            row["message_ref"] = None
        rows.append(row)
    statement = insert(clicks).on_conflict_do_nothing(index_elements=["id"]).returning(clicks.c.id)
    new = set(connection.scalars(statement, rows))
    return {row["id"]: row["message_id"] for row in rows if row["id"] in new}


def _owners(connection: Connection, key_ids: set[int]) -> dict[int, uuid.UUID]:
    """Who owns these keys; a key made since the start (by a rotation) is claimed for the first account."""
    owners = accounts.link_key_owners(connection)
    first = accounts.first(connection) if key_ids - owners.keys() else None
    if first is not None:
        accounts.claim_link_keys(connection, sorted(key_ids), first)
        owners = accounts.link_key_owners(connection)
    return owners


def _messages(connection: Connection, numbers: list[int]) -> dict[int, tuple[uuid.UUID, uuid.UUID]]:
    found: dict[int, tuple[uuid.UUID, uuid.UUID]] = {}
    for start in range(0, len(numbers), MANY):
        statement = select(messages.c.number, messages.c.id, messages.c.account_id).where(
            messages.c.number.in_(numbers[start : start + MANY])
        )
        found |= {row.number: (row.id, row.account_id) for row in connection.execute(statement)}
    return found


def messages_of(connection: Connection, wanted: Sequence[uuid.UUID]) -> dict[uuid.UUID, RowMapping]:
    """These messages, each with what an event on it needs and its counts."""
    columns = (
        *(messages.c.id, messages.c.account_id, messages.c.sender, messages.c.sender_domain, messages.c.recipient),
        *(messages.c.subject, messages.c.message_id, messages.c.status, messages.c.click_count, messages.c.open_count),
    )
    found: dict[uuid.UUID, RowMapping] = {}
    for start in range(0, len(wanted), MANY):
        statement = select(*columns).where(messages.c.id.in_(wanted[start : start + MANY]))
        found |= {row["id"]: row for row in connection.execute(statement).mappings()}
    return found


def count_up(connection: Connection, rows: Sequence[dict[str, Any]]) -> None:
    """Add to the counts of messages: `message`, `clicks`, `opens`, `at`.

    The status follows from Delivered to Opened to Clicked; any other one, such as those of a sandbox, stays.
    """
    if not rows:
        return
    clicked = and_(bindparam("clicks") > 0, messages.c.status.in_(("Delivered", "Opened")))
    opened = and_(bindparam("opens") > 0, messages.c.status == "Delivered")
    connection.execute(
        update(messages)
        .where(messages.c.id == bindparam("message"))
        .values(
            click_count=messages.c.click_count + bindparam("clicks"),
            open_count=messages.c.open_count + bindparam("opens"),
            status=case((clicked, "Clicked"), (opened, "Opened"), else_=messages.c.status),
            updated_at=bindparam("at"),
        ),
        list(rows),
    )


def of_account(connection: Connection, account: uuid.UUID) -> list[RowMapping]:
    """Every click that counts for an account, oldest first."""
    statement = select(clicks).where(clicks.c.account_id == account).order_by(clicks.c.at)
    return list(connection.execute(statement).mappings())


def count_of_account(connection: Connection, account: uuid.UUID) -> int:
    """How many clicks count for an account, on its own messages and on links minted in bulk; HEAD is no click."""
    statement = (
        select(func.count())
        .select_from(clicks)
        .where(clicks.c.account_id == account, clicks.c.method == "GET", clicks.c.kind == "click")
    )
    return connection.scalar(statement) or 0


def total(connection: Connection) -> int:
    """How many hits are stored, whatever their method."""
    return connection.scalar(select(func.count()).select_from(clicks)) or 0
