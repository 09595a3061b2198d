"""One page of a list, newest first, by the time and id of its rows: stable while others are added."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, Select, Table, literal, select, tuple_

from linkweir.pagination import PageRequest, RowPage


def load_page(
    connection: Connection, table: Table, page_request: PageRequest, conditions: Sequence[ColumnElement[Any]]
) -> RowPage:
    """The page of `table`'s rows that meet all conditions."""
    return load_page_of(connection, select(table).where(*conditions), (table.c.created_at, table.c.id), page_request)


def load_page_of(
    connection: Connection, statement: Select[Any], order: tuple[Column[Any], Column[Any]], page_request: PageRequest
) -> RowPage:
    """The page of a statement's rows, in the order of a time and an id."""
    back = page_request.direction == "before"
    key = tuple_(*order)
    ordered = statement.order_by(*(column.asc() if back else column.desc() for column in order))
    ordered = ordered.limit(page_request.limit + 1)
    if page_request.position is not None:
        bounds = (literal(value, column.type) for value, column in zip(page_request.position, order, strict=True))
        at = tuple_(*bounds)
        ordered = ordered.where(key > at if back else key < at)
    rows = list(connection.execute(ordered).mappings())
    more, rows = len(rows) > page_request.limit, rows[: page_request.limit]
    if back:
        return RowPage(rows[::-1], more_before=more, more_after=bool(rows))
    return RowPage(rows, more_before=page_request.position is not None and bool(rows), more_after=more)
