"""`…/webhooks`: the secret is shown in the answer to its making, and never again."""

from typing import Any

from sqlalchemy import ColumnElement, Connection, RowMapping
from starlette.responses import Response

from linkweir.accounts import webhook_settings
from linkweir.accounts.resource_changes import WebhookCreate, WebhookUpdate
from linkweir.api.endpoint import ApiRequest
from linkweir.api.v2.query_parameters import WebhookQuery
from linkweir.api.v2.resource import DELETED_BODY, created_response, list_page, parse_path_id, to_json_bytes
from linkweir.clock import now, rfc3339
from linkweir.db import schema, webhooks_table
from linkweir.errors import NotFound
from linkweir.web.json_response import JSONResponse
from linkweir.webhooks import signing
from linkweir.webhooks.event_kinds import EVENT_NAMES, UNSUPPORTED_EVENT_NAMES


def list_webhooks(call: ApiRequest) -> Response:
    """Every webhook, newest first."""
    query = call.parse_query(WebhookQuery)
    enabled = query.enabled
    filters: list[ColumnElement[bool]] = [] if enabled is None else [schema.webhooks.c.enabled.is_(enabled)]
    wanted = {kind: getattr(query, f"on_{kind}") for kind in (*EVENT_NAMES, *UNSUPPORTED_EVENT_NAMES)}
    for kind, value in wanted.items():
        if value is not None:
            filters.append(webhooks_table.is_subscribed_to(kind) if value else ~webhooks_table.is_subscribed_to(kind))
    return list_page(call, query, schema.webhooks, _to_json, filters)


def create_webhook(call: ApiRequest) -> Response:
    """A new webhook."""
    asked = call.decode(WebhookCreate)
    secret = signing.new_secret()
    values = webhook_settings.make_webhook_row(
        asked, call.principal.account["id"], call.services.vault.seal(secret.encode()), now()
    )
    with call.services.store.write() as connection:
        webhooks_table.add(connection, values)
        row = webhooks_table.get(connection, call.principal.account["id"], values["id"])
        assert row is not None
        data = to_json_bytes({**_to_json(row), "secret": secret})
        call.idempotency.store_response(connection, 201, data, secret=True)
    return created_response(data)


def update_webhook(call: ApiRequest) -> Response:
    """Change what is named; `enabled` true lets a disabled one begin anew."""
    asked = call.decode(WebhookUpdate)
    with call.services.store.write() as connection:
        row = _load_webhook(call, connection)
        webhooks_table.update_row(connection, row["id"], webhook_settings.changed_webhook_columns(asked, row, now()))
        changed = _load_webhook(call, connection)
    return JSONResponse(_to_json(changed))


def delete_webhook(call: ApiRequest) -> Response:
    """The webhook and everything that waits for it are gone."""
    with call.services.store.write() as connection:
        webhooks_table.remove(connection, _load_webhook(call, connection)["id"])
    return JSONResponse(DELETED_BODY)


def get_webhook(call: ApiRequest) -> Response:
    """One webhook with its counters."""
    with call.services.store.read() as connection:
        return JSONResponse(_to_json(_load_webhook(call, connection)))


def _load_webhook(call: ApiRequest, connection: Connection) -> RowMapping:
    row = webhooks_table.get(connection, call.principal.account["id"], parse_path_id(call, "webhook"))
    if row is None:
        raise NotFound("there is no such webhook")
    return row


def _to_json(row: RowMapping) -> dict[str, Any]:
    return {
        "object": "webhook",
        "id": str(row["id"]),
        "created_at": rfc3339(row["created_at"]),
        "updated_at": rfc3339(row["updated_at"]),
        "name": row["name"],
        "url": row["url"],
        "enabled": row["enabled"],
        **{f"on_{kind}": kind in row["events"] for kind in EVENT_NAMES},
        **{f"on_{kind}": False for kind in UNSUPPORTED_EVENT_NAMES},
        "scope": row["scope"],
        "domains": row["domains"],
        "success_count": row["success_count"],
        "error_count": row["error_count"],
        "errors_since_last_success": row["errors_since_last_success"],
        "last_request_at": rfc3339(row["last_request_at"]),
    }
