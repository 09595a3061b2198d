"""Cursor pagination of lists: `limit`, `after` (or `cursor`, its older name), `before`, and opaque cursors."""

import base64
import binascii
import uuid
from collections.abc import Callable
from typing import Literal, TypeVar

from msgspec import UNSET
from sqlalchemy import RowMapping

from linkweir.api.v2.query_parameters import PageQuery
from linkweir.api.v2.response_types import Pagination, ResourcePage
from linkweir.errors import ValidationError
from linkweir.pagination import CursorPosition, PageRequest, RowPage

T = TypeVar("T")


def to_page_request(query: PageQuery) -> PageRequest:
    """Return the requested page. Raises ValidationError."""
    given = {name: value for name in ("cursor", "after", "before") if (value := getattr(query, name))}
    if len(given) > 1:
        raise ValidationError(" and ".join(given), "cannot be given together")
    for name, value in given.items():
        direction: Literal["after", "before"] = "before" if name == "before" else "after"
        return PageRequest(query.limit, direction, _decode_cursor(value, name))
    return PageRequest(query.limit)


def to_resource_page(
    page: RowPage, to_resource: Callable[[RowMapping], T], *, time_column: str = "created_at"
) -> ResourcePage[T]:
    """Return the page as a response; `time_column`: the column it is ordered by."""
    return ResourcePage(
        [to_resource(row) for row in page.rows],
        Pagination(
            page.more_after,
            _encode_cursor(page.rows[-1], time_column) if page.rows and page.more_after else UNSET,
            _encode_cursor(page.rows[0], time_column) if page.rows and page.more_before else UNSET,
        ),
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
