"""Statements on recorded clicks. Storing a fact twice keeps one: its id was made at the redirect."""

import uuid
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, RowMapping, func, select
from sqlalchemy.dialects.sqlite import insert

from linkweir.store import accounts
from linkweir.store.tables import clicks, messages

MANY = 500  # SQLite takes at most 999 parameters in old builds


def add(connection: Connection, facts: Sequence[dict[str, Any]]) -> None:
    """Store facts (the columns of `clicks` without account and message, plus `number`: the message's
    token number).

    Each is counted for the message's account, or for the owner of the link key when the message is
    unknown here.
    """
    known = _messages(connection, sorted({fact["number"] for fact in facts if fact["number"] is not None}))
    owners = _owners(connection, {fact["key_id"] for fact in facts})
    rows = []
    for fact in facts:
        number = fact["number"]
        message, account = known.get(number, (None, None)) if number is not None else (None, None)
        row = {name: value for name, value in fact.items() if name != "number"}
        row |= {"message_id": message, "account_id": account or owners.get(fact["key_id"])}
        if message is not None:
            row["message_ref"] = None
        rows.append(row)
    connection.execute(insert(clicks).on_conflict_do_nothing(index_elements=["id"]), rows)


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


def of_account(connection: Connection, account: uuid.UUID) -> list[RowMapping]:
    """Every click that counts for an account, oldest first."""
    statement = select(clicks).where(clicks.c.account_id == account).order_by(clicks.c.at)
    return list(connection.execute(statement).mappings())


def count_of_account(connection: Connection, account: uuid.UUID) -> int:
    """How many clicks count for an account, on its own messages and on links minted in bulk; HEAD is no click."""
    statement = select(func.count()).select_from(clicks).where(clicks.c.account_id == account, clicks.c.method == "GET")
    return connection.scalar(statement) or 0


def total(connection: Connection) -> int:
    """How many hits are stored, whatever their method."""
    return connection.scalar(select(func.count()).select_from(clicks)) or 0
