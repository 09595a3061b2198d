"""The page of one domain: whether its tracking host leads here, and the policy of mails from it."""

from sqlalchemy import RowMapping
from starlette.responses import Response

from linkweir.accounts import domains, host_checks
from linkweir.accounts.resource_changes import DomainUpdate
from linkweir.clock import now
from linkweir.dashboard import settings_form
from linkweir.dashboard.page_request import DashboardRequest
from linkweir.dashboard.settings_form import SettingsForm
from linkweir.dashboard.settings_page import PRIVACY_CHOICES
from linkweir.errors import ValidationError
from linkweir.translation import gettext_noop

SWITCH_TITLES = {
    "track_clicks": gettext_noop("Track clicks"),
    "track_opens": gettext_noop("Track opens"),
    "outlook": gettext_noop("Track Outlook's buttons"),
    "honeypot": gettext_noop("Add a hidden link for scanners"),
}
PRIVACY_MODES = (("", gettext_noop("As set in the account")), *PRIVACY_CHOICES[1:])
LINK_STYLES = (
    ("", gettext_noop("As set in the account or service")),
    ("sealed", gettext_noop("Sealed: the link holds its destination, and works without the database")),
    ("short", gettext_noop("Short: the destination is stored in the database")),
)
FIELDS = (*SWITCH_TITLES, *settings_form.POLICY_LINES, "privacy", "link_style")
FLASH_MESSAGES = {
    "yes": gettext_noop("Saved. Changes apply to messages sent from now on."),
    "checked": gettext_noop("The tracking host was checked."),
}


def show_domain(call: DashboardRequest) -> Response:
    """Show a domain."""
    row = _load(call)
    return _render(call, row, settings_form.show_row(row, FIELDS))


def update_domain(call: DashboardRequest) -> Response:
    """Change the policy of a domain."""
    row = _load(call)
    try:
        change = settings_form.parse_domain_form(call.form_fields, DomainUpdate)
        with call.services.database.write() as connection:
            add_host = call.services.add_tracking_host
            key = str(row["id"])
            domains.update_domain(connection, call.account["id"], key, change, now(), add_tracking_host=add_host)
    except ValidationError as error:
        return _render(call, row, settings_form.show_typed(call.form_fields, FIELDS, error))
    call.services.log.info("domain.changed", domain=row["domain"])
    return call.redirect(f"/settings/domains/{row['id']}?saved=yes")


def check_domain(call: DashboardRequest) -> Response:
    """Look whether the tracking host leads here."""
    row, services = _load(call), call.services
    if row["tracking_subdomain"]:
        found = services.host_checker.check(call.account["id"], row["tracking_subdomain"], row["domain"])
        with services.database.write() as connection:
            domains.store_check(
                connection, call.account["id"], row, found, now(), add_tracking_host=services.add_tracking_host
            )
        services.log.info("domain.checked", domain=row["domain"], found=found.dns_problem is None)
    return call.redirect(f"/settings/domains/{row['id']}?saved=checked")


def _load(call: DashboardRequest) -> RowMapping:
    with call.services.database.read() as connection:
        return domains.get_domain(connection, call.account["id"], call.request.path_params["id"])


def _render(call: DashboardRequest, row: RowMapping, form: SettingsForm) -> Response:
    with call.services.database.read() as connection:
        needs_proof, serves = domains.needs_proof(connection), domains.serves_links(connection, row)
    return call.render(
        "domain.html",
        400 if form.problems else 200,
        here="settings",
        row=row,
        values=form.values,
        problems=form.problems,
        switches=SWITCH_TITLES,
        privacy=PRIVACY_MODES,
        link_styles=LINK_STYLES,
        tracking_host=call.services.tracking_host,
        proof=host_checks.proof_record(call.account["id"], row["domain"]) if needs_proof else None,
        serves=serves,
        uses_tls=call.services.settings.base_url.startswith("https:"),
        said=FLASH_MESSAGES.get(call.query("saved"), ""),
    )
