"""Clicks as they come, each with its verdict, how sure that is, and why. A script may ask for the list anew."""

from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from linkweir.edge.dashboard.entry import Call, signed_in
from linkweir.edge.dashboard.reasons import sentences
from linkweir.store import dashboard_reads

SHOWN = 50


@signed_in
def live(call: Call) -> Response:
    """The newest clicks."""
    return call.page("live.html", here="live", hits=_latest(call), limit=SHOWN)


@signed_in
def live_rows(call: Call) -> Response:
    """The list alone, for the page's script."""
    return call.page("live_rows.html", hits=_latest(call))


def _latest(call: Call) -> list[dict[str, Any]]:
    with call.parts.store.read() as connection:
        return [shown(row) for row in dashboard_reads.latest_clicks(connection, call.account["id"], SHOWN)]


def shown(row: Mapping[Any, Any]) -> dict[str, Any]:
    """One hit for a template."""
    return {**row, "why": sentences(row["reasons"])}
