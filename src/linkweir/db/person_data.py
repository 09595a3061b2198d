"""Statements on all data of one person: the messages to them, and every row that belongs to these.

OF_MESSAGE and OF_NUMBER name the tables; a test holds them against the schema, so that no later one is forgotten.
"""

import hashlib
import uuid
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Connection, RowMapping, Table, delete, select

from linkweir.db import contents_table, erased_clicks_table
from linkweir.db import send_aggregates_table as counts
from linkweir.db.frozen_aggregates_table import ERASED_DIMENSIONS as TAKEN_BACK
from linkweir.db.frozen_aggregates_table import freeze
from linkweir.db.portable_sql import insert
from linkweir.db.schema import (
    attempts,
    clicks,
    contents,
    corrected_messages,
    corrections,
    erased_messages,
    events,
    links,
    message_links,
    message_tags,
    messages,
    outbox,
    pending_jobs,
    queue,
    stored_rows,
    verdict_waits,
)

TABLES_BY_MESSAGE: Final[tuple[Table, ...]] = (
    *(contents, queue, attempts, events, outbox, clicks, verdict_waits, message_links, message_tags),
)
TABLES_BY_NUMBER: Final[tuple[Table, ...]] = (links, corrections, corrected_messages)
BATCH_ROWS: Final = 500


def list_messages_to(connection: Connection, email: str, account: uuid.UUID | None) -> list[RowMapping]:
    """The messages to an address in any letter case, oldest first: of one account, or of all."""
    statement = select(messages).where(messages.c.person == email.lower())
    if account is not None:
        statement = statement.where(messages.c.account_id == account)
    return list(connection.execute(statement.order_by(messages.c.created_at, messages.c.id)).mappings())


def list_rows_of_message(connection: Connection, message: Mapping[Any, Any]) -> dict[str, list[Mapping[Any, Any]]]:
    """List every row that belongs to a message, by table."""
    rows: dict[str, list[Mapping[Any, Any]]] = {
        str(table.name): list(connection.execute(select(table).where(table.c.message_id == message["id"])).mappings())
        for table in TABLES_BY_MESSAGE
        if table is not contents
    }
    rows["contents"] = contents_table.list_rows(connection, message["id"])
    for table in TABLES_BY_NUMBER:
        statement = select(table).where(table.c.number == message["number"])
        rows[str(table.name)] = list(connection.execute(statement).mappings())
    return rows


def erase(connection: Connection, messages_to_erase: Sequence[Mapping[Any, Any]], now: int) -> dict[str, int]:
    """Delete these messages and every row of theirs; their short links are remembered as erased. Return the deleted
    rows by table.

    Aggregates stay, except along dimensions that may single out a person: there these messages no longer count.
    """
    ids, numbers = [row["id"] for row in messages_to_erase], [row["number"] for row in messages_to_erase]
    removed = {"contents": contents_table.delete_mails(connection, ids)}
    freeze(connection, ids, TAKEN_BACK)
    counts.subtract(connection, ids, TAKEN_BACK)
    for some in _batches(ids):
        erased_clicks_table.add_clicks_of_messages(connection, some, now)
    for table, column, values in (
        *((table, "message_id", ids) for table in TABLES_BY_MESSAGE if table is not contents),
        *((table, "number", numbers) for table in TABLES_BY_NUMBER),
        (messages, "id", ids),
    ):
        rows = stored_rows(table)
        removed[str(table.name)] = sum(
            connection.execute(delete(rows).where(rows.c[column].in_(some))).rowcount for some in _batches(values)
        )
    if numbers:
        marks = [{"number": number, "at": now} for number in numbers]
        connection.execute(insert(erased_messages).on_conflict_do_nothing(), marks)
    return removed


def list_erased_numbers(connection: Connection, since: int) -> list[int]:
    """The numbers of messages that were erased since a time (microseconds since 1970)."""
    return list(connection.scalars(select(erased_messages.c.number).where(erased_messages.c.at >= since)))


def has_data(connection: Connection, email: str, account: uuid.UUID | None) -> bool:
    """Whether there is a message to this address, or an unfinished erasure of it."""
    statement = select(messages.c.id).where(messages.c.person == email.lower())
    if account is not None:
        statement = statement.where(messages.c.account_id == account)
    begun = select(pending_jobs.c.at).where(pending_jobs.c.name == _job_name(email, account))
    return connection.scalar(statement.limit(1)) is not None or connection.scalar(begun) is not None


def mark_erasure_started(connection: Connection, email: str, account: uuid.UUID | None, now: int) -> None:
    """Mark that a person is being erased: what is interrupted can be finished, though their messages are gone then."""
    connection.execute(insert(pending_jobs).values(name=_job_name(email, account), at=now).on_conflict_do_nothing())


def mark_erasure_done(connection: Connection, email: str, account: uuid.UUID | None) -> None:
    """Everything is done."""
    connection.execute(delete(pending_jobs).where(pending_jobs.c.name == _job_name(email, account)))


def _job_name(email: str, account: uuid.UUID | None) -> str:
    """Return a name that reveals nothing of the address."""
    return "erase " + hashlib.sha256(f"{account} {email.lower()}".encode()).hexdigest()[:10]


def list_client_ips(connection: Connection, ids: Sequence[uuid.UUID]) -> set[str]:
    """From which IP addresses these messages' links were followed."""
    ips: set[str] = set()
    for some in _batches(ids):
        ips.update(connection.scalars(select(clicks.c.ip).where(clicks.c.message_id.in_(some), clicks.c.ip != "")))
    return ips


def _batches(items: Sequence[Any]) -> Iterator[Sequence[Any]]:
    return (items[start : start + BATCH_ROWS] for start in range(0, len(items), BATCH_ROWS))
