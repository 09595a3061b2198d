"""One page of a list, newest first, by the time and id of its rows: stable while others are added."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Column, ColumnElement, Connection, RowMapping, Select, Table, literal, select, tuple_

Place = tuple[int, uuid.UUID]  # created_at and id


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which page: up to `limit` rows `after` or `before` a place; neither is the first page."""

    limit: int
    direction: Literal["after", "before"] = "after"
    place: Place | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """Rows, newest first, and whether there are more in front of them and behind them."""

    rows: list[RowMapping]
    more_before: bool
    more_after: bool


def page(connection: Connection, table: Table, wanted: Wanted, conditions: Sequence[ColumnElement[Any]]) -> Page:
    """The page of `table`'s rows that meet all conditions."""
    return page_of(connection, select(table).where(*conditions), (table.c.created_at, table.c.id), wanted)


def page_of(
    connection: Connection, statement: Select[Any], order: tuple[Column[Any], Column[Any]], wanted: Wanted
) -> Page:
    """The page of a statement's rows, in the order of a time and an id."""
    back = wanted.direction == "before"
    key = tuple_(*order)
    ordered = statement.order_by(*(column.asc() if back else column.desc() for column in order))
    ordered = ordered.limit(wanted.limit + 1)
    if wanted.place is not None:
        bounds = (literal(value, column.type) for value, column in zip(wanted.place, order, strict=True))
        at = tuple_(*bounds)
        ordered = ordered.where(key > at if back else key < at)
    rows = list(connection.execute(ordered).mappings())
    more, rows = len(rows) > wanted.limit, rows[: wanted.limit]
    if back:
        return Page(rows[::-1], more_before=more, more_after=bool(rows))
    return Page(rows, more_before=wanted.place is not None and bool(rows), more_after=more)
