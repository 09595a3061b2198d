"""`…/api-keys`: the secret is shown in the answer to its making, and never again."""

from typing import Any

from sqlalchemy import RowMapping
from starlette.responses import Response

from linkweir.accounts import api_keys
from linkweir.accounts.resource_changes import ApiKeyCreate, ApiKeyUpdate
from linkweir.api.endpoint import ApiRequest
from linkweir.api.v2.query_parameters import PageQuery
from linkweir.api.v2.resource import DELETED_BODY, created_response, list_page, parse_path_id, to_json_bytes
from linkweir.clock import now, rfc3339
from linkweir.web.json_response import JSONResponse


def list_api_keys(call: ApiRequest) -> Response:
    """Every key, newest first."""
    return list_page(call, call.parse_query(PageQuery), api_keys.list_api_keys, _to_json)


def authorize_create(call: ApiRequest) -> None:
    """Raises Forbidden for a key that could do more than the principal's."""
    request = call.decode(ApiKeyCreate)
    api_keys.authorize_grant(call.principal, request.scopes, request.ip_allow_list or ())


def create_api_key(call: ApiRequest) -> Response:
    """A new key with some of the scopes of the key that asks."""
    request = call.decode(ApiKeyCreate)
    with call.services.store.write() as connection:
        row, key = api_keys.create_api_key(
            connection,
            call.account_id,
            request.label,
            now(),
            scopes=request.scopes,
            ip_allow_list=request.ip_allow_list or (),
        )
        data = to_json_bytes({**_to_json(row), "secret_key": key})
        call.idempotency.store_response(connection, 201, data, secret=True)
    return created_response(data)


def update_api_key(call: ApiRequest) -> Response:
    """Another label or other scopes."""
    change = call.decode(ApiKeyUpdate)
    with call.services.store.write() as connection:
        row = api_keys.update_api_key(connection, call.principal, parse_path_id(call, "API key"), change, now())
    return JSONResponse(_to_json(row))


def delete_api_key(call: ApiRequest) -> Response:
    """The key opens nothing from now on."""
    with call.services.store.write() as connection:
        api_keys.revoke_api_key(connection, call.account_id, parse_path_id(call, "API key"))
    return JSONResponse(DELETED_BODY)


def get_api_key(call: ApiRequest) -> Response:
    """One key."""
    with call.services.store.read() as connection:
        return JSONResponse(_to_json(api_keys.get_api_key(connection, call.account_id, parse_path_id(call, "API key"))))


def _to_json(row: RowMapping) -> dict[str, Any]:
    made, changed = rfc3339(row["created_at"]), rfc3339(row["updated_at"])
    return {
        "object": "api_key",
        "id": str(row["id"]),
        "created_at": made,
        "updated_at": changed,
        "last_used_at": rfc3339(row["last_used_at"]),
        "account_id": str(row["account_id"]),
        "label": row["label"],
        "public_key": row["hint"],
        "scopes": [
            {
                "id": str(row["id"]),
                "created_at": made,
                "updated_at": changed,
                "api_key_id": str(row["id"]),
                "scope": scope,
                "domain_id": None,
            }
            for scope in row["scopes"]
        ],
        "ip_allow_list": row["ip_allow_list"],
    }
