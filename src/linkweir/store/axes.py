"""Statements on the axes that sums are kept along: one dimension within one scope of an account, under a number.

Sums repeat their keys for every hour and value. With the account, the scope and the name of the dimension written out
these keys were nine tenths of what sums took on the disk, and most of what counting cost; so they are numbers, and
their words are in two small tables: here, and in `words`.
"""

import uuid
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, ScalarSelect, Select, Table, insert, select, tuple_

from linkweir.store.tables import axes, words

Axis = tuple[uuid.UUID, str, str]  # account, scope, dimension
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
    key = tuple_(axes.c.account_id, axes.c.scope, axes.c.dimension)
    found: dict[Axis, int] = {}
    for start in range(0, len(wanted), MANY):
        here = key.in_(wanted[start : start + MANY])
        for row in connection.execute(select(*axes.c).where(here)):
            found[row.account_id, row.scope, row.dimension] = row.id
    return found


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
