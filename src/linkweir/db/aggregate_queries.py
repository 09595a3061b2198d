"""Statements that read aggregates of clicks and messages. Their cost follows from the answer, not from the clicks
counted.

A time span is covered by the largest buckets that fit into it (see `time_buckets`), so a year costs hardly more rows
than a day: one for each value and some dozens of buckets. A campaign's whole life is one row for each value.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson
from sqlalchemy import (
    ColumnElement,
    Connection,
    Integer,
    Row,
    ScalarSelect,
    Select,
    Subquery,
    Table,
    Text,
    and_,
    bindparam,
    func,
    select,
)
from sqlalchemy.sql.selectable import TableValuedAlias

from linkweir.db.aggregate_values_table import find_ids
from linkweir.db.dimensions import ATTRIBUTE_PREFIX
from linkweir.db.portable_sql import each_item, is_same_text, item_value
from linkweir.db.schema import (
    CLICK_COUNTS,
    BinaryUuid,
    aggregate_dimensions,
    aggregate_values,
    click_aggregates,
    send_aggregates,
)
from linkweir.db.time_buckets import HOUR, cover_hours, cover_hours_within

COUNT_COLUMNS: Final = CLICK_COUNTS
SEND_COLUMNS: Final = ("sent", "delivered")
ATTRIBUTE_PREFIX_END: Final = ATTRIBUTE_PREFIX[:-1] + ";"  # the first text behind all that begin with ATTRIBUTE


@dataclass(frozen=True, slots=True)
class AggregateRange:
    """Account, scope ("" for the account, `tag:…`, `sender:…`) and time of aggregates: from hour `first` to before hour
    `last`.
    """

    account: uuid.UUID
    scope: str
    first: int
    last: int

    def to_params(self, dimension: str) -> dict[str, Any]:
        """Return the parameters of the statements for this dimension and the time."""
        axis = {"account": self.account, "scope": self.scope, "dimension": dimension}
        return {**axis, "first": self.first, "last": self.last}


def sum_by_hour(connection: Connection, span: AggregateRange, dimension: str = "", value: str = "") -> list[Row[Any]]:
    """Clicks of each hour that had any, in order: `hour` and COUNTS; of all, or of one value of a dimension."""
    return list(connection.execute(_BY_HOUR, {**span.to_params(dimension), "value": value}))


def sum_by_period(
    connection: Connection,
    span: AggregateRange,
    periods: Sequence[tuple[int, int]],
    dimension: str = "",
    value: str = "",
) -> list[Sequence[int]]:
    """Clicks of each of these periods (from hour, to before hour; in order, apart): COUNTS; of all, or of one value."""
    parts = [(*part, index) for index, period in enumerate(periods) for part in cover_hours(*period)]
    parameters = {**span.to_params(dimension), "value": value, "parts": _dump_json(parts)}
    sums: list[Sequence[int]] = [(0,) * len(COUNT_COLUMNS)] * len(periods)
    for row in connection.execute(_BY_PERIOD, parameters):
        sums[row[0]] = tuple(row)[1:]
    return sums


def sum_by_value(
    connection: Connection, span: AggregateRange, dimension: str, limit: int, values: Sequence[str] | None = None
) -> list[Row[Any]]:
    """Clicks of each value, most counted clicks first: `value` and COUNTS, up to `limit` rows; or only of `values`."""
    parameters = {**_build_params(connection, click_aggregates, span, dimension, values), "limit": limit}
    return list(connection.execute(_BY_VALUE[values is not None], parameters))


def sum_all(connection: Connection, span: AggregateRange) -> Row[Any]:
    """All clicks of a span in one row: COUNTS."""
    return connection.execute(_SUM[click_aggregates.name], _build_params(connection, click_aggregates, span, "")).one()


def sum_sent(connection: Connection, span: AggregateRange) -> tuple[int, int]:
    """Count the messages that were accepted in a span, and how many of these were delivered."""
    row = connection.execute(_SUM[send_aggregates.name], _build_params(connection, send_aggregates, span, "")).one()
    return int(row[0]), int(row[1])


def sum_sent_by_value(
    connection: Connection, span: AggregateRange, dimension: str, values: Sequence[str] | None = None
) -> dict[str, tuple[int, int]]:
    """The same for each value of a dimension, or only for some of its values."""
    parameters = _build_params(connection, send_aggregates, span, dimension, values)
    return {
        row[0]: (int(row[1]), int(row[2])) for row in connection.execute(_SENT_BY_VALUE[values is not None], parameters)
    }


def list_attributes(connection: Connection, span: AggregateRange, limit: int) -> list[str]:
    """Names of the recipients' attributes that messages of a scope came with, at whatever time, up to `limit`."""
    here = (aggregate_dimensions.c.account_id == span.account, aggregate_dimensions.c.scope == span.scope)
    among = (
        aggregate_dimensions.c.dimension >= ATTRIBUTE_PREFIX,
        aggregate_dimensions.c.dimension < ATTRIBUTE_PREFIX_END,
    )
    statement = (
        select(aggregate_dimensions.c.dimension)
        .where(*here, *among)
        .order_by(aggregate_dimensions.c.dimension)
        .limit(limit)
    )
    return [name.removeprefix(ATTRIBUTE_PREFIX) for name in connection.scalars(statement)]


def get_first_sent_hours(connection: Connection, span: AggregateRange, tags: Sequence[str]) -> dict[str, int]:
    """For each of these tags that has one, the hour of its first message accepted in a span."""
    parameters = {"account": span.account, "first": span.first, "values": _find_value_ids(connection, tags)}
    rows = connection.execute(_FIRST_SENT, parameters)
    return {row[0]: row[1] for row in rows if row[1] is not None and row[1] < span.last}


def get_hour_range(
    connection: Connection, table: Table, span: AggregateRange, dimension: str
) -> tuple[int, int] | None:
    """Select the first and the last hour of an aggregate key; None for each if it has no rows."""
    row = connection.execute(_HOUR_RANGE[table.name], span.to_params(dimension)).one()
    return None if row[0] is None else (row[0], row[1])


def _build_params(
    connection: Connection, table: Table, span: AggregateRange, dimension: str, values: Sequence[str] | None = None
) -> Mapping[str, Any]:
    """The parameters of the statements that look for sums of a span by `word`."""
    hours = get_hour_range(connection, table, span, dimension)
    parts = cover_hours_within(span.first, span.last, *hours) if hours else []
    some = {} if values is None else {"values": _find_value_ids(connection, values)}
    return {**span.to_params(dimension), "parts": _dump_json(parts), **some}


def _find_value_ids(connection: Connection, values: Sequence[str]) -> str:
    return _dump_json(list(find_ids(connection, values).values()))


def _dump_json(value: object) -> str:
    return orjson.dumps(value).decode()


# The statements, made once: putting one together takes SQLAlchemy several times as long as SQLite takes to run it.


def _dimension_subquery(scope: ColumnElement[str] | None = None) -> ScalarSelect[int]:
    mine = aggregate_dimensions.c.account_id == bindparam("account", type_=BinaryUuid)
    if scope is not None:
        here = (aggregate_dimensions.c.scope == scope, aggregate_dimensions.c.dimension == "")
    else:
        here = (
            aggregate_dimensions.c.scope == bindparam("scope"),
            aggregate_dimensions.c.dimension == bindparam("dimension"),
        )
    return select(aggregate_dimensions.c.id).where(mine, *here).scalar_subquery()


def _is_inside(table: Table, each: TableValuedAlias) -> ColumnElement[bool]:
    """The row is along the axis, among those of a part of time."""
    size, first, last = (item_value(each, Integer(), index) for index in range(3))
    return and_(
        table.c.axis == _dimension_subquery(), table.c.hours == size, table.c.hour >= first, table.c.hour < last
    )


def _sum_columns(table: Table) -> list[ColumnElement[int]]:
    return [
        func.sum(table.c[name]).label(name) for name in (COUNT_COLUMNS if table is click_aggregates else SEND_COLUMNS)
    ]


def _group_by_value(table: Table, *, only_values: bool = False) -> Subquery:
    """Sums of a span by `word`; of `only_values`: those in `values`."""
    each = each_item("parts")
    statement = select(table.c.word, *_sum_columns(table)).select_from(each.join(table, _is_inside(table, each)))
    if only_values:
        statement = statement.where(table.c.word.in_(select(item_value(each_item("values"), Integer()))))
    return statement.group_by(table.c.word).subquery()


def _select_hour_range(table: Table) -> Select[Any]:
    here = (table.c.axis == _dimension_subquery(), table.c.hours == HOUR)
    ends = (select(table.c.hour).where(*here).order_by(order).limit(1) for order in (table.c.hour, table.c.hour.desc()))
    return select(*(order.scalar_subquery() for order in ends))


def _select_sum(table: Table) -> Select[Any]:
    grouped = _group_by_value(table)
    names = COUNT_COLUMNS if table is click_aggregates else SEND_COLUMNS
    return select(*(func.coalesce(func.sum(grouped.c[name]), 0).label(name) for name in names))


def _select_by_value(*, only_values: bool) -> Select[Any]:
    grouped = _group_by_value(click_aggregates, only_values=only_values)
    counted = (grouped.c.human + grouped.c.unsure).desc()
    others = (grouped.c.machine + grouped.c.prefetch + grouped.c.internal).desc()
    statement = select(aggregate_values.c.text.label("value"), *(grouped.c[name] for name in COUNT_COLUMNS))
    statement = statement.join(grouped, grouped.c.word == aggregate_values.c.id)
    return statement.order_by(counted, others, aggregate_values.c.text).limit(bindparam("limit"))


def _select_sent_by_value(*, only_values: bool) -> Select[Any]:
    grouped = _group_by_value(send_aggregates, only_values=only_values)
    return select(aggregate_values.c.text, *(grouped.c[name] for name in SEND_COLUMNS)).join(
        grouped, grouped.c.word == aggregate_values.c.id
    )


def _select_by_period() -> Select[Any]:
    each = each_item("parts")
    period_index = item_value(each, Integer(), 3).label("place")
    statement = select(period_index, *_sum_columns(click_aggregates)).select_from(
        each.join(click_aggregates, _is_inside(click_aggregates, each))
    )
    return statement.where(click_aggregates.c.word == _VALUE_ID).group_by("place")


def _select_by_hour() -> Select[Any]:
    here = (
        click_aggregates.c.axis == _dimension_subquery(),
        click_aggregates.c.hours == HOUR,
        click_aggregates.c.word == _VALUE_ID,
    )
    times = (click_aggregates.c.hour >= bindparam("first"), click_aggregates.c.hour < bindparam("last"))
    columns = (click_aggregates.c[name] for name in COUNT_COLUMNS)
    return select(click_aggregates.c.hour, *columns).where(*here, *times).order_by(click_aggregates.c.hour)


def _select_first_sent() -> Select[Any]:
    axis = _dimension_subquery("tag:" + aggregate_values.c.text).correlate(
        aggregate_values
    )  # of the outermost statement: two levels out
    here = (
        send_aggregates.c.axis == axis,
        send_aggregates.c.hours == HOUR,
        send_aggregates.c.hour >= bindparam("first"),
    )
    hour = select(send_aggregates.c.hour).where(*here).order_by(send_aggregates.c.hour).limit(1).scalar_subquery()
    return select(aggregate_values.c.text, hour).where(
        aggregate_values.c.id.in_(select(item_value(each_item("values"), Integer())))
    )


_IS_VALUE = is_same_text(aggregate_values.c.text, bindparam("value", type_=Text))
_VALUE_ID = select(aggregate_values.c.id).where(_IS_VALUE).scalar_subquery()
_HOUR_RANGE = {table.name: _select_hour_range(table) for table in (click_aggregates, send_aggregates)}
_SUM = {table.name: _select_sum(table) for table in (click_aggregates, send_aggregates)}
_BY_VALUE = {some: _select_by_value(only_values=some) for some in (False, True)}
_SENT_BY_VALUE = {some: _select_sent_by_value(only_values=some) for some in (False, True)}
_BY_PERIOD, _BY_HOUR, _FIRST_SENT = _select_by_period(), _select_by_hour(), _select_first_sent()
