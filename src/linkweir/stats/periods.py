"""Calendar periods in whole hours since 1970: clicks are aggregated by hour, so nothing finer can be reported.

A day begins at midnight of a time zone: it has 23 or 25 hours when clocks change. In zones that are half an hour off,
the first whole hour of the day begins it.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Final, Literal, get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from linkweir.errors import ValidationError
from linkweir.translation import gettext

PeriodUnit = Literal["hour", "day", "week", "month"]
PERIOD_UNITS: Final = get_args(PeriodUnit)
HOUR_SECONDS: Final = 3600  # seconds
MIN_HOUR: Final = 0
MAX_HOUR: Final = int(datetime(9998, 1, 1, tzinfo=UTC).timestamp()) // HOUR_SECONDS


def parse_time_zone(name: str) -> ZoneInfo:
    """The time zone of this name (`Europe/Berlin`). Raises ValidationError."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # OSError: a folder of the database, or a name too long
        raise ValidationError(
            "time_zone", gettext("must be the name of a time zone, such as Europe/Berlin or UTC")
        ) from None


def iter_periods(first: int, last: int, unit: PeriodUnit, zone: ZoneInfo) -> Iterator[tuple[int, int]]:
    """Hours, days, weeks from Monday, or months between two hours, cut off at both ends; `last` is left out."""
    at = first
    while at < last:
        until = min(_next_period_start(at, unit, zone), last)
        yield at, until
        at = until


def _next_period_start(hour: int, unit: PeriodUnit, zone: ZoneInfo) -> int:
    if unit == "hour":
        return hour + 1
    local = datetime.fromtimestamp(hour * HOUR_SECONDS, zone)
    begins = _next_period_day(local.date(), unit)
    # at the first of two midnights, and right after the gap when clocks skip midnight
    midnight = datetime(begins.year, begins.month, begins.day, tzinfo=zone)
    start = _hour_from(midnight)
    if datetime.fromtimestamp(start * HOUR_SECONDS, zone).date() < begins:  # clocks went back right after the first one
        start = _hour_from(midnight.replace(fold=1))
    return start


def _hour_from(moment: datetime) -> int:
    """The first whole hour that begins at a moment or after it."""
    return -int(-moment.timestamp() // HOUR_SECONDS)


def _next_period_day(day: date, unit: PeriodUnit) -> date:
    """The day that begins the next period."""
    if unit == "day":
        return day + timedelta(days=1)
    if unit == "week":
        return day + timedelta(days=7 - day.weekday())
    return (day.replace(day=1) + timedelta(days=32)).replace(day=1)
