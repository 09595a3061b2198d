"""Deliverability: how many messages were accepted, delivered, deferred, bounced, opened and clicked in each period."""

import itertools
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection

from linkweir.clock import HOUR_US
from linkweir.db import delivery_statistics
from linkweir.errors import ValidationError
from linkweir.stats.estimates import Estimate, make_estimate
from linkweir.stats.report_period import ReportPeriod

MAX_PERIODS: Final = 1000  # periods in one answer
MAX_COUNTED: Final = 10_000  # messages that figures of a page count
DeliveryFilter = delivery_statistics.DeliveryFilter
PeriodUs = delivery_statistics.PeriodUs


def count_events(
    connection: Connection, account: uuid.UUID, periods: Sequence[PeriodUs], filters: DeliveryFilter
) -> list[tuple[dict[str, int], Estimate]]:
    """Return for each period the messages with each kind of event, and an estimate of those that people clicked.

    Sandbox messages do not count.
    """
    counts = delivery_statistics.count_events_by_period(connection, account, periods, filters)
    clicked = delivery_statistics.sum_expected_clicked(connection, account, periods, filters)
    return [(count, make_estimate(*row)) for count, row in zip(counts, clicked, strict=True)]


@dataclass(frozen=True, slots=True)
class DeliveryFigures:
    """What became of the newest MAX_COUNTED messages of a period: how many were counted, and of these opened, bounced,
    failed, and waiting for another attempt (deferred).
    """

    counted: int
    opened: int
    bounced: int
    failed: int
    deferred: int

    @property
    def is_cut(self) -> bool:
        """Whether there may be more messages than were counted."""
        return self.counted >= MAX_COUNTED


def load_figures(
    connection: Connection, account: uuid.UUID, period: ReportPeriod, tag: str | None = None
) -> DeliveryFigures:
    """Return the figures of a period, of the account or of a campaign; their cost is bounded by MAX_COUNTED."""
    span = (period.first * HOUR_US, period.last * HOUR_US)
    return DeliveryFigures(**delivery_statistics.count_outcomes(connection, account, span, tag, MAX_COUNTED))


def split_periods(start: datetime, end: datetime, unit: str) -> list[PeriodUs]:
    """Whole hours, days, weeks from Monday, or months of UTC, cut off at both ends. Raises ValidationError for too
    many of them.
    """
    periods = list(itertools.islice(_iter_periods(start, end, unit), MAX_PERIODS + 1))
    if len(periods) > MAX_PERIODS:
        raise ValidationError(
            "group_by", f"would give more than {MAX_PERIODS} periods: choose longer ones or a shorter time"
        )
    return [(_to_microseconds(first), _to_microseconds(last)) for first, last in periods]


def _iter_periods(start: datetime, end: datetime, unit: str) -> Iterator[tuple[datetime, datetime]]:
    at = start
    while at < end:
        until = min(_next_period(at, unit), end)
        yield at, until
        at = until


def _next_period(at: datetime, unit: str) -> datetime:
    hour = at.replace(minute=0, second=0, microsecond=0)
    if unit == "hour":
        return hour + timedelta(hours=1)
    day = hour.replace(hour=0)
    if unit == "day":
        return day + timedelta(days=1)
    if unit == "week":
        return day + timedelta(days=7 - day.weekday())
    return (day.replace(day=1) + timedelta(days=32)).replace(day=1)


def _to_microseconds(at: datetime) -> int:
    return int(at.timestamp()) * 1_000_000 + at.microsecond
