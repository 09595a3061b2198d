"""What the endpoints of one thing share: the id in the path, and answers."""

import uuid
from collections.abc import Callable, Sequence
from typing import Any

import orjson
from sqlalchemy import ColumnElement, RowMapping, Table

from linkweir.edge.door import Call
from linkweir.edge.reply import JSON
from linkweir.edge.v2 import paging
from linkweir.errors import NotFound
from linkweir.store import pages

DELETED = {"message": "deleted"}


def page_of(
    call: Call,
    table: Table,
    show: Callable[[RowMapping], dict[str, Any]],
    filters: Sequence[ColumnElement[bool]] = (),
) -> JSON:
    """The page of the account's things that the query asks for and all `filters` let through, newest first. Raises
    BadInput.
    """
    wanted = paging.wanted(call.request.query_params)
    with call.parts.store.read() as connection:
        found = pages.page(connection, table, wanted, [table.c.account_id == call.account, *filters])
    return paging.listed(found, show)


def key_in_path(call: Call, what: str) -> uuid.UUID:
    """The id that the path ends with. Raises NotFound for one that is none."""
    try:
        return uuid.UUID(call.request.path_params["id"])
    except ValueError:
        raise NotFound(f"there is no such {what}") from None


def body_of(value: object) -> bytes:
    """A value as JSON."""
    return orjson.dumps(value)


def created(data: bytes) -> JSON:
    """201 with a body that was remembered just as it is."""
    return JSON(data, 201)
