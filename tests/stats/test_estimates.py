"""Tests of linkweir.stats.estimates: intervals of expected numbers, judged by exact distributions."""

import numpy
import pytest

from linkweir.db.click_probabilities import BASIS_POINTS
from linkweir.stats.estimates import Estimate, make_estimate


def exact_distribution(probabilities: list[float]) -> numpy.ndarray:
    """Return how likely each number of successes is (Poisson binomial), by convolution."""
    found = numpy.ones(1)
    for probability in probabilities:
        found = numpy.convolve(found, [1 - probability, probability])
    return found


@pytest.mark.parametrize(
    "people",
    [[100] * 3, [100] * 400, [9_900] * 30, [5_000] * 7, [9_900] * 50 + [100] * 200 + [4_000] * 10, [2_000] * 60],
    ids=["few machines", "many machines", "people", "unsure", "mixed", "rather machines"],
)
def test_the_interval_holds_the_true_number(people: list[int]) -> None:
    """Rounded to whole numbers it holds it in at least 95 of 100 cases, whatever the probabilities."""
    total, variance = sum(people), sum(one * (BASIS_POINTS - one) for one in people)
    distribution = exact_distribution([one / BASIS_POINTS for one in people])
    expected = float(numpy.dot(numpy.arange(len(distribution)), distribution))
    found = make_estimate(total, variance, len(people))
    value, low, high = found.rounded
    assert found.value == pytest.approx(expected, abs=0.001)
    assert (value, 0 <= low <= value <= high <= len(people)) == (round(found.value), True)
    assert distribution[low : high + 1].sum() >= 0.95


def test_what_is_certain_has_no_interval() -> None:
    """Where nothing is in doubt the number stands alone; otherwise the interval is said with it."""
    assert make_estimate(41 * BASIS_POINTS, 0).to_text() == "41"
    assert Estimate(41.2, 38.4, 44.2).to_text() == "about 41 (38 to 45)"
    assert make_estimate(1_234_500 * BASIS_POINTS, 10**13).to_text() == "about 1,234,500 (1,233,880 to 1,235,120)"
