"""The time that a page looks at: the last so many days, which begin where the reader lives, in steps of a chart."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Literal
from zoneinfo import ZoneInfo

from linkweir.report.clicks import Question
from linkweir.store.totals import Span

HOUR = 3_600_000_000  # microseconds
CHOICES = (1, 7, 30, 90)
USUAL = 30


@dataclass(frozen=True, slots=True)
class Period:
    """`days` days that end with today, or 24 hours that end with this one, as hours since 1970 from `first` to before
    `last`; `step` is what one point of a chart stands for.
    """

    days: int
    step: Literal["hour", "day"]
    first: int
    last: int
    zone: ZoneInfo

    def span(self, account: uuid.UUID, scope: str) -> Span:
        """What is read of the sums."""
        return Span(account, scope, self.first, self.last)

    def before(self, account: uuid.UUID, scope: str) -> Span:
        """As many hours just before it, to set it against."""
        return Span(account, scope, 2 * self.first - self.last, self.first)

    def question(
        self, account: uuid.UUID, tag: str | None = None, *, group: str | None = None, limit: int = 100
    ) -> Question:
        """What is asked about the course of time, or along another dimension."""
        return Question(
            account=account,
            group=group or self.step,
            first=self.first,
            last=self.last,
            zone=self.zone,
            tag=tag,
            limit=limit,
        )

    def label(self, row: Mapping[str, Any]) -> str:
        """The name of one step of the answer."""
        moment = datetime.fromtimestamp(row["first"] * 3600, self.zone)
        return moment.strftime("%H:%M" if self.step == "hour" else "%-d %b")


def of(text: str, now: int, zone: ZoneInfo) -> Period:
    """The period that a query asks for, or the usual one; `now` in microseconds since 1970."""
    days = int(text) if text in {str(choice) for choice in CHOICES} else USUAL
    if days == 1:
        last = now // HOUR + 1
        return Period(1, "hour", last - 24, last, zone)
    tomorrow = datetime.fromtimestamp(now // 1_000_000, zone).date() + timedelta(days=1)
    first, last = (_hour(tomorrow - timedelta(days=back), zone) for back in (days, 0))
    return Period(days, "day", first, last, zone)


def _hour(day: date, zone: ZoneInfo) -> int:
    """The first whole hour of a day, as `report.periods` has it."""
    return -int(-datetime(day.year, day.month, day.day, tzinfo=zone).timestamp() // 3600)
