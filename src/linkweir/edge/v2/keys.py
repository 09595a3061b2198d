"""`…/api-keys`: the secret is shown in the answer to its making, and never again."""

from typing import Any

from sqlalchemy import Connection, RowMapping
from starlette.requests import Request
from starlette.responses import Response

from linkweir.edge import allow_list, auth, door, scopes
from linkweir.edge.auth import SignedIn
from linkweir.edge.door import Call
from linkweir.edge.parts import now
from linkweir.edge.reply import JSON, rfc3339
from linkweir.edge.v2.asked import ApiKeyChange, NewApiKey
from linkweir.edge.v2.resource import DELETED, body_of, created, key_in_path, page_of
from linkweir.errors import Conflict, NotFound
from linkweir.store import api_keys, tables


async def list_keys(request: Request) -> Response:
    """Every key, newest first."""
    return await door.enter(request, "api-keys:read", _list)


async def create_key(request: Request) -> Response:
    """A new key with some of the scopes of the key that asks."""
    return await door.enter(request, "api-keys:write", _create, permit=_may_create)


async def get_key(request: Request) -> Response:
    """One key."""
    return await door.enter(request, "api-keys:read", _get)


async def change_key(request: Request) -> Response:
    """Another label or other scopes."""
    return await door.enter(request, "api-keys:write", _change)


async def delete_key(request: Request) -> Response:
    """The key opens nothing from now on."""
    return await door.enter(request, "api-keys:delete", _delete)


def _list(call: Call) -> Response:
    return page_of(call, tables.api_keys, _shown)


def _may_create(call: Call) -> None:
    granted, networks = _limits(call.shaped(NewApiKey))
    scopes.covers(call.who.scopes, granted)
    call.who.require_networks(networks)


def _limits(new: NewApiKey) -> tuple[list[str], list[str]]:
    """What the key may do, and from where. Raises BadInput."""
    return scopes.check(new.scopes), allow_list.check(new.ip_allow_list or ())


def _create(call: Call) -> Response:
    asked = call.shaped(NewApiKey)
    granted, networks = _limits(asked)
    account = call.who.account["id"]
    with call.parts.store.write() as connection:
        key, secret = auth.add_key(connection, account, asked.label, now(), scopes=granted, ip_allow_list=networks)
        row = api_keys.get(connection, account, key)
        assert row is not None
        data = body_of({**_shown(row), "secret_key": secret})
        call.once.keep(connection, 201, data, secret=True)
    return created(data)


def _change(call: Call) -> Response:
    asked = call.shaped(ApiKeyChange)
    values: dict[str, Any] = {"updated_at": now()}
    if asked.label is not None:
        values["label"] = asked.label
    if asked.scopes is not None:
        values["scopes"] = scopes.check(asked.scopes)
    if asked.ip_allow_list is not None:
        values["ip_allow_list"] = allow_list.check(asked.ip_allow_list)
    with call.parts.store.write() as connection:
        row = _row(call, connection)
        _may_change(call.who, row, values)
        api_keys.change(connection, row["id"], values)
        changed = _row(call, connection)
    return JSON(_shown(changed))


def _may_change(who: SignedIn, row: RowMapping, values: dict[str, Any]) -> None:
    """Raises NotAllowed for a key that may do more than the one that asks, before or after; Conflict where somebody
    would lock themselves out.
    """
    scopes.covers(who.scopes, row["scopes"])
    scopes.covers(who.scopes, values.get("scopes", ()))
    networks = values.get("ip_allow_list", row["ip_allow_list"])
    if "ip_allow_list" in values or "scopes" in values:
        who.require_networks(networks)
    if row["id"] == who.key and not allow_list.allows(networks, who.address):
        raise Conflict("ip_allow_list: the key is used from an address that is not among these")


def _delete(call: Call) -> Response:
    with call.parts.store.write() as connection:
        if not api_keys.remove(connection, call.who.account["id"], key_in_path(call, "API key")):
            raise NotFound("there is no such API key")
    return JSON(DELETED)


def _get(call: Call) -> Response:
    with call.parts.store.read() as connection:
        return JSON(_shown(_row(call, connection)))


def _row(call: Call, connection: Connection) -> RowMapping:
    row = api_keys.get(connection, call.who.account["id"], key_in_path(call, "API key"))
    if row is None:
        raise NotFound("there is no such API key")
    return row


def _shown(row: RowMapping) -> dict[str, Any]:
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
