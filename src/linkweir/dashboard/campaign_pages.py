"""Pages of campaigns (tags): the list, and one campaign with its links, segments and mail."""

from dataclasses import replace
from typing import Any

from sqlalchemy import Connection
from starlette.responses import Response

from linkweir.clicks import corrections
from linkweir.clock import now
from linkweir.dashboard import heatmap, neighbour_pages
from linkweir.dashboard.link_rows import heatmap_response, link_rows
from linkweir.dashboard.overview_page import trend_chart
from linkweir.dashboard.page_request import DashboardRequest
from linkweir.dashboard.table_order import SortKey, parse_order
from linkweir.errors import NotFound
from linkweir.stats import campaign_reports, deliverability, report_period, segments, verdict_counts
from linkweir.stats.campaign_reports import CampaignSummary
from linkweir.stats.report_period import ReportPeriod
from linkweir.stats.segments import SegmentValue
from linkweir.translation import gettext

MAX_COMPARED = 4
PAGE_SIZE = 40  # campaigns, or values of a segment
MAX_VALUES = 500  # rows of one segment's table


def _click_rate(row: CampaignSummary | SegmentValue) -> float | None:
    return row.clicks.expected.clickers.value / row.delivered if row.delivered else None


CAMPAIGN_KEYS: dict[str, SortKey[CampaignSummary]] = {
    "tag": lambda campaign: campaign.tag.casefold(),
    "sent-at": lambda campaign: campaign.first_at,
    "sent": lambda campaign: campaign.sent if campaign.first_at else None,
    "delivered": lambda campaign: campaign.delivered if campaign.first_at else None,
    "unique": lambda campaign: campaign.clicks.expected.clickers.value,
    "rate": _click_rate,
    "total": lambda campaign: campaign.clicks.expected.clicks.value,
    "machine": lambda campaign: campaign.clicks.expected_machines,
}
LINK_KEYS: dict[str, SortKey[dict[str, Any]]] = {
    "position": lambda row: row["position"],
    "total": lambda row: row["clicks"].expected.value,
    "machine": lambda row: row["clicks"].expected_machines,
    "all": lambda row: row["clicks"].judged,
}
SEGMENT_KEYS: dict[str, SortKey[SegmentValue]] = {
    "value": lambda segment: segment.value.casefold() or None,
    "total": lambda segment: segment.clicks.expected.clicks.value,
    "rate": _click_rate,
    "machine": lambda segment: segment.clicks.expected_machines,
}


def list_campaigns(call: DashboardRequest) -> Response:
    """Show one page of the campaigns of the period, newest first or in the order of a column."""
    chosen, order = call.period, parse_order(call, CAMPAIGN_KEYS, "-sent-at")
    with call.services.database.read() as connection:
        summaries = campaign_reports.list_campaign_summaries(connection, call.account["id"], chosen)
    found, pagination = neighbour_pages.slice_page(call, order.sort(summaries), PAGE_SIZE)
    return call.render(
        "campaigns.html",
        here="campaigns",
        period=chosen,
        found=found,
        pagination=pagination,
        is_cut=sum(summary.first_at is not None for summary in summaries) >= campaign_reports.MAX_CAMPAIGNS,
        limit=campaign_reports.MAX_CAMPAIGNS,
        sort=order,
        compared=MAX_COMPARED,
    )


def show_campaign(call: DashboardRequest) -> Response:
    """Show one campaign: trend, variants, links, segments and the mail."""
    tag, order = parse_tag(call), parse_order(call, LINK_KEYS, "position")
    with call.services.database.read() as connection:
        chosen = _campaign_period(call, connection, tag)
        report = campaign_reports.load_campaign(connection, call.account["id"], tag, chosen)
        corrected = corrections.find_corrected(connection, call.account["id"], tags=[tag])
        figures = deliverability.load_figures(connection, call.account["id"], chosen, tag)
    html = heatmap.html_body(report.mail) if report.mail is not None else None
    return call.render(
        "campaign.html",
        here="campaigns",
        tag=tag,
        period=chosen,
        one=report.summary,
        figures=figures,
        trend=report.trend,
        chart=trend_chart(report.trend),
        links=order.sort(
            link_rows(html, call.services.keyring, report.links.clicks, report.links.values, report.short_links)
        ),
        sort=order,
        drawable=html is not None,
        variants=[(row, verdict_counts.counts_from_row(row)) for row in report.variants],
        judged=[difference["meaning"] for difference in report.differences],
        segments=report.segments,
        corrected=corrected,
    )


def _campaign_period(call: DashboardRequest, connection: Connection, tag: str) -> ReportPeriod:
    """Return the period that was asked for, else the campaign's own life."""
    if {"period", "from", "to"}.isdisjoint(call.request.query_params):
        first = campaign_reports.find_first_sent_hour(connection, call.account["id"], tag)
        if first is not None:
            return report_period.make_campaign_period(first, now(), call.zone)
    return call.period


def show_campaign_mail(call: DashboardRequest) -> Response:
    """Show the newest stored mail of a campaign with the campaign's counts on its links."""
    tag, chosen = parse_tag(call), call.period
    account = call.account["id"]
    with call.services.database.read() as connection:
        mail = campaign_reports.load_latest_mail(connection, account, tag)
        links = campaign_reports.load_links(connection, account, tag, chosen)
    return heatmap_response(call, mail, links.clicks)


def show_segment(call: DashboardRequest) -> Response:
    """Show one page of the values of one segment."""
    tag, by = call.query("tag"), call.query("by")
    chosen, order = call.period, parse_order(call, SEGMENT_KEYS, "-total")
    segments.dimension_title(by)
    with call.services.database.read() as connection:
        segment = segments.load_segment(
            connection, chosen.statistics_query(call.account["id"], tag, group=by, limit=MAX_VALUES)
        )
    values, pagination = neighbour_pages.slice_page(call, order.sort(segment.values), PAGE_SIZE)
    return call.render(
        "segment.html",
        here="campaigns",
        tag=tag,
        one=replace(segment, values=values),
        most=max((value.clicks.total for value in segment.values), default=0),
        pagination=pagination,
        sort=order,
        period=chosen,
        limit=MAX_VALUES,
    )


def parse_tag(call: DashboardRequest) -> str:
    """Return the tag in the query. Raises NotFound."""
    tag = call.query("tag")
    if not tag:
        raise NotFound(gettext("The URL names no campaign. Choose one under Campaigns."))
    return tag
