"""Periods of a calendar in whole hours since 1970: clicks are summed by hour, so nothing finer can be told apart.

A day begins where the clocks of a time zone say so: it has 23 or 25 hours when they are put on or back. In zones that
are half an hour off, the first whole hour of the day begins it.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Final, Literal, get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from linkweir.errors import BadInput

Group = Literal["hour", "day", "week", "month"]
GROUPS: Final = get_args(Group)
HOUR: Final = 3600  # seconds
FIRST_HOUR: Final = 0
LAST_HOUR: Final = int(datetime(9998, 1, 1, tzinfo=UTC).timestamp()) // HOUR


def zone_named(name: str) -> ZoneInfo:
    """The time zone of this name (`Europe/Berlin`). Raises BadInput."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # OSError: a folder of the database, or a name too long
        raise BadInput("time_zone", "must be the name of a time zone, such as Europe/Berlin or UTC") from None


def periods(first: int, last: int, group: Group, zone: ZoneInfo) -> Iterator[tuple[int, int]]:
    """Hours, days, weeks from Monday, or months between two hours, cut off at both ends; `last` is left out."""
    at = first
    while at < last:
        until = min(_next(at, group, zone), last)
        yield at, until
        at = until


def _next(hour: int, group: Group, zone: ZoneInfo) -> int:
    if group == "hour":
        return hour + 1
    local = datetime.fromtimestamp(hour * HOUR, zone)
    begins = _first_day(local.date(), group)
    # at the first of two midnights, and right after the gap when clocks skip midnight
    midnight = datetime(begins.year, begins.month, begins.day, tzinfo=zone)
    found = _first_hour(midnight)
    if datetime.fromtimestamp(found * HOUR, zone).date() < begins:  # clocks went back right after the first one
        found = _first_hour(midnight.replace(fold=1))
    return found


def _first_hour(moment: datetime) -> int:
    """The first whole hour that begins at a moment or after it."""
    return -int(-moment.timestamp() // HOUR)


def _first_day(day: date, group: Group) -> date:
    """The day that begins the next period."""
    if group == "day":
        return day + timedelta(days=1)
    if group == "week":
        return day + timedelta(days=7 - day.weekday())
    return (day.replace(day=1) + timedelta(days=32)).replace(day=1)
