"""The live page: the newest clicks with verdict, confidence and reasons. A script polls for updates."""

from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from linkweir.dashboard.page_request import DashboardRequest
from linkweir.dashboard.verdict_reasons import reason_sentences
from linkweir.stats import click_rows

MAX_CLICKS = 50
VERDICTS = ("human", "unsure", "machine", "prefetch", "internal")


def show_live(call: DashboardRequest) -> Response:
    """Show the newest clicks."""
    return call.render(
        "live.html",
        here="live",
        hits=_latest_clicks(call),
        limit=MAX_CLICKS,
        verdict=_parse_verdict(call),
        verdicts=VERDICTS,
        searched=click_rows.MAX_SEARCHED_HITS,
    )


def show_live_rows(call: DashboardRequest) -> Response:
    """Return the list alone, for the polling script."""
    return call.render("live_rows.html", hits=_latest_clicks(call), verdict=_parse_verdict(call))


def _latest_clicks(call: DashboardRequest) -> list[dict[str, Any]]:
    with call.services.database.read() as connection:
        rows = click_rows.list_latest_hits(connection, call.account["id"], MAX_CLICKS, verdict=_parse_verdict(call))
    return [to_template_values(row) for row in rows]


def _parse_verdict(call: DashboardRequest) -> str:
    """The verdict that is asked for; empty: all."""
    verdict = call.query("verdict")
    return verdict if verdict in VERDICTS else ""


def to_template_values(row: Mapping[Any, Any]) -> dict[str, Any]:
    """Return one click's template values."""
    return {**row, "why": reason_sentences(row["reasons"])}
