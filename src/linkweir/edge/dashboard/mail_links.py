"""The links of a mail with their clicks, as a table's rows and drawn over the mail itself."""

from collections.abc import Mapping, Sequence
from typing import Any

from starlette.responses import HTMLResponse, Response

from linkweir.edge.dashboard import drawn
from linkweir.edge.dashboard.drawn import Counted, Placed
from linkweir.edge.dashboard.entry import Call
from linkweir.errors import NotFound
from linkweir.html import Outcome
from linkweir.html.check import warning
from linkweir.token import KeyRing


def link_rows(
    html: str | None, ring: KeyRing, counts: dict[int, Counted], followed: Sequence[str], short: Mapping[int, str]
) -> list[dict[str, Any]]:
    """The links of a mail in order with their counts: from the mail while it is kept, else those that were followed.

    `followed`: `<position>` TAB `<destination>` of each; `short`: where the mail's short links lead, by position.
    """
    rows = {
        one.position: {
            "position": one.position,
            "text": one.link.text,
            "destination": _leads(one, short),
            "warning": warning(None, Outcome.TRACKED, _leads(one, short), one.link.text),
        }
        for one in (drawn.links(html, ring) if html else ())
        if one.position is not None
    }
    for value in followed:
        place, _, destination = value.partition("\t")
        if place.isdigit():
            row = rows.setdefault(int(place), {"position": int(place), "text": "", "destination": "", "warning": None})
            row["destination"] = row["destination"] or destination
    most = max((one.total for one in counts.values()), default=0)
    return [
        {**row, "clicks": counts.get(position, drawn.NOBODY), "most": most} for position, row in sorted(rows.items())
    ]


def _leads(one: Placed, short: Mapping[int, str]) -> str:
    return one.destination or ("" if one.position is None else short.get(one.position, ""))


def mail_page(call: Call, raw: bytes | None, counts: dict[int, Counted]) -> Response:
    """The mail in its own page. Raises NotFound when it is no longer kept or holds no HTML."""
    html = drawn.html_of(raw) if raw is not None else None
    if html is None:
        raise NotFound("This mail is no longer kept, or it has no HTML.")
    return HTMLResponse(drawn.draw(html, call.parts.ring, counts), headers=drawn.HEADERS)
