"""The overview: messages and clicks of a period, by people and machines."""

from starlette.responses import Response

from linkweir.dashboard import charts, first_steps
from linkweir.dashboard.page_request import DashboardRequest
from linkweir.stats import campaign_reports, deliverability
from linkweir.stats.campaign_reports import ClickTrend


def show_overview(call: DashboardRequest) -> Response:
    """Show totals, trend, and the top campaigns and destinations of a period."""
    chosen = call.period
    with call.services.database.read() as connection:
        overview = campaign_reports.load_overview(connection, call.account["id"], chosen)
        steps = first_steps.load_first_steps(call, connection)
        figures = deliverability.load_figures(connection, call.account["id"], chosen)
    return call.render(
        "overview.html",
        here="overview",
        first_steps=steps,
        period=chosen,
        total=overview.total,
        sent=overview.sent,
        delivered=overview.delivered,
        figures=figures,
        before=overview.before,
        sent_before=overview.sent_before,
        trend=overview.trend,
        chart=trend_chart(overview.trend),
        tags=overview.tags,
        destinations=overview.destinations,
    )


def trend_chart(trend: ClickTrend) -> object:
    """Draw clicks by people and machines over time; None without clicks."""
    labels = [step.label for step in trend]
    people, machines = (
        [step.counts.expected_people for step in trend],
        [step.counts.expected_machines for step in trend],
    )
    if not any(people) and not any(machines):
        return None
    text = (
        f"Clicks over time from {labels[0]} to {labels[-1]}: about {sum(people):,} by people, at most {max(people):,} "
        f"in one step; about {sum(machines):,} by machines, at most {max(machines):,}. The table below has all numbers."
    )
    return charts.bar_chart(labels, [("People", people), ("Machines", machines)], text)
