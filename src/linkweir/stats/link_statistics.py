"""Clicks on one link: of a campaign by its position, or on one destination in all mails of the account."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection

from linkweir.db import aggregate_queries
from linkweir.db.aggregate_queries import AggregateRange
from linkweir.stats import click_statistics, periods, verdict_counts
from linkweir.stats.campaign_reports import MAX_LINKS, ClickTrend, TrendStep
from linkweir.stats.report_period import ReportPeriod
from linkweir.stats.verdict_counts import VerdictCounts

MAX_TREND_VALUES: Final = 20  # destinations of one link whose course is added up
COUNTS: Final = aggregate_queries.COUNT_COLUMNS


@dataclass(frozen=True, slots=True)
class LinkStatistics:
    """One link in a period: its sums, their course (none for more than MAX_TREND_VALUES destinations), and each
    destination that it had with its own sums.
    """

    counts: VerdictCounts
    trend: ClickTrend
    destinations: list[tuple[str, VerdictCounts]]


def load_campaign_link(
    connection: Connection, account: uuid.UUID, tag: str, position: int, period: ReportPeriod
) -> LinkStatistics:
    """The link at this position in the mails of a campaign; each recipient's may lead to another destination."""
    span = period.span(account, f"tag:{tag}")
    rows = aggregate_queries.sum_by_value(connection, span, "link", MAX_LINKS)
    sums = {row.value: row._mapping for row in rows if row.value.partition("\t")[0] == str(position)}
    return _load(connection, span, "link", sums, period)


def load_destination(
    connection: Connection, account: uuid.UUID, destination: str, period: ReportPeriod
) -> LinkStatistics:
    """One destination in all messages of the account."""
    span = period.span(account, "")
    sums = click_statistics.sums_for_values(connection, span, "destination", [destination])
    return _load(connection, span, "destination", sums, period)


def _load(
    connection: Connection,
    span: AggregateRange,
    dimension: str,
    sums: Mapping[str, Mapping[Any, Any]],
    period: ReportPeriod,
) -> LinkStatistics:
    total = {name: sum(int(row[name]) for row in sums.values()) for name in COUNTS}
    steps = list(periods.iter_periods(period.first, period.last, period.step, period.zone))
    courses = [
        aggregate_queries.sum_by_period(connection, span, steps, dimension, value)
        for value in (sums if len(sums) <= MAX_TREND_VALUES else ())
    ]
    return LinkStatistics(
        verdict_counts.counts_from_row(total),
        [_to_step(period, step, row) for step, row in zip(steps, zip(*courses, strict=True), strict=True)]
        if courses
        else [],
        [(value.rpartition("\t")[2], verdict_counts.counts_from_row(row)) for value, row in sums.items()],
    )


def _to_step(period: ReportPeriod, step: tuple[int, int], rows: Sequence[Sequence[int]]) -> TrendStep:
    total = {name: sum(int(row[index]) for row in rows) for index, name in enumerate(COUNTS)}
    return TrendStep(period.label({"first": step[0]}), verdict_counts.counts_from_row(total), *step)
