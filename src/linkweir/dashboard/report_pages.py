"""The report of one campaign for people without an account: the links to it, and the page that they open."""

import uuid
from zoneinfo import ZoneInfo

from starlette.requests import Request
from starlette.responses import Response

from linkweir.clock import now
from linkweir.dashboard import rendering
from linkweir.dashboard.campaign_pages import parse_tag
from linkweir.dashboard.form_errors import to_sentence
from linkweir.dashboard.overview_page import trend_chart
from linkweir.dashboard.page_request import DashboardRequest, with_error_page
from linkweir.errors import NotFound, ValidationError
from linkweir.mail import user_notices
from linkweir.stats import campaign_reports, report_links, report_period, verdict_counts
from linkweir.translation import gettext
from linkweir.web.services import services_from

REPORT_ZONE = ZoneInfo("UTC")


def list_report_links(call: DashboardRequest) -> Response:
    """Show the links to a campaign's report, and the form for a new one."""
    return _render_links(call, parse_tag(call))


def create_report_link(call: DashboardRequest) -> Response:
    """Create a link, and show it once."""
    tag, days = call.form_fields.get("tag", ""), call.form_fields.get("days", "").strip()
    if not tag:
        raise NotFound(gettext("The form names no campaign."))
    try:
        with call.services.database.write() as connection:
            secret, _ = report_links.create_report_link(
                connection, call.account["id"], tag, now(), days=days, author=call.user["email"]
            )
    except ValidationError as error:
        return _render_links(call, tag, days=days, problem=to_sentence(error))
    root = rendering.dashboard_root(call.request)
    url = f"{user_notices.dashboard_url(call.services.settings, root)}/report/{secret}"
    call.services.log.info("report_link.created")
    return _render_links(call, tag, url=url)


def revoke_report_link(call: DashboardRequest) -> Response:
    """Take a link back."""
    tag = call.form_fields.get("tag", "")
    try:
        link = uuid.UUID(call.request.path_params["id"])
    except ValueError:
        raise NotFound(gettext("There is no such link.")) from None
    with call.services.database.write() as connection:
        report_links.revoke_report_link(connection, call.account["id"], link)
    call.services.log.info("report_link.revoked", link=str(link))
    return _render_links(call, tag, flash=gettext("The link was revoked. It no longer works."))


async def show_report(request: Request) -> Response:
    """Show the sums of a campaign to whoever has a link."""
    services = services_from(request)
    return await with_error_page(request, lambda: services.run_blocking(lambda: _render_report(request)))


def _render_report(request: Request) -> Response:
    with services_from(request).database.read() as connection:
        link = report_links.load_report_link(connection, request.path_params["secret"], now())
        account, tag = link["account_id"], link["tag"]
        first = campaign_reports.find_first_sent_hour(connection, account, tag)
        if first is None:
            raise NotFound(gettext("This campaign has no messages any more."))
        period = report_period.make_campaign_period(first, now(), REPORT_ZONE)
        report = campaign_reports.load_campaign(connection, account, tag, period)
    response = rendering.render_page(
        request,
        "report.html",
        tag=tag,
        one=report.summary,
        trend=report.trend,
        chart=trend_chart(report.trend),
        period=period,
        variants=[(row, verdict_counts.counts_from_row(row)) for row in report.variants],
        judged=[difference["meaning"] for difference in report.differences],
        at=now(),
        expires_at=link["expires_at"],
        zone=REPORT_ZONE,
    )
    response.headers["Referrer-Policy"] = "no-referrer"  # the address is the secret
    return response


def _render_links(
    call: DashboardRequest, tag: str, *, days: str = "", problem: str = "", url: str = "", flash: str = ""
) -> Response:
    with call.services.database.read() as connection:
        links = report_links.list_report_links(connection, call.account["id"], tag, now())
    return call.render(
        "report_links.html",
        400 if problem else 201 if url else 200,
        here="campaigns",
        tag=tag,
        links=links,
        days=days or str(report_links.DEFAULT_DAYS),
        max_days=report_links.MAX_DAYS,
        problems={"days": problem} if problem else {},
        url=url,
        said=flash,
    )
