"""Random choices that everything here is made of: tables of shares that differ from seed to seed, and delays by
quantiles, bands and log-normal spread.
"""

from collections.abc import Mapping, Sequence
from itertools import accumulate, pairwise
from math import exp, log
from random import Random
from typing import Generic, TypeVar

T = TypeVar("T")

HOUR_SECONDS = 3600.0
DAY_SECONDS = 86_400.0

# The begin of a scanner's sweep after delivery: (share, from, to) in seconds. craft-campaign#546.
SWEEP_BEGIN_BANDS = (
    (0.005, 0.5, 10.0),
    (0.022, 10.0, 20.0),
    (0.664, 20.0, 60.0),
    (0.283, 60.0, 300.0),
    (0.019, 300.0, 1800.0),
    (0.007, 3600.0, 86_400.0),
)
# A person's first click after delivery: (share so far, seconds). getresponse (1 h, 3 h, 24 h), denis-10m (days 1 to 7
# and later), the first minutes are own judgement.
READER_DELAY_QUANTILES = (
    (0.0, 12.0),
    (0.012, 60.0),
    (0.10, 600.0),
    (0.336, HOUR_SECONDS),
    (0.514, 3 * HOUR_SECONDS),
    (0.81, DAY_SECONDS),
    (0.917, 2 * DAY_SECONDS),
    (0.981, 7 * DAY_SECONDS),
    (1.0, 60 * DAY_SECONDS),
)
# Somebody who waits for the mail, to confirm or log in. Own judgement: there is no published distribution; links that
# expire after minutes work for nearly everybody (ux-se-49816).
WAITING_DELAY_QUANTILES = (
    (0.0, 4.0),
    (0.15, 12.0),
    (0.5, 26.0),
    (0.75, 60.0),
    (0.9, 300.0),
    (0.97, HOUR_SECONDS),
    (1.0, 2 * DAY_SECONDS),
)


class Shares(Generic[T]):
    """A table of shares, each shifted by a log-normal factor so that no two seeds have the same world."""

    def __init__(self, rng: Random, table: Mapping[T, float], sigma: float = 0.2) -> None:
        self.items = list(table)
        self._cumulative = list(accumulate(weight * exp(rng.gauss(0.0, sigma)) for weight in table.values()))

    def pick(self, rng: Random) -> T:
        """One item by its share."""
        return rng.choices(self.items, cum_weights=self._cumulative)[0]

    def cover(self, rng: Random, number: int) -> T:
        """One item for the `number`-th who draws: each item once for the first, so that a small world has all."""
        return self.items[number] if 0 <= number < len(self.items) else self.pick(rng)


def spread(rng: Random, median: float, sigma: float) -> float:
    """A log-normal value around `median`; two thirds of them within a factor of exp(sigma)."""
    return median * exp(rng.gauss(0.0, sigma))


def delay_by_bands(rng: Random, bands: Sequence[tuple[float, float, float]]) -> float:
    """A delay from bands of (share, from, to), log-uniform within the band."""
    _, low, high = rng.choices(bands, [share for share, _, _ in bands])[0]
    return exp(rng.uniform(log(low), log(high)))


def delay_by_quantiles(rng: Random, quantiles: Sequence[tuple[float, float]]) -> float:
    """A delay whose distribution goes through `quantiles` of (share, seconds), log-linear between them."""
    share = rng.random()
    for (low_share, low), (high_share, high) in pairwise(quantiles):
        if share <= high_share:
            part = (share - low_share) / (high_share - low_share)
            return exp(log(low) + part * (log(high) - log(low)))
    return quantiles[-1][1]
