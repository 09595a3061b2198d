"""The first page: what was sent and clicked lately, people and machines side by side."""

from starlette.responses import Response

from linkweir.clock import now
from linkweir.dashboard import charts
from linkweir.dashboard.page_request import DashboardRequest, login_required
from linkweir.db import aggregate_queries
from linkweir.stats import click_statistics, report_period, verdict_counts

MAX_TOP_VALUES = 8
ClickTrend = list[tuple[str, verdict_counts.VerdictCounts]]  # each step of a period by its name


@login_required
def show_overview(call: DashboardRequest) -> Response:
    """Sums, trend, the strongest campaigns and destinations of a period."""
    chosen = report_period.parse_period(call.query("days"), now(), call.zone)
    span = chosen.span(call.account["id"], "")
    with call.services.store.read() as connection:
        total = verdict_counts.counts_from_row(aggregate_queries.sum_all(connection, span)._mapping)
        rows = click_statistics.query_clicks(connection, chosen.statistics_query(call.account["id"])).rows
        sent, delivered = aggregate_queries.sum_sent(connection, span)
        earlier = chosen.preceding_span(call.account["id"], "")
        before = verdict_counts.counts_from_row(aggregate_queries.sum_all(connection, earlier)._mapping)
        sent_before, _ = aggregate_queries.sum_sent(connection, earlier)
        tags = aggregate_queries.sum_by_value(connection, span, "tag", MAX_TOP_VALUES)
        destinations = aggregate_queries.sum_by_value(connection, span, "destination", MAX_TOP_VALUES)
    trend = [(chosen.label(row), verdict_counts.counts_from_row(row)) for row in rows]
    return call.render(
        "overview.html",
        here="overview",
        period=chosen,
        choices=report_period.DAY_CHOICES,
        total=total,
        sent=sent,
        delivered=delivered,
        before=before,
        sent_before=sent_before,
        trend=trend,
        chart=trend_chart(trend),
        tags=verdict_counts.counts_by_value(tags),
        destinations=verdict_counts.counts_by_value(destinations),
    )


def trend_chart(trend: ClickTrend) -> object:
    """People and machines over time; None where there is nothing to draw."""
    labels = [label for label, _ in trend]
    people, machines = [one.people for _, one in trend], [one.machines for _, one in trend]
    if not any(people) and not any(machines):
        return None
    text = (
        f"Clicks over time from {labels[0]} to {labels[-1]}: {sum(people):,} by people, at most {max(people):,} in one "
        f"step; {sum(machines):,} by machines, at most {max(machines):,}. The table below has every number."
    )
    return charts.bar_chart(labels, [("People", people), ("Machines", machines)], text)
