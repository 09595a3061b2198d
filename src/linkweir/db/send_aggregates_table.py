"""Statements that count messages by the time they were accepted, as clicks are counted: rates need both."""

import uuid
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, insert, select

from linkweir.clock import HOUR_US
from linkweir.db import click_aggregates_table
from linkweir.db.dimensions import MESSAGE_COLUMN_NAMES, iter_message_values
from linkweir.db.frozen_aggregates_table import matches_dimension
from linkweir.db.schema import message_tags, messages, send_aggregates

BATCH_ROWS = 500
AggregateKey = tuple[uuid.UUID, str, str, str, int]
MESSAGE_COLUMNS = ("account_id", "created_at", "tags", "attributes", *MESSAGE_COLUMN_NAMES)

_LIST_COUNTED = select(*(messages.c[name] for name in (*MESSAGE_COLUMNS, "sandbox_result"))).where(
    messages.c.id.in_(bindparam("ids", expanding=True)), messages.c.sandbox_result.is_(None)
)  # made once: it runs for each batch of delivered mails


def count_accepted(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Count these rows of `messages` as sent, and note their tags. What goes into a sandbox counts nowhere."""
    tagged = [
        {"account_id": row["account_id"], "tag": tag, "created_at": row["created_at"], "message_id": row["id"]}
        for row in rows
        for tag in dict.fromkeys(row["tags"])
    ]
    if tagged:
        connection.execute(insert(message_tags), tagged)
    _add_counts(connection, [row for row in rows if row["sandbox_result"] is None], "sent")


def count_delivered(connection: Connection, ids: Sequence[uuid.UUID]) -> None:
    """Count messages as delivered, in the hour they were accepted in: a rate compares the same messages."""
    rows = connection.execute(_LIST_COUNTED, {"ids": list(ids)}).mappings()
    _add_counts(connection, [dict(row) for row in rows], "delivered")


def subtract(connection: Connection, ids: Sequence[uuid.UUID], dimensions: Sequence[str]) -> None:
    """Messages that go no longer count along dimensions that may single out a person (one that ends with a colon: all
    that begin so); the other sums stay.
    """
    columns = [messages.c[name] for name in (*MESSAGE_COLUMNS, "sandbox_result", "delivered_at")]
    for start in range(0, len(ids), BATCH_ROWS):
        some = select(*columns).where(
            messages.c.id.in_(ids[start : start + BATCH_ROWS]), messages.c.sandbox_result.is_(None)
        )
        rows = [dict(row) for row in connection.execute(some).mappings()]
        for column, counted in (
            ("sent", rows),
            ("delivered", [row for row in rows if row["delivered_at"] is not None]),
        ):
            _add_counts(connection, counted, column, factor=-1, dimensions=dimensions)
        gone = {key for row in rows for key in iter_aggregate_keys(row) if matches_dimension(key[2], dimensions)}
        click_aggregates_table.delete_zero_rows(connection, list(gone), send_aggregates)


def _add_counts(
    connection: Connection,
    rows: Sequence[Mapping[str, Any]],
    column: str,
    *,
    factor: int = 1,
    dimensions: Sequence[str] | None = None,
) -> None:
    counts = Counter[AggregateKey]()
    for row, number in _group_alike(rows):
        for key in iter_aggregate_keys(row):
            if dimensions is None or matches_dimension(key[2], dimensions):
                counts[key] += number
    numbers = ((count, 0) if column == "sent" else (0, count) for count in counts.values())
    changes = [
        (*key, factor * sent, factor * delivered) for key, (sent, delivered) in zip(counts, numbers, strict=True)
    ]
    click_aggregates_table.add_deltas(connection, changes, send_aggregates)


def _group_alike(rows: Sequence[Mapping[str, Any]]) -> Iterable[tuple[Mapping[str, Any], int]]:
    """Rows that count under the same keys once, and how many there are: the messages of a submission mostly do."""
    groups: dict[tuple[Any, ...], tuple[Mapping[str, Any], int]] = {}
    for row in rows:
        columns = [row[name] for name in MESSAGE_COLUMN_NAMES]
        attributes = tuple((row["attributes"] or {}).items())
        hour = row["created_at"] // HOUR_US
        alike = (row["account_id"].int, row["sender_domain"], hour, *columns, *row["tags"], None, *attributes)
        first, number = groups.get(alike, (row, 0))
        groups[alike] = first, number + 1
    return groups.values()


def iter_aggregate_keys(row: Mapping[str, Any]) -> Iterator[AggregateKey]:
    """Under which keys a message counts: every scope with every dimension, each once."""
    tags = list(dict.fromkeys(row["tags"]))
    scopes = ["", f"sender:{row['sender_domain']}", *(f"tag:{tag}" for tag in tags)]
    values = [("", ""), *iter_message_values(row)]
    for scope in scopes:
        for dimension, value in values:
            yield row["account_id"], scope, dimension, value, row["created_at"] // HOUR_US
