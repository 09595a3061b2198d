"""How time is cut for sums: each click is counted in an hour, a day, a block of sixteen days, and all time.

A question about any time from one hour to another is then answered from few rows: whole blocks, the days at their
ends, and the hours at the ends of these. However long the time is, these are at most 23 hours and 15 days at each end
and one row for sixteen days in between, each time for every value; of hours alone a year would need 8760. What lies
before the first or behind the last click of all needs no ends at all.

Days are those of UTC. Those of a time zone begin at other hours, which the ends provide; so zones with half an hour
cost no more. A block is no month, since months begin in the middle of days elsewhere and none of them is as long as
the next. Written four times as often, read a hundredth as often: the price is about a tenth of what counting costs.
"""

from typing import Final

HOUR, DAY, SIXTEEN_DAYS, ALL_TIME = 1, 24, 384, 0  # hours that one sum covers; EVER: all of them
BUCKET_SIZES: Final = (HOUR, DAY, SIXTEEN_DAYS, ALL_TIME)
COARSE_SIZES: Final = (
    (DAY, HOUR),
    (SIXTEEN_DAYS, DAY),
    (ALL_TIME, SIXTEEN_DAYS),
)  # sums, and those that they are made of
BucketRange = tuple[int, int, int]  # sums over so many hours, which begin from the second number to before the third


def bucket_start(hour: int, size: int) -> int:
    """The first hour of the sum that an hour is counted in."""
    return hour - hour % size if size else 0


def cover_hours(first: int, last: int) -> list[BucketRange]:
    """The fewest sums that make up the hours from `first` to before `last`."""
    sizes = (SIXTEEN_DAYS, DAY, HOUR) if last - first >= DAY else (HOUR,)
    return _cover_with_sizes(first, last, sizes)


def cover_hours_within(first: int, last: int, lowest: int, highest: int) -> list[BucketRange]:
    """The same, of sums of which none is in an hour below `lowest` or above `highest`."""
    if last <= lowest or first > highest:
        return []
    if first <= lowest:
        first = bucket_start(lowest, SIXTEEN_DAYS)
    if last > highest:
        last = bucket_start(highest, SIXTEEN_DAYS) + SIXTEEN_DAYS
    if first <= lowest and last > highest:
        return [(ALL_TIME, 0, 1)]
    return cover_hours(first, last)


def _cover_with_sizes(first: int, last: int, sizes: tuple[int, ...]) -> list[BucketRange]:
    if first >= last:
        return []
    size, *smaller = sizes
    begin, end = -(-first // size) * size, last // size * size
    if begin >= end:
        return _cover_with_sizes(first, last, tuple(smaller)) if smaller else []
    ends = tuple(smaller) or (size,)
    return [*_cover_with_sizes(first, begin, ends), (size, begin, end), *_cover_with_sizes(end, last, ends)]
