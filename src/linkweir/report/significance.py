"""Do two groups click at different rates, or is it chance? Two proportions compared, in figures and in words.

The p-value is that of the pooled z-test of two proportions (two-sided), the interval is Newcombe's: the difference of
two Wilson intervals (R. G. Newcombe, Statistics in Medicine 17 (1998) 873-890, method 10), which holds for small groups
and rates near 0 too. The normal distribution comes from Python's own statistics library.
"""

from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist
from typing import Final

NORMAL: Final = NormalDist()
LEVEL: Final = 0.95
FEW: Final = 5  # clicks, or messages without one, expected in each group: below, the test says nothing reliable


@dataclass(frozen=True, slots=True)
class Group:
    """So many of so many clicked."""

    name: str
    clickers: int
    messages: int

    @property
    def rate(self) -> float:
        """From 0 to 1; 0 for an empty group."""
        return self.clickers / self.messages if self.messages else 0.0


@dataclass(frozen=True, slots=True)
class Difference:
    """How much more `other` clicked than `base`: rates' difference, its 95 % interval, the p-value, and what it means.

    `significant` and `p_value` are None when there is too little to judge by.
    """

    base: str
    other: str
    difference: float
    low: float
    high: float
    p_value: float | None
    significant: bool | None
    meaning: str


def compare(base: Group, other: Group, comparisons: int = 1) -> Difference | None:
    """The difference between two groups; None when one of them is empty.

    `comparisons`: how many are made at once; each must then be that much clearer (Bonferroni), or one of many would
    look different by chance.
    """
    if not base.messages or not other.messages:
        return None
    level = 1 - (1 - LEVEL) / comparisons
    low, high = _interval(base, other, level)
    p = _p_value(base, other)
    clear = None if p is None else p < 1 - level
    return Difference(
        base.name, other.name, other.rate - base.rate, low, high, p, clear, _meaning(base, other, low, high, clear)
    )


def _p_value(base: Group, other: Group) -> float | None:
    clickers, messages = base.clickers + other.clickers, base.messages + other.messages
    pooled = clickers / messages
    smaller = min(base.messages, other.messages)
    if smaller * min(pooled, 1 - pooled) < FEW:
        return None
    error = sqrt(pooled * (1 - pooled) * (1 / base.messages + 1 / other.messages))
    return 2 * NORMAL.cdf(-abs(other.rate - base.rate) / error)


def _interval(base: Group, other: Group, level: float) -> tuple[float, float]:
    """Newcombe's interval for the difference of the rates."""
    (base_low, base_high), (low, high) = wilson(base, level), wilson(other, level)
    difference = other.rate - base.rate
    down = sqrt((other.rate - low) ** 2 + (base_high - base.rate) ** 2)
    up = sqrt((high - other.rate) ** 2 + (base.rate - base_low) ** 2)
    return max(-1.0, difference - down), min(1.0, difference + up)


def wilson(group: Group, level: float = LEVEL) -> tuple[float, float]:
    """Wilson's interval for the rate behind one group."""
    z2 = NORMAL.inv_cdf((1 + level) / 2) ** 2
    count, rate = group.messages, group.rate
    middle = (rate + z2 / (2 * count)) / (1 + z2 / count)
    spread = sqrt(z2 * (rate * (1 - rate) / count + z2 / (4 * count**2))) / (1 + z2 / count)
    return max(0.0, middle - spread), min(1.0, middle + spread)


def _meaning(base: Group, other: Group, low: float, high: float, clear: bool | None) -> str:
    rates = f"{other.rate:.1%} of {other.name} clicked, {base.rate:.1%} of {base.name}"
    if clear is None:
        return f"{rates}: too few to tell a difference from chance."
    if not clear:
        return f"{rates}: this may well be chance. The true difference lies between {low:+.1%} and {high:+.1%}."
    more = "more" if other.rate > base.rate else "less"
    return f"{rates}: {other.name} is clicked {more}, and hardly by chance; by between {low:+.1%} and {high:+.1%}."
