"""One page of a list, newest first, by the time and id of its rows: stable while others are added."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import ColumnElement, Connection, RowMapping, Table, select, tuple_

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
    back = wanted.direction == "before"
    key = tuple_(table.c.created_at, table.c.id)
    order = (table.c.created_at.asc(), table.c.id.asc()) if back else (table.c.created_at.desc(), table.c.id.desc())
    statement = select(table).where(*conditions).order_by(*order).limit(wanted.limit + 1)
    if wanted.place is not None:
        at = tuple_(
            *(_bound(table, name, value) for name, value in zip(("created_at", "id"), wanted.place, strict=True))
        )
        statement = statement.where(key > at if back else key < at)
    rows = list(connection.execute(statement).mappings())
    more, rows = len(rows) > wanted.limit, rows[: wanted.limit]
    if back:
        return Page(rows[::-1], more_before=more, more_after=bool(rows))
    return Page(rows, more_before=wanted.place is not None and bool(rows), more_after=more)


def _bound(table: Table, name: str, value: object) -> ColumnElement[Any]:
    from sqlalchemy import literal

    return literal(value, table.c[name].type)
