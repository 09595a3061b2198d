"""Clicks counted along time or along one thing that is known of them; from sums, never from single clicks.

`human`, `unsure`, `machine`, `prefetch` and `internal` are clicks by verdict and `total` is all of them. `click_count`
is those that count, human and unsure: what the contract calls by that name. `clickers` are messages whose first counted
click (on that value) fell into the time asked for, so that periods add up. Beside them stand the expected numbers of
clicks and clickers by people: see `estimates`.
"""

import itertools
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from linkweir.db import aggregate_queries
from linkweir.db.aggregate_columns import JUDGED_VERDICTS
from linkweir.db.aggregate_queries import AggregateRange
from linkweir.db.dimensions import ATTRIBUTE_PREFIX, DIMENSION_NAMES, is_message_dimension
from linkweir.errors import UnsupportedRequest, ValidationError
from linkweir.stats.estimates import expected_clicks_fields, expected_counts
from linkweir.stats.export import ColumnTypes
from linkweir.stats.periods import MAX_HOUR, MIN_HOUR, PERIOD_UNITS, PeriodUnit, iter_periods

GROUP_BY_NAMES: Final = (*PERIOD_UNITS, *DIMENSION_NAMES)
GROUP_BY_ATTRIBUTE_PATTERN: Final = f"^{ATTRIBUTE_PREFIX}.{{1,64}}$"
PUBLIC_VERDICTS: Final = ("human", "unsure", "machine", "prefetch", "internal")  # in the order of answers
MAX_PERIODS: Final = 1000  # periods in one answer
COUNT_COLUMNS: Final[ColumnTypes] = {
    **dict.fromkeys((*PUBLIC_VERDICTS, "total", "click_count", "clickers"), "whole"),
    **dict.fromkeys(("expected_clicks", "expected_clicks_low", "expected_clicks_high"), "number"),
    **dict.fromkeys(("expected_clickers", "expected_clickers_low", "expected_clickers_high"), "number"),
    "certain_clickers": "whole",
}
RATE_COLUMNS: Final[ColumnTypes] = {
    "sent": "whole",
    "delivered": "whole",
    "click_rate": "number",
    "expected_click_rate": "number",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class StatisticsQuery:
    """Which clicks, from hour `first` to before hour `last`, and how to group them. Both filters together go with
    groups of time only.
    """

    account: uuid.UUID
    group_by: str
    first: int
    last: int
    time_zone: ZoneInfo
    tag: str | None = None
    sender_domain: str | None = None
    limit: int = 100

    @property
    def span(self) -> AggregateRange:
        """What is read of the sums."""
        scope = f"sender:{self.sender_domain}" if self.sender_domain else ""
        return AggregateRange(self.account, f"tag:{self.tag}" if self.tag else scope, self.first, self.last)


@dataclass(frozen=True, slots=True)
class StatisticsResult:
    """Rows in order, and whether there are more values than were asked for."""

    rows: list[dict[str, Any]]
    has_more: bool = False


def query_clicks(connection: Connection, query: StatisticsQuery) -> StatisticsResult:
    """The sums asked for. Raises ValidationError."""
    if query.group_by in PERIOD_UNITS:
        return StatisticsResult(_query_by_time(connection, query))
    if query.tag and query.sender_domain:
        raise UnsupportedRequest("sender_domain", "together with tag goes with groups of time only")
    if query.group_by not in DIMENSION_NAMES and not query.group_by.startswith(ATTRIBUTE_PREFIX):
        raise ValidationError("group_by", "must be one of " + ", ".join((*GROUP_BY_NAMES, "attribute:<name>")))
    return _query_by_value(connection, query)


def _query_by_time(connection: Connection, query: StatisticsQuery) -> list[dict[str, Any]]:
    group: PeriodUnit = query.group_by  # type: ignore[assignment]  # one of GROUPS, as its caller has seen
    periods = list(itertools.islice(iter_periods(query.first, query.last, group, query.time_zone), MAX_PERIODS + 1))
    if len(periods) > MAX_PERIODS:
        raise ValidationError(
            "group_by", f"would give more than {MAX_PERIODS} periods: choose longer ones or a shorter time"
        )
    both = query.tag and query.sender_domain
    side = ("sender_domain", query.sender_domain or "") if both else ("", "")
    sums = aggregate_queries.sum_by_period(connection, query.span, periods, *side)
    return [
        {"first": first, "last": last, **public_counts(dict(zip(aggregate_queries.COUNT_COLUMNS, row, strict=True)))}
        for (first, last), row in zip(periods, sums, strict=True)
    ]


def _query_by_value(connection: Connection, query: StatisticsQuery) -> StatisticsResult:
    span = query.span
    all_rows = aggregate_queries.sum_by_value(connection, span, query.group_by, query.limit + 1)
    some = all_rows[: query.limit]
    rows = [{**_value_fields(query.group_by, row.value), **public_counts(row._mapping)} for row in some]
    if is_message_dimension(query.group_by):
        sent = aggregate_queries.sum_sent_by_value(connection, span, query.group_by, [row.value for row in some])
        rows = [{**row, **send_rates(*sent.get(row["value"], (0, 0)), row)} for row in rows]
    return StatisticsResult(rows, len(all_rows) > query.limit)


def _value_fields(group: str, value: str) -> dict[str, Any]:
    if group != "link":
        return {"value": value}
    position, _, destination = value.partition("\t")
    return {"value": value, "position": int(position), "destination": destination or None}


def public_counts(row: Mapping[Any, Any]) -> dict[str, Any]:
    """The sums of one row under their public names."""
    counts = {name: int(row[name]) for name in PUBLIC_VERDICTS}
    return {
        **counts,
        "total": sum(counts.values()),
        "click_count": counts["human"] + counts["unsure"],
        "clickers": int(row["clickers"]),
        **expected_counts(row).to_dict(),
    }


def send_rates(sent: int, delivered: int, counts: Mapping[str, Any]) -> dict[str, Any]:
    """Messages sent and delivered, and the part of the delivered ones that was clicked, by the public counts; None when
    none was delivered.
    """
    return {
        "sent": sent,
        "delivered": delivered,
        "click_rate": counts["clickers"] / delivered if delivered else None,
        "expected_click_rate": min(1.0, counts["expected_clickers"] / delivered) if delivered else None,
    }


def counts_for_values(
    connection: Connection, span: AggregateRange, dimension: str, values: Sequence[str]
) -> dict[str, dict[str, Any]]:
    """Return sums of these values under their public names, with zeros for those that nobody clicked on."""
    return {value: public_counts(row) for value, row in sums_for_values(connection, span, dimension, values).items()}


def expected_account_clicks(connection: Connection, account: uuid.UUID) -> dict[str, float]:
    """Return the expected clicks by people of an account, of all times, under their public names."""
    row = aggregate_queries.sum_all(connection, AggregateRange(account, "", MIN_HOUR, MAX_HOUR))._mapping
    return expected_clicks_fields(row, sum(row[verdict] for verdict in JUDGED_VERDICTS))


def sums_for_values(
    connection: Connection, span: AggregateRange, dimension: str, values: Sequence[str]
) -> dict[str, Mapping[Any, Any]]:
    """Return the sums of these values, with zeros for those that nobody clicked on."""
    rows_by_value: dict[str, Mapping[Any, Any]] = {
        row.value: row._mapping
        for row in aggregate_queries.sum_by_value(connection, span, dimension, len(values), values)
    }
    empty = dict.fromkeys(aggregate_queries.COUNT_COLUMNS, 0)
    return {value: rows_by_value.get(value, empty) for value in values}
