"""Limits of speed, and whether a measurement keeps them: met, slower, or too noisy to say."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from linkweir.benchmark.measurement import Measurement
from linkweir.benchmark.sample_statistics import Interval

Verdict = Literal["met", "slower", "noisy"]
_LIMIT = re.compile(r"((?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)(?:e-?[0-9]{1,2})?) *(MB/s)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class SpeedLimit:
    """The least that is allowed: a share of the memory sweep's speed, or MB/s. `origin` says where it comes from,
    `kind` of which documents it is (None: of all).
    """

    value: float
    is_ratio: bool
    origin: str
    kind: str | None = None

    def __str__(self) -> str:
        return f"{self.value:.4g} of the memory sweep" if self.is_ratio else f"{self.value:,.4g} MB/s"


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a limit says of a measurement. `is_clear`: the whole interval is on one side."""

    limit: SpeedLimit
    measurement: Measurement
    verdict: Verdict
    is_clear: bool

    @property
    def interval(self) -> Interval:
        """What is judged."""
        return self.measurement.ratio if self.limit.is_ratio else self.measurement.speed

    @property
    def spread(self) -> float:
        """The interquartile range of what is judged, as a share of its median."""
        return self.measurement.spread if self.limit.is_ratio else self.measurement.speed_spread


def parse_limit(text: str, origin: str) -> SpeedLimit:
    """Read `0.05`, a share of the memory sweep, or `300` and `300MB/s`, a speed. Raises ValueError."""
    match = _LIMIT.fullmatch(text.strip())
    value = float(match[1]) if match else 0.0
    if match is None or value <= 0:
        raise ValueError(f"{text!r} is neither a share of the memory sweep such as 0.05 nor a speed such as 300MB/s")
    return SpeedLimit(value, is_ratio=match[2] is None and value <= 1, origin=origin)


def judge(measurement: Measurement, limit: SpeedLimit, max_spread: float) -> Judgement:
    """Slower only if the whole interval is below the limit; noisy, whatever it is, if the rounds scatter too much."""
    interval = measurement.ratio if limit.is_ratio else measurement.speed
    spread = measurement.spread if limit.is_ratio else measurement.speed_spread
    verdict: Verdict = "noisy" if spread > max_spread else "slower" if interval.high < limit.value else "met"
    return Judgement(limit, measurement, verdict, not interval.low < limit.value <= interval.high)


def combine_verdicts(judgements: Sequence[Judgement]) -> Verdict | None:
    """The verdict on all of them: slower if one is, else noisy if one is; None without any."""
    verdicts = {judgement.verdict for judgement in judgements}
    order: tuple[Verdict, ...] = ("slower", "noisy", "met")
    return next((verdict for verdict in order if verdict in verdicts), None)
