"""Pages of lists: `limit`, `after` (or `cursor`, its older name), `before`, and cursors that say nothing to others."""

import base64
import binascii
import uuid
from collections.abc import Callable
from typing import Any, Literal

from sqlalchemy import RowMapping

from linkweir.api.v2.query_parameters import PageQuery
from linkweir.errors import ValidationError
from linkweir.pagination import CursorPosition, PageRequest, RowPage
from linkweir.web.json_response import JSONResponse


def to_page_request(query: PageQuery) -> PageRequest:
    """Return the page that the query asks for. Raises ValidationError."""
    given = {name: value for name in ("cursor", "after", "before") if (value := getattr(query, name))}
    if len(given) > 1:
        raise ValidationError(" and ".join(given), "cannot be given together")
    for name, value in given.items():
        direction: Literal["after", "before"] = "before" if name == "before" else "after"
        return PageRequest(query.limit, direction, _decode_cursor(value, name))
    return PageRequest(query.limit)


def list_response(
    page: RowPage, to_json: Callable[[RowMapping], dict[str, Any]], *, time_column: str = "created_at", **more: Any
) -> JSONResponse:
    """The page as the contract has it; `time_column`: the column that it is ordered by, `more`: what else is told."""
    pagination: dict[str, Any] = {"has_more": page.more_after}
    if page.rows and page.more_after:
        pagination["next_cursor"] = _encode_cursor(page.rows[-1], time_column)
    if page.rows and page.more_before:
        pagination["previous_cursor"] = _encode_cursor(page.rows[0], time_column)
    return JSONResponse(
        {"object": "list", "data": [to_json(row) for row in page.rows], "pagination": pagination, **more}
    )


def _encode_cursor(row: RowMapping, time_column: str) -> str:
    raw = row[time_column].to_bytes(8, "big") + row["id"].bytes
    return base64.urlsafe_b64encode(raw).decode("ascii")


def _decode_cursor(text: str, field: str) -> CursorPosition:
    try:
        raw = base64.b64decode(text, altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    if len(raw) != 24 or raw[0] > 127:
        raise ValidationError(field, "is not a cursor from this list")
    return int.from_bytes(raw[:8], "big"), uuid.UUID(bytes=raw[8:])
