"""Expected numbers of clicks by people: what one message counts as, and what sums of that say of the truth."""

import math
import random
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from linkweir.clock import HOUR_US
from linkweir.db.click_probabilities import (
    ALL_CLICKS,
    BASIS_POINTS,
    MAX_HITS_PER_MESSAGE,
    ProbableHit,
    click_probability,
    clicker_counts,
    expected_clickers,
)

LINK = ("link", "0\thttps://example.com/")


def make_hit(hour: int, machine: int, number: int = 0) -> ProbableHit:
    """Return a hit on the first link, by a machine with this probability."""
    return ProbableHit(hour * HOUR_US + number, number, machine, (ALL_CLICKS, LINK))


def test_a_message_counts_once_in_its_likeliest_hour() -> None:
    """A scanner's hit at delivery does not draw the person's click of the next day into its hour."""
    result = expected_clickers([make_hit(1, 9_700, 1), make_hit(25, 400, 2), make_hit(30, 400, 3)])
    assert result == {ALL_CLICKS: (25, 9_984), LINK: (25, 9_984)}


def test_hits_that_are_nobodys_change_nothing() -> None:
    """A message that was only fetched ahead counts nowhere."""
    nobodys = make_hit(1, BASIS_POINTS, 1)
    assert expected_clickers([nobodys]) == {}
    assert expected_clickers([nobodys, make_hit(2, 5_000, 2)]) == expected_clickers([make_hit(2, 5_000, 2)])


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, BASIS_POINTS)), max_size=12), st.randoms())
def test_the_order_of_hits_changes_nothing(hits: list[tuple[int, int]], dice: random.Random) -> None:
    """The probability is one less the product of the machines', within rounding, however the hits are ordered."""
    created = [make_hit(hour, machine, number) for number, (hour, machine) in enumerate(hits)]
    shuffled = dice.sample(created, len(created))
    assert expected_clickers(shuffled) == expected_clickers(created)
    exact = 1 - math.prod(Fraction(machine, BASIS_POINTS) for _, machine in hits)
    assert abs(Fraction(click_probability(created), BASIS_POINTS) - exact) <= Fraction(1, BASIS_POINTS)


def test_only_the_first_hits_of_a_flood_count() -> None:
    """What follows the first hits of a message is not looked at."""
    flood = [make_hit(0, 9_990, number) for number in range(MAX_HITS_PER_MESSAGE)]
    assert click_probability([*flood, make_hit(1, 100, 999)]) == click_probability(flood)
    assert click_probability([*flood[1:], make_hit(1, 100, 999)]) > click_probability(flood)


def test_a_certain_click_is_counted_as_certain() -> None:
    """From a probability of 0.95 on a message counts as clicked for certain; the variance is that of a yes or no."""
    assert clicker_counts(9_500) == (9_500, 9_500 * 500, 1)
    assert clicker_counts(9_499) == (9_499, 9_499 * 501, 0)
