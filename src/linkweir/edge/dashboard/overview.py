"""The first page: what was sent and clicked lately, people and machines side by side."""

from starlette.responses import Response

from linkweir.edge.dashboard import charts, figures, period
from linkweir.edge.dashboard.entry import Call, signed_in
from linkweir.edge.parts import now
from linkweir.report import clicks
from linkweir.store import totals

TOP = 8
Trend = list[tuple[str, figures.Figures]]  # each step of a period by its name


@signed_in
def overview(call: Call) -> Response:
    """Sums, trend, the strongest campaigns and destinations of a period."""
    chosen = period.of(call.asked("days"), now(), call.zone)
    span = chosen.span(call.account["id"], "")
    with call.parts.store.read() as connection:
        total = figures.of(totals.sum_of(connection, span)._mapping)
        rows = clicks.answer(connection, chosen.question(call.account["id"])).rows
        sent, delivered = totals.sent(connection, span)
        earlier = chosen.before(call.account["id"], "")
        before = figures.of(totals.sum_of(connection, earlier)._mapping)
        sent_before, _ = totals.sent(connection, earlier)
        tags = totals.by_value(connection, span, "tag", TOP)
        destinations = totals.by_value(connection, span, "destination", TOP)
    trend = [(chosen.label(row), figures.of(row)) for row in rows]
    return call.page(
        "overview.html",
        here="overview",
        period=chosen,
        choices=period.CHOICES,
        total=total,
        sent=sent,
        delivered=delivered,
        before=before,
        sent_before=sent_before,
        trend=trend,
        chart=trend_chart(trend),
        tags=figures.ranking(tags),
        destinations=figures.ranking(destinations),
    )


def trend_chart(trend: Trend) -> object:
    """People and machines over time; None where there is nothing to draw."""
    labels = [label for label, _ in trend]
    people, machines = [one.people for _, one in trend], [one.machines for _, one in trend]
    if not any(people) and not any(machines):
        return None
    text = (
        f"Clicks over time from {labels[0]} to {labels[-1]}: {sum(people):,} by people, at most {max(people):,} in one "
        f"step; {sum(machines):,} by machines, at most {max(machines):,}. The table below has every number."
    )
    return charts.bars(labels, [("People", people), ("Machines", machines)], text)
