"""Statements on the axes that sums are kept along: one dimension within one scope of an account, under a number.

Sums repeat their keys for every hour and value. With the account, the scope and the name of the dimension written out
these keys were nine tenths of what sums took on the disk, and most of what counting cost; so they are numbers, and
their words are in two small tables: here, and in `words`.
"""

import uuid
from collections.abc import Iterable, Sequence
from typing import Any

import orjson
from sqlalchemy import Connection, ScalarSelect, Select, Table, and_, bindparam, func, insert, select, tuple_

from linkweir.store.tables import axes, words

Axis = tuple[uuid.UUID, str, str]  # account, scope, dimension
NUL = "\\u0000"  # as JSON has it
MANY = 300  # SQLite takes at most 999 parameters in old builds


def numbers(connection: Connection, wanted: Iterable[Axis]) -> dict[Axis, int]:
    """The numbers of these axes; those that are new get one."""
    asked = list(set(wanted))
    found = _known(connection, asked)
    missing = [axis for axis in asked if axis not in found]
    if missing:
        names = ("account_id", "scope", "dimension")
        connection.execute(insert(axes), [dict(zip(names, axis, strict=True)) for axis in missing])
        found |= _known(connection, missing)
    return found


def _known(connection: Connection, wanted: Sequence[Axis]) -> dict[Axis, int]:
    by_hex = {account.hex: account for account, _, _ in wanted}
    asked = orjson.dumps([(account.hex, scope, dimension) for account, scope, dimension in wanted]).decode()
    if NUL in asked:
        return _known_oddly(connection, wanted)
    found = connection.execute(_FIND, {"asked": asked})
    return {(by_hex[account], scope, dimension): key for account, scope, dimension, key in found}


def _known_oddly(connection: Connection, wanted: Sequence[Axis]) -> dict[Axis, int]:
    """The same, slower, where SQLite's JSON would end a text at U+0000."""
    key = tuple_(axes.c.account_id, axes.c.scope, axes.c.dimension)
    found: dict[Axis, int] = {}
    for start in range(0, len(wanted), MANY):
        here = key.in_(wanted[start : start + MANY])
        for row in connection.execute(select(*axes.c).where(here)):
            found[row.account_id, row.scope, row.dimension] = row.id
    return found


def _find() -> Select[Any]:
    each = func.json_each(bindparam("asked")).table_valued("value")
    account, scope, dimension = (func.json_extract(each.c.value, f"$[{place}]") for place in range(3))
    here = (axes.c.account_id == account, axes.c.scope == scope, axes.c.dimension == dimension)
    return select(account, axes.c.scope, axes.c.dimension, axes.c.id).select_from(each.join(axes, and_(*here)))


_FIND = _find()  # made once: SQLAlchemy would take longer to put it together than SQLite takes to run it


def number(account: uuid.UUID, scope: str, dimension: str) -> ScalarSelect[int]:
    """The number of one axis, inside a statement; NULL when there is none."""
    here = (axes.c.account_id == account, axes.c.scope == scope, axes.c.dimension == dimension)
    return select(axes.c.id).where(*here).scalar_subquery()


def named(table: Table) -> Select[Any]:
    """The rows of `rollups`, `settled` or `sends` with their words: `account_id`, `scope`, `dimension`, `value`, and
    all of the table's columns.
    """
    keys = (axes.c.account_id, axes.c.scope, axes.c.dimension, words.c.text.label("value"))
    whole = table.join(axes, axes.c.id == table.c.axis).join(words, words.c.id == table.c.word)
    return select(*keys, *table.c).select_from(whole)
