"""The links of a mail with their clicks, as table rows and as a heatmap."""

from collections.abc import Mapping, Sequence
from typing import Any

from starlette.responses import HTMLResponse, Response

from linkweir.dashboard import heatmap
from linkweir.dashboard.heatmap import HeatmapLink
from linkweir.dashboard.page_request import DashboardRequest
from linkweir.errors import NotFound
from linkweir.html import Outcome
from linkweir.html.lint import combine_warnings
from linkweir.stats.verdict_counts import NO_CLICKS, LinkClicks
from linkweir.tokens import KeyRing
from linkweir.translation import gettext


def link_rows(
    html: str | None, ring: KeyRing, counts: Mapping[int, LinkClicks], followed: Sequence[str], short: Mapping[int, str]
) -> list[dict[str, Any]]:
    """Return a mail's links in order with their counts: from the stored mail, else only the followed ones.

    `followed`: `<position>` TAB `<destination>` of each; `short`: the destinations of short links by position.
    """
    rows = {
        heatmap_link.position: {
            "position": heatmap_link.position,
            "text": heatmap_link.link.text,
            "destination": _destination(heatmap_link, short),
            "warning": combine_warnings(
                None, Outcome.TRACKED, _destination(heatmap_link, short), heatmap_link.link.text
            ),
        }
        for heatmap_link in (heatmap.heatmap_links(html, ring) if html else ())
        if heatmap_link.position is not None
    }
    for value in followed:
        position_text, _, destination = value.partition("\t")
        if position_text.isdigit():
            row = rows.setdefault(
                int(position_text), {"position": int(position_text), "text": "", "destination": "", "warning": None}
            )
            row["destination"] = row["destination"] or destination
    most = max((heatmap_link.total for heatmap_link in counts.values()), default=0)
    return [{**row, "clicks": counts.get(position, NO_CLICKS), "most": most} for position, row in sorted(rows.items())]


def _destination(link: HeatmapLink, short: Mapping[int, str]) -> str:
    return link.destination or ("" if link.position is None else short.get(link.position, ""))


def heatmap_response(call: DashboardRequest, raw: bytes | None, counts: Mapping[int, LinkClicks]) -> Response:
    """Return the heatmap page. Raises NotFound when the mail is no longer stored or has no HTML."""
    html = heatmap.html_body(raw) if raw is not None else None
    if html is None:
        raise NotFound(gettext("This mail is no longer stored, or it has no HTML part."))
    return HTMLResponse(heatmap.render_heatmap(html, call.services.keyring, counts), headers=heatmap.HEADERS)
