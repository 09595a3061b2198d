"""The settings page: tracking, privacy, excluded links, retention, tracking hosts, time zone and reports by mail."""

from starlette.exceptions import HTTPException
from starlette.responses import Response

from linkweir.accounts import account_settings, domains, report_subscriptions
from linkweir.accounts.domain_names import is_host_name
from linkweir.accounts.resource_changes import AccountUpdate
from linkweir.clock import now
from linkweir.dashboard import rendering, settings_form, time_zone
from linkweir.dashboard.page_request import DashboardRequest
from linkweir.dashboard.settings_form import SettingsForm
from linkweir.errors import ValidationError
from linkweir.mail import user_notices
from linkweir.pagination import PageRequest
from linkweir.translation import gettext, gettext_noop

PRIVACY_CHOICES = (
    ("", gettext_noop("Not set: each message decides; full if it does not")),
    ("full", gettext_noop("Full: recipient, IP address and user agent of each click")),
    ("pseudonymous", gettext_noop("Pseudonymous: recipient, country and kind of device; no IP address, no user agent")),
    ("anonymous", gettext_noop("Anonymous: campaign, link, country and kind of device; no recipient")),
    ("none", gettext_noop("None: links are not tracked")),
)
FIELDS = (*settings_form.SWITCH_FIELDS, *settings_form.ACCOUNT_LINES, *settings_form.DAYS_FIELDS, "privacy")
MAX_DOMAINS = 100  # domains listed
HOST_FIELDS = ("domain", "subdomain")
EMPTY_HOST_FORM = SettingsForm(dict.fromkeys(HOST_FIELDS, ""))
FLASH_MESSAGES = {
    "yes": gettext_noop("Saved. Unless noted below, changes apply to messages sent from now on."),
    "zone": gettext_noop("The time zone was saved for this browser."),
    "password": gettext_noop("The password was changed."),
    "reports": gettext_noop("Saved. This applies to you in this account."),
    "host": gettext_noop("Saved. Links in mails sent from now on use this host."),
}


def show_settings(call: DashboardRequest) -> Response:
    """Show the settings."""
    return _render(call, settings_form.show_row(call.account, FIELDS))


def _render(call: DashboardRequest, form: SettingsForm, host: SettingsForm = EMPTY_HOST_FORM) -> Response:
    with call.services.database.read() as connection:
        page = domains.list_domains(connection, call.account["id"], PageRequest(MAX_DOMAINS))
        reports = report_subscriptions.get_report_kind(connection, call.user["id"], call.account["id"])
    return call.render(
        "settings.html",
        400 if form.problems or host.problems else 200,
        here="settings",
        values=form.values,
        problems=form.problems,
        host_values=host.values,
        host_problems=host.problems,
        privacy=PRIVACY_CHOICES,
        domains=page.rows,
        tracking_host=call.services.tracking_host,
        tracking_host_is_name=is_host_name(call.services.tracking_host),
        zones=time_zone.time_zone_names(),
        reports=reports,
        report_choices=tuple(report_subscriptions.DESCRIPTIONS.items()),
        has_relay=user_notices.has_relay(call.services.settings),
        said=FLASH_MESSAGES.get(call.query("saved"), ""),
    )


def update_settings(call: DashboardRequest) -> Response:
    """Update the settings, validated as by the API."""
    try:
        change = settings_form.parse_account_form(call.form_fields, AccountUpdate)
        with call.services.database.write() as connection:
            account_settings.update_account(connection, call.account["id"], change, now())
    except ValidationError as error:
        return _render(call, settings_form.show_typed(call.form_fields, FIELDS, error))
    call.services.log.info("account.changed", account=str(call.account["id"]), fields=["dashboard"])
    return call.redirect("/settings?saved=yes")


def update_time_zone(call: DashboardRequest) -> Response:
    """Set the time zone of this browser."""
    response = call.redirect("/settings?saved=zone")
    time_zone.set_time_zone_cookie(response, rendering.dashboard_root(call.request), call.form_fields.get("zone", ""))
    return response


def update_reports(call: DashboardRequest) -> Response:
    """Set which reports this user gets by mail."""
    kind, root = call.form_fields.get("reports", ""), rendering.dashboard_root(call.request)
    try:
        with call.services.database.write() as connection:
            report_subscriptions.set_report_kind(
                connection, call.user["id"], call.account["id"], kind, now(), dashboard_root=root
            )
    except ValidationError as error:
        raise HTTPException(
            400, gettext("%(error)s. Nothing was changed; go back to correct it.", error=error)
        ) from None
    return call.redirect("/settings?saved=reports")


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
        stored = settings_form.show_row(call.account, FIELDS)
        return _render(call, stored, settings_form.show_typed(call.form_fields, HOST_FIELDS, error))
    call.services.log.info("domain.changed", domain=row["domain"])
    return call.redirect("/settings?saved=host")
