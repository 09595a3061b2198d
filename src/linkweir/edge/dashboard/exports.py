"""Tables of the dashboard as files: single clicks, who clicked, and sums, for the time and campaign looked at."""

import re
import uuid
from collections.abc import Callable, Iterable
from datetime import UTC, datetime

from starlette.responses import Response

from linkweir.edge.dashboard import clickers, period, segments
from linkweir.edge.dashboard.entry import Call, signed_in
from linkweir.edge.dashboard.mails import known
from linkweir.edge.dashboard.period import HOUR, Period
from linkweir.edge.parts import now
from linkweir.edge.v2.figures import COUNTS, RATES
from linkweir.edge.v2.files import file
from linkweir.errors import NotFound
from linkweir.report import campaigns, clicks, single
from linkweir.report.export import Columns, Row, format_named

MOST = 10_000  # rows of sums in one file
Table = tuple[Iterable[Row], Columns]


@signed_in
def export(call: Call) -> Response:
    """One of the tables as a file, in pieces. Raises NotFound, BadInput, NotSupported."""
    what, wanted = call.request.path_params["what"], format_named(call.asked("format", "csv"))
    if what not in TABLES:
        raise NotFound("There is no such file.")
    chosen = period.of(call.asked("days"), now(), call.zone)
    rows, columns = TABLES[what](call, chosen)
    call.parts.log.info("dashboard.exported", what=what, format=wanted.name)
    return file(rows, columns, wanted, _name(what, call.asked("tag"), call.asked("by")))


@signed_in
def export_message(call: Call) -> Response:
    """Every click of one message."""
    row, wanted = known(call), format_named(call.asked("format", "csv"))
    rows = single.clicks_of(call.parts.store, row)
    return file(rows, single.CLICKS, wanted, f"clicks-of-{row['id']}")


def _name(what: str, *parts: str) -> str:
    """A name for the file that every system takes, with what it is about and the day."""
    words = (re.sub(r"[^A-Za-z0-9]+", "-", part)[:40].strip("-") for part in (what, *parts))
    return "-".join([*filter(None, words), datetime.now(UTC).strftime("%Y-%m-%d")])


def _account(call: Call) -> uuid.UUID:
    account: uuid.UUID = call.account["id"]
    return account


def _clicks(call: Call, chosen: Period) -> Table:
    span = (chosen.first * HOUR, chosen.last * HOUR)
    return single.all_clicks(call.parts.store, _account(call), *span, tag=call.asked("tag") or None), single.CLICKS


def _clickers(call: Call, _chosen: Period) -> Table:
    wish = clickers.asked(call)
    rows = single.all_clickers(
        call.parts.store,
        _account(call),
        wish.tag,
        position=wish.position,
        address=wish.address,
        between=wish.between,
    )
    return rows, single.CLICKERS


def _trend(call: Call, chosen: Period) -> Table:
    with call.parts.store.read() as connection:
        rows = clicks.answer(connection, chosen.question(_account(call), call.asked("tag") or None)).rows
    named = [{"from": row["first"] * HOUR, "to": row["last"] * HOUR, **row} for row in rows]
    return named, {"from": "time", "to": "time", **COUNTS}


def _links(call: Call, chosen: Period) -> Table:
    rows = _along(call, chosen, "link")
    return rows, {"position": "whole", "destination": "text", **COUNTS}


def _segment(call: Call, chosen: Period) -> Table:
    segments.title_of(call.asked("by"))
    rows = _along(call, chosen, call.asked("by"))
    return rows, {"value": "text", **COUNTS, **(RATES if rows and "sent" in rows[0] else {})}


def _along(call: Call, chosen: Period, dimension: str) -> list[Row]:
    question = chosen.question(_account(call), call.asked("tag") or None, group=dimension, limit=MOST)
    with call.parts.store.read() as connection:
        return list(clicks.answer(connection, question).rows)


def _campaigns(call: Call, chosen: Period) -> Table:
    with call.parts.store.read() as connection:
        rows, _ = campaigns.all_campaigns(connection, _account(call), chosen.first, chosen.last, MOST)
    return rows, {"tag": "text", **COUNTS, **RATES}


TABLES: dict[str, Callable[[Call, Period], Table]] = {
    "clicks": _clicks,
    "clickers": _clickers,
    "trend": _trend,
    "links": _links,
    "segment": _segment,
    "campaigns": _campaigns,
}
