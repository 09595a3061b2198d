"""Statements that add to the aggregates of clicks: by time (`click_aggregates`) and of each message's links
(`message_links`).
"""

from collections.abc import Iterable, Sequence
from operator import add
from typing import Any

import orjson
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Integer,
    Select,
    Table,
    TextClause,
    and_,
    bindparam,
    delete,
    func,
    literal,
    literal_column,
    select,
    text,
)

from linkweir.db import aggregate_dimensions_table, aggregate_values_table
from linkweir.db.aggregate_columns import EXPECTED_LINK_COUNTS, VERDICTS
from linkweir.db.aggregate_values_table import JSON_NUL
from linkweir.db.bulk_statement import BulkStatement
from linkweir.db.click_texts_table import get_or_create_text_ids, is_shared
from linkweir.db.column_lists import list_parameter
from linkweir.db.portable_sql import insert
from linkweir.db.schema import (
    CLICK_COUNTS,
    EXPECTED_COUNTS,
    aggregate_dimensions,
    aggregate_values,
    click_aggregates,
    frozen_aggregates,
    message_link_rows,
    send_aggregates,
)
from linkweir.db.time_buckets import ALL_TIME, BUCKET_SIZES, COARSE_SIZES, HOUR, bucket_start

# differences of these may exceed 32 bits; PostgreSQL adds up smaller numbers much quicker
_LARGE_COUNTS = frozenset(EXPECTED_COUNTS) - {"certain_clickers"}
KEY_COLUMNS = ("axis", "hours", "hour", "word")
MAX_SINGLE_ROWS = 64  # differences that are written as they are, without adding them up first
_LINK_KEY_COLUMNS = ["message_id", "position"]
_BucketKey = tuple[int, ...]  # axis, first hour, value


def _build_upsert(table: Table, *counts: str) -> str:
    """Return SQLite's statement that adds to one sum."""
    columns = (*KEY_COLUMNS, *counts)
    return (
        f"INSERT INTO {table.name} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})"  # noqa: S608
        f" ON CONFLICT ({', '.join(KEY_COLUMNS)}) DO UPDATE SET {_add_excluded(table, counts)}"
    )


def _add_excluded(table: Table, counts: Sequence[str]) -> str:
    return ", ".join(f"{name} = {table.name}.{name} + excluded.{name}" for name in counts)


def _build_fan_out_of_lists(table: Table, sizes: Sequence[int], *counts: str) -> TextClause:
    """Return PostgreSQL's statement for all these times at once, from lists of values, which needs no temporary table;
    rows are written in one order by all who write.
    """
    names = ("axis", "hour", "word", *counts)
    lists = ", ".join(f":{name}" for name in names)
    sums = ", ".join(f"sum({name})" for name in counts)
    each_size = ", ".join(f"({size})" for size in sizes)
    statement = text(
        f"INSERT INTO {table.name} ({', '.join((*KEY_COLUMNS, *counts))})"  # noqa: S608 - names of ours
        f" SELECT axis, size, CASE size WHEN {ALL_TIME} THEN 0 ELSE hour - hour % size END AS begin, word, {sums}"
        f" FROM unnest({lists}) AS deltas ({', '.join(names)}) CROSS JOIN (VALUES {each_size}) AS sizes (size)"
        f" GROUP BY axis, size, begin, word ORDER BY axis, size, begin, word"
        f" ON CONFLICT ({', '.join(KEY_COLUMNS)}) DO UPDATE SET {_add_excluded(table, counts)}"
    )
    large = set(counts) & _LARGE_COUNTS
    return statement.bindparams(*(list_parameter(name, BigInteger() if name in large else Integer()) for name in names))


def _build_delete_zero(table: Table, *counts: str) -> BulkStatement:
    here = [table.c[name] == bindparam(f"of_{name}") for name in KEY_COLUMNS]
    nothing = [table.c[name] == 0 for name in counts]
    return BulkStatement(delete(table).where(and_(*here, *nothing)), [f"of_{name}" for name in KEY_COLUMNS], ())


_COUNTS = {"rollups": CLICK_COUNTS, "settled": CLICK_COUNTS, "sends": ("sent", "delivered")}
_UPSERT = {
    table.name: _build_upsert(table, *_COUNTS[table.name])
    for table in (click_aggregates, frozen_aggregates, send_aggregates)
}
_FAN_OUT_OF_LISTS = {
    (table.name, sizes): _build_fan_out_of_lists(table, sizes, *_COUNTS[table.name])
    for table in (click_aggregates, frozen_aggregates, send_aggregates)
    for sizes in ((HOUR,), BUCKET_SIZES)
}
_DIMENSIONS, _VALUES = aggregate_dimensions.name, aggregate_values.name
_FIND_KEYS = (
    f"SELECT 0, item.key, {_DIMENSIONS}.id FROM json_each(?) AS item CROSS JOIN {_DIMENSIONS}"  # noqa: S608 - names of ours
    f" ON {_DIMENSIONS}.account_id = unhex(json_extract(item.value, '$[0]'))"
    f" AND {_DIMENSIONS}.scope = json_extract(item.value, '$[1]')"
    f" AND {_DIMENSIONS}.dimension = json_extract(item.value, '$[2]')"
    f" UNION ALL SELECT 1, item.key, {_VALUES}.id FROM json_each(?) AS item CROSS JOIN {_VALUES}"
    f" ON {_VALUES}.text = item.value"
)
_ZERO_DELETES = {
    "rollups": _build_delete_zero(click_aggregates, *CLICK_COUNTS),
    "sends": _build_delete_zero(send_aggregates, "sent", "delivered"),
}
_LINK_COUNT_COLUMNS = (*VERDICTS, *EXPECTED_LINK_COUNTS)
_LINK_COLUMNS = ("message_id", "position", "destination", "destination_id", *_LINK_COUNT_COLUMNS, "first_at")
_INSERT_LINK = insert(message_link_rows)
_LINK_COUNTS = {name: message_link_rows.c[name] + _INSERT_LINK.excluded[name] for name in _LINK_COUNT_COLUMNS}
_LINK_COUNTS_WITH_FIRST = {**_LINK_COUNTS, "first_at": _INSERT_LINK.excluded.first_at}
_UPSERT_LINK, _UPSERT_LINK_WITH_FIRST = (
    BulkStatement(
        _INSERT_LINK.on_conflict_do_update(index_elements=_LINK_KEY_COLUMNS, set_=sums), _LINK_COLUMNS, ("message_id",)
    )
    for sums in (_LINK_COUNTS, _LINK_COUNTS_WITH_FIRST)
)


def add_deltas(
    connection: Connection,
    rows: Sequence[tuple[Any, ...]],
    table: Table = click_aggregates,
    *,
    hours_only: bool = False,
) -> None:
    """Add differences, which may be negative: account, scope, dimension, value and hour, then the table's counts.

    `hours_only`: longer times are left to the caller, as they are in `settled`, which has none.
    """
    if not rows:
        return
    encoded = _encode_few_rows(connection, rows) or _encode_rows(connection, rows)[0]
    sizes = (HOUR,) if hours_only or table is frozen_aggregates else BUCKET_SIZES
    if connection.dialect.name == "postgresql":
        lists = dict(zip(("axis", "hour", "word", *_COUNTS[table.name]), zip(*encoded, strict=True), strict=True))
        connection.execute(_FAN_OUT_OF_LISTS[table.name, sizes], lists)
        return
    if len(encoded) <= MAX_SINGLE_ROWS:
        rows_of_sizes = [(row[0], size, bucket_start(row[1], size), *row[2:]) for size in sizes for row in encoded]
        connection.exec_driver_sql(_UPSERT[table.name], rows_of_sizes)
        return
    sums = {row[:3]: row[3:] for row in encoded}
    if len(sums) < len(encoded):
        sums = _sum_by_bucket(((row[:3], row[3:]) for row in encoded), HOUR)
    for size in sizes:
        if size != HOUR:
            sums = _sum_by_bucket(sums.items(), size)  # of the next smaller ones, which are many fewer than the rows
        connection.exec_driver_sql(
            _UPSERT[table.name],
            [(axis, size, hour, value_id, *counts) for (axis, hour, value_id), counts in sorted(sums.items())],
        )


def _sum_by_bucket(sums: Iterable[tuple[_BucketKey, tuple[int, ...]]], size: int) -> dict[_BucketKey, tuple[int, ...]]:
    """Add up the counts of sums that fall into the same sum over `size` hours."""
    result: dict[_BucketKey, tuple[int, ...]] = {}
    for (axis, hour, value_id), counts in sums:
        key = axis, bucket_start(hour, size), value_id
        known = result.get(key)
        result[key] = counts if known is None else tuple(map(add, known, counts))
    return result


def delete_zero_rows(connection: Connection, rows: Sequence[tuple[Any, ...]], table: Table = click_aggregates) -> None:
    """Delete those of these aggregates that are zero, and their values where nothing else uses them. Rows are as for
    `add`; their counts do not matter.
    """
    if not rows:
        return
    encoded, value_ids = _encode_rows(connection, rows)
    keys = [(row[0], size, bucket_start(row[1], size), row[2]) for size in BUCKET_SIZES for row in encoded]
    _ZERO_DELETES[table.name].run(connection, keys)
    aggregate_values_table.delete_unused(connection, value_ids)


def _encode_rows(connection: Connection, rows: Sequence[tuple[Any, ...]]) -> tuple[list[tuple[int, ...]], set[int]]:
    """Return the rows by the numbers of their keys: axis, hour, word, counts; and the numbers of their values."""
    value_ids = aggregate_values_table.get_or_create_ids(connection, {row[3] for row in rows})
    axis = _dimension_ids(connection, rows)
    encoded = [(axis[row[0].int, row[1], row[2]], row[4], value_ids[row[3]], *row[5:]) for row in rows]
    return encoded, set(value_ids.values())


def _encode_few_rows(connection: Connection, rows: Sequence[tuple[Any, ...]]) -> list[tuple[int, ...]] | None:
    """The rows by the numbers of their keys, found by one statement; None where they are many, where a key has no
    number yet, and where SQLite's JSON would end a text at U+0000.
    """
    if len(rows) > MAX_SINGLE_ROWS or connection.dialect.name == "postgresql":
        return None
    axes: dict[tuple[int, str, str], int] = {}  # with their index in the list that is looked up
    values: dict[str, int] = {}
    for row in rows:
        axes.setdefault((row[0].int, row[1], row[2]), len(axes))
        values.setdefault(row[3], len(values))
    keys_of_both = [[(f"{account:032x}", scope, dimension) for account, scope, dimension in axes], list(values)]
    key_lists = [orjson.dumps(keys).decode() for keys in keys_of_both]
    if any(JSON_NUL in text for text in key_lists):
        return None
    axis_ids, value_ids = [0] * len(axes), [0] * len(values)
    for is_value, index, number in connection.exec_driver_sql(_FIND_KEYS, tuple(key_lists)):
        (value_ids if is_value else axis_ids)[index] = number
    if 0 in axis_ids or 0 in value_ids:  # the numbers begin with 1
        return None
    return [(axis_ids[axes[row[0].int, row[1], row[2]]], row[4], value_ids[values[row[3]]], *row[5:]) for row in rows]


def _dimension_ids(connection: Connection, rows: Sequence[tuple[Any, ...]]) -> dict[tuple[int, str, str], int]:
    known = {(row[0].int, row[1], row[2]): row[:3] for row in rows}  # a UUID's own hash is slow
    ids = aggregate_dimensions_table.get_or_create_ids(connection, known.values())
    return {key: ids[axis] for key, axis in known.items()}


def add_from_select(connection: Connection, rows: Select[Any]) -> None:
    """Add what a SELECT with a WHERE finds, all columns in their order, to `rollups` as it is."""
    statement = insert(click_aggregates).from_select([*KEY_COLUMNS, *CLICK_COUNTS], rows)
    more = {name: click_aggregates.c[name] + statement.excluded[name] for name in CLICK_COUNTS}
    connection.execute(statement.on_conflict_do_update(index_elements=KEY_COLUMNS, set_=more))


def rebuild_coarse(connection: Connection, dimension_id: int) -> int:
    """Rebuild the aggregates over longer times of one key from the hourly ones. Return how many there are."""
    done = 0
    connection.execute(
        delete(click_aggregates).where(click_aggregates.c.axis == dimension_id, click_aggregates.c.hours != HOUR)
    )
    for size, of in COARSE_SIZES:
        length: ColumnElement[int] = literal_column(str(size))
        begin: ColumnElement[int] = (
            click_aggregates.c.hour - click_aggregates.c.hour % length if size else click_aggregates.c.hour * 0
        )
        sums = [func.sum(click_aggregates.c[name]) for name in CLICK_COUNTS]
        rows = (
            select(literal(dimension_id), literal(size), begin, click_aggregates.c.word, *sums)
            .where(click_aggregates.c.axis == dimension_id, click_aggregates.c.hours == of)
            .group_by(begin, click_aggregates.c.word)
        )
        coarser = insert(click_aggregates).from_select([*KEY_COLUMNS, *CLICK_COUNTS], rows)
        done += connection.execute(coarser, execution_options={"preserve_rowcount": True}).rowcount
    return done


def add_link_deltas(connection: Connection, rows: Sequence[tuple[Any, ...]], *, set_first_at: bool) -> None:
    """Add differences to the counts of messages' links: the columns of `message_links`. `set_first_at`: `first_at` is
    known.
    """
    texts = get_or_create_text_ids(connection, {row[2] for row in rows if is_shared(row[2])})
    stored = [
        (*row[:2], None, texts[row[2]], *row[3:]) if is_shared(row[2]) else (*row[:3], None, *row[3:]) for row in rows
    ]
    (_UPSERT_LINK_WITH_FIRST if set_first_at else _UPSERT_LINK).run(connection, stored)
