"""Settings of the account: what is tracked, how privately, which links are left alone, and the tracking hosts."""

import re
from typing import Any

import msgspec
from starlette.exceptions import HTTPException
from starlette.responses import Response

from linkweir.edge.dashboard import view, zones
from linkweir.edge.dashboard.entry import Call, signed_in
from linkweir.edge.hosts import is_name
from linkweir.edge.parts import now
from linkweir.edge.v2.asked import AccountChange
from linkweir.edge.v2.translate import switches
from linkweir.errors import BadInput
from linkweir.store import accounts, pages, tables

PRIVACY = (
    ("", "As each message asks (full, when it asks for nothing)"),
    ("full", "Full: address, browser and recipient of each click"),
    ("pseudonymous", "Pseudonymous: no address, no user agent; country and device class only"),
    ("anonymous", "Anonymous: counted for the link and the campaign, tied to nobody"),
    ("none", "None: nothing is tracked at all"),
)
DAYS = re.compile(r"[0-9]{1,4}")  # what is no such number is refused by its type
SAID = {
    "yes": "Saved. It holds for messages that are sent from now on.",
    "zone": "Saved for this browser.",
    "password": "The password was changed.",
    "host": "Saved. Links of mails that are sent from now on live there.",
}


@signed_in
def preferences(call: Call) -> Response:
    """The form."""
    table = tables.domains
    with call.parts.store.read() as connection:
        found = pages.page(connection, table, pages.Wanted(100), [table.c.account_id == call.account["id"]])
    return call.page(
        "settings.html",
        here="settings",
        account=call.account,
        policy=call.account["policy"],
        privacy=PRIVACY,
        domains=found.rows,
        house=call.parts.tracking_host,
        house_is_name=is_name(call.parts.tracking_host),
        zones=zones.choices(),
        said=SAID.get(call.asked("saved"), ""),
    )


@signed_in
def change_preferences(call: Call) -> Response:
    """What the form says, under the same rules as the API."""
    asked = _asked(call.fields)
    policy = asked.over(call.account["policy"])
    try:
        switches(policy.get("opt_out"), policy.get("skip"), policy.get("outlook"))
    except BadInput as error:
        raise HTTPException(400, f"{error}. Nothing was changed.") from None
    try:
        switches(None, policy.get("confirm"), None)  # patterns of the same kind
    except BadInput as error:
        raise HTTPException(400, f"confirm {error.reason}. Nothing was changed.") from None
    with call.parts.store.write() as connection:
        accounts.change(connection, call.account["id"], {**asked.given(), "policy": policy}, now())
    call.parts.log.info("account.changed", account=str(call.account["id"]), fields=["dashboard"])
    return call.away("/settings?saved=yes")


@signed_in
def change_zone(call: Call) -> Response:
    """The time zone of this browser's pages."""
    response = call.away("/settings?saved=zone")
    zones.remember(response, view.root_of(call.request), call.fields.get("zone", ""))
    return response


def _asked(fields: dict[str, str]) -> AccountChange:
    given: dict[str, Any] = {name: fields.get(name) == "on" for name in ("track_clicks", "track_opens")}
    given |= {name: True if fields.get(name) == "on" else None for name in ("outlook", "honeypot")}
    given["privacy"] = fields.get("privacy") or None
    for name in ("opt_out", "skip", "confirm"):
        given[name] = [line.strip() for line in fields.get(name, "").splitlines() if line.strip()]
    for name in ("message_metadata_retention", "message_data_retention"):
        if name in fields:
            given[name] = int(fields[name]) if DAYS.fullmatch(fields[name]) else fields[name]
    try:
        return msgspec.convert(given, AccountChange)
    except msgspec.ValidationError as error:
        raise HTTPException(400, f"{error}. Nothing was changed.") from None
