"""Turns the sum of the rules' weights into a probability that holds.

    reference = calibrate(log_odds, link_count=3)
    probability = shift_base_rate(reference, 0.4)

The curves were fitted to labelled traffic with a known share of machines (`python -m bench.classification.fit`), one
for each size of mail, because a mail with one link shows less of who follows it. Where another share of the hits is
machines', the odds shift by the quotient of both odds, which is exact as long as people and machines behave as they do
there. Knows no rule and no hit.
"""

from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Hashable
from math import exp

from linkweir.clicks.classify.calibration_curves import CURVES, REFERENCE_BASE_RATE

MAX_CURVE_LINKS = max(CURVES)  # mails with so many links or more share a curve
MAX_PROBABILITY = 0.998  # as sure as labelled traffic of this size can make one
MIN_BASE_RATE, MAX_BASE_RATE = 0.05, 0.95
BASE_RATE_STEP = 0.05  # an estimate moves in such steps, so that probabilities stay the same from day to day
PRIOR_HITS = 400  # hits that the reference counts for beside what was seen
MAX_HITS = 20_000  # the newest ones that an estimate is made of
ESTIMATE_INTERVAL_HITS = 200
BINS = 50
ROUNDS = 40  # of expectation and maximization; it settles before
SETTLED_RATE = 1e-4  # a smaller change is none


def calibrate(log_odds: float, *, link_count: int | None = None) -> float:
    """How likely a hit with this sum of weights is a machine's, where machines have REFERENCE_BASE_RATE of all hits."""
    calibrated = _interpolate(CURVES[min(link_count or 0, MAX_CURVE_LINKS)], log_odds)
    return logistic(calibrated)


def logistic(log_odds: float) -> float:
    """The probability with these odds, never quite certain."""
    return _limit(1 / (1 + exp(-log_odds)))


def shift_base_rate(reference: float, base_rate: float) -> float:
    """A probability that holds for the reference, where machines have `base_rate` of all hits instead."""
    rate = min(max(base_rate, MIN_BASE_RATE), MAX_BASE_RATE)
    machine = reference * rate / REFERENCE_BASE_RATE
    return _limit(machine / (machine + (1 - reference) * (1 - rate) / (1 - REFERENCE_BASE_RATE)))


def _limit(probability: float) -> float:
    return min(max(probability, 1 - MAX_PROBABILITY), MAX_PROBABILITY)


def _interpolate(curve: tuple[tuple[float, float], ...], value: float) -> float:
    """The curve at this value: straight between its points, level beyond them."""
    index = bisect_right(curve, value, key=lambda point: point[0])
    if index in (0, len(curve)):
        return curve[min(index, len(curve) - 1)][1]
    (left, low), (right, high) = curve[index - 1], curve[index]
    return low + (high - low) * (value - left) / (right - left)


class BaseRateEstimate:
    """The share of machines among the newest hits of this service, learned from their probabilities.

    Expectation and maximization over probabilities that hold for the reference (Saerens, Latinne and Decaestecker,
    2002); the share of verdicts would be pulled towards the reference.
    """

    def __init__(self) -> None:
        self._bins: OrderedDict[Hashable, int] = OrderedDict()
        self._counts = [0] * BINS
        self._pending = 0
        self._value = REFERENCE_BASE_RATE

    @property
    def value(self) -> float:
        """The present estimate."""
        return self._value

    def observe(self, hit: Hashable, reference: float) -> None:
        """Take a hit into account by its reference probability; one that is judged again counts once."""
        before = self._bins.pop(hit, None)
        if before is not None:
            self._counts[before] -= 1
        elif len(self._bins) >= MAX_HITS:
            self._counts[self._bins.popitem(last=False)[1]] -= 1
        index = self._bins[hit] = min(int(reference * BINS), BINS - 1)
        self._counts[index] += 1
        self._pending += 1
        if self._pending >= ESTIMATE_INTERVAL_HITS:
            self._pending = 0
            self._value = self._estimate()

    def _estimate(self) -> float:
        rate = REFERENCE_BASE_RATE
        counts = [((index + 0.5) / BINS, count) for index, count in enumerate(self._counts) if count]
        for _ in range(ROUNDS):
            machines = sum(count * shift_base_rate(middle, rate) for middle, count in counts)
            before = rate
            rate = (machines + PRIOR_HITS * REFERENCE_BASE_RATE) / (len(self._bins) + PRIOR_HITS)
            if abs(rate - before) < SETTLED_RATE:
                break
        return min(max(round(rate / BASE_RATE_STEP) * BASE_RATE_STEP, MIN_BASE_RATE), MAX_BASE_RATE)
