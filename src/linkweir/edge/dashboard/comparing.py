"""Campaigns side by side: their rates, whether these differ by more than chance, and their first three days."""

import itertools
from typing import Any

from sqlalchemy import Connection
from starlette.responses import Response

from linkweir.edge.dashboard import charts, figures, period
from linkweir.edge.dashboard.campaigns import COMPARED, Campaign, found_in
from linkweir.edge.dashboard.entry import Call, signed_in
from linkweir.edge.parts import now
from linkweir.report import campaigns as report
from linkweir.report.significance import Group, against
from linkweir.store import dashboard_reads, totals
from linkweir.store.totals import Span

RACE, STEP = 72, 3  # hours after a campaign's first click that are compared, and hours of one point
STEPS = RACE // STEP
Race = list[int | None]


@signed_in
def compare(call: Call) -> Response:
    """Up to four campaigns side by side."""
    chosen, account = period.of(call.asked("days"), now(), call.zone), call.account["id"]
    wanted = list(dict.fromkeys(call.request.query_params.getlist("tag")))[:COMPARED]
    with call.parts.store.read() as connection:
        found = found_in(connection, account, chosen)
        by_tag = {one.tag: one for one in found}
        compared = [by_tag[tag] for tag in wanted if tag in by_tag]
        variants = [
            (one.tag, *report.variants(connection, account, one.tag, (chosen.first, chosen.last), None))
            for one in compared
        ]
        races = [_race(connection, Span(account, f"tag:{one.tag}", 0, 0)) for one in compared]
    return call.page(
        "compare.html",
        here="compare",
        period=chosen,
        choices=period.CHOICES,
        found=found,
        wanted=[one.tag for one in compared],
        kept=[("tag", one.tag) for one in compared],
        compared=compared,
        variants=[_variants(*one) for one in variants if len(one[1]) > 1],
        limit=COMPARED,
        judged=_judged(compared),
        chart=_chart(compared, races),
        race=[(label, [race[step] for race in races]) for step, label in enumerate(_labels())],
    )


def _variants(tag: str, rows: list[dict[str, Any]], judged: list[dict[str, Any]]) -> dict[str, Any]:
    """The A/B test of one campaign for the template."""
    return {"tag": tag, "rows": [(row, figures.of(row)) for row in rows], "judged": [one["meaning"] for one in judged]}


def _judged(compared: list[Campaign]) -> list[str]:
    """Each campaign against the first, in a sentence that says what is chance."""
    groups = [Group(one.tag, min(one.clicks.clickers, one.delivered), one.delivered) for one in compared]
    return [one.meaning for one in against(groups[0], groups[1:])] if groups else []


def _race(connection: Connection, of: Span) -> Race:
    """Clicks of people since the first click, added up; None for what is yet to come."""
    start = dashboard_reads.first_hour(connection, of.account, of.scope) or 0
    steps = [0] * STEPS
    for row in totals.by_hour(connection, Span(of.account, of.scope, start, start + RACE)):
        steps[(row.hour - start) // STEP] += figures.of(row._mapping).people
    past = (now() // period.HOUR - start) // STEP
    return [total if step <= past else None for step, total in enumerate(itertools.accumulate(steps))]


def _labels() -> list[str]:
    return [f"{(step + 1) * STEP} h" for step in range(STEPS)]


def _chart(compared: list[Campaign], races: list[Race]) -> object:
    ends = [max((total for total in race if total is not None), default=0) for race in races]
    if not any(ends):
        return None
    said = "; ".join(f"{one.tag}: {end:,}" for one, end in zip(compared, ends, strict=True))
    text = f"Clicks by people added up over the first {RACE} hours after a campaign's first click. At the end, {said}."
    return charts.lines(_labels(), [(one.tag, race) for one, race in zip(compared, races, strict=True)], text)
