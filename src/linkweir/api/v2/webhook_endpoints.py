"""`…/webhooks`: the secret is shown in the answer to its making, and never again."""

from functools import partial
from typing import Any

from sqlalchemy import RowMapping
from starlette.responses import Response

from linkweir.accounts import webhook_settings
from linkweir.accounts.resource_changes import WebhookCreate, WebhookUpdate
from linkweir.api.endpoint import ApiRequest
from linkweir.api.v2.query_parameters import WebhookQuery
from linkweir.api.v2.resource import DELETED_BODY, created_response, list_page, parse_path_id, to_json_bytes
from linkweir.clock import now, rfc3339
from linkweir.web.json_response import JSONResponse
from linkweir.webhooks.event_kinds import EVENT_NAMES, UNSUPPORTED_EVENT_NAMES


def list_webhooks(call: ApiRequest) -> Response:
    """Every webhook, newest first."""
    query = call.parse_query(WebhookQuery)
    subscribed = {kind: getattr(query, f"on_{kind}") for kind in (*EVENT_NAMES, *UNSUPPORTED_EVENT_NAMES)}
    load_page = partial(webhook_settings.list_webhooks, enabled=query.enabled, subscribed=subscribed)
    return list_page(call, query, load_page, _to_json)


def create_webhook(call: ApiRequest) -> Response:
    """A new webhook."""
    request = call.decode(WebhookCreate)
    with call.services.store.write() as connection:
        row, secret = webhook_settings.create_webhook(connection, call.services.vault, call.account_id, request, now())
        data = to_json_bytes({**_to_json(row), "secret": secret})
        call.idempotency.store_response(connection, 201, data, secret=True)
    return created_response(data)


def update_webhook(call: ApiRequest) -> Response:
    """Change what is named; `enabled` true lets a disabled one begin anew."""
    change = call.decode(WebhookUpdate)
    with call.services.store.write() as connection:
        key = parse_path_id(call, "webhook")
        row = webhook_settings.update_webhook(connection, call.account_id, key, change, now())
    return JSONResponse(_to_json(row))


def delete_webhook(call: ApiRequest) -> Response:
    """The webhook and everything that waits for it are gone."""
    with call.services.store.write() as connection:
        webhook_settings.delete_webhook(connection, call.account_id, parse_path_id(call, "webhook"))
    return JSONResponse(DELETED_BODY)


def get_webhook(call: ApiRequest) -> Response:
    """One webhook with its counters."""
    with call.services.store.read() as connection:
        row = webhook_settings.get_webhook(connection, call.account_id, parse_path_id(call, "webhook"))
    return JSONResponse(_to_json(row))


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
        "verdict_wait_seconds": row["verdict_wait_seconds"],
        "success_count": row["success_count"],
        "error_count": row["error_count"],
        "errors_since_last_success": row["errors_since_last_success"],
        "last_request_at": rfc3339(row["last_request_at"]),
    }
