"""Probabilities rise with the evidence, shift with the base rate, and the base rate is learned from them."""

from random import Random
from uuid import UUID, uuid4

import pytest

from linkweir.clicks.classify import Evidence, Hit, classify_hits
from linkweir.clicks.classify.calibration import (
    BASE_RATE_STEP,
    MAX_CURVE_LINKS,
    MAX_PROBABILITY,
    BaseRateEstimate,
    calibrate,
    shift_base_rate,
)
from linkweir.clicks.classify.calibration_curves import CURVES, REFERENCE_BASE_RATE
from linkweir.clicks.classify.scoring import sum_weights
from tests.clicks.classify.hit_factory import CHROME, START_US


@pytest.mark.parametrize("links", [None, 1, 2, 3, 40])
def test_more_evidence_never_lowers_the_probability(links: int | None) -> None:
    """Every curve rises from near 0 to near 1 and never falls."""
    found = [calibrate(step / 10, link_count=links) for step in range(-120, 200)]
    assert found == sorted(found)
    assert found[0] < 0.02
    assert 0.98 < found[-1] <= MAX_PROBABILITY


def test_there_is_a_curve_for_each_size_of_mail() -> None:
    """Known and unknown numbers of links have curves, whose points are sorted."""
    assert sorted(CURVES) == list(range(MAX_CURVE_LINKS + 1))
    for curve in CURVES.values():
        assert len(curve) >= 4
        assert list(curve) == sorted(curve)


def test_the_reference_is_not_shifted() -> None:
    """With the reference's own base rate a probability stays, and odds shift by the quotient of the odds."""
    assert shift_base_rate(0.4, REFERENCE_BASE_RATE) == pytest.approx(0.4)
    odds = shift_base_rate(0.4, 0.2) / (1 - shift_base_rate(0.4, 0.2))
    assert odds == pytest.approx((0.4 / 0.6) * (0.2 / 0.8) / (REFERENCE_BASE_RATE / (1 - REFERENCE_BASE_RATE)))
    assert shift_base_rate(0.4, 0.9) > 0.4 > shift_base_rate(0.4, 0.3)


@pytest.mark.parametrize("rate", [0.2, 0.5, 0.9])
def test_the_base_rate_is_learned(rate: float) -> None:
    """From probabilities that hold for the reference the share of machines in other traffic is found."""
    rng, estimate = Random(4), BaseRateEstimate()  # noqa: S311 - repeatable
    assert estimate.value == REFERENCE_BASE_RATE
    for _ in range(8000):
        machine = rng.random() < rate
        log_likelihood = rng.gauss(2.0 if machine else -2.0, 2.0)  # whose ratio is itself, for these two curves
        odds = REFERENCE_BASE_RATE / (1 - REFERENCE_BASE_RATE) * 2.718281828**log_likelihood
        estimate.observe(uuid4(), odds / (1 + odds))
    assert abs(estimate.value - rate) <= BASE_RATE_STEP + 0.02


def test_a_hit_that_is_judged_again_counts_once() -> None:
    """The same hits judged many times teach no more than judged once."""
    estimate, keys = BaseRateEstimate(), [UUID(int=number) for number in range(20)]
    for _ in range(200):
        for key in keys:
            estimate.observe(key, 0.99)
    assert estimate.value == pytest.approx(REFERENCE_BASE_RATE, abs=2 * BASE_RATE_STEP)


def test_the_base_rate_changes_probabilities_and_no_verdict() -> None:
    """Where few hits are machines' the same click is likelier a person's, and its verdict stays."""
    hit = Hit(id=uuid4(), at=START_US + 90_000_000, user_agent=CHROME, ip="192.0.2.1")
    by_rate = [
        classify_hits([hit], Evidence(delivered_at=START_US, link_count=1, base_rate=rate))[0]
        for rate in (0.1, None, 0.9)
    ]
    assert len({one.verdict for one in by_rate}) == 1
    assert len({one.reference_probability for one in by_rate}) == 1
    low, middle, high = (one.machine_probability for one in by_rate)
    assert low < middle < high


def test_reasons_tell_the_sum() -> None:
    """The sum of a hit's weights follows from its reasons; where one decides there is none."""
    (found,) = classify_hits([Hit(id=uuid4(), at=START_US + 90_000_000, user_agent=CHROME)], Evidence(link_count=3))
    log_odds = sum_weights(found.reasons)
    assert log_odds is not None
    assert calibrate(log_odds, link_count=3) == pytest.approx(found.machine_probability)
    assert sum_weights(["head"]) is None
