"""Statements on everything that is stored of one person: the messages to them, and every row that belongs to these.

OF_MESSAGE and OF_NUMBER name the tables; a test holds them against the schema, so that no later one is forgotten.
"""

import hashlib
import uuid
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Connection, RowMapping, Table, delete, select
from sqlalchemy.dialects.sqlite import insert as upsert

from linkweir.store import sends as counts
from linkweir.store.settling import ERASED as TAKEN_BACK
from linkweir.store.settling import settle
from linkweir.store.tables import (
    attempts,
    clicks,
    contents,
    erased,
    events,
    links,
    marks,
    message_links,
    message_tags,
    messages,
    outbox,
    queue,
)

OF_MESSAGE: Final[tuple[Table, ...]] = (
    *(contents, queue, attempts, events, outbox, clicks, message_links, message_tags),
)
OF_NUMBER: Final[tuple[Table, ...]] = (links,)
MANY: Final = 500


def messages_to(connection: Connection, email: str, account: uuid.UUID | None) -> list[RowMapping]:
    """The messages to an address in any letter case, oldest first: of one account, or of all."""
    statement = select(messages).where(messages.c.person == email.lower())
    if account is not None:
        statement = statement.where(messages.c.account_id == account)
    return list(connection.execute(statement.order_by(messages.c.created_at, messages.c.id)).mappings())


def rows_of(connection: Connection, message: Mapping[Any, Any]) -> dict[str, list[RowMapping]]:
    """Every row that belongs to a message, by table."""
    found = {
        str(table.name): list(connection.execute(select(table).where(table.c.message_id == message["id"])).mappings())
        for table in OF_MESSAGE
    }
    for table in OF_NUMBER:
        statement = select(table).where(table.c.number == message["number"])
        found[str(table.name)] = list(connection.execute(statement).mappings())
    return found


def erase(connection: Connection, gone: Sequence[Mapping[Any, Any]], now: int) -> dict[str, int]:
    """Remove these messages and every row of theirs; their short links are remembered as erased. Rows by table.

    Sums stay, but for those along what may single out a person: there these messages no longer count.
    """
    ids, numbers = [row["id"] for row in gone], [row["number"] for row in gone]
    removed: dict[str, int] = {}
    settle(connection, ids, TAKEN_BACK)
    counts.take_back(connection, ids, TAKEN_BACK)
    for table, column, values in (
        *((table, "message_id", ids) for table in OF_MESSAGE),
        *((table, "number", numbers) for table in OF_NUMBER),
        (messages, "id", ids),
    ):
        removed[str(table.name)] = sum(
            connection.execute(delete(table).where(table.c[column].in_(some))).rowcount for some in _parts(values)
        )
    if numbers:
        marks = [{"number": number, "at": now} for number in numbers]
        connection.execute(upsert(erased).on_conflict_do_nothing(), marks)
    return removed


def is_known(connection: Connection, email: str, account: uuid.UUID | None) -> bool:
    """Is there a message to this address, or an erasure of it that was not finished?"""
    statement = select(messages.c.id).where(messages.c.person == email.lower())
    if account is not None:
        statement = statement.where(messages.c.account_id == account)
    begun = select(marks.c.at).where(marks.c.name == _mark(email, account))
    return connection.scalar(statement.limit(1)) is not None or connection.scalar(begun) is not None


def begin(connection: Connection, email: str, account: uuid.UUID | None, now: int) -> None:
    """Mark that a person is being erased: what is interrupted can be finished, though their messages are gone then."""
    connection.execute(upsert(marks).values(name=_mark(email, account), at=now).on_conflict_do_nothing())


def end(connection: Connection, email: str, account: uuid.UUID | None) -> None:
    """Everything is done."""
    connection.execute(delete(marks).where(marks.c.name == _mark(email, account)))


def _mark(email: str, account: uuid.UUID | None) -> str:
    """A name that says nothing of the address."""
    return "erase " + hashlib.sha256(f"{account} {email.lower()}".encode()).hexdigest()[:10]


def addresses(connection: Connection, ids: Sequence[uuid.UUID]) -> set[str]:
    """From which IP addresses these messages' links were followed."""
    found: set[str] = set()
    for some in _parts(ids):
        found.update(connection.scalars(select(clicks.c.ip).where(clicks.c.message_id.in_(some), clicks.c.ip != "")))
    return found


def _parts(items: Sequence[Any]) -> Iterator[Sequence[Any]]:
    return (items[start : start + MANY] for start in range(0, len(items), MANY))
