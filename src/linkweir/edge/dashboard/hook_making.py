"""Making, changing and deleting webhooks, under the same rules as the API; a new secret is shown this once."""

import uuid
from typing import Any, TypeVar

import msgspec
from sqlalchemy.exc import IntegrityError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from linkweir.edge.dashboard.entry import Call, signed_in
from linkweir.edge.dashboard.hooks import row_of
from linkweir.edge.parts import now
from linkweir.edge.v2 import hook_columns
from linkweir.edge.v2.asked import NewWebhook, WebhookChange
from linkweir.errors import BadInput
from linkweir.store import webhooks
from linkweir.webhook import signing

EVENTS = (
    ("clicked", "Clicked", "each click, with its verdict and the reasons for it"),
    ("click_corrected", "Click corrected", "a verdict that was told has changed"),
    ("opened", "Opened", "the picture of one pixel was loaded"),
    ("delivered", "Delivered", "the next server has taken the mail"),
    ("reception", "Accepted", "a mail was accepted for sending"),
    ("transient_error", "Put off", "the next server said: not now"),
    ("bounced", "Bounced", "the next server refused the mail"),
    ("failed", "Failed", "it was given up after too long"),
    ("suppressed", "Suppressed", "it was not sent at all"),
)
USUAL: dict[str, Any] = {"name": "", "url": "", "scope": "global", "domains": [], "events": ["clicked"]}
Asked = TypeVar("Asked", NewWebhook, WebhookChange)


@signed_in
def new_webhook(call: Call) -> Response:
    """The form for a new one."""
    return _form(call, USUAL, key=uuid.uuid4())


@signed_in
def make_webhook(call: Call) -> Response:
    """Make it and show its secret. The form carries the id, so that one that is sent twice makes one webhook."""
    try:
        key = uuid.UUID(call.fields.get("id", ""))
    except ValueError:
        raise HTTPException(400, "This form cannot be read. Nothing was made.") from None
    secret = signing.new_secret()
    try:
        asked = _asked(call, NewWebhook)
        values = hook_columns.made(asked, call.account["id"], call.parts.vault.seal(secret.encode()), now())
    except (BadInput, msgspec.ValidationError) as error:
        return _form(call, _given(call), key=key, wrong=_said(error))
    try:
        with call.parts.store.write() as connection:
            webhooks.add(connection, {**values, "id": key})
    except IntegrityError:
        return call.away(f"/webhooks/{key}?done=once")
    call.parts.log.info("webhook.made", webhook=str(key))
    return call.page("webhook_made.html", 201, here="webhooks", key=key, name=asked.name, secret=secret)


@signed_in
def edit_webhook(call: Call) -> Response:
    """The form for one that is there."""
    row = row_of(call)
    return _form(call, row, row=row)


@signed_in
def change_webhook(call: Call) -> Response:
    """Change it; what waits for it is sent to where it is now."""
    row = row_of(call)
    try:
        values = hook_columns.changed(_asked(call, WebhookChange), row, now())
    except (BadInput, msgspec.ValidationError) as error:
        return _form(call, _given(call), row=row, wrong=_said(error))
    with call.parts.store.write() as connection:
        webhooks.change(connection, row["id"], values)
    call.parts.log.info("webhook.changed", webhook=str(row["id"]))
    return call.away(f"/webhooks/{row['id']}?done=changed")


@signed_in
def ask_to_delete(call: Call) -> Response:
    """Say what would be lost, and ask."""
    return call.page("webhook_delete.html", here="webhooks", row=row_of(call))


@signed_in
def delete_webhook(call: Call) -> Response:
    """It is gone, with everything that waited for it."""
    row = row_of(call)
    with call.parts.store.write() as connection:
        webhooks.remove(connection, row["id"])
    call.parts.log.info("webhook.deleted", webhook=str(row["id"]))
    return call.away("/webhooks?done=deleted")


def _form(call: Call, values: Any, *, key: uuid.UUID | None = None, row: Any = None, wrong: str = "") -> Response:
    known = {"events": EVENTS, "values": values, "key": key, "row": row, "wrong": wrong}
    return call.page("webhook_form.html", 400 if wrong else 200, here="webhooks", **known)


def _given(call: Call) -> dict[str, Any]:
    """What was typed, to be shown once more."""
    kinds = [kind for kind in hook_columns.KINDS if call.fields.get(f"on_{kind}") == "on"]
    given = {name: call.fields.get(name, "").strip() for name in ("name", "url", "scope")}
    domains = call.fields.get("domains", "").split() if given["scope"] == "scoped" else []
    return {**given, "domains": domains, "events": kinds}


def _asked(call: Call, kind: type[Asked]) -> Asked:
    """The form as the API's JSON. Raises ValidationError."""
    given = _given(call)
    events = given.pop("events")
    return msgspec.convert({**given, **{f"on_{one}": one in events for one in hook_columns.KINDS}}, kind)


def _said(error: Exception) -> str:
    return f"{error}. Nothing was changed."
