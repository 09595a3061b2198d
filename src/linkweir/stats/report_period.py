"""The period of a dashboard page, in days of the reader's time zone: the last few, a calendar month, or any dates."""

import contextlib
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Literal
from zoneinfo import ZoneInfo

from linkweir.clock import HOUR_US
from linkweir.db.aggregate_queries import AggregateRange
from linkweir.stats.click_statistics import StatisticsQuery
from linkweir.translation import format_date, format_day, format_month, gettext, gettext_noop, translate

DAY_CHOICES = (1, 7, 30, 90)  # periods that end now
CALENDAR_CHOICES = {
    "yesterday": gettext_noop("Yesterday"),
    "this-month": gettext_noop("This month"),
    "last-month": gettext_noop("Last month"),
}
PERIOD_CHOICES = (  # value in a URL, and text
    *zip(
        map(str, DAY_CHOICES),
        (gettext_noop("24 hours"), gettext_noop("7 days"), gettext_noop("30 days"), gettext_noop("90 days")),
        strict=True,
    ),
    *CALENDAR_CHOICES.items(),
)
DEFAULT_PERIOD = "30"
MAX_HOURS_BY_HOUR = 50  # two days, also where clocks change; longer periods go by day
MAX_DAYS_BY_DAY = 400  # longer periods go by month
DATE_RANGE = re.compile(r"(\d{4}-\d\d-\d\d)\.\.(\d{4}-\d\d-\d\d)", re.ASCII)
FIRST_DATE, LAST_DATE = date(2000, 1, 1), date(2199, 12, 31)  # of what can be asked for


@dataclass(frozen=True, slots=True)
class ReportPeriod:
    """Hours since 1970 from `first` to before `last`. `value` names the period in a URL, `text` on a page, `preceding`
    the time before that it is compared with; `step` is what one point of a chart stands for.
    """

    value: str
    text: str
    preceding: str
    first: int
    last: int
    zone: ZoneInfo

    @property
    def step(self) -> Literal["hour", "day", "month"]:
        """What one point of a chart stands for."""
        hours = self.last - self.first
        return "hour" if hours <= MAX_HOURS_BY_HOUR else "day" if hours <= 24 * MAX_DAYS_BY_DAY else "month"

    @property
    def first_date(self) -> date:
        """The first day, where the reader lives."""
        return datetime.fromtimestamp(self.first * 3600, self.zone).date()

    @property
    def last_date(self) -> date:
        """The last day."""
        return datetime.fromtimestamp(self.last * 3600 - 1, self.zone).date()

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
        if self.step == "hour" and self.last - self.first > 25:  # more than a day: an hour alone says too little
            return f"{format_day(moment)}, {moment:%H:%M}"
        return {"hour": "{:%H:%M}".format, "day": format_day, "month": format_month}[self.step](moment)


def parse_period(query: Mapping[str, str], now: int, zone: ZoneInfo) -> ReportPeriod:
    """Parse the period of a query: `period`, or the dates `from` and `to`; what cannot be is the default one. `now` in
    microseconds since 1970.
    """
    value = query.get("period", "")
    if query.get("from") or query.get("to"):
        value = f"{query.get('from') or query.get('to')}..{query.get('to') or query.get('from')}"
    today = datetime.fromtimestamp(now // 1_000_000, zone).date()
    if value in CALENDAR_CHOICES:
        return _make_calendar_period(value, today, zone)
    dates = DATE_RANGE.fullmatch(value)
    with contextlib.suppress(ValueError):  # 31 February
        if dates:
            first, last = sorted((date.fromisoformat(dates[1]), date.fromisoformat(dates[2])))
            return make_date_period(first, last, zone)
    return _make_recent_period(value if value in dict(PERIOD_CHOICES) else DEFAULT_PERIOD, now, today, zone)


def make_date_period(first: date, last: date, zone: ZoneInfo) -> ReportPeriod:
    """Return the days from `first` to `last`, both included."""
    first, last = (min(max(day, FIRST_DATE), LAST_DATE) for day in (first, last))
    days = (last - first).days + 1
    text = format_date(first)
    if first != last:
        text = gettext("%(first)s to %(last)s", first=text, last=format_date(last))
    return _make_days(f"{first}..{last}", text, _text_before(days), (first, last), zone)


def make_campaign_period(first_hour: int, now: int, zone: ZoneInfo) -> ReportPeriod:
    """Return the life of a campaign that was first sent in this hour: to the end of today, in hours for two days."""
    last = now // HOUR_US + 1
    start, today = (datetime.fromtimestamp(hour * 3600, zone).date() for hour in (first_hour, last - 1))
    if last - first_hour <= MAX_HOURS_BY_HOUR:
        return ReportPeriod(f"{start}..{today}", gettext("Since it was sent"), "", first_hour, last, zone)
    return make_date_period(start, today, zone)


def _make_recent_period(value: str, now: int, today: date, zone: ZoneInfo) -> ReportPeriod:
    days, text = int(value), dict(PERIOD_CHOICES)[value]
    if days == 1:
        last = now // HOUR_US + 1
        return ReportPeriod(value, translate(text), gettext("the previous 24 hours"), last - 24, last, zone)
    preceding = gettext("the previous %(days)s days", days=days)
    return _make_days(value, translate(text), preceding, (today - timedelta(days=days - 1), today), zone)


def _make_calendar_period(value: str, today: date, zone: ZoneInfo) -> ReportPeriod:
    begin = today.replace(day=1)
    first, last = {
        "yesterday": (today - timedelta(days=1), today - timedelta(days=1)),
        "this-month": (begin, today),
        "last-month": ((begin - timedelta(days=1)).replace(day=1), begin - timedelta(days=1)),
    }[value]
    return _make_days(
        value, translate(CALENDAR_CHOICES[value]), _text_before((last - first).days + 1), (first, last), zone
    )


def _text_before(days: int) -> str:
    return gettext("the day before") if days == 1 else gettext("the %(days)s days before", days=days)


def _make_days(value: str, text: str, preceding: str, days: tuple[date, date], zone: ZoneInfo) -> ReportPeriod:
    first, last = _first_hour(days[0], zone), _first_hour(days[1] + timedelta(days=1), zone)
    return ReportPeriod(value, text, preceding, first, last, zone)


def _first_hour(day: date, zone: ZoneInfo) -> int:
    """The first whole hour of a day, as `report.periods` has it."""
    return -int(-datetime(day.year, day.month, day.day, tzinfo=zone).timestamp() // 3600)
