"""The comparison page: rates of campaigns, significance of their differences, and their first three days."""

from typing import Any

from starlette.responses import Response

from linkweir.clock import now
from linkweir.dashboard import charts
from linkweir.dashboard.campaign_pages import MAX_COMPARED
from linkweir.dashboard.page_request import DashboardRequest
from linkweir.stats import campaign_reports, verdict_counts
from linkweir.stats import campaigns as report
from linkweir.stats.campaign_reports import CampaignSummary
from linkweir.stats.significance import compare_all, make_group
from linkweir.translation import format_number, gettext

COMPARED_HOURS, STEP_HOURS = 72, 3  # hours after a campaign's first click; hours per point
STEP_COUNT = COMPARED_HOURS // STEP_HOURS
CumulativeClicks = list[int | None]


def show_comparison(call: DashboardRequest) -> Response:
    """Show up to four campaigns side by side."""
    chosen, account = call.period, call.account["id"]
    tags = list(dict.fromkeys(call.request.query_params.getlist("tag")))[:MAX_COMPARED]
    with call.services.database.read() as connection:
        summaries = campaign_reports.list_campaign_summaries(connection, account, chosen)
        by_tag = {campaign.tag: campaign for campaign in summaries}
        compared = [by_tag[tag] for tag in tags if tag in by_tag]
        variants = [
            (
                campaign.tag,
                *report.compare_variants(connection, account, campaign.tag, (chosen.first, chosen.last), None),
            )
            for campaign in compared
        ]
        races = [
            campaign_reports.load_cumulative_clicks(
                connection, account, campaign.tag, now(), steps=STEP_COUNT, step_hours=STEP_HOURS
            )
            for campaign in compared
        ]
    return call.render(
        "compare.html",
        here="compare",
        period=chosen,
        found=summaries,
        wanted=[campaign.tag for campaign in compared],
        kept=[("tag", campaign.tag) for campaign in compared],
        compared=compared,
        variants=[_variant_test(*campaign) for campaign in variants if len(campaign[1]) > 1],
        limit=MAX_COMPARED,
        judged=_significance_sentences(compared),
        chart=_make_chart(compared, races),
        race=[(label, [race[step] for race in races]) for step, label in enumerate(_step_labels())],
    )


def _variant_test(tag: str, rows: list[dict[str, Any]], differences: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the template values of one campaign's A/B test."""
    return {
        "tag": tag,
        "rows": [(row, verdict_counts.counts_from_row(row)) for row in rows],
        "judged": [difference["meaning"] for difference in differences],
    }


def _significance_sentences(compared: list[CampaignSummary]) -> list[str]:
    """Return a sentence per campaign: its difference from the first one, and whether that is significant."""
    groups = [make_group(campaign.tag, campaign.clicks.expected, campaign.delivered) for campaign in compared]
    return [campaign.meaning for campaign in compare_all(groups[0], groups[1:])] if groups else []


def _step_labels() -> list[str]:
    return [f"{(step + 1) * STEP_HOURS} h" for step in range(STEP_COUNT)]


def _make_chart(compared: list[CampaignSummary], series: list[CumulativeClicks]) -> object:
    ends = [max((total for total in race if total is not None), default=0) for race in series]
    if not any(ends):
        return None
    totals = "; ".join(f"{campaign.tag}: {format_number(end)}" for campaign, end in zip(compared, ends, strict=True))
    text = gettext(
        "Clicks by people added up over the first %(hours)s hours after a campaign's first click. "
        "At the end, %(totals)s.",
        hours=COMPARED_HOURS,
        totals=totals,
    )
    return charts.line_chart(
        _step_labels(), [(campaign.tag, race) for campaign, race in zip(compared, series, strict=True)], text
    )
