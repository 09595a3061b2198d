"""`GET …/statistics/clicks`, `…/statistics/campaigns`, `…/statistics/variants`: click counts, rates and tests."""

import time
from typing import Any

from starlette.responses import Response

from linkweir.api.endpoint import ApiRequest
from linkweir.api.v2.click_response_types import (
    CampaignRow,
    CampaignStatistics,
    ClickStatistics,
    StatisticsRow,
    VariantDifference,
    VariantRow,
    VariantStatistics,
)
from linkweir.api.v2.query_parameters import (
    CampaignQuery,
    ClickStatisticsQuery,
    TimeRangeQuery,
    VariantQuery,
    normalize_domain,
    to_microseconds,
)
from linkweir.clock import HOUR_US, rfc3339
from linkweir.errors import ValidationError
from linkweir.stats import campaigns, click_statistics
from linkweir.stats.click_statistics import COUNT_COLUMNS, RATE_COLUMNS, StatisticsQuery
from linkweir.stats.export import ColumnTypes, parse_format
from linkweir.stats.periods import HOUR_SECONDS, MAX_HOUR, MIN_HOUR, PERIOD_UNITS, parse_time_zone
from linkweir.web.downloads import file_response

SCOPE = "statistics-transactional:read"
DEFAULT_HOURS = {"hour": 24, "day": 7 * 24, "week": 12 * 7 * 24, "month": 365 * 24}
MONTH_HOURS = 30 * 24


def count_clicks(call: ApiRequest) -> Response | ClickStatistics:
    """Count clicks by period or by one dimension."""
    query = call.parse_query(ClickStatisticsQuery)
    group, tag = query.group_by, query.tag
    domain = normalize_domain(query.sender_domain) if query.sender_domain else None
    call.principal.require(f"{SCOPE}:all", domain)
    file_format = parse_format(query.format) if query.format else None
    first, last = _parse_hours(query, DEFAULT_HOURS.get(group, None if tag else MONTH_HOURS))
    question = StatisticsQuery(
        account=call.account_id,
        group_by=group,
        first=first,
        last=last,
        time_zone=parse_time_zone(query.time_zone),
        tag=tag,
        sender_domain=domain,
        limit=query.limit,
    )
    with call.services.database.read() as connection:
        statistics = click_statistics.query_clicks(connection, question)
    rows = [_row_to_json(row) for row in statistics.rows]
    if file_format is None:
        return ClickStatistics(
            data=[StatisticsRow(**row) for row in rows],
            from_timestamp=_hour_to_rfc3339(first),
            to_timestamp=_hour_to_rfc3339(last),
            has_more=statistics.has_more,
        )
    times: ColumnTypes = {"from_timestamp": "text", "to_timestamp": "text"}
    values: ColumnTypes = (
        {"value": "text", "position": "whole", "destination": "text"} if group == "link" else {"value": "text"}
    )
    columns = {**(times if group in PERIOD_UNITS else values), **COUNT_COLUMNS}
    columns |= RATE_COLUMNS if rows and "sent" in rows[0] else {}
    return file_response(rows, columns, file_format, "statistics")


def _row_to_json(row: dict[str, Any]) -> dict[str, Any]:
    if "first" not in row:
        return row
    times = {"from_timestamp": _hour_to_rfc3339(row["first"]), "to_timestamp": _hour_to_rfc3339(row["last"])}
    return {**times, **{name: value for name, value in row.items() if name not in ("first", "last")}}


def compare_campaigns(call: ApiRequest) -> Response | CampaignStatistics:
    """Compare the named campaigns, or all of a period."""
    query, account = call.parse_query(CampaignQuery), call.account_id
    tags = list(dict.fromkeys(query.tags))
    if len(tags) > campaigns.MAX_CAMPAIGNS:
        raise ValidationError("tags", f"must be at most {campaigns.MAX_CAMPAIGNS}")
    file_format = parse_format(query.format) if query.format else None
    first, last = _parse_hours(query, None if tags else MONTH_HOURS)
    with call.services.database.read() as connection:
        if tags:
            rows, more = campaigns.compare_campaigns(connection, account, tags, first, last), False
        else:
            rows, more = campaigns.list_campaigns(connection, account, first, last, query.limit)
    if file_format is not None:
        return file_response(rows, {"tag": "text", **COUNT_COLUMNS, **RATE_COLUMNS}, file_format, "campaigns")
    return CampaignStatistics(
        data=[CampaignRow(**row) for row in rows],
        from_timestamp=_hour_to_rfc3339(first),
        to_timestamp=_hour_to_rfc3339(last),
        has_more=more,
    )


def compare_variants(call: ApiRequest) -> Response | VariantStatistics:
    """Compare the variants of a campaign, with significance tests."""
    query = call.parse_query(VariantQuery)
    tag, baseline = query.tag, query.baseline
    file_format = parse_format(query.format) if query.format else None
    hours = _parse_hours(query, None)
    with call.services.database.read() as connection:
        rows, differences = campaigns.compare_variants(connection, call.account_id, tag, hours, baseline)
    if baseline and baseline not in {row["variant"] for row in rows}:
        raise ValidationError("baseline", "is not a variant of this campaign")
    if file_format is not None:
        return file_response(rows, {"variant": "text", **COUNT_COLUMNS, **RATE_COLUMNS}, file_format, "variants")
    return VariantStatistics(
        tag=tag,
        data=[VariantRow(**row) for row in rows],
        differences=[VariantDifference(**difference) for difference in differences],
    )


def _parse_hours(query: TimeRangeQuery, default: int | None) -> tuple[int, int]:
    """Return start and end in whole hours; `default`: the length in hours if not given, None: everything."""
    to_at, from_at = to_microseconds(query.to_time), to_microseconds(query.from_time)
    now = int(time.time()) // HOUR_SECONDS + 1
    last = now if to_at is None else -(-to_at // HOUR_US)
    if from_at is not None:
        first = from_at // HOUR_US
    else:
        first = MIN_HOUR if default is None else max(MIN_HOUR, last - default)
    if not (first >= MIN_HOUR and last <= MAX_HOUR):
        raise ValidationError("from_time", "and to_time must lie between 1970 and 9998")
    if first >= last:
        raise ValidationError("from_time", "must be before to_time")
    return first, last


def _hour_to_rfc3339(hour: int) -> str:
    return rfc3339(hour * HOUR_US)
