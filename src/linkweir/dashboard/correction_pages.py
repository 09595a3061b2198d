"""Correct a link after it was sent: what is in force, the record of it, and the form; changes are for owners only."""

import uuid
from collections.abc import Mapping

import msgspec
from sqlalchemy import Connection
from starlette.responses import Response

from linkweir.clicks import corrections
from linkweir.clicks.corrections import CorrectionCreate
from linkweir.clock import now
from linkweir.dashboard.form_errors import to_sentence
from linkweir.dashboard.page_request import DashboardRequest
from linkweir.errors import NotFound, ValidationError
from linkweir.mail import stored_messages
from linkweir.translation import gettext, gettext_noop

FIELDS = ("destination", "replacement", "campaign", "message_id")
FLASH_MESSAGES = {
    "created": gettext_noop("Saved. Within seconds, readers are led to the new address."),
    "removed": gettext_noop("Removed. Within seconds, the links lead to where they did before."),
}


def list_corrections(call: DashboardRequest) -> Response:
    """Show what is corrected and the form, filled in with what the address names."""
    return _render(call, {name: call.query(name) for name in FIELDS})


def create_correction(call: DashboardRequest) -> Response:
    """Correct a destination."""
    values = {name: call.form_fields.get(name, "").strip() for name in FIELDS}
    services, account = call.services, call.account
    rules = corrections.make_link_rules(services.keyring, services.settings.base_url, services.settings.skip, account)
    try:
        request = msgspec.convert({name: value or None for name, value in values.items()}, CorrectionCreate)
        with services.database.write() as connection:
            row = corrections.create_correction(
                connection,
                account["id"],
                request,
                now(),
                number=_find_number(connection, account["id"], request.message_id),
                author=call.user["email"],
                rules=rules,
            )
    except ValidationError as error:
        return _render(call, values, {error.field: to_sentence(error)})
    except msgspec.ValidationError:  # the fields are texts: one is missing or too long
        missing = next((name for name in ("destination", "replacement") if not values[name]), "destination")
        problem = gettext("Is missing.") if not values[missing] else gettext("One of the texts is too long.")
        return _render(call, values, {missing: problem})
    call.services.log.info("correction.created", correction=str(row["id"]))
    return call.redirect("/corrections?done=created")


def confirm_remove(call: DashboardRequest) -> Response:
    """Ask for confirmation."""
    key = _path_id(call)
    with call.services.database.read() as connection:
        row = corrections.get_correction(connection, call.account["id"], key)
    return call.render(
        "confirm.html",
        here="settings",
        question=gettext("Remove this correction?"),
        effect=gettext(
            "Links to %(destination)s lead there again, no longer to %(replacement)s.",
            destination=row["destination"],
            replacement=row["replacement"],
        ),
        verb=gettext("Remove"),
        back="/corrections",
        back_name=gettext("Corrections"),
    )


def remove_correction(call: DashboardRequest) -> Response:
    """Take a correction out of force; the record stays."""
    key = _path_id(call)
    with call.services.database.write() as connection:
        corrections.remove_correction(connection, call.account["id"], key, call.user["email"], now())
    call.services.log.info("correction.removed", correction=str(key))
    return call.redirect("/corrections?done=removed")


def _render(call: DashboardRequest, values: Mapping[str, str], problems: Mapping[str, str] | None = None) -> Response:
    with call.services.database.read() as connection:
        rows = corrections.list_recorded_corrections(connection, call.account["id"])
    newest_first = list(reversed(rows))
    return call.render(
        "corrections.html",
        400 if problems else 200,
        here="settings",
        in_force=[row for row in newest_first if row["removed_at"] is None],
        removed=[row for row in newest_first if row["removed_at"] is not None],
        values=values,
        problems=problems or {},
        said=FLASH_MESSAGES.get(call.query("done"), ""),
    )


def _find_number(connection: Connection, account: uuid.UUID, message: str | None) -> int | None:
    try:
        return stored_messages.find_number(connection, account, message)
    except NotFound:
        raise ValidationError("message_id", gettext("there is no message with this id")) from None


def _path_id(call: DashboardRequest) -> uuid.UUID:
    try:
        return uuid.UUID(call.request.path_params["id"])
    except ValueError:
        raise NotFound(gettext("There is no such correction.")) from None
