"""`GET …/messages/{id}/clicks`, `GET …/messages/{id}/links`, `GET …/statistics/clickers`, `GET …/clicks/export`."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import RowMapping
from starlette.requests import Request
from starlette.responses import Response

from linkweir.click.verdict import REASONS
from linkweir.edge import door
from linkweir.edge.door import Call
from linkweir.edge.parts import now
from linkweir.edge.reply import JSON, rfc3339
from linkweir.edge.v2 import paging
from linkweir.edge.v2.files import file
from linkweir.edge.v2.filters import microseconds, text, whole
from linkweir.edge.v2.reading import message_row
from linkweir.errors import BadInput
from linkweir.html import Switches
from linkweir.mail import lookup
from linkweir.mail.links import of_accepted
from linkweir.mail.model import Wishes
from linkweir.mail.patterns import skipping
from linkweir.mail.policy import switches_of
from linkweir.report import single
from linkweir.report.export import format_named
from linkweir.report.links import NOTE, links
from linkweir.store import clicked

DAY = 86_400_000_000  # microseconds


async def list_clicks(request: Request) -> Response:
    """Single clicks of a message, newest first, each with its verdict and the reasons for it."""
    return await door.enter(request, "messages:read:any", _clicks)


async def list_links(request: Request) -> Response:
    """Every link of a message: where it stands and leads, what became of it, how often it was followed."""
    return await door.enter(request, "messages:read:any", _links)


async def list_clickers(request: Request) -> Response:
    """Who clicked in a campaign, or on one of its links; as pages, or the whole as a file."""
    return await door.enter(request, "messages:read:all", _clickers, statistics=True)


async def export_clicks(request: Request) -> Response:
    """Every single click of a time as a file."""
    return await door.enter(request, "messages:read:any", _export, statistics=True)


def _clicks(call: Call) -> Response:
    wanted = paging.wanted(call.request.query_params)
    with call.parts.store.read() as connection:
        row = message_row(call, connection)
        call.who.require("messages:read:all", row["sender_domain"])
        found = clicked.of_message(connection, row["id"], wanted)
    return paging.listed(found, _click, time="at")


def _click(row: RowMapping) -> dict[str, Any]:
    names = ("position", "destination", "method", "privacy", "verdict", "confidence", "first", "ip", "user_agent")
    derived = ("client", "system", "device", "country", "region", "network")
    return {
        "object": "click",
        "id": str(row["id"]),
        "time": rfc3339(row["at"]),
        **{name: row[name] for name in (*names, *derived)},
        "reasons": [{"code": code, "sentence": REASONS.get(code, code)} for code in row["reasons"].split()],
    }


def _links(call: Call) -> Response:
    parts = call.parts
    house = parts.submitter.house
    with parts.store.read() as connection:
        row = message_row(call, connection)
        call.who.require("messages:read:all", row["sender_domain"])
        domain = lookup.domain_of(connection, call.who.account["id"], row["sender"])
        levels = [lookup.account_of(call.who.account).wishes, *([domain.wishes] if domain else [])]
        base_url = house.links_at(domain.tracking_host if domain else None)
        tracker = of_accepted(parts.ring, base_url, row)
        found = links(connection, row, tracker, _switches(row, house.switches, levels))
    shown = [{**one.row(), "first_at": rfc3339(one.first_at)} for one in found.links]
    note = None if found.complete else NOTE
    return JSON({"object": "list", "data": shown, "complete": found.complete, "note": note})


def _switches(row: RowMapping, house: Switches, levels: Sequence[Wishes]) -> Switches:
    """Those that the message was accepted with; before that was noted, as account and domain have them now."""
    if row["switches"] is not None:
        return switches_of(row["switches"], house)
    return Switches(
        opt_out=(*house.opt_out, *(name for one in levels for name in one.opt_out)),
        skip=(*house.skip, *(skipping(pattern) for one in levels for pattern in one.skip)),
        outlook=house.outlook or any(one.outlook for one in levels),
        track_placeholders=True,
    )


def _clickers(call: Call) -> Response:
    query = call.request.query_params
    tag = text(query, "tag")
    if not tag:
        raise BadInput("tag", "is required")
    position, destination = whole(query, "position"), query.get("destination") or None
    account = call.who.account["id"]
    if query.get("format"):
        wanted = format_named(query["format"])
        rows = single.all_clickers(call.parts.store, account, tag, position=position, destination=destination)
        return file(rows, single.CLICKERS, wanted, "clickers")
    page = paging.wanted(query)
    with call.parts.store.read() as connection:
        found = clicked.who(connection, account, tag, page, position=position, destination=destination)
    return paging.listed(found, _clicker, time="at")


def _clicker(row: RowMapping) -> dict[str, Any]:
    names = ("recipient", "variant", "click_count", "links", "machine")
    times = {"sent_at": rfc3339(row["at"]), "first_at": rfc3339(row["first_at"])}
    return {"object": "clicker", "message_id": str(row["id"]), **{name: row[name] for name in names}, **times}


def _export(call: Call) -> Response:
    query = call.request.query_params
    wanted = format_named(query.get("format", "csv"))
    to_at = microseconds(query, "to_time") or now()
    from_at = microseconds(query, "from_time")
    rows = single.all_clicks(
        call.parts.store,
        call.who.account["id"],
        max(0, to_at - 30 * DAY) if from_at is None else from_at,
        to_at,
        tag=text(query, "tag") or None,
        domains=call.who.domains("messages:read"),
    )
    return file(rows, single.CLICKS, wanted, "clicks")
