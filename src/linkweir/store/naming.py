"""Statements on rows of others that may name a person. They give what holds the domain of the person's address;
whether the address stands there is for the caller to see.

Destinations and sums are found by indexes over what may hold an address (`tables.naming`). The others look at all rows.
"""

import uuid
from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Row,
    Table,
    Text,
    Uuid,
    cast,
    delete,
    func,
    literal_column,
    select,
    text,
    true,
    type_coerce,
    update,
)

from linkweir.store.spans import EVER
from linkweir.store.sums import BITS
from linkweir.store.tables import (
    accounts,
    attempts,
    axes,
    clicks,
    contents,
    events,
    idempotency,
    links,
    marks,
    message_links,
    message_tags,
    messages,
    naming,
    outbox,
    queue,
    rollups,
    sends,
    settled,
    words,
)
from linkweir.store.words import REBUILD, sweep

MANY: Final = 500
MAILS: Final = 20  # in memory at a time
Account = uuid.UUID | None
DESTINATIONS: Final[tuple[tuple[Table, str | None], ...]] = (  # and what is left in their place
    (clicks, None),
    (message_links, None),
    (links, ""),  # whoever follows it is told that it is gone
)
TEXTS: Final = (
    *(messages.c.subject, messages.c.tags, messages.c.attributes, messages.c.variant),
    *(attempts.c.log, events.c.data, outbox.c.body, outbox.c.last_error),
)
SUMS: Final = (rollups, settled, sends)


class Mention(NamedTuple):
    """A value that may name somebody, and the key of its row."""

    key: tuple[Any, ...]
    value: Any


def _near(column: ColumnElement[Any], domain: str) -> ColumnElement[bool]:
    return func.instr(func.lower(column), domain) > 0


def destinations(connection: Connection, table: Table, domain: str, account: Account) -> Iterator[Mention]:
    """Destinations in one of DESTINATIONS. Short links whose message is gone belong to the account that is alone."""
    keys = list(table.primary_key.columns)
    indexed = text(naming("destination"))  # literally: only so is the index used
    statement = select(*keys, table.c.destination, _owner(table))
    if table is not clicks:
        whose = messages.c.number == links.c.number if table is links else messages.c.id == table.c.message_id
        statement = statement.outerjoin(messages, whose)
    alone = account is None or (table is links and connection.scalar(select(func.count()).select_from(accounts)) == 1)
    for row in connection.execute(statement.where(indexed, _near(table.c.destination, domain))):
        if account in (None, row[-1]) or (alone and row[-1] is None):  # here: SQL would go by the account's index
            yield Mention(tuple(row[:-2]), row[-2])


def _owner(table: Table) -> ColumnElement[Any]:
    return clicks.c.account_id if table is clicks else messages.c.account_id


def forget_destinations(connection: Connection, table: Table, left: str | None, keys: Sequence[Any]) -> None:
    """These rows lose their destination; a click is then no longer the first one along it."""
    new: dict[str, Any] = {"destination": left}
    if table is clicks:
        new["firsts"] = clicks.c.firsts.op("&")(~(BITS["link"] | BITS["destination"]))
    for key in keys:
        here = (column == value for column, value in zip(table.primary_key.columns, key, strict=True))
        connection.execute(update(table).where(*here).values(new))


def values(connection: Connection, domain: str) -> Iterator[tuple[int, str]]:
    """Words that sums are kept by: their numbers and texts."""
    statement = select(words.c.id, words.c.text).where(text(naming("text")), _near(words.c.text, domain))
    for row in connection.execute(statement):
        yield row[0], row[1]


def axes_near(connection: Connection, domain: str) -> Iterator[Row[Any]]:
    """Axes that sums are kept along: within a tag, or along an attribute."""
    near = _near(axes.c.scope, domain) | _near(axes.c.dimension, domain)
    yield from connection.execute(select(*axes.c).where(text(naming("scope", "dimension")), near))


def sums(connection: Connection, word: Sequence[int], axis: Sequence[int], account: Account) -> dict[int, set[int]]:
    """Along which axes of the account there are sums by one of these words, or any sums at all: words by axis."""
    found: dict[int, set[int]] = {}
    making = connection.scalar(select(marks.c.at).where(marks.c.name == REBUILD)) is not None
    for table in SUMS if making else (rollups, sends):  # what is in `settled` is in `rollups` too
        ever = true() if making else table.c.hours == literal_column(str(EVER))
        for column, some in ((table.c.word, word), (table.c.axis, axis)):
            for start in range(0, len(some), MANY):
                here = column.in_(some[start : start + MANY])
                keys = select(table.c.axis, table.c.word, axes.c.account_id).join(axes, axes.c.id == table.c.axis)
                for row in connection.execute(keys.where(here, ever)):
                    if account in (None, row.account_id):
                        found.setdefault(row.axis, set()).add(row.word)
    return found


def drop_sums(connection: Connection, axis: int, word: Sequence[int]) -> None:
    """Remove the sums by these words along an axis, and the words where nothing else is counted by them."""
    for table in SUMS:
        for start in range(0, len(word), MANY):
            some = word[start : start + MANY]
            connection.execute(delete(table).where(table.c.axis == axis, table.c.word.in_(some)))
    sweep(connection, word)


def drop_unused(connection: Connection, word: Sequence[int], axis: Sequence[int]) -> None:
    """Remove those of these words and axes that there are no sums by any more."""
    sweep(connection, word)
    for one in axis:
        unused = [~select(table.c.axis).where(table.c.axis == one).exists() for table in SUMS]
        connection.execute(delete(axes).where(axes.c.id == one, *unused))


def replies(connection: Connection, domain: str, account: Account) -> Iterator[Mention]:
    """Remembered replies: those to requests to send name their recipients. They are kept for a day."""
    keys = list(idempotency.primary_key.columns)
    near = _near(cast(idempotency.c.body, Text), domain)
    statement = select(*keys, idempotency.c.created_at, idempotency.c.body).where(~idempotency.c.sealed, near)
    if account is not None:
        statement = statement.where(idempotency.c.account_id == account)
    for row in connection.execute(statement):
        yield Mention(tuple(row[:-1]), row[-1])


def rewrite_reply(connection: Connection, key: Sequence[Any], body: bytes) -> None:
    """Replace what a remembered reply says, unless the request was begun anew."""
    columns = (*idempotency.primary_key.columns, idempotency.c.created_at)
    here = (column == value for column, value in zip(columns, key, strict=True))
    connection.execute(update(idempotency).where(*here).values(body=body))


def texts(connection: Connection, column: Column[Any], email: str, account: Account) -> Iterator[Mention]:
    """One of TEXTS, where it holds the address's domain; not of messages that were sent from this address."""
    table = column.table
    statement = select(table.c.id, column).where(_near(cast(column, Text), email.rpartition("@")[2]))
    if table is not messages:
        statement = statement.outerjoin(messages, messages.c.id == table.c.message_id)
    statement = statement.where(func.coalesce(func.lower(messages.c.sender), "") != email)
    if account is not None:
        owner = table.c.account_id if "account_id" in table.c else messages.c.account_id
        statement = statement.where(owner == account)
    for row in connection.execute(statement):
        yield Mention((row[0],), row[1])


def rewrite_texts(connection: Connection, column: Column[Any], mentions: Sequence[Mention]) -> None:
    """Put these values in the place of what stood there; a message's list of tags also where tags are looked up."""
    for (key,), value in mentions:
        connection.execute(update(column.table).where(column.table.c.id == key).values({column: value}))
        if column is messages.c.tags:
            gone = (message_tags.c.message_id == key, message_tags.c.tag.not_in(value))
            connection.execute(delete(message_tags).where(*gone))


def mails(connection: Connection, after: uuid.UUID | None, account: Account) -> list[Row[Any]]:
    """Some kept mails, in the order of their messages' ids, from `after` on: id, raw mail, sender, envelope sender."""
    columns = (messages.c.id, contents.c.raw, messages.c.sender, messages.c.envelope_from)
    # the plus: all mails are looked at in turn, and SQLite must not sort those of the account anew for each part
    owner = type_coerce(literal_column("+messages.account_id"), Uuid)
    statement = select(*columns).join(contents, contents.c.message_id == messages.c.id)
    statement = statement.where(
        true() if after is None else contents.c.message_id > after,
        true() if account is None else owner == account,
    )
    return list(connection.execute(statement.order_by(contents.c.message_id).limit(MAILS)))


def drop_mails(connection: Connection, ids: Sequence[uuid.UUID]) -> None:
    """Remove these messages' mails; what still waits for delivery goes right after it."""
    for start in range(0, len(ids), MANY):
        these = contents.c.message_id.in_(ids[start : start + MANY])
        connection.execute(delete(contents).where(these, contents.c.message_id.not_in(select(queue.c.message_id))))
        connection.execute(update(contents).where(these).values(keep_until_at=0))
