"""Statements on rows of others that may name a person. They give what holds the domain of the person's address;
whether the address stands there is for the caller to see.

Destinations and sums are found by indexes over what may hold an address (`tables.naming`). The others look at all rows.
"""

import uuid
from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple

from sqlalchemy import (
    JSON,
    Column,
    ColumnElement,
    Connection,
    LargeBinary,
    Row,
    Table,
    Text,
    cast,
    delete,
    func,
    literal_column,
    select,
    true,
    update,
)

from linkweir.db import contents_table
from linkweir.db.aggregate_values_table import REBUILD_JOB, delete_unused
from linkweir.db.dimensions import UNIQUE_FLAGS
from linkweir.db.portable_sql import find_text, find_text_in_bytes, may_name_email
from linkweir.db.schema import (
    accounts,
    aggregate_dimensions,
    aggregate_values,
    attempts,
    click_aggregates,
    clicks,
    contents,
    events,
    frozen_aggregates,
    idempotency,
    links,
    message_links,
    message_tags,
    messages,
    outbox,
    pending_jobs,
    send_aggregates,
    stored_rows,
)
from linkweir.db.time_buckets import ALL_TIME

BATCH_ROWS: Final = 500
MAILS_PER_BATCH: Final = 20  # in memory at a time
AccountFilter = uuid.UUID | None
DESTINATION_TABLES: Final[tuple[tuple[Table, str | None], ...]] = (  # and what is left in their place
    (clicks, None),
    (message_links, None),
    (links, ""),  # whoever follows it is told that it is gone
)
TEXT_COLUMNS: Final = (
    *(messages.c.subject, messages.c.tags, messages.c.attributes, messages.c.variant),
    *(attempts.c.log, events.c.data, outbox.c.body, outbox.c.last_error),
)
AGGREGATE_TABLES: Final = (click_aggregates, frozen_aggregates, send_aggregates)


class Mention(NamedTuple):
    """A value that may name somebody, and the key of its row."""

    key: tuple[Any, ...]
    value: Any


def _contains_domain(column: ColumnElement[Any], domain: str) -> ColumnElement[bool]:
    if isinstance(column.type, LargeBinary):
        return find_text_in_bytes(column, domain) > 0
    shown = cast(column, Text) if isinstance(column.type, JSON) else column
    return find_text(func.lower(shown), domain) > 0


def find_destinations(connection: Connection, table: Table, domain: str, account: AccountFilter) -> Iterator[Mention]:
    """Destinations in one of DESTINATIONS. Short links whose message is gone belong to the account that is alone."""
    rows = stored_rows(table)
    keys = list(rows.primary_key.columns)
    indexed = may_name_email(rows.c.destination)
    statement = select(*keys, rows.c.destination, _owner_column(table))
    if table is not clicks:
        of_message = messages.c.number == links.c.number if table is links else messages.c.id == rows.c.message_id
        statement = statement.outerjoin(messages, of_message)
    is_only_account = account is None or (
        table is links and connection.scalar(select(func.count()).select_from(accounts)) == 1
    )
    for row in connection.execute(statement.where(indexed, _contains_domain(rows.c.destination, domain))):
        # the account is compared here: SQL would go by the account's index
        if account in (None, row[-1]) or (is_only_account and row[-1] is None):
            yield Mention(tuple(row[:-2]), row[-2])


def _owner_column(table: Table) -> ColumnElement[Any]:
    return stored_rows(clicks).c.account_id if table is clicks else messages.c.account_id


def clear_destinations(connection: Connection, table: Table, replacement: str | None, keys: Sequence[Any]) -> None:
    """These rows lose their destination; a click is then no longer the first one along it."""
    rows = stored_rows(table)
    new: dict[str, Any] = {"destination": replacement}
    if table is clicks:
        new["firsts"] = rows.c.firsts.op("&")(~(UNIQUE_FLAGS["link"] | UNIQUE_FLAGS["destination"]))
    for key in keys:
        here = (column == value for column, value in zip(rows.primary_key.columns, key, strict=True))
        connection.execute(update(rows).where(*here).values(new))


def find_values(connection: Connection, domain: str) -> Iterator[tuple[int, str]]:
    """Words that sums are kept by: their numbers and texts."""
    statement = select(aggregate_values.c.id, aggregate_values.c.text).where(
        may_name_email(aggregate_values.c.text), _contains_domain(aggregate_values.c.text, domain)
    )
    for row in connection.execute(statement):
        yield row[0], row[1]


def find_dimensions(connection: Connection, domain: str) -> Iterator[Row[Any]]:
    """Axes that sums are kept along: within a tag, or along an attribute."""
    mentions_domain = _contains_domain(aggregate_dimensions.c.scope, domain) | _contains_domain(
        aggregate_dimensions.c.dimension, domain
    )
    yield from connection.execute(
        select(*aggregate_dimensions.c).where(
            may_name_email(aggregate_dimensions.c.scope, aggregate_dimensions.c.dimension), mentions_domain
        )
    )


def find_aggregates(
    connection: Connection, value_ids: Sequence[int], dimension_ids: Sequence[int], account: AccountFilter
) -> dict[int, set[int]]:
    """Along which axes of the account there are sums by one of these words, or any sums at all: words by axis."""
    values_by_dimension: dict[int, set[int]] = {}
    making = connection.scalar(select(pending_jobs.c.at).where(pending_jobs.c.name == REBUILD_JOB)) is not None
    for table in (
        AGGREGATE_TABLES if making else (click_aggregates, send_aggregates)
    ):  # what is in `settled` is in `rollups` too
        ever = true() if making else table.c.hours == literal_column(str(ALL_TIME))
        for column, some in ((table.c.word, value_ids), (table.c.axis, dimension_ids)):
            for start in range(0, len(some), BATCH_ROWS):
                here = column.in_(some[start : start + BATCH_ROWS])
                keys = select(table.c.axis, table.c.word, aggregate_dimensions.c.account_id).join(
                    aggregate_dimensions, aggregate_dimensions.c.id == table.c.axis
                )
                for row in connection.execute(keys.where(here, ever)):
                    if account in (None, row.account_id):
                        values_by_dimension.setdefault(row.axis, set()).add(row.word)
    return values_by_dimension


def delete_aggregates(connection: Connection, dimension_id: int, value_ids: Sequence[int]) -> None:
    """Remove the sums by these words along an axis, and the words where nothing else is counted by them."""
    for table in AGGREGATE_TABLES:
        for start in range(0, len(value_ids), BATCH_ROWS):
            some = value_ids[start : start + BATCH_ROWS]
            connection.execute(delete(table).where(table.c.axis == dimension_id, table.c.word.in_(some)))
    delete_unused(connection, value_ids)


def delete_unreferenced(connection: Connection, value_ids: Sequence[int], dimension_ids: Sequence[int]) -> None:
    """Remove those of these words and axes that there are no sums by any more."""
    delete_unused(connection, value_ids)
    for dimension_id in dimension_ids:
        unused = [~select(table.c.axis).where(table.c.axis == dimension_id).exists() for table in AGGREGATE_TABLES]
        connection.execute(delete(aggregate_dimensions).where(aggregate_dimensions.c.id == dimension_id, *unused))


def find_idempotent_responses(connection: Connection, domain: str, account: AccountFilter) -> Iterator[Mention]:
    """Remembered replies: those to requests to send name their recipients. They are kept for a day."""
    keys = list(idempotency.primary_key.columns)
    mentions_domain = _contains_domain(idempotency.c.body, domain)
    statement = select(*keys, idempotency.c.created_at, idempotency.c.body).where(
        ~idempotency.c.sealed, mentions_domain
    )
    if account is not None:
        statement = statement.where(idempotency.c.account_id == account)
    for row in connection.execute(statement):
        yield Mention(tuple(row[:-1]), row[-1])


def update_idempotent_response(connection: Connection, key: Sequence[Any], body: bytes) -> None:
    """Replace what a remembered reply says, unless the request was begun anew."""
    columns = (*idempotency.primary_key.columns, idempotency.c.created_at)
    here = (column == value for column, value in zip(columns, key, strict=True))
    connection.execute(update(idempotency).where(*here).values(body=body))


def find_texts(connection: Connection, column: Column[Any], email: str, account: AccountFilter) -> Iterator[Mention]:
    """One of TEXTS, where it holds the address's domain; not of messages that were sent from this address."""
    table = column.table
    statement = select(table.c.id, column).where(_contains_domain(column, email.rpartition("@")[2]))
    if table is not messages:
        statement = statement.outerjoin(messages, messages.c.id == table.c.message_id)
    statement = statement.where(func.coalesce(func.lower(messages.c.sender), "") != email)
    if account is not None:
        owner = table.c.account_id if "account_id" in table.c else messages.c.account_id
        statement = statement.where(owner == account)
    for row in connection.execute(statement):
        yield Mention((row[0],), row[1])


def update_texts(connection: Connection, column: Column[Any], mentions: Sequence[Mention]) -> None:
    """Put these values in the place of what stood there; a message's list of tags also where tags are looked up."""
    for (key,), value in mentions:
        connection.execute(update(column.table).where(column.table.c.id == key).values({column: value}))
        if column is messages.c.tags:
            gone = (message_tags.c.message_id == key, message_tags.c.tag.not_in(value))
            connection.execute(delete(message_tags).where(*gone))


class StoredMail(NamedTuple):
    """A mail that is kept, with its message's id and senders."""

    id: uuid.UUID
    raw: bytes
    sender: str
    envelope_from: str


def load_mails(connection: Connection, after: uuid.UUID | None, account: AccountFilter) -> list[StoredMail]:
    """Some kept mails, in the order of their messages' ids, from `after` on: id, raw mail, sender, envelope sender."""
    columns = (messages.c.id, messages.c.sender, messages.c.envelope_from)
    # no plain column: all mails are looked at in turn, and SQL must not sort those of the account anew for each part
    owner = func.coalesce(messages.c.account_id, messages.c.account_id)
    statement = contents_table.select_mails(*columns).join(messages, contents.c.message_id == messages.c.id)
    statement = statement.where(
        true() if after is None else contents.c.message_id > after,
        true() if account is None else owner == account,
    )
    rows = connection.execute(statement.order_by(contents.c.message_id).limit(MAILS_PER_BATCH))
    return [
        StoredMail(row.id, contents_table.to_mail(row.raw, row.shared), row.sender, row.envelope_from) for row in rows
    ]
