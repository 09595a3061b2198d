"""`GET …/statistics/clicks`, `…/statistics/campaigns`, `…/statistics/variants`: sums, and what they say."""

import time
import uuid
from typing import Any
from zoneinfo import ZoneInfo

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response

from linkweir.edge import door
from linkweir.edge.door import Call
from linkweir.edge.reply import JSON, rfc3339
from linkweir.edge.v2 import filters
from linkweir.edge.v2.files import file
from linkweir.edge.v2.filters import microseconds, text, texts, whole
from linkweir.errors import BadInput
from linkweir.report import campaigns, clicks
from linkweir.report.clicks import Question
from linkweir.report.export import Columns, format_named
from linkweir.report.periods import FIRST_HOUR, GROUPS, HOUR, LAST_HOUR, zone_named

SCOPE = "statistics-transactional:read"
LIMIT, MOST = 100, 1000  # values in one answer
MICROSECONDS = HOUR * 1_000_000
DEFAULT_HOURS = {"hour": 24, "day": 7 * 24, "week": 12 * 7 * 24, "month": 365 * 24}
MONTH = 30 * 24
COUNTS: Columns = dict.fromkeys(("human", "unsure", "machine", "prefetch", "total", "click_count", "clickers"), "whole")
RATES: Columns = {"sent": "whole", "delivered": "whole", "click_rate": "number"}


async def count_clicks(request: Request) -> Response:
    """Clicks by time, or by one thing that is known of them."""
    return await door.enter(request, f"{SCOPE}:any", _clicks, statistics=True)


async def compare_campaigns(request: Request) -> Response:
    """Campaigns side by side: those named, or all of a time."""
    return await door.enter(request, f"{SCOPE}:all", _campaigns, statistics=True)


async def compare_variants(request: Request) -> Response:
    """The variants of one campaign, and whether they differ by more than chance."""
    return await door.enter(request, f"{SCOPE}:all", _variants, statistics=True)


def _clicks(call: Call) -> Response:
    query = call.request.query_params
    group, tag = text(query, "group_by") or "day", text(query, "tag") or None
    domain = filters.domain(query, "sender_domain")
    call.who.require(f"{SCOPE}:all", domain)
    wanted = format_named(query["format"]) if query.get("format") else None
    first, last = _hours(query, DEFAULT_HOURS.get(group, None if tag else MONTH))
    question = Question(
        account=call.who.account["id"],
        group=group,
        first=first,
        last=last,
        zone=_zone(query),
        tag=tag,
        sender_domain=domain,
        limit=_limit(query),
    )
    with call.parts.store.read() as connection:
        found = clicks.answer(connection, question)
    rows = [_shown(row) for row in found.rows]
    if wanted is None:
        span = {"from_timestamp": _time(first), "to_timestamp": _time(last)}
        return JSON({"object": "list", "data": rows, **span, "has_more": found.more})
    times: Columns = {"from_timestamp": "text", "to_timestamp": "text"}
    values: Columns = (
        {"value": "text", "position": "whole", "destination": "text"} if group == "link" else {"value": "text"}
    )
    columns = {**(times if group in GROUPS else values), **COUNTS}
    columns |= RATES if rows and "sent" in rows[0] else {}
    return file(rows, columns, wanted, "statistics")


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    if "first" not in row:
        return row
    times = {"from_timestamp": _time(row["first"]), "to_timestamp": _time(row["last"])}
    return {**times, **{name: value for name, value in row.items() if name not in ("first", "last")}}


def _campaigns(call: Call) -> Response:
    query, account = call.request.query_params, _account(call)
    tags = list(dict.fromkeys(texts(query, "tags")))
    if len(tags) > campaigns.MOST:
        raise BadInput("tags", f"must be at most {campaigns.MOST}")
    wanted = format_named(query["format"]) if query.get("format") else None
    first, last = _hours(query, None if tags else MONTH)
    with call.parts.store.read() as connection:
        if tags:
            rows, more = campaigns.campaigns(connection, account, tags, first, last), False
        else:
            rows, more = campaigns.all_campaigns(connection, account, first, last, _limit(query))
    if wanted is not None:
        return file(rows, {"tag": "text", **COUNTS, **RATES}, wanted, "campaigns")
    span = {"from_timestamp": _time(first), "to_timestamp": _time(last)}
    return JSON({"object": "list", "data": rows, **span, "has_more": more})


def _variants(call: Call) -> Response:
    query = call.request.query_params
    tag = text(query, "tag")
    if not tag:
        raise BadInput("tag", "is required")
    wanted = format_named(query["format"]) if query.get("format") else None
    hours = _hours(query, None)
    with call.parts.store.read() as connection:
        rows, differences = campaigns.variants(connection, _account(call), tag, hours, query.get("baseline") or None)
    if query.get("baseline") and query["baseline"] not in {row["variant"] for row in rows}:
        raise BadInput("baseline", "is no variant of this campaign")
    if wanted is not None:
        return file(rows, {"variant": "text", **COUNTS, **RATES}, wanted, "variants")
    return JSON({"object": "variants", "tag": tag, "data": rows, "differences": differences})


def _account(call: Call) -> uuid.UUID:
    account: uuid.UUID = call.who.account["id"]
    return account


def _zone(query: QueryParams) -> ZoneInfo:
    return zone_named(query.get("time_zone") or "UTC")


def _limit(query: QueryParams) -> int:
    found = whole(query, "limit")
    if found is None:
        return LIMIT
    if not 1 <= found <= MOST:
        raise BadInput("limit", f"must be a number from 1 to {MOST}")
    return found


def _hours(query: QueryParams, default: int | None) -> tuple[int, int]:
    """The whole hours that hold the time asked for; from so many hours back when nothing is said, None: always."""
    to_at, from_at = microseconds(query, "to_time"), microseconds(query, "from_time")
    now = int(time.time()) // HOUR + 1
    last = now if to_at is None else -(-to_at // MICROSECONDS)
    if from_at is not None:
        first = from_at // MICROSECONDS
    else:
        first = FIRST_HOUR if default is None else max(FIRST_HOUR, last - default)
    if not (first >= FIRST_HOUR and last <= LAST_HOUR):
        raise BadInput("from_time", "and to_time must lie between 1970 and 9998")
    if first >= last:
        raise BadInput("from_time", "must be before to_time")
    return first, last


def _time(hour: int) -> str | None:
    return rfc3339(hour * MICROSECONDS)
