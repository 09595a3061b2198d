"""Statistics of repeated measurements: quartiles, and an interval for the median by bootstrap.

Rounds that follow each other are alike, since a machine is slow for a while and not for a moment; so the bootstrap
draws blocks of them (circular block bootstrap, Politis and Romano 1992), whose length grows with the third root of
their number.
"""

import random
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

CONFIDENCE = 0.95
RESAMPLES = 1000
_SEED = 1  # the same samples give the same interval


@dataclass(frozen=True, slots=True)
class Quartiles:
    """The middle half of the values, and their median."""

    low: float
    median: float
    high: float

    @property
    def spread(self) -> float:
        """The interquartile range as a share of the median."""
        return (self.high - self.low) / self.median


@dataclass(frozen=True, slots=True)
class Interval:
    """A median, and the bounds between which it lies with CONFIDENCE."""

    low: float
    median: float
    high: float


def compute_quartiles(values: Sequence[float]) -> Quartiles:
    """Of at least two values."""
    low, median, high = statistics.quantiles(values, n=4, method="inclusive")
    return Quartiles(low, median, high)


def bootstrap_median(values: Sequence[float]) -> Interval:
    """The median with its interval by a circular block bootstrap."""
    generator, size = random.Random(_SEED), len(values)  # noqa: S311 - statistics, not a secret
    length = max(1, round(size ** (1 / 3)))
    doubled = [*values, *values[:length]]
    medians = []
    for _ in range(RESAMPLES):
        sample: list[float] = []
        while len(sample) < size:
            start = generator.randrange(size)
            sample += doubled[start : start + length]
        medians.append(statistics.median(sample[:size]))
    medians.sort()
    tail = (1 - CONFIDENCE) / 2
    low, high = medians[round(tail * (RESAMPLES - 1))], medians[round((1 - tail) * (RESAMPLES - 1))]
    return Interval(low, statistics.median(values), high)
