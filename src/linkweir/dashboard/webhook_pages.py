"""Webhooks and what was sent to them, with sending again."""

import uuid

from sqlalchemy import RowMapping
from starlette.exceptions import HTTPException
from starlette.responses import Response

from linkweir.clock import now
from linkweir.dashboard.page_request import DashboardRequest, login_required
from linkweir.db import dashboard_queries, outbox_table, webhooks_table
from linkweir.errors import NotFound

MAX_DELIVERIES = 100
FLASH_MESSAGES = {
    "sent": "It waits to be sent again now.",
    "on": "The webhook is on.",
    "off": "The webhook is off.",
    "changed": "Saved. It holds for events from now on.",
    "once": "This webhook was made before; its secret was shown then, and is not shown again.",
}


@login_required
def list_webhooks(call: DashboardRequest) -> Response:
    """Every webhook with its counters."""
    with call.services.store.read() as connection:
        rows = dashboard_queries.list_webhooks(connection, call.account["id"])
        waiting = dashboard_queries.count_waiting_by_webhook(connection, [row["id"] for row in rows])
    said = "The webhook was deleted." if call.query("done") == "deleted" else ""
    return call.render("webhooks.html", here="webhooks", rows=rows, waiting=waiting, said=said)


@login_required
def show_webhook(call: DashboardRequest) -> Response:
    """One webhook with its newest deliveries."""
    row = load_webhook(call)
    with call.services.store.read() as connection:
        found = dashboard_queries.list_latest_requests(connection, row["id"], MAX_DELIVERIES)
    said = FLASH_MESSAGES.get(call.query("done"), "")
    return call.render("webhook.html", here="webhooks", row=row, deliveries=found, limit=MAX_DELIVERIES, said=said)


@login_required
def set_webhook_enabled(call: DashboardRequest) -> Response:
    """Turn a webhook on, with its failures forgotten, or off."""
    row, on = load_webhook(call), call.form_fields.get("enabled") == "true"
    values = {"enabled": on, "updated_at": now()} | ({"errors_since_last_success": 0} if on else {})
    with call.services.store.write() as connection:
        webhooks_table.update_row(connection, row["id"], values)
    return call.redirect(f"/webhooks/{row['id']}?done={'on' if on else 'off'}")


@login_required
def redeliver(call: DashboardRequest) -> Response:
    """Put a request that ended back into the queue, with the same id: a receiver knows it for the same event."""
    row = load_webhook(call)
    try:
        request = uuid.UUID(call.form_fields.get("request", ""))
    except ValueError:
        raise NotFound("There is no such delivery.") from None
    if not row["enabled"]:
        raise HTTPException(409, "The webhook is off. Turn it on first; then what waits for it is sent.")
    with call.services.store.write() as connection:
        if not outbox_table.retry(connection, row["id"], request, now()):
            raise HTTPException(409, "This delivery is not there any more, or it waits already.")
    return call.redirect(f"/webhooks/{row['id']}?done=sent")


def load_webhook(call: DashboardRequest) -> RowMapping:
    """The webhook in the path. Raises NotFound."""
    try:
        key = uuid.UUID(call.request.path_params["id"])
    except ValueError:
        raise NotFound("There is no such webhook.") from None
    with call.services.store.read() as connection:
        row = webhooks_table.get(connection, call.account["id"], key)
    if row is None:
        raise NotFound("There is no such webhook.")
    return row
