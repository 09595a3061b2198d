"""Do two groups click at different rates, or is it chance? Two proportions compared, in figures and in words.

Test and interval are statsmodels' for two independent proportions, both by the method of Agresti and Caffo: of one
standard error, so that the interval excludes 0 exactly when the difference is significant; without a search for roots,
so that there is always an answer, also when nobody clicked; and true to its level for small groups and rare clicks.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

METHOD: Final = "agresti-caffo"
ALPHA: Final = 0.05  # how often a difference may be seen where there is none
MIN_GROUP_MESSAGES: Final = 50  # messages in a group: from here on, counted out exactly, that is at most 0.056
MISSING_PACKAGE_NOTE: Final = (
    "what is chance is not told here, for want of a package: pip install 'linkweir[statistics]'"
)


@dataclass(frozen=True, slots=True)
class ComparedGroup:
    """So many of so many clicked."""

    name: str
    clickers: int
    messages: int

    @property
    def rate(self) -> float:
        """From 0 to 1; 0 for an empty group."""
        return self.clickers / self.messages if self.messages else 0.0


@dataclass(frozen=True, slots=True)
class RateDifference:
    """How much more `other` clicked than `base`: rates' difference, its interval, the p-value, and what it means.

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


def compare_all(base: ComparedGroup, others: Sequence[ComparedGroup]) -> list[RateDifference]:
    """Each of the others beside `base`, all in one family; empty groups are left out."""
    judged = sum(_is_large_enough(base, other) for other in others)
    found = [compare_groups(base, other, max(1, judged)) for other in others]
    return [one for one in found if one is not None]


def compare_groups(base: ComparedGroup, other: ComparedGroup, comparisons: int = 1) -> RateDifference | None:
    """The difference between two groups; None when one of them is empty.

    `comparisons`: how many are made at once; each must then be that much clearer (Bonferroni), or one of many would
    look different by chance. All their intervals together hold the true differences in 95 of 100 cases.
    """
    if not base.messages or not other.messages:
        return None
    rates = f"{other.rate:.1%} of {other.name} clicked, {base.rate:.1%} of {base.name}"
    difference = other.rate - base.rate
    if not _is_large_enough(base, other):
        meaning = f"{rates}: too few messages to tell a difference from chance (fewer than {MIN_GROUP_MESSAGES})."
        return RateDifference(base.name, other.name, difference, None, None, None, None, meaning)
    judged = _test_difference(base, other, comparisons)
    if judged is None:
        return RateDifference(
            base.name, other.name, difference, None, None, None, None, f"{rates}; {MISSING_PACKAGE_NOTE}"
        )
    clear = judged.p_value < ALPHA
    meaning = f"{rates}: {_explain_difference(base, other, judged, clear=clear)}"
    return RateDifference(base.name, other.name, difference, judged.low, judged.high, judged.p_value, clear, meaning)


def _is_large_enough(base: ComparedGroup, other: ComparedGroup) -> bool:
    return min(base.messages, other.messages) >= MIN_GROUP_MESSAGES


def _test_difference(base: ComparedGroup, other: ComparedGroup, comparisons: int) -> _TestResult | None:
    try:  # here, for it takes a second and 100 MB, and most processes are never asked
        from numpy import errstate
        from statsmodels.stats.proportion import confint_proportions_2indep, test_proportions_2indep
    except ModuleNotFoundError:
        return None
    counts = (other.clickers, other.messages, base.clickers, base.messages)
    with errstate(divide="ignore", invalid="ignore"):  # ratios are computed beside, also where nobody clicked
        alone = test_proportions_2indep(*counts, compare="diff", method=METHOD).pvalue
    low, high = confint_proportions_2indep(*counts, compare="diff", method=METHOD, alpha=ALPHA / comparisons)
    return _TestResult(max(-1.0, float(low)), min(1.0, float(high)), min(1.0, float(alone) * comparisons))


def _explain_difference(base: ComparedGroup, other: ComparedGroup, result: _TestResult, *, clear: bool) -> str:
    low, high = 100 * result.low, 100 * result.high
    points = "percentage points (95 % interval)"
    if not clear:
        true = f"The true difference, {other.name} minus {base.name},"
        return f"this may well be chance. {true} lies between {low:+.1f} and {high:+.1f} {points}."
    more = "more" if other.rate > base.rate else "less"
    least, most = sorted((abs(low), abs(high)))
    return f"{other.name} is clicked {more}, and hardly by chance: by {least:.1f} to {most:.1f} {points}."
