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
    delete,
    func,
    literal,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.sqlite import insert as upsert

from linkweir.store.tables import (
    attempts,
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
)

OF_MESSAGE: Final[tuple[Table, ...]] = (
    *(contents, queue, attempts, events, outbox, clicks, message_links, message_tags),
)
OF_NUMBER: Final[tuple[Table, ...]] = (links,)
MANY: Final = 500
ERASED: Final = "(erased)"


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


def followed(connection: Connection, ids: Sequence[uuid.UUID]) -> Iterator[Row[Any]]:
    """Where the readers of these messages went: `account_id`, `position`, `destination`, and the number of `hits`."""
    columns = (clicks.c.account_id, clicks.c.position, clicks.c.destination)
    for some in _parts(ids):
        here = (clicks.c.message_id.in_(some), clicks.c.destination.is_not(None))
        statement = select(*columns, func.count().label("hits")).where(*here).group_by(*columns)
        yield from connection.execute(statement).all()


def erase(connection: Connection, gone: Sequence[Mapping[Any, Any]], now: int) -> dict[str, int]:
    """Remove these messages and every row of theirs; their short links are remembered as erased. Rows by table."""
    ids, numbers = [row["id"] for row in gone], [row["number"] for row in gone]
    removed: dict[str, int] = {}
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


def forget_destinations(connection: Connection, email: str, account: uuid.UUID | None) -> int:
    """Clicks on links of other messages, or of none, whose destination names the address lose the destination."""
    conditions = [mentions(clicks.c.destination, email)]
    conditions += [] if account is None else [clicks.c.account_id == account]
    return connection.execute(update(clicks).where(*conditions).values(destination=None)).rowcount


def kept_contents(connection: Connection, account: uuid.UUID | None) -> list[uuid.UUID]:
    """The messages whose content is kept."""
    statement = select(contents.c.message_id)
    if account is not None:
        statement = statement.join(messages).where(messages.c.account_id == account)
    return list(connection.scalars(statement))


def drop_contents(connection: Connection, ids: Sequence[uuid.UUID]) -> None:
    """Remove these messages' contents; what still waits for delivery goes right after it."""
    for some in _parts(ids):
        these = contents.c.message_id.in_(some)
        connection.execute(delete(contents).where(these, contents.c.message_id.not_in(select(queue.c.message_id))))
        connection.execute(update(contents).where(these).values(keep_until_at=0))


def remembered_replies(connection: Connection, account: uuid.UUID | None) -> Iterator[RowMapping]:
    """Remembered replies that can be read: those to requests to send name their recipients."""
    statement = select(idempotency).where(~idempotency.c.sealed)
    if account is not None:
        statement = statement.where(idempotency.c.account_id == account)
    yield from connection.execute(statement).mappings()


def rewrite_reply(connection: Connection, row: Mapping[Any, Any], body: bytes) -> None:
    """Replace what a remembered reply says."""
    here = (idempotency.c.account_id == row["account_id"], idempotency.c.key == row["key"])
    connection.execute(update(idempotency).where(*here).values(body=body))


KEY: Final = ("account_id", "scope", "dimension", "hour", "value")


def sums_with(
    connection: Connection, table: Table, account: uuid.UUID, values: Mapping[str, Sequence[str]]
) -> dict[tuple[str, str], int]:
    """How often each of these values (by dimension) was counted in the whole account, messages or hits."""
    names = [column.name for column in table.columns if column.name not in (*KEY, "clickers", "delivered")]
    total = func.sum(sum((table.c[name] for name in names[1:]), table.c[names[0]]))
    found: dict[tuple[str, str], int] = {}
    for dimension, wanted in values.items():
        for some in _parts(wanted):
            here = (table.c.account_id == account, table.c.scope == "", table.c.dimension == dimension)
            statement = select(table.c.value, total).where(*here, table.c.value.in_(some)).group_by(table.c.value)
            found |= {(dimension, value): int(count) for value, count in connection.execute(statement)}
    return found


def merge_values(
    connection: Connection,
    table: Table,
    account: uuid.UUID,
    doomed: Mapping[str, Sequence[str]],
    email: str,
) -> int:
    """Sums of doomed values (by dimension), and of all that name the address, go on under a name that tells nobody
    apart: ERASED, or for links their position. How many rows.
    """
    which = [mentions(table.c.value, email)]
    for dimension, values in doomed.items():
        which += [(table.c.dimension == dimension) & table.c.value.in_(some) for some in _parts(values)]
    rows = [
        dict(row)
        for row in connection.execute(select(table).where(table.c.account_id == account, or_(*which))).mappings()
    ]
    for row in rows:
        key = [table.c[name] == literal(row[name], table.c[name].type) for name in KEY]
        connection.execute(delete(table).where(*key))
        position = row["value"].partition("\t")[0] + "\t"
        row["value"] = position if row["dimension"] == "link" else ERASED
        counts = [name for name in row if name not in KEY]
        statement = upsert(table).values(row)
        more = {name: table.c[name] + statement.excluded[name] for name in counts}
        connection.execute(statement.on_conflict_do_update(index_elements=KEY, set_=more))
    return len(rows)


def _parts(items: Sequence[Any]) -> Iterator[Sequence[Any]]:
    return (items[start : start + MANY] for start in range(0, len(items), MANY))
