"""Keyset pagination of the dashboard's lists: the query names the time and id of the row where a page begins."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from linkweir.dashboard.page_request import DashboardRequest
from linkweir.pagination import CursorPosition, PageRequest, RowPage

MAX_TIMESTAMP_US = 1 << 62  # microseconds since 1970


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


def encode_position(position: CursorPosition | None) -> str | None:
    """Return the query value of a page that begins after this row."""
    return None if position is None else f"{position[0]}.{position[1].hex}"


def _encode_cursor(row: Mapping[Any, Any], time_column: str) -> str:
    return f"{row[time_column]}.{row['id'].hex}"
