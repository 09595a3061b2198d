"""`POST …/check`: what would be tracked and why; nothing is sent or stored."""

from dataclasses import asdict
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from linkweir.edge import door
from linkweir.edge.door import Call
from linkweir.edge.reply import JSON
from linkweir.edge.v2 import shapes, translate
from linkweir.html import Finding, check
from linkweir.mail import compose, lookup, wish_headers
from linkweir.mail.address import ascii_domain
from linkweir.mail.model import Utm


async def check_message(request: Request) -> Response:
    """Every link of the HTML with its outcome, under the policy that a message with these fields would have."""
    return await door.enter(request, "messages:send:any", _check, permit=_may_check)


def _may_check(call: Call) -> None:
    """A domain's policy is shown to those who may send from it."""
    sender = call.shaped(shapes.Check).sender
    if sender is not None:
        call.who.require("messages:send:all", ascii_domain(sender.email.rpartition("@")[2], "from.email"))


def _check(call: Call) -> Response:
    asked = call.shaped(shapes.Check)
    compose.check_page(asked.html_content)
    wishes = translate.message_wishes(asked, wish_headers.read((asked.headers or {}).items()))
    account = lookup.account_of(call.who.account)
    parts, sender = call.parts, asked.sender.email if asked.sender else None
    policy, tracker = parts.submitter.judging(parts.ring, account, sender, wishes)
    found_links = check(asked.html_content, switches=policy.switches, links=tracker)
    return JSON(
        {
            "object": "check",
            "track_clicks": policy.track_clicks,
            "track_opens": policy.track_opens,
            "privacy": policy.privacy.value,
            "link_style": policy.link_style,
            "honeypot": policy.honeypot,
            "utm": _parameters(policy.utm),
            "data": [_shown(one) for one in found_links],
        }
    )


def _parameters(utm: Utm | None) -> dict[str, Any] | None:
    return {name: value for name, value in asdict(utm).items() if value} if utm else None


def _shown(finding: Finding) -> dict[str, Any]:
    link = finding.link
    return {
        "position": link.index,
        "line": link.line,
        "column": link.column,
        "text": link.text,
        "destination": link.destination,
        "outcome": str(link.outcome),
        "reason": finding.reason,
        "looks_trackable": finding.looks_trackable,
        "warning": finding.warning,
    }
