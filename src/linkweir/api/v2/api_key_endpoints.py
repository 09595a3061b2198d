"""`…/api-keys`: the secret is shown in the answer to its making, and never again."""

from typing import Any

from sqlalchemy import Connection, RowMapping
from starlette.responses import Response

from linkweir.accounts import ip_allow_list, scopes
from linkweir.accounts.resource_changes import ApiKeyCreate, ApiKeyUpdate
from linkweir.api.endpoint import ApiRequest
from linkweir.api.v2.query_parameters import PageQuery
from linkweir.api.v2.resource import DELETED_BODY, created_response, list_page, parse_path_id, to_json_bytes
from linkweir.clock import now, rfc3339
from linkweir.db import api_keys_table, schema
from linkweir.errors import Conflict, NotFound
from linkweir.web import authentication
from linkweir.web.authentication import ApiPrincipal
from linkweir.web.json_response import JSONResponse


def list_api_keys(call: ApiRequest) -> Response:
    """Every key, newest first."""
    return list_page(call, call.parse_query(PageQuery), schema.api_keys, _to_json)


def authorize_create(call: ApiRequest) -> None:
    granted, networks = _parse_restrictions(call.decode(ApiKeyCreate))
    scopes.require_subset(call.principal.scopes, granted)
    call.principal.require_networks(networks)


def _parse_restrictions(request: ApiKeyCreate) -> tuple[list[str], list[str]]:
    """What the key may do, and from where. Raises BadInput."""
    return scopes.parse_scopes(request.scopes), ip_allow_list.parse_entries(request.ip_allow_list or ())


def create_api_key(call: ApiRequest) -> Response:
    """A new key with some of the scopes of the key that asks."""
    asked = call.decode(ApiKeyCreate)
    granted, networks = _parse_restrictions(asked)
    account = call.principal.account["id"]
    with call.services.store.write() as connection:
        key, secret = authentication.create_api_key(
            connection, account, asked.label, now(), scopes=granted, ip_allow_list=networks
        )
        row = api_keys_table.get(connection, account, key)
        assert row is not None
        data = to_json_bytes({**_to_json(row), "secret_key": secret})
        call.idempotency.store_response(connection, 201, data, secret=True)
    return created_response(data)


def update_api_key(call: ApiRequest) -> Response:
    """Another label or other scopes."""
    asked = call.decode(ApiKeyUpdate)
    values: dict[str, Any] = {"updated_at": now()}
    if asked.label is not None:
        values["label"] = asked.label
    if asked.scopes is not None:
        values["scopes"] = scopes.parse_scopes(asked.scopes)
    if asked.ip_allow_list is not None:
        values["ip_allow_list"] = ip_allow_list.parse_entries(asked.ip_allow_list)
    with call.services.store.write() as connection:
        row = _load_key(call, connection)
        _authorize_update(call.principal, row, values)
        api_keys_table.update_row(connection, row["id"], values)
        changed = _load_key(call, connection)
    return JSONResponse(_to_json(changed))


def _authorize_update(principal: ApiPrincipal, row: RowMapping, values: dict[str, Any]) -> None:
    """Raises NotAllowed for a key that may do more than the one that asks, before or after; Conflict where somebody
    would lock themselves out.
    """
    scopes.require_subset(principal.scopes, row["scopes"])
    scopes.require_subset(principal.scopes, values.get("scopes", ()))
    networks = values.get("ip_allow_list", row["ip_allow_list"])
    if "ip_allow_list" in values or "scopes" in values:
        principal.require_networks(networks)
    if row["id"] == principal.key_id and not ip_allow_list.allows(networks, principal.address):
        raise Conflict("ip_allow_list: the key is used from an address that is not among these")


def delete_api_key(call: ApiRequest) -> Response:
    """The key opens nothing from now on."""
    with call.services.store.write() as connection:
        if not api_keys_table.remove(connection, call.principal.account["id"], parse_path_id(call, "API key")):
            raise NotFound("there is no such API key")
    return JSONResponse(DELETED_BODY)


def get_api_key(call: ApiRequest) -> Response:
    """One key."""
    with call.services.store.read() as connection:
        return JSONResponse(_to_json(_load_key(call, connection)))


def _load_key(call: ApiRequest, connection: Connection) -> RowMapping:
    row = api_keys_table.get(connection, call.principal.account["id"], parse_path_id(call, "API key"))
    if row is None:
        raise NotFound("there is no such API key")
    return row


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
