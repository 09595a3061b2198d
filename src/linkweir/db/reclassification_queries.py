"""Statements that read and change what is derived from stored hits: those near new ones, who came first, verdicts."""

import uuid
from collections.abc import Iterator, Sequence
from typing import Any, Final

import orjson
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Result,
    RowMapping,
    Select,
    Text,
    bindparam,
    func,
    literal,
    select,
    text,
    update,
)

from linkweir.db.aggregate_columns import COUNTED_VERDICTS
from linkweir.db.bulk_statement import BulkStatement
from linkweir.db.click_texts_table import get_or_create_code_ids
from linkweir.db.portable_sql import each_item, get_greatest, item_value
from linkweir.db.schema import BinaryUuid, click_rows, clicks

MAX_HITS_PER_SPAN: Final = (
    300  # hits of one message that are looked at again: a flood on one link costs each new hit no more
)
CLICK_COLUMNS: Final = tuple(column.name for column in clicks.c if column.name != "settled")
_SELECTED: Final = tuple(clicks.c[name] for name in CLICK_COLUMNS)
MessageRef = uuid.UUID | str  # of a message: its id here, or what tokens of a message unknown here call it
MessageSpan = tuple[MessageRef, int, int]  # a message, and from when to when


def load_around(connection: Connection, spans: Sequence[MessageSpan]) -> list[RowMapping]:
    """The newest MOST hits of each span, in no order: CLICK_COLUMNS.

    Spans of one message must not overlap. Each costs at most MOST rows, however many hits the message has.
    """
    message_spans = [(name.hex, first, last) for name, first, last in spans if isinstance(name, uuid.UUID)]
    others = [span for span in spans if isinstance(span[0], str)]
    rows: list[RowMapping] = []
    for group, column in ((message_spans, clicks.c.message_id), (others, clicks.c.message_ref)):
        if group:
            rows += connection.execute(_select_around(column), {"spans": orjson.dumps(group).decode()}).mappings()
    return rows


def _select_around(column: ColumnElement[Any]) -> Select[Any]:
    span = each_item("spans")
    name = item_value(span, BinaryUuid() if column is clicks.c.message_id else Text(), 0)
    first, last = (item_value(span, BigInteger(), index) for index in (1, 2))
    neighbours = clicks.alias()
    oldest = (
        select(neighbours.c.at)
        .where(neighbours.c[column.key or ""] == name, neighbours.c.at <= last)
        .order_by(neighbours.c.at.desc())
        .limit(1)
        .offset(MAX_HITS_PER_SPAN - 1)
        .scalar_subquery()
    )
    return (
        select(*_SELECTED)
        .select_from(span.join(clicks, column == name))
        .where(clicks.c.at >= get_greatest(first, func.coalesce(oldest, 0)), clicks.c.at <= last)
    )


def load_unique(connection: Connection, messages: Sequence[MessageRef]) -> list[RowMapping]:
    """The clicks of these messages that are the first counted ones along some dimension: CLICK_COLUMNS."""
    message_ids = [name.hex for name in messages if isinstance(name, uuid.UUID)]
    others = [name for name in messages if isinstance(name, str)]
    rows: list[RowMapping] = []
    each = each_item("names")
    if message_ids:
        known = (
            select(*_SELECTED)
            .select_from(each.join(clicks, clicks.c.message_id == item_value(each, BinaryUuid())))
            .where(_IS_UNIQUE)
        )
        rows += connection.execute(known, {"names": orjson.dumps(message_ids).decode()}).mappings()
    if others:
        of_references = clicks.c.message_ref.in_(
            select(item_value(each, Text()))
        )  # a join would read all of them for each name
        unknown = select(*_SELECTED).where(clicks.c.message_id.is_(None), of_references, _IS_UNIQUE)
        rows += connection.execute(unknown, {"names": orjson.dumps(others).decode()}).mappings()
    return rows


_IS_UNIQUE = text("clicks.firsts > 0")  # a literal: an index on a condition does not serve a parameter


def iter_counted_since(connection: Connection, message: MessageRef, at: int) -> Iterator[RowMapping]:
    """The counted clicks of a message from a moment on, oldest first, one by one: CLICK_COLUMNS."""
    column = clicks.c.message_id if isinstance(message, uuid.UUID) else clicks.c.message_ref
    statement = (
        select(*_SELECTED)
        .where(
            column == literal(message, column.type),
            clicks.c.at >= at,
            clicks.c.kind == "click",
            clicks.c.verdict.in_(COUNTED_VERDICTS),
        )
        .order_by(clicks.c.at, clicks.c.id)
        .execution_options(yield_per=100)
    )
    result: Result[Any] = connection.execute(statement)
    with result as rows:
        yield from rows.mappings()


_update_click = update(click_rows).where(click_rows.c.id == bindparam("click"))
_VERDICT_COLUMNS = ("verdict", "confidence", "reasons_id", "machine_basis_points", "tell_at")
_UPDATE_VERDICT = BulkStatement(
    _update_click.values({name: bindparam(f"to_{name}", type_=click_rows.c[name].type) for name in _VERDICT_COLUMNS}),
    (*(f"to_{name}" for name in _VERDICT_COLUMNS), "click"),
    ("click",),
)
_UNIQUE_COLUMNS = ("first", "firsts")
_UPDATE_UNIQUE = BulkStatement(
    _update_click.values({name: bindparam(f"to_{name}", type_=click_rows.c[name].type) for name in _UNIQUE_COLUMNS}),
    (*(f"to_{name}" for name in _UNIQUE_COLUMNS), "click"),
    ("click",),
)


def update_verdicts(connection: Connection, rows: Sequence[tuple[str, float, str, int, int | None, uuid.UUID]]) -> None:
    """Write down changed judgements: verdict, confidence, reasons, how likely a machine's, when to tell of it, and the
    click.
    """
    codes = get_or_create_code_ids(connection, {row[2] for row in rows})
    _UPDATE_VERDICT.run(connection, [(*row[:2], codes.get(row[2]), *row[3:]) for row in rows])


def update_unique_flags(connection: Connection, rows: Sequence[tuple[bool, int, uuid.UUID]]) -> None:
    """Write down who came first: `first`, `firsts`, and the click."""
    _UPDATE_UNIQUE.run(connection, rows)
