"""Statements that read sums of clicks and messages: the cost follows from the answer, not from the clicks counted.

A time is put together from the largest sums that fit into it (see `spans`), so a year costs hardly more rows than a
day: one for each value and at most some dozens of times. A campaign's whole life is one row for each value.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson
from sqlalchemy import ColumnElement, Connection, FromClause, Row, ScalarSelect, Select, Table, and_, func, select
from sqlalchemy.sql.selectable import TableValuedAlias

from linkweir.store import axes
from linkweir.store.spans import HOUR, cover, cover_known
from linkweir.store.sums import ATTRIBUTE
from linkweir.store.tables import CLICK_COUNTS, rollups, sends, words
from linkweir.store.tables import axes as axes_table
from linkweir.store.words import known

COUNTS: Final = CLICK_COUNTS
SENT: Final = ("sent", "delivered")
AFTER_ATTRIBUTES: Final = ATTRIBUTE[:-1] + ";"  # the first text behind all that begin with ATTRIBUTE


@dataclass(frozen=True, slots=True)
class Span:
    """Whose sums, in which scope ("" the account, `tag:…`, `sender:…`), from hour `first` to before hour `last`."""

    account: uuid.UUID
    scope: str
    first: int
    last: int

    def axis(self, dimension: str) -> ScalarSelect[int]:
        """The number of an axis, inside a statement."""
        return axes.number(self.account, self.scope, dimension)


def by_hour(connection: Connection, span: Span, dimension: str = "", value: str = "") -> list[Row[Any]]:
    """Clicks of each hour that had any, in order: `hour` and COUNTS; of all, or of one value of a dimension."""
    columns = (rollups.c[name] for name in COUNTS)
    here = (rollups.c.axis == span.axis(dimension), rollups.c.hours == HOUR, rollups.c.word == _word(value))
    times = (rollups.c.hour >= span.first, rollups.c.hour < span.last)
    return list(connection.execute(select(rollups.c.hour, *columns).where(*here, *times).order_by(rollups.c.hour)))


def by_period(
    connection: Connection, span: Span, periods: Sequence[tuple[int, int]], dimension: str = "", value: str = ""
) -> list[Sequence[int]]:
    """Clicks of each of these periods (from hour, to before hour; in order, apart): COUNTS; of all, or of one value."""
    parts = [(*part, place) for place, period in enumerate(periods) for part in cover(*period)]
    each = _each(parts)
    place = func.json_extract(each.c.value, "$[3]")
    whole = each.join(rollups, and_(rollups.c.axis == span.axis(dimension), *_inside(rollups, each)))
    statement = select(place, *_sums(rollups)).select_from(whole).where(rollups.c.word == _word(value))
    found: list[Sequence[int]] = [(0,) * len(COUNTS)] * len(periods)
    for row in connection.execute(statement.group_by(place)):
        found[row[0]] = tuple(row)[1:]
    return found


def by_value(
    connection: Connection, span: Span, dimension: str, limit: int, values: Sequence[str] | None = None
) -> list[Row[Any]]:
    """Clicks of each value, most counted clicks first: `value` and COUNTS, up to `limit` rows; or only of `values`."""
    some = _grouped(connection, rollups, span, dimension, values)
    columns = [some.c[name] for name in COUNTS]
    counted, total = (some.c.human + some.c.unsure).desc(), (some.c.machine + some.c.prefetch).desc()
    statement = select(words.c.text.label("value"), *columns).join(some, some.c.word == words.c.id)
    return list(connection.execute(statement.order_by(counted, total, words.c.text).limit(limit)))


def sum_of(connection: Connection, span: Span) -> Row[Any]:
    """All clicks of a span in one row: COUNTS."""
    some = _grouped(connection, rollups, span, "")
    columns = [func.coalesce(func.sum(some.c[name]), 0).label(name) for name in COUNTS]
    return connection.execute(select(*columns)).one()


def sent(connection: Connection, span: Span) -> tuple[int, int]:
    """How many messages were accepted in a span, and how many of these were delivered."""
    some = _grouped(connection, sends, span, "")
    one = connection.execute(select(*(func.coalesce(func.sum(some.c[name]), 0) for name in SENT))).one()
    return int(one[0]), int(one[1])


def sent_by_value(
    connection: Connection, span: Span, dimension: str, values: Sequence[str] | None = None
) -> dict[str, tuple[int, int]]:
    """The same for each value of a dimension, or only for some of its values."""
    some = _grouped(connection, sends, span, dimension, values)
    statement = select(words.c.text, *(some.c[name] for name in SENT)).join(some, some.c.word == words.c.id)
    return {row[0]: (int(row[1]), int(row[2])) for row in connection.execute(statement)}


def attributes(connection: Connection, span: Span, limit: int) -> list[str]:
    """Names of the recipients' attributes that messages of a scope came with, at whatever time, up to `limit`."""
    here = (axes_table.c.account_id == span.account, axes_table.c.scope == span.scope)
    among = (axes_table.c.dimension >= ATTRIBUTE, axes_table.c.dimension < AFTER_ATTRIBUTES)
    statement = select(axes_table.c.dimension).where(*here, *among).order_by(axes_table.c.dimension).limit(limit)
    return [name.removeprefix(ATTRIBUTE) for name in connection.scalars(statement)]


def first_sent(connection: Connection, span: Span, tags: Sequence[str]) -> dict[str, int]:
    """For each of these tags that has one, the hour of its first message accepted in a span."""
    mine = (axes_table.c.account_id == span.account, axes_table.c.scope == "tag:" + words.c.text)
    axis = select(axes_table.c.id).where(*mine, axes_table.c.dimension == "").scalar_subquery()
    here = (sends.c.axis == axis, sends.c.hours == HOUR, sends.c.hour >= span.first)
    hour = select(sends.c.hour).where(*here).order_by(sends.c.hour).limit(1).scalar_subquery()
    found = connection.execute(select(words.c.text, hour).where(words.c.id.in_(_numbers(connection, tags))))
    return {row[0]: row[1] for row in found if row[1] is not None and row[1] < span.last}


def reach(connection: Connection, table: Table, span: Span, dimension: str) -> tuple[int, int] | None:
    """The first and the last hour that has a sum along an axis, of all times; None: it has none."""
    axis = span.axis(dimension)
    hours = [
        select(table.c.hour).where(table.c.axis == axis, table.c.hours == HOUR).order_by(order).limit(1)
        for order in (table.c.hour, table.c.hour.desc())
    ]
    row = connection.execute(select(*(one.scalar_subquery() for one in hours))).one()
    return None if row[0] is None else (row[0], row[1])


def _grouped(
    connection: Connection, table: Table, span: Span, dimension: str, values: Sequence[str] | None = None
) -> FromClause:
    """Sums of a span by `word`."""
    hours = reach(connection, table, span, dimension)
    each = _each(cover_known(span.first, span.last, *hours) if hours else [])
    whole = each.join(table, and_(table.c.axis == span.axis(dimension), *_inside(table, each)))
    statement = select(table.c.word, *_sums(table)).select_from(whole).group_by(table.c.word)
    if values is not None:
        statement = statement.where(table.c.word.in_(_numbers(connection, values)))
    return statement.subquery()


def _numbers(connection: Connection, values: Sequence[str]) -> Select[tuple[int]]:
    return select(_each(list(known(connection, values).values())).c.value)


def _each(parts: Sequence[object]) -> TableValuedAlias:
    return func.json_each(orjson.dumps(parts).decode()).table_valued("value")


def _inside(table: Table, each: TableValuedAlias) -> list[ColumnElement[bool]]:
    """The row is among those of a part of time."""
    size, first, last = (func.json_extract(each.c.value, f"$[{place}]") for place in range(3))
    return [table.c.hours == size, table.c.hour >= first, table.c.hour < last]


def _sums(table: Table) -> list[ColumnElement[int]]:
    return [func.sum(table.c[name]).label(name) for name in (COUNTS if table is rollups else SENT)]


def _word(value: str) -> ScalarSelect[int]:
    return select(words.c.id).where(words.c.text == value).scalar_subquery()
