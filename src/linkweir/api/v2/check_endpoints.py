"""`POST …/check`: which links would be tracked, and why not the others; sends and stores nothing."""

from dataclasses import asdict

from linkweir.accounts import account_lookup
from linkweir.accounts.domain_names import to_ascii_domain
from linkweir.accounts.resource_changes import UtmOptions
from linkweir.accounts.tracking_preferences import UtmSettings
from linkweir.api.endpoint import ApiRequest
from linkweir.api.v2 import request_types, submission_parsing
from linkweir.api.v2.response_types import CheckedLink, CheckResponse
from linkweir.html import Finding, check
from linkweir.mail import content_validation, tracking_headers


def authorize_check(call: ApiRequest) -> None:
    """Raise Forbidden unless the key may send from the domain, whose policy the response reveals."""
    sender = call.decode(request_types.CheckRequest).sender
    if sender is not None:
        call.principal.require("messages:send:all", to_ascii_domain(sender.email.rpartition("@")[2], "from.email"))


def check_message(call: ApiRequest) -> CheckResponse:
    """Return every link of the HTML with its outcome, under the policy of a message with these fields."""
    check_request = call.decode(request_types.CheckRequest)
    content_validation.check_html(check_request.html_content)
    preferences = submission_parsing.to_message_preferences(
        check_request, tracking_headers.parse_headers((check_request.headers or {}).items())
    )
    account = account_lookup.account_from_row(call.principal.account)
    parts, sender = call.services, check_request.sender.email if check_request.sender else None
    policy, tracker = parts.submitter.dry_run(parts.keyring, account, sender, preferences)
    found_links = check(check_request.html_content, switches=policy.switches, links=tracker)
    return CheckResponse(
        track_clicks=policy.track_clicks,
        track_opens=policy.track_opens,
        privacy=policy.privacy.value,
        link_style=policy.link_style,
        honeypot=policy.honeypot,
        utm=_to_utm_options(policy.utm),
        data=[_to_checked_link(found_link) for found_link in found_links],
    )


def _to_utm_options(utm: UtmSettings | None) -> UtmOptions | None:
    return UtmOptions(**{name: value for name, value in asdict(utm).items() if value}) if utm else None


def _to_checked_link(finding: Finding) -> CheckedLink:
    link = finding.link
    return CheckedLink(
        position=link.index,
        line=link.line,
        column=link.column,
        text=link.text,
        destination=link.destination,
        outcome=link.outcome,
        reason=finding.reason,
        looks_trackable=finding.looks_trackable,
        warning=finding.warning,
    )
