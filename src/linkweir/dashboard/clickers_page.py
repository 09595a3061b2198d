"""The page of who clicked in a campaign or on one of its links; it says how many clicks cannot be listed, and why."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from starlette.responses import Response

from linkweir.clock import HOUR_US
from linkweir.dashboard import neighbour_pages
from linkweir.dashboard.campaign_pages import parse_tag
from linkweir.dashboard.page_request import DashboardRequest
from linkweir.dashboard.table_order import parse_column_order
from linkweir.stats import campaign_reports, click_rows
from linkweir.stats.report_period import ReportPeriod

PAGE_SIZE = 50
NEWEST_FIRST = "-sent"  # the order that an index has, for any number of messages


@dataclass(frozen=True, slots=True)
class ClickerFilter:
    """Filter by campaign, link position (None: any), part of the address, and the period of the first click."""

    tag: str
    position: int | None
    address: str
    period: ReportPeriod

    @property
    def time_range(self) -> tuple[int, int]:
        """Start and end of the period in microseconds since 1970."""
        return self.period.first * HOUR_US, self.period.last * HOUR_US


def parse_filter(call: DashboardRequest) -> ClickerFilter:
    """Parse the query. Raises NotFound without a campaign."""
    position_text = call.query("position")
    position = (
        int(position_text)
        if position_text.isascii() and position_text.isdecimal() and len(position_text) < 10
        else None
    )
    chosen = call.period
    return ClickerFilter(parse_tag(call), position, call.query("address").strip()[:320], chosen)


def list_clickers(call: DashboardRequest) -> Response:
    """Show one page of the list."""
    click_filter, account = parse_filter(call), call.account["id"]
    span = click_filter.period.span(account, f"tag:{click_filter.tag}")
    order = parse_column_order(call, click_rows.CLICKER_SORT_COLUMNS, NEWEST_FIRST)
    narrowed: dict[str, Any] = {
        "position": click_filter.position,
        "address": click_filter.address,
        "between": click_filter.time_range,
        "only_likely": True,
    }
    is_cut = False
    with call.services.database.read() as connection:
        if order.value == NEWEST_FIRST:
            newest = neighbour_pages.parse_page(call, PAGE_SIZE)
            page = click_rows.list_clickers(connection, account, click_filter.tag, newest, **narrowed)
            rows, pagination = page.rows, neighbour_pages.make_neighbour_pages(page, "at")
        else:
            request = neighbour_pages.parse_sorted_page(call, PAGE_SIZE, order)
            found = click_rows.list_clickers_sorted(connection, account, click_filter.tag, request, **narrowed)
            rows, is_cut, pagination = found.rows, found.is_cut, neighbour_pages.make_sorted_neighbours(found)
        last_clicks = click_rows.find_last_clicks(connection, [row["id"] for row in rows], click_filter.position)
        total = campaign_reports.load_counts(connection, span)
        links = campaign_reports.load_links(connection, account, click_filter.tag, click_filter.period)
        privacies = click_rows.count_messages_by_privacy(connection, account, click_filter.tag)
    parameters = [("tag", click_filter.tag), ("address", click_filter.address)]
    parameters += [] if click_filter.position is None else [("position", str(click_filter.position))]
    return call.render(
        "clickers.html",
        here="campaigns",
        tag=click_filter.tag,
        wish=click_filter,
        keep=parameters,
        period=click_filter.period,
        sort=order,
        is_sorted=order.value != NEWEST_FIRST,
        is_cut=is_cut,
        searched=click_rows.MAX_SORTED,
        rows=rows,
        last_clicks=last_clicks,
        pagination=pagination,
        total=total,
        links=_link_choices(links.values),
        untied=privacies.get("anonymous", 0),
        known=sum(privacies.values()),
        shortened=privacies.get("pseudonymous", 0),
    )


def _link_choices(values: Sequence[str]) -> list[tuple[int, str]]:
    """Position and destination of each followed link in document order; the first destination where a position has
    several."""
    choices: dict[int, str] = {}
    for value in values:
        position, _, destination = value.partition("\t")
        if position.isdigit():
            choices.setdefault(int(position), destination)
    return sorted(choices.items())
