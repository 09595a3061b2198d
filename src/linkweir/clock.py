"""Wall-clock time as Linkweir stores it, microseconds since 1970 in UTC, and as RFC 3339 text."""

import time
from datetime import UTC, datetime, timedelta
from typing import Final, overload

SECOND_US: Final = 1_000_000
HOUR_US: Final = 3600 * SECOND_US
DAY_US: Final = 24 * HOUR_US
MAX_SKEW_US: Final = 600 * SECOND_US  # that a clock may be ahead of another's
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def now() -> int:
    """The current time in microseconds since 1970."""
    return time.time_ns() // 1000


def to_datetime(at: int) -> datetime:
    """`at`, microseconds since 1970, in UTC; exact, as a division of floats would not be."""
    return EPOCH + timedelta(microseconds=at)


def from_datetime(moment: datetime) -> int:
    """Microseconds since 1970 of a time that has a time zone."""
    return (moment - EPOCH) // timedelta(microseconds=1)


@overload
def rfc3339(at: int, timespec: str = ...) -> str: ...
@overload
def rfc3339(at: None, timespec: str = ...) -> None: ...
def rfc3339(at: int | None, timespec: str = "microseconds") -> str | None:
    """Microseconds since 1970 as RFC 3339 in UTC, with six digits of a second unless `timespec` is "seconds"."""
    return None if at is None else to_datetime(at).replace(tzinfo=None).isoformat(timespec=timespec) + "Z"


def format_minute(at: int) -> str:
    """The same for people to read: 2026-01-31 10:00 UTC."""
    return to_datetime(at).strftime("%Y-%m-%d %H:%M UTC")
