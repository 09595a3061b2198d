"""Campaigns (tags): the list, and one of them with its links, its segments and its mail."""

import uuid
from dataclasses import dataclass

from sqlalchemy import Connection
from starlette.responses import Response

from linkweir.clock import HOUR_US, now
from linkweir.dashboard import heatmap
from linkweir.dashboard.link_rows import heatmap_response, link_rows
from linkweir.dashboard.overview_page import trend_chart
from linkweir.dashboard.page_request import DashboardRequest, login_required
from linkweir.db import aggregate_queries, dashboard_queries, messages_table
from linkweir.errors import NotFound
from linkweir.stats import campaigns as report
from linkweir.stats import click_statistics, report_period, segments, verdict_counts
from linkweir.stats.report_period import ReportPeriod
from linkweir.stats.verdict_counts import VerdictCounts

MAX_COMPARED = 4
MAX_CAMPAIGNS = 200
MAX_LINKS = 500


@dataclass(frozen=True, slots=True)
class CampaignSummary:
    """One tag: messages of a time and its clicks."""

    tag: str
    sent: int
    delivered: int
    first_at: int | None  # microseconds since 1970; None: nothing was sent in this time
    clicks: VerdictCounts


@login_required
def list_campaigns(call: DashboardRequest) -> Response:
    """Every tag of the period, newest first."""
    chosen = report_period.parse_period(call.query("days"), now(), call.zone)
    with call.services.store.read() as connection:
        found = campaigns_in(connection, call.account["id"], chosen)
    return call.render(
        "campaigns.html",
        here="campaigns",
        period=chosen,
        choices=report_period.DAY_CHOICES,
        found=found,
        compared=MAX_COMPARED,
    )


def campaigns_in(connection: Connection, account: uuid.UUID, chosen: ReportPeriod) -> list[CampaignSummary]:
    """Campaigns of a period: those that were sent in it, newest first, then those that were only clicked in it."""
    span = chosen.span(account, "")
    since = dashboard_queries.get_first_sent_hours(connection, span)
    newest = sorted(since, key=lambda tag: (-since[tag], tag))[:MAX_CAMPAIGNS]
    sent = aggregate_queries.sum_sent_by_value(connection, span, "tag", newest)
    counts = dict(verdict_counts.counts_by_value(aggregate_queries.sum_by_value(connection, span, "tag", MAX_LINKS)))
    found = [
        CampaignSummary(tag, *sent.get(tag, (0, 0)), since[tag] * HOUR_US, counts.get(tag, verdict_counts.NO_COUNTS))
        for tag in newest
    ]
    return found + [CampaignSummary(tag, 0, 0, None, one) for tag, one in counts.items() if tag not in since]


@login_required
def show_campaign(call: DashboardRequest) -> Response:
    """One tag with its trend, variants, links, segments, and the mail."""
    tag, chosen = parse_tag(call), report_period.parse_period(call.query("days"), now(), call.zone)
    account = call.account["id"]
    span = chosen.span(account, f"tag:{tag}")
    with call.services.store.read() as connection:
        total = verdict_counts.counts_from_row(aggregate_queries.sum_all(connection, span)._mapping)
        rows = click_statistics.query_clicks(connection, chosen.statistics_query(account, tag)).rows
        links = aggregate_queries.sum_by_value(connection, span, "link", MAX_LINKS)
        since = dashboard_queries.get_first_sent_hours(connection, chosen.span(account, ""), tag).get(tag)
        sent, delivered = aggregate_queries.sum_sent(connection, span)
        kept = dashboard_queries.get_latest_stored_mail(connection, account, tag)
        short = messages_table.get_short_link_destinations(connection, kept[0]) if kept else {}
        variants, judged = report.compare_variants(connection, account, tag, (chosen.first, chosen.last), None)
        found = segments.load_campaign_segments(connection, account, tag, chosen)
    if since is None and not total.total and kept is None:
        raise NotFound("There is no campaign with this tag in the time that you look at.")
    trend = [(chosen.label(row), verdict_counts.counts_from_row(row)) for row in rows]
    html = heatmap.html_body(kept[1]) if kept else None
    return call.render(
        "campaign.html",
        here="campaigns",
        tag=tag,
        period=chosen,
        choices=report_period.DAY_CHOICES,
        one=CampaignSummary(tag, sent, delivered, None if since is None else since * HOUR_US, total),
        trend=trend,
        chart=trend_chart(trend),
        links=link_rows(
            html,
            call.services.keyring,
            verdict_counts.link_clicks_by_position(links),
            [row.value for row in links],
            short,
        ),
        drawable=html is not None,
        variants=[(row, verdict_counts.counts_from_row(row)) for row in variants],
        judged=[one["meaning"] for one in judged],
        segments=found,
    )


@login_required
def show_campaign_mail(call: DashboardRequest) -> Response:
    """The newest mail of a campaign that is still kept, with the campaign's counts over its links."""
    tag, chosen = parse_tag(call), report_period.parse_period(call.query("days"), now(), call.zone)
    account = call.account["id"]
    with call.services.store.read() as connection:
        kept = dashboard_queries.get_latest_stored_mail(connection, account, tag)
        links = aggregate_queries.sum_by_value(connection, chosen.span(account, f"tag:{tag}"), "link", MAX_LINKS)
    return heatmap_response(call, kept[1] if kept else None, verdict_counts.link_clicks_by_position(links))


def parse_tag(call: DashboardRequest) -> str:
    """The tag in the query. Raises NotFound."""
    tag = call.query("tag")
    if not tag:
        raise NotFound("No campaign was named.")
    return tag
