"""Statements on the keys of aggregates: account, scope and dimension under one number.

Aggregates repeat their key for every hour and value. Written out, these keys took nine tenths of the space of
aggregates on disk and most of the time of counting; so they are numbers, and their texts are in two small tables: this
one, and `aggregate_values`.
"""

import uuid
from collections.abc import Iterable, Sequence
from typing import Any

import orjson
from sqlalchemy import Connection, ScalarSelect, Select, Text, and_, select, tuple_

from linkweir.db.portable_sql import each_item, insert, item_value
from linkweir.db.schema import BinaryUuid, aggregate_dimensions

DimensionKey = tuple[uuid.UUID, str, str]  # account, scope, dimension
JSON_NUL = "\\u0000"  # as JSON has it
BATCH_ROWS = 300  # SQLite takes at most 999 parameters in old builds


def get_or_create_ids(connection: Connection, keys: Iterable[DimensionKey]) -> dict[DimensionKey, int]:
    """The numbers of these axes; those that are new get one."""
    unique_keys = list(set(keys))
    ids = _find_ids(connection, unique_keys)
    missing = [axis for axis in unique_keys if axis not in ids]
    if missing:
        names = ("account_id", "scope", "dimension")
        new = insert(aggregate_dimensions).on_conflict_do_nothing()
        connection.execute(new, [dict(zip(names, axis, strict=True)) for axis in sorted(missing)])
        ids |= _find_ids(connection, missing)
    return ids


def _find_ids(connection: Connection, keys: Sequence[DimensionKey]) -> dict[DimensionKey, int]:
    by_hex = {account.hex: account for account, _, _ in keys}
    keys_json = orjson.dumps([(account.hex, scope, dimension) for account, scope, dimension in keys]).decode()
    if JSON_NUL in keys_json:
        return _find_ids_with_nul(connection, keys)
    rows = connection.execute(_FIND, {"asked": keys_json})
    return {(by_hex[account], scope, dimension): key for account, scope, dimension, key in rows}


def _find_ids_with_nul(connection: Connection, keys: Sequence[DimensionKey]) -> dict[DimensionKey, int]:
    """The same, slower, where SQLite's JSON would end a text at U+0000."""
    key = tuple_(aggregate_dimensions.c.account_id, aggregate_dimensions.c.scope, aggregate_dimensions.c.dimension)
    ids: dict[DimensionKey, int] = {}
    for start in range(0, len(keys), BATCH_ROWS):
        here = key.in_(keys[start : start + BATCH_ROWS])
        for row in connection.execute(select(*aggregate_dimensions.c).where(here)):
            ids[row.account_id, row.scope, row.dimension] = row.id
    return ids


def _build_find() -> Select[Any]:
    each = each_item("asked")
    here = (
        aggregate_dimensions.c.account_id == item_value(each, BinaryUuid(), 0),
        aggregate_dimensions.c.scope == item_value(each, Text(), 1),
        aggregate_dimensions.c.dimension == item_value(each, Text(), 2),
    )
    columns = (aggregate_dimensions.c[name] for name in ("scope", "dimension", "id"))
    return select(item_value(each, Text(), 0), *columns).select_from(each.join(aggregate_dimensions, and_(*here)))


_FIND = _build_find()  # made once: SQLAlchemy would take longer to put it together than SQLite takes to run it


def id_subquery(account: uuid.UUID, scope: str, dimension: str) -> ScalarSelect[int]:
    """The number of one axis, inside a statement; NULL when there is none."""
    here = (
        aggregate_dimensions.c.account_id == account,
        aggregate_dimensions.c.scope == scope,
        aggregate_dimensions.c.dimension == dimension,
    )
    return select(aggregate_dimensions.c.id).where(*here).scalar_subquery()
