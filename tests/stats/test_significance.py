"""Tests of linkweir.stats.significance, judged by exact tests and by counting out what can happen."""

from functools import cache
from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from linkweir.stats.significance import (
    ALPHA,
    MIN_GROUP_MESSAGES,
    ComparedGroup,
    RateDifference,
    compare_all,
    compare_groups,
)


@cache
def load_judge(module: str) -> Any:
    """A module of statsmodels or scipy, which take seconds to load: only the worker that runs these tests does."""
    return pytest.importorskip(module)


@st.composite
def generate_groups(draw: st.DrawFn, name: str, least: int = MIN_GROUP_MESSAGES) -> ComparedGroup:
    """So many of so many, often few or nearly all."""
    messages = draw(st.integers(least, 200) | st.integers(least, 5_000_000))
    clickers = draw(st.integers(0, messages) | st.integers(0, min(messages, 30)))
    return ComparedGroup(name, draw(st.sampled_from([clickers, messages - clickers])), messages)


def compare_two(
    base: ComparedGroup, other: ComparedGroup, comparisons: int = 1
) -> tuple[RateDifference, float, float, float]:
    """A difference that was judged, with its interval and p-value."""
    result = compare_groups(base, other, comparisons)
    assert result is not None
    assert result.low is not None
    assert result.high is not None
    assert result.p_value is not None
    return result, result.low, result.high, result.p_value


@given(base=generate_groups("A"), other=generate_groups("B"), comparisons=st.sampled_from([1, 2, 3, 19, 49]))
@settings(max_examples=400, deadline=None)
def test_the_interval_excludes_zero_exactly_when_the_difference_is_significant(
    base: ComparedGroup, other: ComparedGroup, comparisons: int
) -> None:
    """Verdict, p-value and interval never disagree, however many comparisons there are and however few clicks."""
    result, low, high, p_value = compare_two(base, other, comparisons)
    assert result.significant == (low > 0 or high < 0) == (p_value < ALPHA)


@given(base=generate_groups("A"), other=generate_groups("B"), comparisons=st.sampled_from([1, 2, 3, 19, 49]))
@settings(max_examples=400, deadline=None)
@example(ComparedGroup("A", 0, 50), ComparedGroup("B", 0, 50), 1)
@example(ComparedGroup("A", 0, 5_000_000), ComparedGroup("B", 5_000_000, 5_000_000), 49)
def test_figures_equal_those_of_statsmodels(base: ComparedGroup, other: ComparedGroup, comparisons: int) -> None:
    """Interval and p-value are what statsmodels computes for two independent proportions, also far in the tail."""
    proportion = load_judge("statsmodels.stats.proportion")
    counts = (other.clickers, other.messages, base.clickers, base.messages)
    with np.errstate(divide="ignore", invalid="ignore"):  # statsmodels computes ratios of rates beside
        expected = proportion.test_proportions_2indep(*counts, compare="diff", method="agresti-caffo").pvalue
    interval = proportion.confint_proportions_2indep(
        *counts, compare="diff", method="agresti-caffo", alpha=ALPHA / comparisons
    )
    _, low, high, p_value = compare_two(base, other, comparisons)
    assert (low, high) == pytest.approx(np.clip(interval, -1, 1), rel=1e-12, abs=1e-14)
    assert p_value == pytest.approx(min(1.0, expected * comparisons), rel=1e-9, abs=1e-300)


@given(base=generate_groups("A"), other=generate_groups("B"), comparisons=st.sampled_from([1, 5]))
@settings(deadline=None)
def test_the_interval_holds_the_difference(base: ComparedGroup, other: ComparedGroup, comparisons: int) -> None:
    """The difference lies in its interval, and turned around everything has the other sign."""
    result, low, high, p_value = compare_two(base, other, comparisons)
    _, turned_low, turned_high, turned_p = compare_two(other, base, comparisons)
    assert -1 <= low <= result.difference <= high <= 1
    assert (turned_low, turned_high, turned_p) == pytest.approx((-high, -low, p_value))


MAX_CLICKS = 5  # Agresti and Caffo add one to each: two or three of 50 against none of 1,500 may be chance to them


@given(base=generate_groups("A"), other=generate_groups("B"))
@settings(deadline=None)
def test_what_fishers_exact_test_finds_clear_is_clear(base: ComparedGroup, other: ComparedGroup) -> None:
    """Where an exact test leaves no doubt either way, ours says the same; a difference of a few clicks alone, in groups
    of very different sizes, it leaves open.
    """
    table = [[one.clickers, one.messages - one.clickers] for one in (base, other)]
    exact = load_judge("scipy.stats").fisher_exact(table).pvalue
    result, *_ = compare_two(base, other)
    smaller = min(base, other, key=lambda one: one.messages)
    if exact < 0.001 and min(smaller.clickers, smaller.messages - smaller.clickers) not in range(1, MAX_CLICKS):
        assert result.significant
    if exact > 0.2:
        assert not result.significant


def false_positive_rate(base: int, other: int, rate: float) -> float:
    """The chance that groups of these sizes with one and the same true rate differ significantly, counted out."""
    total = 0.0
    chances = [enumerate(load_judge("scipy.stats").binom.pmf(range(size + 1), size, rate)) for size in (base, other)]
    likely = [[(clicks, chance) for clicks, chance in some if chance > 1e-7] for some in chances]
    for (clicks, chance), (others, other_chance) in product(*likely):
        if compare_two(ComparedGroup("A", clicks, base), ComparedGroup("B", others, other))[0].significant:
            total += chance * other_chance
    return total


@pytest.mark.parametrize(("one", "other", "rate"), [(50, 50, 0.45), (50, 50, 0.02), (50, 400, 0.08), (50, 1000, 0.01)])
def test_chance_is_seldom_taken_for_a_difference(one: int, other: int, rate: float) -> None:
    """The smallest groups that are judged, also beside large ones, differ by mistake in no more than 5.6 of 100."""
    assert false_positive_rate(one, other, rate) <= 0.057


def test_the_result_in_plain_language() -> None:
    """The words fit the figures, name their unit and say which way they go: clear, perhaps chance, too few; and an
    empty group is not compared.
    """
    less = compare_groups(ComparedGroup("B", 160, 1000), ComparedGroup("A", 100, 1000))
    clear, chance, few = (
        compare_groups(ComparedGroup("A", 100, 1000), ComparedGroup("B", clickers, messages))
        for clickers, messages in ((160, 1000), (105, 1000), (1, 9))
    )
    assert clear is not None
    assert chance is not None
    assert few is not None
    by = "by 3.0 to 8.9 percentage points (95% confidence interval)."
    assert clear.meaning == f"The click rate of B is 16.0%, that of A 10.0%: significantly higher, {by}"
    minus = "\N{MINUS SIGN}2.2"
    assert f"not significant. The true difference, B minus A, lies between {minus} and +3.2 perc" in chance.meaning
    assert less is not None
    assert less.meaning.endswith(f": significantly lower, {by}")
    assert (few.low, few.high, few.significant, few.p_value) == (None, None, None, None)
    assert "too few" in few.meaning
    assert compare_groups(ComparedGroup("A", 0, 0), ComparedGroup("B", 1, 2)) is None


def test_multiple_comparisons_need_stronger_evidence() -> None:
    """A difference that is clear alone is not clear as one of twenty; groups that cannot be judged do not count."""
    base, other, tiny, empty = (
        ComparedGroup("A", 100, 1000),
        ComparedGroup("B", 130, 1000),
        ComparedGroup("C", 1, 9),
        ComparedGroup("D", 0, 0),
    )
    alone, _, _, p_alone = compare_two(base, other)
    of_many, _, _, p_of_many = compare_two(base, other, 20)
    assert (alone.significant, of_many.significant) == (True, False)
    assert p_of_many == pytest.approx(20 * p_alone)
    assert [item.p_value for item in compare_all(base, [other, tiny, empty])] == [p_alone, None]
    assert [item.significant for item in compare_all(base, [other] * 20)] == [False] * 20


def group_of(name: str, probabilities: np.ndarray) -> ComparedGroup:
    """Messages of which each was clicked by a person with such a probability."""
    variance = float((probabilities * (1 - probabilities)).sum())
    return ComparedGroup(name, float(probabilities.sum()), len(probabilities), variance)


def draw_probabilities(dice: np.random.Generator, rate: float, messages: int) -> np.ndarray:
    """What is thought of messages of which a part was clicked: calibrated, often in doubt, mostly nothing."""
    kinds, shares = np.array([0.0, 0.05, 0.4, 0.7, 0.97]), np.array([0.0, 0.3, 0.2, 0.2, 0.3])
    shares = shares * rate / (shares @ kinds)
    shares[0] = 1 - shares.sum()
    return dice.choice(kinds, size=messages, p=shares)


def test_doubtful_clicks_are_compared_as_means() -> None:
    """The test is Welch's of the messages' probabilities, one of which is 0 and one 1 beside those that are there."""
    dice = np.random.default_rng(7)
    one, other = draw_probabilities(dice, 0.1, 900), draw_probabilities(dice, 0.14, 700)
    found, low, high, p_value = compare_two(group_of("A", one), group_of("B", other))
    with_two = [np.append(values, [0.0, 1.0]) for values in (one, other)]
    error = np.sqrt(sum(values.var() / len(values) for values in with_two))
    difference = with_two[1].mean() - with_two[0].mean()
    normal = load_judge("scipy.stats").norm
    expected = (*normal.interval(0.95, difference, error), 2 * normal.sf(abs(difference) / error))
    assert (low, high, p_value) == pytest.approx(expected, rel=1e-9)
    assert found.difference == pytest.approx(other.mean() - one.mean())


@pytest.mark.parametrize(("one", "other", "rate"), [(60, 60, 0.1), (200, 1_000, 0.03), (3_000, 3_000, 0.2)])
def test_doubt_makes_no_difference_out_of_chance(one: int, other: int, rate: float) -> None:
    """Of groups from one population, whose clicks are in doubt, at most one in twenty pairs differs clearly; and the
    interval holds the true difference of the rates of clicks by people, which is none.
    """
    dice = np.random.default_rng(one)
    clear = 0
    for _ in range(2_000):
        base, changed = (group_of(str(size), draw_probabilities(dice, rate, size)) for size in (one, other))
        found, low, high, _ = compare_two(base, changed)
        clear += bool(found.significant)
        assert bool(found.significant) == (not low <= 0 <= high)
    assert clear <= load_judge("scipy.stats").binom.ppf(0.9999, 2_000, 0.056)


def test_doubt_is_part_of_the_interval() -> None:
    """With calibrated probabilities the interval holds the difference of the true click rates in 95 of 100 cases."""
    dice = np.random.default_rng(3)
    held = 0
    for _ in range(1_000):
        samples = [draw_probabilities(dice, rate, 1_500) for rate in (0.10, 0.13)]
        _, low, high, _ = compare_two(group_of("A", samples[0]), group_of("B", samples[1]))
        held += low <= 0.03 <= high
    assert held >= load_judge("scipy.stats").binom.ppf(0.0001, 1_000, 0.95)
