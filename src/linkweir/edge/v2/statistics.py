"""`GET …/statistics/transactional/deliverability`: what happened to messages, in periods."""

import itertools
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from linkweir.edge import door
from linkweir.edge.door import Call
from linkweir.edge.reply import JSON, rfc3339
from linkweir.edge.v2 import filters
from linkweir.edge.v2.filters import moment, texts
from linkweir.errors import BadInput
from linkweir.store import statistics

GROUPS = ("hour", "day", "week", "month")
FIRST_YEAR, LAST_YEAR = 1970, 9998
EARLIEST = datetime(1, 1, 9, tzinfo=UTC)
MOST = 1000  # periods in one answer
FIELDS = {
    "reception": "reception_count",
    "delivered": "delivered_count",
    "transient_error": "deferred_count",
    "bounced": "bounced_count",
    "failed": "failed_count",
    "suppressed": "suppressed_count",
    "opened": "opened_count",
    "clicked": "clicked_count",
}


async def deliverability(request: Request) -> Response:
    """One row for each period; the last seven days by day when nothing else is asked for."""
    return await door.enter(request, "statistics-transactional:read:any", _deliverability, statistics=True)


def _deliverability(call: Call) -> Response:
    query = call.request.query_params
    group = query.get("group_by", "day")
    if group not in GROUPS:
        raise BadInput("group_by", "must be one of " + ", ".join(GROUPS))
    now = datetime.now(UTC)
    end = moment(query, "to_time") or now
    start = moment(query, "from_time") or max(end, EARLIEST) - timedelta(days=7)
    if end.year > LAST_YEAR or start.year < FIRST_YEAR:
        raise BadInput("from_time", f"and to_time must lie between {FIRST_YEAR} and {LAST_YEAR}")
    if start >= end:
        raise BadInput("from_time", "must be before to_time")
    domain = filters.domain(query, "sender_domain")
    call.who.require("statistics-transactional:read:all", domain)
    recipients, tags = filters.domains(query, "recipient_domains"), texts(query, "tags")
    periods = list(itertools.islice(_periods(start, end, group), MOST + 1))
    if len(periods) > MOST:
        raise BadInput("group_by", f"makes more than {MOST} periods of this time: choose longer ones")
    spans = [(_microseconds(first), _microseconds(last)) for first, last in periods]
    with call.parts.store.read() as connection:
        counted = statistics.deliverability_by(
            connection,
            call.who.account["id"],
            spans,
            sender_domain=domain,
            recipient_domains=recipients,
            tags=tags,
        )
    return JSON({"object": "list", "data": [_row(*one) for one in zip(spans, counted, strict=True)]})


def _row(span: tuple[int, int], counts: dict[str, int]) -> dict[str, Any]:
    times = {"from_timestamp": rfc3339(span[0]), "to_timestamp": rfc3339(span[1])}
    return times | {FIELDS[kind]: count for kind, count in counts.items()}


def _periods(start: datetime, end: datetime, group: str) -> Iterator[tuple[datetime, datetime]]:
    """Whole hours, days, weeks from Monday, or months of UTC, cut off at both ends."""
    at = start
    while at < end:
        until = min(_next(at, group), end)
        yield at, until
        at = until


def _next(at: datetime, group: str) -> datetime:
    hour = at.replace(minute=0, second=0, microsecond=0)
    if group == "hour":
        return hour + timedelta(hours=1)
    day = hour.replace(hour=0)
    if group == "day":
        return day + timedelta(days=1)
    if group == "week":
        return day + timedelta(days=7 - day.weekday())
    return (day.replace(day=1) + timedelta(days=32)).replace(day=1)


def _microseconds(at: datetime) -> int:
    return int(at.timestamp()) * 1_000_000 + at.microsecond
