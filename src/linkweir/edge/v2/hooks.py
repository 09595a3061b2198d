"""`…/webhooks`: the secret is shown in the answer to its making, and never again."""

from typing import Any

from sqlalchemy import ColumnElement, Connection, RowMapping
from starlette.requests import Request
from starlette.responses import Response

from linkweir.edge import door
from linkweir.edge.door import Call
from linkweir.edge.parts import now
from linkweir.edge.reply import JSON, rfc3339
from linkweir.edge.v2 import hook_columns
from linkweir.edge.v2.asked import NewWebhook, WebhookChange
from linkweir.edge.v2.filters import flag
from linkweir.edge.v2.hook_columns import KINDS, NEVER
from linkweir.edge.v2.resource import DELETED, body_of, created, key_in_path, page_of
from linkweir.errors import NotFound
from linkweir.store import tables, webhooks
from linkweir.webhook import signing


async def list_webhooks(request: Request) -> Response:
    """Every webhook, newest first."""
    return await door.enter(request, "webhooks:read:all", _list)


async def create_webhook(request: Request) -> Response:
    """A new webhook."""
    return await door.enter(request, "webhooks:write:all", _create)


async def get_webhook(request: Request) -> Response:
    """One webhook with its counters."""
    return await door.enter(request, "webhooks:read:all", _get)


async def change_webhook(request: Request) -> Response:
    """Change what is named; `enabled` true lets a disabled one begin anew."""
    return await door.enter(request, "webhooks:write:all", _change)


async def delete_webhook(request: Request) -> Response:
    """The webhook and everything that waits for it are gone."""
    return await door.enter(request, "webhooks:delete:all", _delete)


def _list(call: Call) -> Response:
    query = call.request.query_params
    enabled = flag(query, "enabled")
    filters: list[ColumnElement[bool]] = [] if enabled is None else [tables.webhooks.c.enabled.is_(enabled)]
    wanted = {kind: flag(query, f"on_{kind}") for kind in (*KINDS, *NEVER)}
    for kind, value in wanted.items():
        if value is not None:
            filters.append(webhooks.hears(kind) if value else ~webhooks.hears(kind))
    return page_of(call, tables.webhooks, _shown, filters)


def _create(call: Call) -> Response:
    asked = call.shaped(NewWebhook)
    secret = signing.new_secret()
    values = hook_columns.made(asked, call.who.account["id"], call.parts.vault.seal(secret.encode()), now())
    with call.parts.store.write() as connection:
        webhooks.add(connection, values)
        row = webhooks.get(connection, call.who.account["id"], values["id"])
        assert row is not None
        data = body_of({**_shown(row), "secret": secret})
        call.once.keep(connection, 201, data, secret=True)
    return created(data)


def _change(call: Call) -> Response:
    asked = call.shaped(WebhookChange)
    with call.parts.store.write() as connection:
        row = _row(call, connection)
        webhooks.change(connection, row["id"], hook_columns.changed(asked, row, now()))
        changed = _row(call, connection)
    return JSON(_shown(changed))


def _delete(call: Call) -> Response:
    with call.parts.store.write() as connection:
        webhooks.remove(connection, _row(call, connection)["id"])
    return JSON(DELETED)


def _get(call: Call) -> Response:
    with call.parts.store.read() as connection:
        return JSON(_shown(_row(call, connection)))


def _row(call: Call, connection: Connection) -> RowMapping:
    row = webhooks.get(connection, call.who.account["id"], key_in_path(call, "webhook"))
    if row is None:
        raise NotFound("there is no such webhook")
    return row


def _shown(row: RowMapping) -> dict[str, Any]:
    return {
        "object": "webhook",
        "id": str(row["id"]),
        "created_at": rfc3339(row["created_at"]),
        "updated_at": rfc3339(row["updated_at"]),
        "name": row["name"],
        "url": row["url"],
        "enabled": row["enabled"],
        **{f"on_{kind}": kind in row["events"] for kind in KINDS},
        **{f"on_{kind}": False for kind in NEVER},
        "scope": row["scope"],
        "domains": row["domains"],
        "success_count": row["success_count"],
        "error_count": row["error_count"],
        "errors_since_last_success": row["errors_since_last_success"],
        "last_request_at": rfc3339(row["last_request_at"]),
    }
