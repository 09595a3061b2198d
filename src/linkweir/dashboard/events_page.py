"""The page of events: single clicks and opens with verdict and reasons, as far as they belong to a number of another
page. Every count leads here.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from starlette.responses import Response

from linkweir.clock import HOUR_US
from linkweir.dashboard import neighbour_pages
from linkweir.dashboard.page_request import DashboardRequest
from linkweir.dashboard.rendering import format_dimension_value
from linkweir.dashboard.verdict_reasons import reason_sentences
from linkweir.stats import hits, segments
from linkweir.stats.hits import VERDICT_GROUPS, HitFilter
from linkweir.translation import format_date, gettext, gettext_noop

PAGE_SIZE = 35
MAX_TEXT = 320  # characters of an address
MAX_POSITION_DIGITS = 9
KINDS = {"click": gettext_noop("Clicks"), "open": gettext_noop("Opens")}
HOURS = re.compile(r"(\d{1,7})-(\d{1,7})", re.ASCII)


@dataclass(frozen=True, slots=True)
class EventChoice:
    """What a query asks for: its parameters but the time's, the time as hours or as a period, and the filter."""

    parameters: list[tuple[str, str]]
    hours: tuple[int, int] | None
    hit_filter: HitFilter

    def without(self, *names: str) -> list[tuple[str, str]]:
        """The parameters but these."""
        return [(name, value) for name, value in self.parameters if name not in names]


def list_events(call: DashboardRequest) -> Response:
    """Show one page of the events that fit."""
    choice = parse_choice(call)
    cursor = neighbour_pages.parse_page(call, PAGE_SIZE)
    with call.services.database.read() as connection:
        page = hits.search_hits(connection, call.account["id"], choice.hit_filter, PAGE_SIZE, cursor.position)
    return call.render(
        "events.html",
        here="events",
        period=call.period,
        hits=[to_template_values(row) for row in page.rows],
        keep=choice.without("verdict"),
        choice=choice,
        chips=_describe(call, choice),
        verdict=call.query("verdict") if call.query("verdict") in VERDICT_GROUPS else "",
        kinds=KINDS,
        older=neighbour_pages.encode_position(page.older),
        is_later=cursor.position is not None,
        is_cut=page.is_cut,
        searched=hits.MAX_SEARCHED,
    )


def parse_choice(call: DashboardRequest) -> EventChoice:
    """Parse the query; what cannot be is left out."""
    texts = {name: call.query(name).strip()[:MAX_TEXT] for name in ("tag", "email", "address", "by", "kind", "verdict")}
    hours, position = parse_hours(call.query("hours")), parse_position(call.query("position"))
    texts["kind"] = texts["kind"] if texts["kind"] in KINDS else ""
    destination, value = call.query("destination"), call.query("value")
    period = call.period
    first, last = hours or (period.first, period.last)
    hit_filter = HitFilter(
        verdicts=VERDICT_GROUPS.get(texts["verdict"], ()),
        kind=texts["kind"],
        tag=texts["tag"],
        position=position,
        destination=destination or None,
        person=texts["email"].lower(),
        address=texts["address"],
        dimension=texts["by"],
        value=value,
        first_at=first * HOUR_US,
        last_at=last * HOUR_US,
    )
    known = {**texts, "destination": destination, "position": "" if position is None else str(position)}
    parameters = [(name, text) for name, text in known.items() if text]
    parameters += [("value", value)] if texts["by"] else []
    return EventChoice(parameters, hours, hit_filter)


def parse_position(text: str) -> int | None:
    """Return a link's position; None for what is none."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= MAX_POSITION_DIGITS else None


def parse_hours(text: str) -> tuple[int, int] | None:
    """Return hours since 1970, from the first to before the last; None for what is none."""
    match = HOURS.fullmatch(text)
    return (int(match[1]), int(match[2])) if match else None


def to_template_values(row: Mapping[Any, Any]) -> dict[str, Any]:
    """Return one event's template values."""
    return {**row, "why": reason_sentences(row["reasons"])}


def _describe(call: DashboardRequest, choice: EventChoice) -> list[tuple[str, str, str]]:
    """Each filter that is on: its name, its value, and the query without it."""
    hit_filter = choice.hit_filter
    dimension = segments.dimension_title(hit_filter.dimension) if hit_filter.dimension else ""
    shown = [
        (gettext("Campaign"), hit_filter.tag, ("tag",)),
        (gettext("Link"), "" if hit_filter.position is None else str(hit_filter.position + 1), ("position",)),
        (gettext("Destination"), hit_filter.destination or "", ("destination",)),
        (gettext("Recipient"), hit_filter.person, ("email",)),
        (
            dimension,
            format_dimension_value(hit_filter.value, hit_filter.dimension) if dimension else "",
            ("by", "value"),
        ),
    ]
    time = _time_parameters(call, choice)
    chips = [(name, value, urlencode(choice.without(*gone) + time)) for name, value, gone in shown if value]
    if choice.hours is not None:
        first, last = (datetime.fromtimestamp(hour * 3600, call.zone) for hour in choice.hours)
        text = gettext("%(first)s to %(last)s", first=_format_hour(first), last=_format_hour(last))
        chips.append((gettext("Time"), text, urlencode([*choice.parameters, ("period", call.period.value)])))
    return chips


def _format_hour(moment: datetime) -> str:
    return f"{format_date(moment)}, {moment:%H:%M}"


def _time_parameters(call: DashboardRequest, choice: EventChoice) -> list[tuple[str, str]]:
    hours = [("hours", "{}-{}".format(*choice.hours))] if choice.hours else []
    return [("period", call.period.value), *hours]
