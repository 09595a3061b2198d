"""The live page: the newest clicks and opens with verdict, confidence and reasons, by verdict, campaign and recipient.

A script adds new ones (`live_stream`, or polling where streams do not get through).
"""

from typing import Any

from starlette.responses import Response

from linkweir.dashboard.events_page import MAX_TEXT, to_template_values
from linkweir.dashboard.page_request import DashboardRequest
from linkweir.stats import hits
from linkweir.stats.hits import VERDICT_GROUPS, HitFilter

MAX_CLICKS = 40
FILTER_FIELDS = ("verdict", "tag", "address")


def show_live(call: DashboardRequest) -> Response:
    """Show the newest events that match the filters."""
    given = parse_filters(call)
    return call.render(
        "live.html",
        here="live",
        hits=load_latest(call, given),
        limit=MAX_CLICKS,
        given=given,
        keep=[(name, text) for name, text in given.items() if text],
        searched=hits.MAX_SEARCHED,
    )


def show_live_rows(call: DashboardRequest) -> Response:
    """Return the list alone, for the polling script."""
    given = parse_filters(call)
    return call.render("live_rows.html", hits=load_latest(call, given), given=given)


def parse_filters(call: DashboardRequest) -> dict[str, str]:
    """Return the filters in the query by name; empty: none."""
    given = {name: call.query(name).strip()[:MAX_TEXT] for name in FILTER_FIELDS}
    return {**given, "verdict": given["verdict"] if given["verdict"] in VERDICT_GROUPS else ""}


def load_latest(call: DashboardRequest, given: dict[str, str]) -> list[dict[str, Any]]:
    """Return the newest events that match, as template values."""
    verdicts = VERDICT_GROUPS.get(given["verdict"], ())
    hit_filter = HitFilter(verdicts=verdicts, tag=given["tag"], address=given["address"])
    searched = hits.MAX_SEARCHED if any(given.values()) else MAX_CLICKS + 1
    with call.services.database.read() as connection:
        page = hits.search_hits(connection, call.account["id"], hit_filter, MAX_CLICKS, searched=searched)
    return [to_template_values(row) for row in page.rows]
