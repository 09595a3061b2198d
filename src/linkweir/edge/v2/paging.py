"""Pages of lists: `limit`, `after` (or `cursor`, its older name), `before`, and cursors that say nothing to others."""

import base64
import binascii
import uuid
from collections.abc import Callable
from typing import Any, Literal

from sqlalchemy import RowMapping
from starlette.datastructures import QueryParams

from linkweir.edge.reply import JSON
from linkweir.errors import BadInput
from linkweir.store.pages import Page, Place, Wanted

LIMIT = 100


def wanted(query: QueryParams) -> Wanted:
    """The page that the query asks for. Raises BadInput."""
    text = query.get("limit", str(LIMIT))
    if not (text.isascii() and text.isdecimal() and len(text) <= 3 and 1 <= int(text) <= LIMIT):
        raise BadInput("limit", f"must be a number from 1 to {LIMIT}")
    given = {name: value for name in ("cursor", "after", "before") if (value := query.get(name))}
    if len(given) > 1:
        raise BadInput(" and ".join(given), "cannot be given together")
    for name, value in given.items():
        direction: Literal["after", "before"] = "before" if name == "before" else "after"
        return Wanted(int(text), direction, _place(value, name))
    return Wanted(int(text))


def listed(page: Page, show: Callable[[RowMapping], dict[str, Any]], *, time: str = "created_at", **more: Any) -> JSON:
    """The page as the contract has it; `time`: the column that it is ordered by, `more`: what else is told."""
    pagination: dict[str, Any] = {"has_more": page.more_after}
    if page.rows and page.more_after:
        pagination["next_cursor"] = _cursor(page.rows[-1], time)
    if page.rows and page.more_before:
        pagination["previous_cursor"] = _cursor(page.rows[0], time)
    return JSON({"object": "list", "data": [show(row) for row in page.rows], "pagination": pagination, **more})


def _cursor(row: RowMapping, time: str) -> str:
    raw = row[time].to_bytes(8, "big") + row["id"].bytes
    return base64.urlsafe_b64encode(raw).decode("ascii")


def _place(text: str, field: str) -> Place:
    try:
        raw = base64.b64decode(text, altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    if len(raw) != 24 or raw[0] > 127:
        raise BadInput(field, "is not a cursor from this list")
    return int.from_bytes(raw[:8], "big"), uuid.UUID(bytes=raw[8:])
