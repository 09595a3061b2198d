"""The check page: shows for pasted HTML which links would be tracked, and why not the others. Stores nothing."""

from starlette.exceptions import HTTPException
from starlette.responses import Response

from linkweir.accounts import account_lookup
from linkweir.accounts.domain_names import to_ascii_domain
from linkweir.dashboard.page_request import DashboardRequest
from linkweir.errors import ValidationError
from linkweir.html import Outcome, check
from linkweir.translation import gettext

MAX_LINKS = 1000
EXAMPLE_HTML = """<p>Read <a href="https://example.com/news?id=1">the news</a>,
visit <a href="www.example.com">our site</a>
or <a href="https://example.com/unsubscribe" data-as-no-track>unsubscribe</a>.</p>
"""


def show_check_form(call: DashboardRequest) -> Response:
    """Show the form with an example."""
    return call.render(
        "check.html", here="check", html=EXAMPLE_HTML, sender="", found=None, counts={}, tracking=True, limit=MAX_LINKS
    )


def show_check_result(call: DashboardRequest) -> Response:
    """Show every link of the pasted HTML under the policy of the account and of the sender's domain."""
    html = call.form_fields.get("html", "")
    sender, parts = call.form_fields.get("from", "").strip(), call.services
    account = account_lookup.account_from_row(call.account)
    try:
        domain = to_ascii_domain(sender.rpartition("@")[2], "from") if sender else None
    except ValidationError as error:
        raise HTTPException(
            400, gettext("%(error)s. Nothing was checked; go back to correct it.", error=error)
        ) from None
    policy, tracker = parts.submitter.dry_run(parts.keyring, account, domain)
    findings = check(html, switches=policy.switches, links=tracker)
    tracked = sum(finding.link.outcome is Outcome.TRACKED for finding in findings)
    lost = sum(finding.looks_trackable for finding in findings)
    return call.render(
        "check.html",
        here="check",
        html=html,
        sender=sender,
        found=findings[:MAX_LINKS],
        counts={"tracked": tracked, "left": len(findings) - tracked, "lost": lost},
        tracking=policy.track_clicks,
        limit=MAX_LINKS,
    )
