"""Webhooks and what was sent to them, with sending again."""

import uuid

from sqlalchemy import RowMapping
from starlette.exceptions import HTTPException
from starlette.responses import Response

from linkweir.edge.dashboard.entry import Call, signed_in
from linkweir.edge.parts import now
from linkweir.errors import NotFound
from linkweir.store import dashboard_reads, outbox, webhooks

SHOWN = 100
SAID = {
    "sent": "It waits to be sent again now.",
    "on": "The webhook is on.",
    "off": "The webhook is off.",
    "changed": "Saved. It holds for events from now on.",
    "once": "This webhook was made before; its secret was shown then, and is not shown again.",
}


@signed_in
def list_webhooks(call: Call) -> Response:
    """Every webhook with its counters."""
    with call.parts.store.read() as connection:
        rows = dashboard_reads.webhooks_of(connection, call.account["id"])
        waiting = dashboard_reads.waiting_by_webhook(connection, [row["id"] for row in rows])
    said = "The webhook was deleted." if call.asked("done") == "deleted" else ""
    return call.page("webhooks.html", here="webhooks", rows=rows, waiting=waiting, said=said)


@signed_in
def one_webhook(call: Call) -> Response:
    """One webhook with its newest deliveries."""
    row = row_of(call)
    with call.parts.store.read() as connection:
        found = dashboard_reads.deliveries(connection, row["id"], SHOWN)
    said = SAID.get(call.asked("done"), "")
    return call.page("webhook.html", here="webhooks", row=row, deliveries=found, limit=SHOWN, said=said)


@signed_in
def switch_webhook(call: Call) -> Response:
    """Turn a webhook on, with its failures forgotten, or off."""
    row, on = row_of(call), call.fields.get("enabled") == "true"
    values = {"enabled": on, "updated_at": now()} | ({"errors_since_last_success": 0} if on else {})
    with call.parts.store.write() as connection:
        webhooks.change(connection, row["id"], values)
    return call.away(f"/webhooks/{row['id']}?done={'on' if on else 'off'}")


@signed_in
def send_again(call: Call) -> Response:
    """Put a request that ended back into the queue, with the same id: a receiver knows it for the same event."""
    row = row_of(call)
    try:
        request = uuid.UUID(call.fields.get("request", ""))
    except ValueError:
        raise NotFound("There is no such delivery.") from None
    if not row["enabled"]:
        raise HTTPException(409, "The webhook is off. Turn it on first; then what waits for it is sent.")
    with call.parts.store.write() as connection:
        if not outbox.again(connection, row["id"], request, now()):
            raise HTTPException(409, "This delivery is not there any more, or it waits already.")
    return call.away(f"/webhooks/{row['id']}?done=sent")


def row_of(call: Call) -> RowMapping:
    """The webhook in the path. Raises NotFound."""
    try:
        key = uuid.UUID(call.request.path_params["id"])
    except ValueError:
        raise NotFound("There is no such webhook.") from None
    with call.parts.store.read() as connection:
        row = webhooks.get(connection, call.account["id"], key)
    if row is None:
        raise NotFound("There is no such webhook.")
    return row
