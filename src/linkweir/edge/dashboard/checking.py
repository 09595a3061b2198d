"""Paste HTML and see what would be tracked, and why the rest would not. Nothing is sent or stored."""

from starlette.responses import Response

from linkweir.edge.dashboard.entry import Call, signed_in
from linkweir.html import Outcome, check
from linkweir.mail import lookup
from linkweir.mail.links import judging
from linkweir.mail.policy import decide

SHOWN = 1000
EXAMPLE = """<p>Read <a href="https://example.com/news?id=1">the news</a>,
visit <a href="www.example.com">our site</a>
or <a href="https://example.com/unsubscribe" data-as-no-track>unsubscribe</a>.</p>
"""


@signed_in
def check_page(call: Call) -> Response:
    """An empty form with an example in it."""
    return call.page("check.html", here="check", html=EXAMPLE, found=None, counts={}, tracking=True, limit=SHOWN)


@signed_in
def check_result(call: Call) -> Response:
    """Every link of what was pasted, under the account's policy."""
    html = call.fields.get("html", "")
    parts, account = call.parts, lookup.account_of(call.account)
    house = parts.submitter.house
    policy = decide(account.wishes, switches=house.switches, default_style=house.link_style)
    found = check(html, switches=policy.switches, links=judging(parts.ring, house.base_url, policy))
    tracked = sum(one.link.outcome is Outcome.TRACKED for one in found)
    lost = sum(one.looks_trackable for one in found)
    return call.page(
        "check.html",
        here="check",
        html=html,
        found=found[:SHOWN],
        counts={"tracked": tracked, "left": len(found) - tracked, "lost": lost},
        tracking=policy.track_clicks,
        limit=SHOWN,
    )
