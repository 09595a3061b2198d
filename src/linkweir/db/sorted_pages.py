"""One page of rows in the order of any of their columns. No index has that order, so the rows have to be few."""

from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, literal, tuple_

from linkweir.pagination import SortedPage, SortRequest


def load_sorted_page(
    connection: Connection,
    statement: Select[Any],
    order: tuple[ColumnElement[Any], ColumnElement[Any]],
    request: SortRequest,
    *,
    is_cut: bool,
) -> SortedPage:
    """The page of a statement's rows in the order of a column, which is never null, and an id. `is_cut`: see
    SortedPage.
    """
    back = request.direction == "before"
    is_upward = request.is_ascending != back
    ordered = statement.add_columns(order[0].label("sort_key"))
    ordered = ordered.order_by(*(column.asc() if is_upward else column.desc() for column in order))
    if request.position is not None:
        key = tuple_(*order)
        at = tuple_(*(literal(value, column.type) for value, column in zip(request.position, order, strict=True)))
        ordered = ordered.where(key > at if is_upward else key < at)
    found = list(connection.execute(ordered.limit(request.limit + 1)).mappings())
    more, rows = len(found) > request.limit, found[: request.limit]
    if back:
        return SortedPage(rows[::-1], more_before=more, more_after=bool(rows), is_cut=is_cut)
    return SortedPage(rows, request.position is not None and bool(rows), more, is_cut)
