"""Paste HTML and see what would be tracked, and why the rest would not. Nothing is sent or stored."""

from starlette.exceptions import HTTPException
from starlette.responses import Response

from linkweir.edge.dashboard.entry import Call, signed_in
from linkweir.errors import BadInput
from linkweir.html import Outcome, check
from linkweir.mail import lookup
from linkweir.mail.address import ascii_domain

SHOWN = 1000
EXAMPLE = """<p>Read <a href="https://example.com/news?id=1">the news</a>,
visit <a href="www.example.com">our site</a>
or <a href="https://example.com/unsubscribe" data-as-no-track>unsubscribe</a>.</p>
"""


@signed_in
def check_page(call: Call) -> Response:
    """An empty form with an example in it."""
    return call.page(
        "check.html", here="check", html=EXAMPLE, sender="", found=None, counts={}, tracking=True, limit=SHOWN
    )


@signed_in
def check_result(call: Call) -> Response:
    """Every link of what was pasted, under the policy of the account, and of the domain that the mail is from."""
    html = call.fields.get("html", "")
    sender, parts = call.fields.get("from", "").strip(), call.parts
    account = lookup.account_of(call.account)
    try:
        domain = ascii_domain(sender.rpartition("@")[2], "from") if sender else None
    except BadInput as error:
        raise HTTPException(400, f"{error}. Nothing was checked.") from None
    policy, tracker = parts.submitter.judging(parts.ring, account, domain)
    found = check(html, switches=policy.switches, links=tracker)
    tracked = sum(one.link.outcome is Outcome.TRACKED for one in found)
    lost = sum(one.looks_trackable for one in found)
    return call.page(
        "check.html",
        here="check",
        html=html,
        sender=sender,
        found=found[:SHOWN],
        counts={"tracked": tracked, "left": len(found) - tracked, "lost": lost},
        tracking=policy.track_clicks,
        limit=SHOWN,
    )
