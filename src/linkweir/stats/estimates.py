"""An expected number with the interval that holds the true one in 95 of 100 cases, from sums of probabilities.

The number of clicks by people is a sum of independent yes or no of known probabilities: a Poisson binomial variable.
The interval is the expected number and 1.96 standard deviations to each side, cut off where no number can be. It tells
how far verdicts are in doubt; it does not tell what another mailing would bring.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any, Final

from linkweir.db.aggregate_columns import JUDGED_VERDICTS
from linkweir.db.click_probabilities import BASIS_POINTS
from linkweir.translation import format_number, gettext

CONFIDENCE: Final = 0.95
_STANDARD_DEVIATIONS: Final = NormalDist().inv_cdf((1 + CONFIDENCE) / 2)


@dataclass(frozen=True, slots=True)
class Estimate:
    """An expected number and its interval."""

    value: float = 0.0
    low: float = 0.0
    high: float = 0.0

    @property
    def rounded(self) -> tuple[int, int, int]:
        """Whole numbers, the interval to the outside."""
        return round(self.value), math.floor(self.low), math.ceil(self.high)

    def to_text(self) -> str:
        """Return it as people read it: `about 41 (38 to 45)`, or `41` where nothing is in doubt."""
        value, low, high = self.rounded
        if low == value == high:
            return format_number(value)
        numbers = {"value": format_number(value), "low": format_number(low), "high": format_number(high)}
        return gettext("about %(value)s (%(low)s to %(high)s)", **numbers)


def make_estimate(total: int, variance: int, most: int | None = None) -> Estimate:
    """Return the estimate of a sum of basis points with this variance (see db.click_probabilities).

    `most`: the number cannot be larger.
    """
    value, margin = total / BASIS_POINTS, _STANDARD_DEVIATIONS * math.sqrt(max(0, variance)) / BASIS_POINTS
    high = value + margin if most is None else min(value + margin, float(most))
    return Estimate(round(value, 3), round(max(0.0, value - margin), 3), round(high, 3))


@dataclass(frozen=True, slots=True)
class ExpectedCounts:
    """Clicks by people, and messages that people clicked, of which `certain_clickers` are certain."""

    clicks: Estimate
    clickers: Estimate
    certain_clickers: int
    clickers_variance: float = 0.0

    def to_dict(self) -> dict[str, float]:
        """Return the figures under their public names."""
        return {
            "expected_clicks": self.clicks.value,
            "expected_clicks_low": self.clicks.low,
            "expected_clicks_high": self.clicks.high,
            "expected_clickers": self.clickers.value,
            "expected_clickers_low": self.clickers.low,
            "expected_clickers_high": self.clickers.high,
            "certain_clickers": self.certain_clickers,
        }


NOTHING_EXPECTED: Final = ExpectedCounts(Estimate(), Estimate(), 0)


def expected_counts(row: Mapping[Any, Any]) -> ExpectedCounts:
    """Return the figures of a row of sums."""
    hits = sum(int(row[name]) for name in JUDGED_VERDICTS)
    return ExpectedCounts(
        make_estimate(int(row["expected_clicks"]), int(row["expected_clicks_variance"]), hits),
        make_estimate(int(row["expected_clickers"]), int(row["expected_clickers_variance"])),
        int(row["certain_clickers"]),
        int(row["expected_clickers_variance"]) / BASIS_POINTS**2,
    )


def expected_clicks_fields(row: Mapping[Any, Any], hits: int) -> dict[str, float]:
    """Return the expected clicks of a row under their public names; `hits`: how many there are of all kinds."""
    estimate = make_estimate(int(row["expected_clicks"]), int(row["expected_clicks_variance"]), hits)
    return {
        "expected_clicks": estimate.value,
        "expected_clicks_low": estimate.low,
        "expected_clicks_high": estimate.high,
    }


def machine_probability(row: Mapping[Any, Any]) -> float | None:
    """Return how likely a machine made a click, from 0 to 1; None for an internal one, of which it was not asked."""
    return None if row["verdict"] == "internal" else float(row["machine_basis_points"] / BASIS_POINTS)


def click_probability(row: Mapping[Any, Any]) -> float:
    """Return how likely a person clicked a message, from 0 to 1."""
    return float(row["clicked_basis_points"] / BASIS_POINTS)


def expected_counts_from_public(row: Mapping[Any, Any]) -> ExpectedCounts:
    """Return the figures of a row with public names; these do not tell the variance."""
    clicks, clickers = (
        Estimate(*(row[f"{name}{end}"] for end in ("", "_low", "_high")))
        for name in ("expected_clicks", "expected_clickers")
    )
    return ExpectedCounts(clicks, clickers, row["certain_clickers"])
