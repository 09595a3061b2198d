"""Statements that read sums of clicks and messages: the cost follows from the answer, not from the clicks counted.

A time is put together from the largest sums that fit into it (see `spans`), so a year costs hardly more rows than a
day: one for each value and at most some dozens of times. A campaign's whole life is one row for each value.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson
from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    ScalarSelect,
    Select,
    Subquery,
    Table,
    Uuid,
    and_,
    bindparam,
    func,
    select,
)
from sqlalchemy.sql.selectable import TableValuedAlias

from linkweir.store.spans import HOUR, cover, cover_known
from linkweir.store.sums import ATTRIBUTE
from linkweir.store.tables import CLICK_COUNTS, axes, rollups, sends, words
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

    def along(self, dimension: str) -> dict[str, Any]:
        """What the statements below call the axis of this dimension, and the time."""
        axis = {"account": self.account, "scope": self.scope, "dimension": dimension}
        return {**axis, "first": self.first, "last": self.last}


def by_hour(connection: Connection, span: Span, dimension: str = "", value: str = "") -> list[Row[Any]]:
    """Clicks of each hour that had any, in order: `hour` and COUNTS; of all, or of one value of a dimension."""
    return list(connection.execute(_BY_HOUR, {**span.along(dimension), "value": value}))


def by_period(
    connection: Connection, span: Span, periods: Sequence[tuple[int, int]], dimension: str = "", value: str = ""
) -> list[Sequence[int]]:
    """Clicks of each of these periods (from hour, to before hour; in order, apart): COUNTS; of all, or of one value."""
    parts = [(*part, place) for place, period in enumerate(periods) for part in cover(*period)]
    asked = {**span.along(dimension), "value": value, "parts": _json(parts)}
    found: list[Sequence[int]] = [(0,) * len(COUNTS)] * len(periods)
    for row in connection.execute(_BY_PERIOD, asked):
        found[row[0]] = tuple(row)[1:]
    return found


def by_value(
    connection: Connection, span: Span, dimension: str, limit: int, values: Sequence[str] | None = None
) -> list[Row[Any]]:
    """Clicks of each value, most counted clicks first: `value` and COUNTS, up to `limit` rows; or only of `values`."""
    asked = {**_asked(connection, rollups, span, dimension, values), "limit": limit}
    return list(connection.execute(_BY_VALUE[values is not None], asked))


def sum_of(connection: Connection, span: Span) -> Row[Any]:
    """All clicks of a span in one row: COUNTS."""
    return connection.execute(_SUM[rollups.name], _asked(connection, rollups, span, "")).one()


def sent(connection: Connection, span: Span) -> tuple[int, int]:
    """How many messages were accepted in a span, and how many of these were delivered."""
    one = connection.execute(_SUM[sends.name], _asked(connection, sends, span, "")).one()
    return int(one[0]), int(one[1])


def sent_by_value(
    connection: Connection, span: Span, dimension: str, values: Sequence[str] | None = None
) -> dict[str, tuple[int, int]]:
    """The same for each value of a dimension, or only for some of its values."""
    asked = _asked(connection, sends, span, dimension, values)
    return {row[0]: (int(row[1]), int(row[2])) for row in connection.execute(_SENT_BY_VALUE[values is not None], asked)}


def attributes(connection: Connection, span: Span, limit: int) -> list[str]:
    """Names of the recipients' attributes that messages of a scope came with, at whatever time, up to `limit`."""
    here = (axes.c.account_id == span.account, axes.c.scope == span.scope)
    among = (axes.c.dimension >= ATTRIBUTE, axes.c.dimension < AFTER_ATTRIBUTES)
    statement = select(axes.c.dimension).where(*here, *among).order_by(axes.c.dimension).limit(limit)
    return [name.removeprefix(ATTRIBUTE) for name in connection.scalars(statement)]


def first_sent(connection: Connection, span: Span, tags: Sequence[str]) -> dict[str, int]:
    """For each of these tags that has one, the hour of its first message accepted in a span."""
    asked = {"account": span.account, "first": span.first, "values": _numbers(connection, tags)}
    found = connection.execute(_FIRST_SENT, asked)
    return {row[0]: row[1] for row in found if row[1] is not None and row[1] < span.last}


def reach(connection: Connection, table: Table, span: Span, dimension: str) -> tuple[int, int] | None:
    """The first and the last hour that has a sum along an axis, of all times; None: it has none."""
    row = connection.execute(_REACH[table.name], span.along(dimension)).one()
    return None if row[0] is None else (row[0], row[1])


def _asked(
    connection: Connection, table: Table, span: Span, dimension: str, values: Sequence[str] | None = None
) -> Mapping[str, Any]:
    """The parameters of the statements that look for sums of a span by `word`."""
    hours = reach(connection, table, span, dimension)
    parts = cover_known(span.first, span.last, *hours) if hours else []
    some = {} if values is None else {"values": _numbers(connection, values)}
    return {**span.along(dimension), "parts": _json(parts), **some}


def _numbers(connection: Connection, values: Sequence[str]) -> str:
    return _json(list(known(connection, values).values()))


def _json(value: object) -> str:
    return orjson.dumps(value).decode()


# The statements, made once: putting one together takes SQLAlchemy several times as long as SQLite takes to run it.


def _axis(scope: ColumnElement[str] | None = None) -> ScalarSelect[int]:
    mine = axes.c.account_id == bindparam("account", type_=Uuid)
    if scope is not None:
        here = (axes.c.scope == scope, axes.c.dimension == "")
    else:
        here = (axes.c.scope == bindparam("scope"), axes.c.dimension == bindparam("dimension"))
    return select(axes.c.id).where(mine, *here).scalar_subquery()


def _each(name: str) -> TableValuedAlias:
    return func.json_each(bindparam(name)).table_valued("value")


def _inside(table: Table, each: TableValuedAlias) -> ColumnElement[bool]:
    """The row is along the axis, among those of a part of time."""
    size, first, last = (func.json_extract(each.c.value, f"$[{place}]") for place in range(3))
    return and_(table.c.axis == _axis(), table.c.hours == size, table.c.hour >= first, table.c.hour < last)


def _sums(table: Table) -> list[ColumnElement[int]]:
    return [func.sum(table.c[name]).label(name) for name in (COUNTS if table is rollups else SENT)]


def _grouped(table: Table, *, some: bool = False) -> Subquery:
    """Sums of a span by `word`; of `some`: those in `values`."""
    each = _each("parts")
    statement = select(table.c.word, *_sums(table)).select_from(each.join(table, _inside(table, each)))
    if some:
        statement = statement.where(table.c.word.in_(select(_each("values").c.value)))
    return statement.group_by(table.c.word).subquery()


def _reach(table: Table) -> Select[Any]:
    here = (table.c.axis == _axis(), table.c.hours == HOUR)
    ends = (select(table.c.hour).where(*here).order_by(one).limit(1) for one in (table.c.hour, table.c.hour.desc()))
    return select(*(one.scalar_subquery() for one in ends))


def _sum(table: Table) -> Select[Any]:
    found = _grouped(table)
    names = COUNTS if table is rollups else SENT
    return select(*(func.coalesce(func.sum(found.c[name]), 0).label(name) for name in names))


def _by_value(*, some: bool) -> Select[Any]:
    found = _grouped(rollups, some=some)
    counted, total = (found.c.human + found.c.unsure).desc(), (found.c.machine + found.c.prefetch).desc()
    statement = select(words.c.text.label("value"), *(found.c[name] for name in COUNTS))
    statement = statement.join(found, found.c.word == words.c.id)
    return statement.order_by(counted, total, words.c.text).limit(bindparam("limit"))


def _sent_by_value(*, some: bool) -> Select[Any]:
    found = _grouped(sends, some=some)
    return select(words.c.text, *(found.c[name] for name in SENT)).join(found, found.c.word == words.c.id)


def _by_period() -> Select[Any]:
    each = _each("parts")
    place = func.json_extract(each.c.value, "$[3]").label("place")
    statement = select(place, *_sums(rollups)).select_from(each.join(rollups, _inside(rollups, each)))
    return statement.where(rollups.c.word == _WORD).group_by("place")


def _by_hour() -> Select[Any]:
    here = (rollups.c.axis == _axis(), rollups.c.hours == HOUR, rollups.c.word == _WORD)
    times = (rollups.c.hour >= bindparam("first"), rollups.c.hour < bindparam("last"))
    columns = (rollups.c[name] for name in COUNTS)
    return select(rollups.c.hour, *columns).where(*here, *times).order_by(rollups.c.hour)


def _first_sent() -> Select[Any]:
    axis = _axis("tag:" + words.c.text).correlate(words)  # of the outermost statement: two levels out
    here = (sends.c.axis == axis, sends.c.hours == HOUR, sends.c.hour >= bindparam("first"))
    hour = select(sends.c.hour).where(*here).order_by(sends.c.hour).limit(1).scalar_subquery()
    return select(words.c.text, hour).where(words.c.id.in_(select(_each("values").c.value)))


_WORD = select(words.c.id).where(words.c.text == bindparam("value")).scalar_subquery()
_REACH = {table.name: _reach(table) for table in (rollups, sends)}
_SUM = {table.name: _sum(table) for table in (rollups, sends)}
_BY_VALUE = {some: _by_value(some=some) for some in (False, True)}
_SENT_BY_VALUE = {some: _sent_by_value(some=some) for some in (False, True)}
_BY_PERIOD, _BY_HOUR, _FIRST_SENT = _by_period(), _by_hour(), _first_sent()
