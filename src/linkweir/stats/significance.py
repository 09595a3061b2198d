"""Significance tests: whether two groups click at different rates, in figures and in words.

Test and interval are both by the method of Agresti and Caffo: of one standard error, so that the interval excludes 0
exactly when the difference is significant; without a search for roots, so that there is always an answer, also when
nobody clicked; and true to its level for small groups and rare clicks.

Who clicked is known as a probability for each message, so a group's rate is the mean of these, and its standard error
is that of their mean: sums of the probabilities and of their variances as yes or no give both. Doubts about single
clicks bring the probabilities nearer to each other and to the middle, which the error takes into account; where every
message is certain, this is the method's usual form.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Final

from linkweir.stats.estimates import ExpectedCounts
from linkweir.translation import format_number, format_percent, gettext, gettext_noop

ALPHA: Final = 0.05  # how often a difference may be seen where there is none
MIN_GROUP_MESSAGES: Final = 50  # messages in a group: from here on, counted out exactly, that is at most 0.056


@dataclass(frozen=True, slots=True)
class ComparedGroup:
    """So many of so many are expected to have been clicked, with the variance of that number (0: all are certain)."""

    name: str
    clickers: float
    messages: int
    variance: float = 0.0

    @property
    def rate(self) -> float:
        """From 0 to 1; 0 for an empty group."""
        return self.clickers / self.messages if self.messages else 0.0


@dataclass(frozen=True, slots=True)
class RateDifference:
    """The difference of click rates between `other` and `base`: rates, interval, p-value and meaning.

    `p_value` is made larger and the interval wider for the number of comparisons made at once: `significant` is
    `p_value` < 0.05, and that is when the interval excludes 0. All four are None when nothing can be judged.
    """

    base: str
    other: str
    difference: float
    low: float | None
    high: float | None
    p_value: float | None
    significant: bool | None
    meaning: str


@dataclass(frozen=True, slots=True)
class _TestResult:
    low: float
    high: float
    p_value: float


def make_group(name: str, expected: ExpectedCounts, delivered: int) -> ComparedGroup:
    """Return the group of a campaign or variant; no more messages were clicked than delivered: a reader may have been
    faster than the note of the delivery.
    """
    clickers = min(expected.clickers.value, float(delivered))
    most = clickers * (1 - clickers / delivered) if delivered else 0.0  # of that many probabilities with this mean
    return ComparedGroup(name, clickers, delivered, min(expected.clickers_variance, most))


def compare_all(base: ComparedGroup, others: Sequence[ComparedGroup]) -> list[RateDifference]:
    """Each of the others beside `base`, all in one family; empty groups are left out."""
    judged = sum(_is_large_enough(base, other) for other in others)
    comparisons = [compare_groups(base, other, max(1, judged)) for other in others]
    return [comparison for comparison in comparisons if comparison is not None]


def compare_groups(base: ComparedGroup, other: ComparedGroup, comparisons: int = 1) -> RateDifference | None:
    """The difference between two groups; None when one of them is empty.

    `comparisons`: how many are made at once; each must then be that much clearer (Bonferroni), or one of many would
    look different by chance. All their intervals together hold the true differences in 95 of 100 cases.
    """
    if not base.messages or not other.messages:
        return None
    rates = gettext(
        "The click rate of %(other)s is %(other_rate)s, that of %(base)s %(base_rate)s",
        other_rate=format_percent(other.rate, 1),
        other=other.name,
        base_rate=format_percent(base.rate, 1),
        base=base.name,
    )
    difference = other.rate - base.rate
    if not _is_large_enough(base, other):
        few = gettext("too few messages for a significance test (fewer than %(least)s).", least=MIN_GROUP_MESSAGES)
        meaning = f"{rates}: {few}"
        return RateDifference(base.name, other.name, difference, None, None, None, None, meaning)
    judged = _test_difference(base, other, comparisons)
    clear = judged.p_value < ALPHA
    meaning = f"{rates}: {_explain_difference(base, other, judged, clear=clear)}"
    return RateDifference(base.name, other.name, difference, judged.low, judged.high, judged.p_value, clear, meaning)


def _is_large_enough(base: ComparedGroup, other: ComparedGroup) -> bool:
    return min(base.messages, other.messages) >= MIN_GROUP_MESSAGES


def _test_difference(base: ComparedGroup, other: ComparedGroup, comparisons: int) -> _TestResult:
    """Wald's interval and two-sided p-value with one clicked and one unclicked message added to each group (Agresti
    and Caffo, The American Statistician 54, 2000).
    """
    base_rate, base_variance = _adjusted_rate(base)
    other_rate, other_variance = _adjusted_rate(other)
    difference, error = other_rate - base_rate, math.sqrt(base_variance + other_variance)
    margin = NormalDist().inv_cdf(1 - ALPHA / comparisons / 2) * error
    p_value = math.erfc(abs(difference) / error / math.sqrt(2))  # exact in the far tail, where 1 - cdf is 0
    return _TestResult(max(-1.0, difference - margin), min(1.0, difference + margin), min(1.0, p_value * comparisons))


def _adjusted_rate(group: ComparedGroup) -> tuple[float, float]:
    """The rate, with one clicked and one unclicked message added, and its variance as a mean of probabilities: these
    spread by as much less than yes and no do as they are in doubt.
    """
    messages = group.messages + 2
    rate = (group.clickers + 1) / messages
    return rate, (rate * (1 - rate) - group.variance / messages) / messages


def _explain_difference(base: ComparedGroup, other: ComparedGroup, result: _TestResult, *, clear: bool) -> str:
    low, high = 100 * result.low, 100 * result.high
    if not clear:
        return gettext(
            "the difference is not significant. The true difference, %(other)s minus %(base)s, lies between %(low)s "
            "and %(high)s percentage points (95%% confidence interval).",
            other=other.name,
            base=base.name,
            low=format_number(low, "+z.1f"),
            high=format_number(high, "+z.1f"),
        )
    least, most = (format_number(end, ".1f") for end in sorted((abs(low), abs(high))))
    if other.rate > base.rate:
        text = gettext_noop(
            "significantly higher, by %(least)s to %(most)s percentage points (95%% confidence interval)."
        )
    else:
        text = gettext_noop(
            "significantly lower, by %(least)s to %(most)s percentage points (95%% confidence interval)."
        )
    return gettext(text, least=least, most=most)
