"""Statements on everything that is stored of one person: the messages to them, and every row that belongs to these.

OF_MESSAGE and OF_NUMBER name the tables; a test holds them against the schema, so that no later one is forgotten.
"""

import uuid
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    RowMapping,
    Table,
    Text,
    cast,
    delete,
    func,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.sqlite import insert as upsert

from linkweir.store import sends as counts
from linkweir.store.settling import ERASED as TAKEN_BACK
from linkweir.store.settling import settle
from linkweir.store.tables import (
    attempts,
    axes,
    clicks,
    contents,
    erased,
    events,
    idempotency,
    links,
    message_links,
    message_tags,
    messages,
    outbox,
    queue,
    rollups,
    sends,
    settled,
    words,
)
from linkweir.store.words import sweep

OF_MESSAGE: Final[tuple[Table, ...]] = (
    *(contents, queue, attempts, events, outbox, clicks, message_links, message_tags),
)
OF_NUMBER: Final[tuple[Table, ...]] = (links,)
MANY: Final = 500


def messages_to(connection: Connection, email: str, account: uuid.UUID | None) -> list[RowMapping]:
    """The messages to an address in any letter case, oldest first: of one account, or of all."""
    statement = select(messages).where(func.lower(messages.c.recipient) == email.lower())
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


def mentions(column: ColumnElement[Any], email: str) -> ColumnElement[bool]:
    """The text holds the address, as it is or percent-encoded."""
    forms = dict.fromkeys((email.lower(), quote(email, safe="").lower(), quote(email, safe="@").lower()))
    return or_(*(func.instr(func.lower(column), form) > 0 for form in forms))


def clicks_naming(connection: Connection, email: str, account: uuid.UUID | None) -> list[uuid.UUID]:
    """Clicks, on links of other messages or of none, whose destination holds the address. Looks at every click."""
    conditions = [mentions(clicks.c.destination, email)]
    conditions += [] if account is None else [clicks.c.account_id == account]
    return list(connection.scalars(select(clicks.c.id).where(*conditions)))


def forget_destinations(connection: Connection, ids: Sequence[uuid.UUID]) -> None:
    """These clicks lose their destination."""
    for some in _parts(ids):
        connection.execute(update(clicks).where(clicks.c.id.in_(some)).values(destination=None))


def followed_naming(connection: Connection, email: str, account: uuid.UUID | None) -> list[tuple[uuid.UUID, int]]:
    """Links of others' messages that were followed and whose destination holds the address: message and position."""
    table = message_links
    statement = select(table.c.message_id, table.c.position).where(mentions(table.c.destination, email))
    if account is not None:
        statement = statement.join(messages, messages.c.id == table.c.message_id)
        statement = statement.where(messages.c.account_id == account)
    return [(row[0], row[1]) for row in connection.execute(statement)]


def forget_followed(connection: Connection, keys: Sequence[tuple[uuid.UUID, int]]) -> None:
    """These links lose their destination, as their clicks do."""
    for message, position in keys:
        here = (message_links.c.message_id == message, message_links.c.position == position)
        connection.execute(update(message_links).where(*here).values(destination=None))


def other_copies(connection: Connection, gone: Sequence[Mapping[Any, Any]]) -> list[uuid.UUID]:
    """Other messages of which a mail is kept that came with one of these to several recipients: by its Message-ID."""
    mine = {row["id"] for row in gone}
    found: set[uuid.UUID] = set()
    for account in {row["account_id"] for row in gone}:
        for some in _parts(list({row["message_id"] for row in gone if row["account_id"] == account})):
            same = select(messages.c.id).join(contents, contents.c.message_id == messages.c.id)
            same = same.where(messages.c.account_id == account, messages.c.message_id.in_(some))
            found.update(connection.scalars(same))
    return sorted(found - mine)


def drop_contents(connection: Connection, ids: Sequence[uuid.UUID]) -> None:
    """Remove these messages' contents; what still waits for delivery goes right after it."""
    for some in _parts(ids):
        these = contents.c.message_id.in_(some)
        connection.execute(delete(contents).where(these, contents.c.message_id.not_in(select(queue.c.message_id))))
        connection.execute(update(contents).where(these).values(keep_until_at=0))


def replies_naming(connection: Connection, email: str, account: uuid.UUID | None) -> list[RowMapping]:
    """Remembered replies that hold the address: those to requests to send name their recipients."""
    body = cast(idempotency.c.body, Text)
    statement = select(idempotency).where(~idempotency.c.sealed, mentions(body, email))
    if account is not None:
        statement = statement.where(idempotency.c.account_id == account)
    return list(connection.execute(statement).mappings())


def rewrite_reply(connection: Connection, row: Mapping[Any, Any], body: bytes) -> None:
    """Replace what a remembered reply says."""
    here = (
        idempotency.c.account_id == row["account_id"],
        idempotency.c.key == row["key"],
        idempotency.c.created_at == row["created_at"],
    )
    connection.execute(update(idempotency).where(*here).values(body=body))


def sums_naming(connection: Connection, email: str, account: uuid.UUID | None) -> list[tuple[Table, Row[Any]]]:
    """The keys of sums along a value that holds the address, such as a destination made for one reader, on a link of no
    known message. Looks at every value, and at every sum along the axes of those that are found.
    """
    found: list[tuple[Table, Row[Any]]] = []
    naming = list(connection.scalars(select(words.c.id).where(mentions(words.c.text, email))))
    for table in (rollups, settled, sends):
        for some in _parts(naming):
            keys = select(*table.primary_key.columns).where(table.c.word.in_(some))
            if account is not None:
                mine = select(axes.c.id).where(axes.c.account_id == account)
                keys = keys.where(table.c.axis.in_(mine))
            found += [(table, row) for row in connection.execute(keys)]
    return found


def drop_sums(connection: Connection, keys: Sequence[tuple[Table, Row[Any]]]) -> None:
    """Remove these sums, and their values where nothing else is counted by them."""
    for table, row in keys:
        key = (column == value for column, value in zip(table.primary_key.columns, row, strict=True))
        connection.execute(delete(table).where(*key))
    sweep(connection, {row.word for _, row in keys})


def _parts(items: Sequence[Any]) -> Iterator[Sequence[Any]]:
    return (items[start : start + MANY] for start in range(0, len(items), MANY))
