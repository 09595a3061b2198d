"""Tests of linkweir.db.time_buckets: any time is made of sums over other times, each hour once."""

from hypothesis import given
from hypothesis import strategies as st

from linkweir.db.time_buckets import (
    ALL_TIME,
    BUCKET_SIZES,
    SIXTEEN_DAYS,
    bucket_start,
    cover_hours,
    cover_hours_within,
)

HOURS = st.integers(0, 3000)


def list_hours(parts: list[tuple[int, int, int]]) -> list[int]:
    """Every hour that these sums hold."""
    result: list[int] = []
    for size, first, last in parts:
        assert (first % size, last % size) == (0, 0)
        result += range(first, last)
    return result


@given(HOURS, HOURS)
def test_each_hour_once(first: int, last: int) -> None:
    """The sums hold every hour from the first to before the last, in order, and no other."""
    assert list_hours(cover_hours(first, last)) == list(range(first, last))


@given(HOURS, HOURS, HOURS, HOURS)
def test_only_known_hours_matter(first: int, last: int, one: int, other: int) -> None:
    """Of the hours that anything happened in, those asked for are held, and no other."""
    lowest, highest = sorted((one, other))
    happened, expected = set(range(lowest, highest + 1)), set(range(first, last))
    parts = cover_hours_within(first, last, lowest, highest)
    held = happened if parts == [(ALL_TIME, 0, 1)] else happened & set(list_hours(parts))
    assert held == happened & expected


def test_a_long_time_is_few_sums() -> None:
    """Ten years from any hour to any other need at most two ends of days and hours."""
    for first in range(SIXTEEN_DAYS):
        parts = cover_hours(first, first + 87_600)
        assert len(parts) <= 5
        assert sum((last - begin) // size for size, begin, last in parts if size != SIXTEEN_DAYS) <= 2 * (23 + 15)


def test_each_hour_has_one_sum_of_each_size() -> None:
    """An hour is counted from the beginning of its day, its block, and of time."""
    assert [bucket_start(SIXTEEN_DAYS + 30, size) for size in BUCKET_SIZES] == [
        SIXTEEN_DAYS + 30,
        SIXTEEN_DAYS + 24,
        SIXTEEN_DAYS,
        0,
    ]
