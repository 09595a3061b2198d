"""`…/webhooks`: the secret is shown in the answer to its making, and never again."""

import uuid
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import Connection, RowMapping
from starlette.requests import Request
from starlette.responses import Response

from linkweir.edge import door
from linkweir.edge.body import shaped
from linkweir.edge.door import Call
from linkweir.edge.parts import now
from linkweir.edge.reply import JSON, rfc3339
from linkweir.edge.v2.asked import NewWebhook, WebhookChange
from linkweir.edge.v2.resource import DELETED, body_of, created, key_in_path, page_of
from linkweir.edge.v2.scoped import domains_of
from linkweir.errors import BadInput, NotFound
from linkweir.store import tables, webhooks
from linkweir.webhook import signing

KINDS = (
    *("reception", "delivered", "transient_error", "failed", "bounced", "suppressed", "opened", "clicked"),
    "click_corrected",  # ours, and off until it is asked for
)


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
    return page_of(call, tables.webhooks, _shown)


def _create(call: Call) -> Response:
    asked = shaped(call.data, NewWebhook)
    secret, moment = signing.new_secret(), now()
    values = {
        "id": uuid.uuid4(),
        "account_id": call.who.account["id"],
        "name": asked.name,
        "url": _checked(asked.url),
        "secret": call.parts.vault.seal(secret.encode()),
        "scope": asked.scope,
        "domains": domains_of(asked.scope, asked.domains),
        "events": [kind for kind in KINDS if getattr(asked, f"on_{kind}")],
        "enabled": asked.enabled,
        "created_at": moment,
        "updated_at": moment,
    }
    with call.parts.store.write() as connection:
        webhooks.add(connection, values)
        row = webhooks.get(connection, call.who.account["id"], values["id"])
        assert row is not None
        data = body_of({**_shown(row), "secret": secret})
        call.once.keep(connection, 201, data, secret=True)
    return created(data)


def _change(call: Call) -> Response:
    asked = shaped(call.data, WebhookChange)
    with call.parts.store.write() as connection:
        row = _row(call, connection)
        webhooks.change(connection, row["id"], _changes(asked, row))
        changed = _row(call, connection)
    return JSON(_shown(changed))


def _changes(asked: WebhookChange, row: RowMapping) -> dict[str, Any]:
    """The columns to set. Raises BadInput."""
    values: dict[str, Any] = {"updated_at": now()}
    if asked.name is not None:
        values["name"] = asked.name
    if asked.url is not None:
        values["url"] = _checked(asked.url)
    scope = asked.scope or row["scope"]
    if asked.scope is not None or asked.domains is not None:
        values |= {"scope": scope, "domains": domains_of(scope, asked.domains or row["domains"])}
    if asked.enabled is not None:
        values["enabled"] = asked.enabled
        if asked.enabled:
            values["errors_since_last_success"] = 0
    wanted = {kind: getattr(asked, f"on_{kind}") for kind in KINDS}
    values["events"] = [kind for kind in KINDS if (kind in row["events"] if wanted[kind] is None else wanted[kind])]
    return values


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


def _checked(url: str) -> str:
    """A URL that a request can be made to; where it leads is looked at when connecting."""
    try:
        parts = urlsplit(url)
        fits = parts.scheme in ("http", "https") and parts.hostname and "@" not in parts.netloc and parts.port != 0
    except ValueError:
        fits = False
    if not fits or not url.isascii() or not url.isprintable() or " " in url:
        raise BadInput("url", "must be an http or https address without user and password")
    return url


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
        "on_suppression_created": False,
        "on_dns_error": False,
        "scope": row["scope"],
        "domains": row["domains"],
        "success_count": row["success_count"],
        "error_count": row["error_count"],
        "errors_since_last_success": row["errors_since_last_success"],
        "last_request_at": rfc3339(row["last_request_at"]),
    }
