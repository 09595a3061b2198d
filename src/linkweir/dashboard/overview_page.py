"""The overview: messages and clicks of a period, by people and machines."""

from starlette.responses import Response

from linkweir.dashboard import charts, first_steps
from linkweir.dashboard.page_request import DashboardRequest
from linkweir.stats import campaign_reports, deliverability
from linkweir.stats.campaign_reports import ClickTrend
from linkweir.translation import format_number, gettext


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
    text = gettext(
        "Clicks over time from %(first)s to %(last)s: about %(people)s by people, at most %(most_people)s in one step; "
        "about %(machines)s by machines, at most %(most_machines)s. The table below has all numbers.",
        first=labels[0],
        last=labels[-1],
        people=format_number(sum(people)),
        most_people=format_number(max(people)),
        machines=format_number(sum(machines)),
        most_machines=format_number(max(machines)),
    )
    return charts.bar_chart(labels, [(gettext("People"), people), (gettext("Machines"), machines)], text)
