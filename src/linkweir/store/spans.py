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

HOUR, DAY, BLOCK, EVER = 1, 24, 384, 0  # hours that one sum covers; EVER: all of them
SIZES: Final = (HOUR, DAY, BLOCK, EVER)
COARSE: Final = ((DAY, HOUR), (BLOCK, DAY), (EVER, BLOCK))  # sums, and those that they are made of
Part = tuple[int, int, int]  # sums over so many hours, which begin from the second number to before the third


def start(hour: int, size: int) -> int:
    """The first hour of the sum that an hour is counted in."""
    return hour - hour % size if size else 0


def cover(first: int, last: int) -> list[Part]:
    """The fewest sums that make up the hours from `first` to before `last`."""
    sizes = (BLOCK, DAY, HOUR) if last - first >= DAY else (HOUR,)
    return _cover(first, last, sizes)


def cover_known(first: int, last: int, lowest: int, highest: int) -> list[Part]:
    """The same, of sums of which none is in an hour below `lowest` or above `highest`."""
    if last <= lowest or first > highest:
        return []
    if first <= lowest:
        first = start(lowest, BLOCK)
    if last > highest:
        last = start(highest, BLOCK) + BLOCK
    if first <= lowest and last > highest:
        return [(EVER, 0, 1)]
    return cover(first, last)


def _cover(first: int, last: int, sizes: tuple[int, ...]) -> list[Part]:
    if first >= last:
        return []
    size, *smaller = sizes
    begin, end = -(-first // size) * size, last // size * size
    if begin >= end:
        return _cover(first, last, tuple(smaller)) if smaller else []
    ends = tuple(smaller) or (size,)
    return [*_cover(first, begin, ends), (size, begin, end), *_cover(end, last, ends)]
