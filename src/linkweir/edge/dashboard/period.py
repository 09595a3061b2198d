"""The time that a page looks at: the last so many days, in steps that a chart can show. Days are UTC."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal
from zoneinfo import ZoneInfo

from linkweir.report.clicks import Question
from linkweir.store.totals import Span

HOUR = 3_600_000_000  # microseconds
CHOICES = (1, 7, 30, 90)
USUAL = 30
ZONE = ZoneInfo("UTC")


@dataclass(frozen=True, slots=True)
class Period:
    """`days` days that end with today, or 24 hours that end with this one, as hours since 1970 from `first` to before
    `last`; `step` is what one point of a chart stands for.
    """

    days: int
    step: Literal["hour", "day"]
    first: int
    last: int

    def span(self, account: uuid.UUID, scope: str) -> Span:
        """What is read of the sums."""
        return Span(account, scope, self.first, self.last)

    def question(self, account: uuid.UUID, tag: str | None = None) -> Question:
        """What is asked about the course of time."""
        return Question(account=account, group=self.step, first=self.first, last=self.last, zone=ZONE, tag=tag)

    def label(self, row: Mapping[str, Any]) -> str:
        """The name of one step of the answer."""
        moment = datetime.fromtimestamp(row["first"] * 3600, UTC)
        return moment.strftime("%H:00" if self.step == "hour" else "%-d %b")


def of(text: str, now: int) -> Period:
    """The period that a query asks for, or the usual one."""
    days = int(text) if text in {str(choice) for choice in CHOICES} else USUAL
    if days == 1:
        last = now // HOUR + 1
        return Period(1, "hour", last - 24, last)
    tomorrow = datetime.fromtimestamp(now // 1_000_000, UTC).date() + timedelta(days=1)
    last = int(datetime(tomorrow.year, tomorrow.month, tomorrow.day, tzinfo=UTC).timestamp()) // 3600
    return Period(days, "day", last - days * 24, last)
