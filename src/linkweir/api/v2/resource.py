"""What the endpoints of resources share: pages, the id in the path, responses."""

import uuid
from collections.abc import Callable
from typing import Any

import orjson
from sqlalchemy import Connection, RowMapping

from linkweir.api.endpoint import ApiRequest
from linkweir.api.v2 import cursor_pagination
from linkweir.api.v2.query_parameters import PageQuery
from linkweir.errors import NotFound
from linkweir.pagination import PageRequest, RowPage
from linkweir.web.json_response import JSONResponse

DELETED_BODY = {"message": "deleted"}


def list_page(
    call: ApiRequest,
    query: PageQuery,
    load_page: Callable[[Connection, uuid.UUID, PageRequest], RowPage],
    to_json: Callable[[RowMapping], dict[str, Any]],
) -> JSONResponse:
    """Return the page of the account's resources that the query asks for, newest first. Raises ValidationError."""
    page_request = cursor_pagination.to_page_request(query)
    with call.services.store.read() as connection:
        page = load_page(connection, call.account_id, page_request)
    return cursor_pagination.list_response(page, to_json)


def parse_path_id(call: ApiRequest, noun: str) -> uuid.UUID:
    """Return the id that the path ends with. Raises NotFound for anything but a UUID."""
    try:
        return uuid.UUID(call.request.path_params["id"])
    except ValueError:
        raise NotFound(f"there is no such {noun}") from None


def to_json_bytes(value: object) -> bytes:
    """Encode a value as JSON."""
    return orjson.dumps(value)


def created_response(data: bytes) -> JSONResponse:
    """Return 201 with a body that was encoded, and stored for Idempotency-Key, before."""
    return JSONResponse(data, 201)
