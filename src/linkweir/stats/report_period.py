"""The period of a dashboard page: the last so many days of the reader's time zone, in the steps of a chart."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Literal
from zoneinfo import ZoneInfo

from linkweir.clock import HOUR_US
from linkweir.db.aggregate_queries import AggregateRange
from linkweir.stats.click_statistics import StatisticsQuery

DAY_CHOICES = (1, 7, 30, 90)
DEFAULT_DAYS = 30


@dataclass(frozen=True, slots=True)
class ReportPeriod:
    """The last `days` days including today, or the last 24 hours, as hours since 1970 from `first` to before `last`;
    `step` is what one point of a chart stands for.
    """

    days: int
    step: Literal["hour", "day"]
    first: int
    last: int
    zone: ZoneInfo

    def span(self, account: uuid.UUID, scope: str) -> AggregateRange:
        """Return the aggregates to read."""
        return AggregateRange(account, scope, self.first, self.last)

    def preceding_span(self, account: uuid.UUID, scope: str) -> AggregateRange:
        """As many hours just before it, to set it against."""
        return AggregateRange(account, scope, 2 * self.first - self.last, self.first)

    def statistics_query(
        self, account: uuid.UUID, tag: str | None = None, *, group: str | None = None, limit: int = 100
    ) -> StatisticsQuery:
        """Return the query for the course of time, or for another dimension."""
        return StatisticsQuery(
            account=account,
            group_by=group or self.step,
            first=self.first,
            last=self.last,
            time_zone=self.zone,
            tag=tag,
            limit=limit,
        )

    def label(self, row: Mapping[str, Any]) -> str:
        """The name of one step of the answer."""
        moment = datetime.fromtimestamp(row["first"] * 3600, self.zone)
        return moment.strftime("%H:%M" if self.step == "hour" else "%-d %b")


def parse_period(text: str, now: int, zone: ZoneInfo) -> ReportPeriod:
    """Parse the period of a query, or return the default one; `now` in microseconds since 1970."""
    days = int(text) if text in {str(choice) for choice in DAY_CHOICES} else DEFAULT_DAYS
    if days == 1:
        last = now // HOUR_US + 1
        return ReportPeriod(1, "hour", last - 24, last, zone)
    tomorrow = datetime.fromtimestamp(now // 1_000_000, zone).date() + timedelta(days=1)
    first, last = (_first_hour(tomorrow - timedelta(days=back), zone) for back in (days, 0))
    return ReportPeriod(days, "day", first, last, zone)


def _first_hour(day: date, zone: ZoneInfo) -> int:
    """The first whole hour of a day, as `report.periods` has it."""
    return -int(-datetime(day.year, day.month, day.day, tzinfo=zone).timestamp() // 3600)
