"""`GET …/statistics/transactional/deliverability`: what happened to messages, in periods."""

import itertools
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from starlette.responses import Response

from linkweir.api.endpoint import ApiRequest
from linkweir.api.v2.query_parameters import DeliverabilityQuery, normalize_domain
from linkweir.clock import rfc3339
from linkweir.db import delivery_statistics
from linkweir.errors import ValidationError
from linkweir.web.json_response import JSONResponse

FIRST_YEAR, LAST_YEAR = 1970, 9998
EARLIEST = datetime(1, 1, 9, tzinfo=UTC)
MAX_PERIODS = 1000  # periods in one answer
COUNT_FIELDS = {
    "reception": "reception_count",
    "delivered": "delivered_count",
    "transient_error": "deferred_count",
    "bounced": "bounced_count",
    "failed": "failed_count",
    "suppressed": "suppressed_count",
    "opened": "opened_count",
    "clicked": "clicked_count",
}


def get_deliverability(call: ApiRequest) -> Response:
    """One row for each period; the last seven days by day when nothing else is asked for."""
    query = call.parse_query(DeliverabilityQuery)
    group = query.group_by
    now = datetime.now(UTC)
    end = query.to_time or now
    start = query.from_time or max(end, EARLIEST) - timedelta(days=7)
    if end.year > LAST_YEAR or start.year < FIRST_YEAR:
        raise ValidationError("from_time", f"and to_time must lie between {FIRST_YEAR} and {LAST_YEAR}")
    if start >= end:
        raise ValidationError("from_time", "must be before to_time")
    domain = normalize_domain(query.sender_domain) if query.sender_domain else None
    call.principal.require("statistics-transactional:read:all", domain)
    periods = list(itertools.islice(_split_periods(start, end, group), MAX_PERIODS + 1))
    if len(periods) > MAX_PERIODS:
        raise ValidationError("group_by", f"makes more than {MAX_PERIODS} periods of this time: choose longer ones")
    spans = [(_to_microseconds(first), _to_microseconds(last)) for first, last in periods]
    with call.services.store.read() as connection:
        counted = delivery_statistics.count_events_by_period(
            connection,
            call.principal.account["id"],
            spans,
            sender_domain=domain,
            recipient_domains=[normalize_domain(one) for one in query.recipient_domains],
            tags=query.tags,
        )
    return JSONResponse({"object": "list", "data": [_row_to_json(*one) for one in zip(spans, counted, strict=True)]})


def _row_to_json(span: tuple[int, int], counts: dict[str, int]) -> dict[str, Any]:
    times = {"from_timestamp": rfc3339(span[0]), "to_timestamp": rfc3339(span[1])}
    return times | {COUNT_FIELDS[kind]: count for kind, count in counts.items()}


def _split_periods(start: datetime, end: datetime, group: str) -> Iterator[tuple[datetime, datetime]]:
    """Whole hours, days, weeks from Monday, or months of UTC, cut off at both ends."""
    at = start
    while at < end:
        until = min(_next_period(at, group), end)
        yield at, until
        at = until


def _next_period(at: datetime, group: str) -> datetime:
    hour = at.replace(minute=0, second=0, microsecond=0)
    if group == "hour":
        return hour + timedelta(hours=1)
    day = hour.replace(hour=0)
    if group == "day":
        return day + timedelta(days=1)
    if group == "week":
        return day + timedelta(days=7 - day.weekday())
    return (day.replace(day=1) + timedelta(days=32)).replace(day=1)


def _to_microseconds(at: datetime) -> int:
    return int(at.timestamp()) * 1_000_000 + at.microsecond
