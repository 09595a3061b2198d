"""Tests of linkweir.store.spans: any time is made of sums over other times, each hour once."""

from hypothesis import given
from hypothesis import strategies as st

from linkweir.store.spans import BLOCK, EVER, SIZES, cover, cover_known, start

HOURS = st.integers(0, 3000)


def hours(parts: list[tuple[int, int, int]]) -> list[int]:
    """Every hour that these sums hold."""
    found: list[int] = []
    for size, first, last in parts:
        assert (first % size, last % size) == (0, 0)
        found += range(first, last)
    return found


@given(HOURS, HOURS)
def test_each_hour_once(first: int, last: int) -> None:
    """The sums hold every hour from the first to before the last, in order, and no other."""
    assert hours(cover(first, last)) == list(range(first, last))


@given(HOURS, HOURS, HOURS, HOURS)
def test_only_known_hours_matter(first: int, last: int, one: int, other: int) -> None:
    """Of the hours that anything happened in, those asked for are held, and no other."""
    lowest, highest = sorted((one, other))
    happened, wanted = set(range(lowest, highest + 1)), set(range(first, last))
    parts = cover_known(first, last, lowest, highest)
    held = happened if parts == [(EVER, 0, 1)] else happened & set(hours(parts))
    assert held == happened & wanted


def test_a_long_time_is_few_sums() -> None:
    """Ten years from any hour to any other need at most two ends of days and hours."""
    for first in range(BLOCK):
        parts = cover(first, first + 87_600)
        assert len(parts) <= 5
        assert sum((last - begin) // size for size, begin, last in parts if size != BLOCK) <= 2 * (23 + 15)


def test_each_hour_has_one_sum_of_each_size() -> None:
    """An hour is counted from the beginning of its day, its block, and of time."""
    assert [start(BLOCK + 30, size) for size in SIZES] == [BLOCK + 30, BLOCK + 24, BLOCK, 0]
