"""What the endpoints of one thing share: the id in the path, and answers."""

import uuid
from collections.abc import Callable, Sequence
from typing import Any

import orjson
from sqlalchemy import ColumnElement, RowMapping, Table

from linkweir.api.endpoint import ApiRequest
from linkweir.api.v2 import cursor_pagination
from linkweir.api.v2.query_parameters import PageQuery
from linkweir.db import keyset_pagination
from linkweir.errors import NotFound
from linkweir.web.json_response import JSONResponse

DELETED_BODY = {"message": "deleted"}


def list_page(
    call: ApiRequest,
    query: PageQuery,
    table: Table,
    to_json: Callable[[RowMapping], dict[str, Any]],
    filters: Sequence[ColumnElement[bool]] = (),
) -> JSONResponse:
    """The page of the account's things that the query asks for and all `filters` let through, newest first. Raises
    BadInput.
    """
    wanted = cursor_pagination.to_page_request(query)
    with call.services.store.read() as connection:
        found = keyset_pagination.load_page(
            connection, table, wanted, [table.c.account_id == call.account_id, *filters]
        )
    return cursor_pagination.list_response(found, to_json)


def parse_path_id(call: ApiRequest, noun: str) -> uuid.UUID:
    """The id that the path ends with. Raises NotFound for one that is none."""
    try:
        return uuid.UUID(call.request.path_params["id"])
    except ValueError:
        raise NotFound(f"there is no such {noun}") from None


def to_json_bytes(value: object) -> bytes:
    """A value as JSON."""
    return orjson.dumps(value)


def created_response(data: bytes) -> JSONResponse:
    """201 with a body that was remembered just as it is."""
    return JSONResponse(data, 201)
