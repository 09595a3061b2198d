"""Turning over the pages of a list: a place in it is the time and the id of a row, named in the query."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from linkweir.edge.dashboard.entry import Call
from linkweir.store.pages import Page, Wanted

LATEST = 1 << 62  # microseconds since 1970


@dataclass(frozen=True, slots=True)
class Turning:
    """Where the neighbours of a page begin, as the query names them; None where there are none."""

    newer: str | None
    older: str | None


def wanted(call: Call, limit: int) -> Wanted:
    """The page that the query asks for; the first for what is no place that we named."""
    for direction in ("after", "before"):
        at, _, key = call.asked(direction).partition(".")
        try:
            place = (int(at), uuid.UUID(key))
        except ValueError:
            continue
        if not 0 <= place[0] < LATEST:
            continue  # more than the store can compare with
        return Wanted(limit, "after" if direction == "after" else "before", place)
    return Wanted(limit)


def around(page: Page, time: str = "created_at") -> Turning:
    """The neighbours of a page that is ordered by `time`."""
    if not page.rows:
        return Turning(None, None)
    newer = _place(page.rows[0], time) if page.more_before else None
    return Turning(newer, _place(page.rows[-1], time) if page.more_after else None)


def _place(row: Mapping[Any, Any], time: str) -> str:
    return f"{row[time]}.{row['id'].hex}"
