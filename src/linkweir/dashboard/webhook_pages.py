"""Pages of webhooks and their deliveries."""

import uuid

from sqlalchemy import RowMapping
from starlette.responses import Response

from linkweir.accounts import webhook_settings
from linkweir.accounts.resource_changes import WebhookUpdate
from linkweir.clock import now
from linkweir.dashboard.page_request import DashboardRequest
from linkweir.errors import NotFound
from linkweir.translation import gettext, gettext_noop
from linkweir.webhooks.sample_event import SampleDelivery

MAX_DELIVERIES = 100
FLASH_MESSAGES = {
    "sent": gettext_noop("The delivery was queued and will be sent again."),
    "on": gettext_noop("The webhook was turned on."),
    "off": gettext_noop("The webhook was turned off."),
    "changed": gettext_noop("Saved. It applies to events from now on."),
    "once": gettext_noop("This webhook already exists; its secret is not shown again."),
}


def list_webhooks(call: DashboardRequest) -> Response:
    """Show every webhook with its counters."""
    with call.services.database.read() as connection:
        rows, waiting = webhook_settings.list_webhooks_with_backlog(connection, call.account["id"])
    flash_message = gettext_noop("The webhook was deleted.") if call.query("done") == "deleted" else ""
    return call.render(
        "webhooks.html",
        here="webhooks",
        rows=rows,
        waiting=waiting,
        said=flash_message,
        disabled_by_failures=webhook_settings.is_disabled_by_failures,
    )


def show_webhook(call: DashboardRequest) -> Response:
    """Show one webhook with its newest deliveries."""
    return _render_webhook(call, load_webhook(call))


def send_test_event(call: DashboardRequest) -> Response:
    """Send a sample event now, and show the response and the signed request."""
    row, settings = load_webhook(call), call.services.settings
    sample = webhook_settings.send_sample_event(
        call.services.vault, row, now(), timeout=settings.webhook_timeout, allowed=settings.webhook_networks
    )
    call.services.log.info("webhook.tested", webhook=str(row["id"]), status=sample.response.status)
    return _render_webhook(call, row, sample)


def _render_webhook(call: DashboardRequest, row: RowMapping, sample: SampleDelivery | None = None) -> Response:
    with call.services.database.read() as connection:
        deliveries = webhook_settings.list_latest_requests(connection, row["id"], MAX_DELIVERIES)
    return call.render(
        "webhook.html",
        here="webhooks",
        row=row,
        deliveries=deliveries,
        limit=MAX_DELIVERIES,
        said=FLASH_MESSAGES.get(call.query("done"), ""),
        delivery=sample,
        by_failures=webhook_settings.is_disabled_by_failures(row),
        last_error=next((item["last_error"] for item in deliveries if item["last_error"]), ""),
    )


def set_webhook_enabled(call: DashboardRequest) -> Response:
    """Turn a webhook on, which resets its failures, or off."""
    row, is_on = load_webhook(call), call.form_fields.get("enabled") == "true"
    with call.services.database.write() as connection:
        change = WebhookUpdate(enabled=is_on)
        webhook_settings.update_webhook(connection, call.account["id"], row["id"], change, now())
    return call.redirect(f"/webhooks/{row['id']}?done={'on' if is_on else 'off'}")


def redeliver(call: DashboardRequest) -> Response:
    """Queue a finished delivery again with the same id, so that receivers can detect the duplicate."""
    row = load_webhook(call)
    try:
        request = uuid.UUID(call.form_fields.get("request", ""))
    except ValueError:
        raise NotFound(gettext("There is no such delivery.")) from None
    with call.services.database.write() as connection:
        webhook_settings.redeliver(connection, row, request, now())
    return call.redirect(f"/webhooks/{row['id']}?done=sent")


def load_webhook(call: DashboardRequest) -> RowMapping:
    """Return the webhook in the path. Raises NotFound."""
    try:
        key = uuid.UUID(call.request.path_params["id"])
    except ValueError:
        raise NotFound(gettext("There is no such webhook.")) from None
    with call.services.database.read() as connection:
        return webhook_settings.get_webhook(connection, call.account["id"], key)
