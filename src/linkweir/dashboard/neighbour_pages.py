"""Keyset pagination of the dashboard's lists: the query names the row where a page begins, by the value that the list
is sorted by, which is a time by default, and its id.
"""

import dataclasses
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from linkweir.dashboard.page_request import DashboardRequest
from linkweir.dashboard.table_order import ColumnOrder
from linkweir.pagination import CursorPosition, PageRequest, RowPage, SortedPage, SortPosition, SortRequest

RowT = TypeVar("RowT")
MAX_TIMESTAMP_US = 1 << 62  # microseconds since 1970
MAX_TEXT_CHARACTERS = 400  # of a text that a list is sorted by
TEXT_COLUMNS = ("subject", "recipient", "status", "variant")


@dataclass(frozen=True, slots=True)
class NeighbourPages:
    """Query values of the newer and the older page; None where there is none."""

    newer: str | None
    older: str | None


def parse_page(call: DashboardRequest, limit: int) -> PageRequest:
    """Parse the requested page; the first one if the query is malformed."""
    for direction in ("after", "before"):
        at, _, key = call.query(direction).partition(".")
        try:
            cursor = (int(at), uuid.UUID(key))
        except ValueError:
            continue
        if not 0 <= cursor[0] < MAX_TIMESTAMP_US:
            continue  # beyond the database's integers
        return PageRequest(limit, "after" if direction == "after" else "before", cursor)
    return PageRequest(limit)


def make_neighbour_pages(page: RowPage, time_column: str = "created_at") -> NeighbourPages:
    """Return the neighbours of a page that is ordered by `time_column`."""
    if not page.rows:
        return NeighbourPages(None, None)
    newer = _encode_cursor(page.rows[0], time_column) if page.more_before else None
    return NeighbourPages(newer, _encode_cursor(page.rows[-1], time_column) if page.more_after else None)


def parse_sorted_page(call: DashboardRequest, limit: int, order: ColumnOrder) -> SortRequest:
    """Parse the requested page of a list in this order; the first one if the query is malformed."""
    request = SortRequest(order.name, not order.descending, limit)
    if call.query("after"):
        return dataclasses.replace(request, position=_parse_sort_position(call.query("after"), order.name))
    first = _parse_sort_position(call.query("before"), order.name)
    return request if first is None else dataclasses.replace(request, direction="before", position=first)


def _parse_sort_position(text: str, column: str) -> SortPosition | None:
    value, _, key = text.rpartition(".")
    try:
        row = uuid.UUID(key)
        if column in TEXT_COLUMNS:
            return None if len(value) > MAX_TEXT_CHARACTERS or "\0" in value else (value, row)
        number = int(value)
    except ValueError:
        return None
    return (number, row) if 0 <= number < MAX_TIMESTAMP_US else None  # else beyond the database's integers


def make_sorted_neighbours(page: SortedPage) -> NeighbourPages:
    """Return the neighbours of a page of a list in the order of a column."""
    if not page.rows:
        return NeighbourPages(None, None)
    first, last = (f"{row['sort_key']}.{row['id'].hex}" for row in (page.rows[0], page.rows[-1]))
    return NeighbourPages(first if page.more_before else None, last if page.more_after else None)


def slice_page(call: DashboardRequest, rows: list[RowT], limit: int) -> tuple[list[RowT], NeighbourPages]:
    """Return the requested page of a list that is in memory, and its neighbours: the query counts its rows."""
    first = 0
    for direction, step, end in (("after", 0, len(rows)), ("before", -limit, len(rows) + 1)):
        text = call.query(direction)
        if text.isascii() and text.isdecimal() and int(text[:9]) < end:
            first = max(0, int(text[:9]) + step)
            break
    last = first + limit
    return rows[first:last], NeighbourPages(str(first) if first else None, str(last) if last < len(rows) else None)


def encode_position(position: CursorPosition | None) -> str | None:
    """Return the query value of a page that begins after this row."""
    return None if position is None else f"{position[0]}.{position[1].hex}"


def _encode_cursor(row: Mapping[Any, Any], time_column: str) -> str:
    return f"{row[time_column]}.{row['id'].hex}"
