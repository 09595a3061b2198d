"""Pages to create, edit and delete webhooks, validated as by the API. A new secret is shown only once."""

import uuid
from typing import Any, TypeVar

import msgspec
from starlette.exceptions import HTTPException
from starlette.responses import Response

from linkweir.accounts import webhook_settings
from linkweir.accounts.resource_changes import WebhookCreate, WebhookUpdate
from linkweir.clock import now
from linkweir.dashboard.form_errors import explain_error
from linkweir.dashboard.page_request import DashboardRequest
from linkweir.dashboard.webhook_pages import load_webhook
from linkweir.errors import Conflict, ValidationError
from linkweir.translation import gettext
from linkweir.webhooks.event_kinds import EVENT_KINDS, EVENT_NAMES

DEFAULT_VALUES: dict[str, Any] = {
    **{"name": "", "url": "", "scope": "global", "domains": [], "events": ["clicked"]},
    "verdict_wait_seconds": 0,
}
WebhookFormT = TypeVar("WebhookFormT", WebhookCreate, WebhookUpdate)


def show_create_form(call: DashboardRequest) -> Response:
    """Show the form for a new webhook."""
    return _render_form(call, DEFAULT_VALUES, key=uuid.uuid4())


def create_webhook(call: DashboardRequest) -> Response:
    """Create the webhook and show its secret. The form carries the id, so submitting it twice creates one webhook."""
    try:
        key = uuid.UUID(call.form_fields.get("id", ""))
    except ValueError:
        raise HTTPException(400, gettext("The form is malformed. Nothing was created.")) from None
    try:
        request = _parse_form(call, WebhookCreate)
        webhook_settings.check_destination(request.url, call.services.settings.webhook_networks)
        with call.services.database.write() as connection:
            secret = webhook_settings.create_webhook(
                connection, call.services.vault, call.account["id"], request, now(), webhook=key
            )[1]
    except (ValidationError, msgspec.ValidationError) as error:
        return _render_form(call, _form_values(call), key=key, error=_error_text(error))
    except Conflict:  # the form was submitted twice
        return call.redirect(f"/webhooks/{key}?done=once")
    call.services.log.info("webhook.made", webhook=str(key))
    return call.render("webhook_made.html", 201, here="webhooks", key=key, name=request.name, secret=secret)


def show_edit_form(call: DashboardRequest) -> Response:
    """Show the form for an existing webhook."""
    row = load_webhook(call)
    return _render_form(call, row, row=row)


def update_webhook(call: DashboardRequest) -> Response:
    """Update the webhook; waiting deliveries use its new URL."""
    row = load_webhook(call)
    try:
        change = _parse_form(call, WebhookUpdate)
        if change.url and change.url != row["url"]:
            webhook_settings.check_destination(change.url, call.services.settings.webhook_networks)
        with call.services.database.write() as connection:
            webhook_settings.update_webhook(connection, call.account["id"], row["id"], change, now())
    except (ValidationError, msgspec.ValidationError) as error:
        return _render_form(call, _form_values(call), row=row, error=_error_text(error))
    call.services.log.info("webhook.changed", webhook=str(row["id"]))
    return call.redirect(f"/webhooks/{row['id']}?done=changed")


def confirm_delete(call: DashboardRequest) -> Response:
    """Ask for confirmation."""
    return call.render("webhook_delete.html", here="webhooks", row=load_webhook(call))


def delete_webhook(call: DashboardRequest) -> Response:
    """Delete the webhook and its waiting deliveries."""
    row = load_webhook(call)
    with call.services.database.write() as connection:
        webhook_settings.delete_webhook(connection, call.account["id"], row["id"])
    call.services.log.info("webhook.deleted", webhook=str(row["id"]))
    return call.redirect("/webhooks?done=deleted")


def _render_form(
    call: DashboardRequest, values: Any, *, key: uuid.UUID | None = None, row: Any = None, error: str = ""
) -> Response:
    known = {"events": EVENT_KINDS, "values": values, "key": key, "row": row, "wrong": error}
    return call.render("webhook_form.html", 400 if error else 200, here="webhooks", **known)


def _form_values(call: DashboardRequest) -> dict[str, Any]:
    """Return the submitted values, to show them again."""
    kinds = [kind for kind in EVENT_NAMES if call.form_fields.get(f"on_{kind}") == "on"]
    given = {name: call.form_fields.get(name, "").strip() for name in ("name", "url", "scope")}
    domains = call.form_fields.get("domains", "").split() if given["scope"] == "scoped" else []
    wait = call.form_fields.get("verdict_wait_seconds", "").strip()
    seconds = int(wait) if wait.isascii() and wait.isdecimal() and len(wait) < 10 else wait or 0
    return {**given, "domains": domains, "events": kinds, "verdict_wait_seconds": seconds}


def _parse_form(call: DashboardRequest, kind: type[WebhookFormT]) -> WebhookFormT:
    """Convert the form to the API's request. Raises ValidationError."""
    given = _form_values(call)
    events = given.pop("events")
    return msgspec.convert({**given, **{f"on_{name}": name in events for name in EVENT_NAMES}}, kind)


def _error_text(error: ValidationError | msgspec.ValidationError) -> str:
    return gettext("%(error)s. Nothing was saved.", error=explain_error(error))
