"""The settings page: tracking, privacy, excluded links, retention, tracking hosts and the time zone."""

import re
from typing import Any

import msgspec
from starlette.exceptions import HTTPException
from starlette.responses import Response

from linkweir.accounts import account_settings, domains
from linkweir.accounts.domain_names import is_host_name
from linkweir.accounts.resource_changes import AccountUpdate
from linkweir.clock import now
from linkweir.dashboard import rendering, time_zone
from linkweir.dashboard.page_request import DashboardRequest
from linkweir.errors import ValidationError
from linkweir.pagination import PageRequest

PRIVACY_CHOICES = (
    ("", "Not set: each message decides; full if it does not"),
    ("full", "Full: recipient, IP address and user agent of each click"),
    ("pseudonymous", "Pseudonymous: recipient, country and kind of device; no IP address, no user agent"),
    ("anonymous", "Anonymous: campaign, link, country and kind of device; no recipient"),
    ("none", "None: links are not tracked"),
)
SWITCH_FIELDS = ("track_clicks", "track_opens", "internal_own_domains")
LINES_FIELDS = ("opt_out", "skip", "confirm", "internal_networks", "internal_addresses")  # an entry to a line
MAX_DOMAINS = 100  # domains listed
DAYS_PATTERN = re.compile(r"[0-9]{1,4}")  # anything else is rejected by its type
FLASH_MESSAGES = {
    "yes": "Saved. Unless noted below, changes apply to messages sent from now on.",
    "zone": "The time zone was saved for this browser.",
    "password": "The password was changed.",
    "host": "Saved. Links in mails sent from now on use this host.",
}


def show_settings(call: DashboardRequest) -> Response:
    """Show the settings."""
    with call.services.database.read() as connection:
        page = domains.list_domains(connection, call.account["id"], PageRequest(MAX_DOMAINS))
    return call.render(
        "settings.html",
        here="settings",
        account=call.account,
        policy=call.account["policy"],
        privacy=PRIVACY_CHOICES,
        domains=page.rows,
        tracking_host=call.services.tracking_host,
        tracking_host_is_name=is_host_name(call.services.tracking_host),
        zones=time_zone.time_zone_names(),
        said=FLASH_MESSAGES.get(call.query("saved"), ""),
    )


def update_settings(call: DashboardRequest) -> Response:
    """Update the settings, validated as by the API."""
    change = _parse_form(call.form_fields)
    try:
        with call.services.database.write() as connection:
            account_settings.update_account(connection, call.account["id"], change, now())
    except ValidationError as error:
        raise HTTPException(400, f"{error}. Nothing was changed; go back to correct it.") from None
    call.services.log.info("account.changed", account=str(call.account["id"]), fields=["dashboard"])
    return call.redirect("/settings?saved=yes")


def update_time_zone(call: DashboardRequest) -> Response:
    """Set the time zone of this browser."""
    response = call.redirect("/settings?saved=zone")
    time_zone.set_time_zone_cookie(response, rendering.dashboard_root(call.request), call.form_fields.get("zone", ""))
    return response


def _parse_form(fields: dict[str, str]) -> AccountUpdate:
    given: dict[str, Any] = {name: fields.get(name) == "on" for name in SWITCH_FIELDS}
    given |= {name: True if fields.get(name) == "on" else None for name in ("outlook", "honeypot")}
    given["privacy"] = fields.get("privacy") or None
    for name in LINES_FIELDS:
        given[name] = [line.strip() for line in fields.get(name, "").splitlines() if line.strip()]
    for name in ("message_metadata_retention", "message_data_retention"):
        if name in fields:
            given[name] = int(fields[name]) if DAYS_PATTERN.fullmatch(fields[name]) else fields[name]
    try:
        return msgspec.convert(given, AccountUpdate)
    except msgspec.ValidationError as error:
        raise HTTPException(400, f"{error}. Nothing was changed; go back to correct it.") from None


def set_tracking_host(call: DashboardRequest) -> Response:
    """Set the tracking subdomain of a domain; empty: the service's own host."""
    domain = call.form_fields.get("domain", "").strip()
    subdomain = call.form_fields.get("subdomain", "").strip().lower() or None
    try:
        with call.services.database.write() as connection:
            row = domains.set_tracking_host(
                connection,
                call.account["id"],
                domain,
                subdomain,
                now(),
                add_tracking_host=call.services.add_tracking_host,
            )
    except ValidationError as error:
        raise HTTPException(400, f"{error}. Nothing was changed; go back to correct it.") from None
    call.services.log.info("domain.changed", domain=row["domain"])
    return call.redirect("/settings?saved=host")
