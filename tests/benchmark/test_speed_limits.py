"""Statistics and verdicts on samples that are made up here; nothing is timed."""

import random
import time

import pytest

from linkweir.benchmark import measurement
from linkweir.benchmark.interleaved_rounds import Samples, Work
from linkweir.benchmark.measurement import Measurement, summarize
from linkweir.benchmark.sample_statistics import bootstrap_median, compute_quartiles
from linkweir.benchmark.speed_limits import SpeedLimit, combine_verdicts, judge, parse_limit
from linkweir.benchmark.workload import SWEEP, Workload

NOISE_LIMIT = 0.2


def make_measurement(scatter: float, rounds: int = 50) -> Measurement:
    """1 MB in about 10 ms beside a sweep of 1 ms: 100 MB/s and a ratio of 0.1, scattered by a factor at random."""
    generator = random.Random(7)  # noqa: S311 - nothing secret
    seconds = tuple(0.01 * (1 + scatter * (generator.random() - 0.5)) for _ in range(rounds))
    works: dict[str, Work] = {name: lambda loops: None for name in (SWEEP, "rewrite")}
    workload = Workload("HTML", "rewrite", 1_000_000, 1, 1, works, {}, (), ())
    return summarize(workload, {SWEEP: Samples(SWEEP, (0.001,) * rounds), "rewrite": Samples("rewrite", seconds)})


@pytest.mark.parametrize(
    ("scatter", "limit", "verdict", "is_clear"),
    [
        (0.1, "0.09", "met", True),
        (0.1, "0.11", "slower", True),
        (0.1, "90MB/s", "met", True),
        (0.1, "110", "slower", True),
        (0.1, "0.1", "met", False),
        (0.9, "0.5", "noisy", True),
        (0.9, "0.01", "noisy", True),
    ],
)
def test_a_verdict_needs_a_whole_interval_and_little_noise(
    scatter: float, limit: str, verdict: str, is_clear: bool
) -> None:
    """Slower is what lies below the limit with its whole interval; rounds that scatter widely are not judged at all."""
    result = judge(make_measurement(scatter), parse_limit(limit, "--min"), NOISE_LIMIT)
    assert (result.verdict, result.is_clear) == (verdict, is_clear)


def test_the_worst_verdict_counts() -> None:
    """One limit that is missed decides, then one that cannot be judged; without a limit there is no verdict."""
    steady, noisy = make_measurement(0.1), make_measurement(0.9)
    low, high = parse_limit("0.05", "--min"), parse_limit("0.5", "--min")
    met, slower, unclear = judge(steady, low, 0.2), judge(steady, high, 0.2), judge(noisy, low, 0.2)
    assert combine_verdicts([met, slower, unclear]) == "slower"
    assert combine_verdicts([met, unclear]) == "noisy"
    assert combine_verdicts([met]) == "met"
    assert combine_verdicts([]) is None


@pytest.mark.parametrize("text", ["", "fast", "-1", "0", "1e", "3 GB/s", "nan", "0.5MB"])
def test_what_is_no_limit_is_refused(text: str) -> None:
    """A limit is a positive number, with MB/s or without a unit."""
    with pytest.raises(ValueError, match="neither a share"):
        parse_limit(text, "--min")


def test_a_number_up_to_one_is_a_ratio() -> None:
    """Numbers above 1, and those with a unit, are MB/s."""
    parsed = [parse_limit(text, "--min") for text in ("0.05", "1", "1.5", "0.5MB/s", "300 mb/s")]
    assert [(limit.value, limit.is_ratio) for limit in parsed] == [
        (0.05, True),
        (1.0, True),
        (1.5, False),
        (0.5, False),
        (300.0, False),
    ]
    assert str(SpeedLimit(300.0, False, "--min")) == "300 MB/s"


def test_the_interval_holds_the_median_as_often_as_it_says() -> None:
    """Over many independent samples of a skewed distribution, 95 % intervals hold its median in nearly that many."""
    generator = random.Random(11)  # noqa: S311 - nothing secret
    hits = 0
    for _ in range(60):
        interval = bootstrap_median([generator.expovariate(1.0) for _ in range(40)])
        hits += interval.low <= 0.6931 <= interval.high
    assert hits >= 0.85 * 60


def test_the_interval_is_wider_where_slow_rounds_follow_each_other() -> None:
    """The same values in runs give a wider interval than in turns: neighbours are alike and tell less."""
    slow, fast = [2.0] * 16, [1.0 + i / 100 for i in range(16)]
    runs = bootstrap_median([*fast[:8], *slow[:8], *fast[8:], *slow[8:]])
    turns = bootstrap_median([value for pair in zip(fast, slow, strict=True) for value in pair])
    assert runs.high - runs.low >= turns.high - turns.low
    assert runs.median == turns.median


def test_a_peer_that_takes_all_the_time_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """A peer whose pass takes longer than is allowed is not measured, and named with its time; others are."""
    monkeypatch.setattr(measurement, "MAX_PASS_SECONDS", 0.01)
    works: dict[str, Work] = {name: lambda loops: None for name in (SWEEP, "rewrite", "fast")}
    works["slow"] = lambda loops: time.sleep(0.05)
    answers = dict.fromkeys(("fast", "slow"), "same links")
    workload = Workload("HTML", "rewrite", 1_000_000, 1, 1, works, answers, ("fast", "slow"), ())
    result = measurement.measure(workload, 0.01)
    assert {figures.name for figures in result.figures} >= {SWEEP, "rewrite"}
    assert "slow" not in {figures.name for figures in result.figures}
    assert "slow takes 0." in "".join(result.workload.missing)


def test_quartiles_are_those_of_the_values() -> None:
    """The spread is the interquartile range as a share of the median."""
    result = compute_quartiles([4.0, 1.0, 3.0, 2.0, 5.0])
    assert (result.low, result.median, result.high) == (2.0, 3.0, 4.0)
    assert result.spread == pytest.approx(2 / 3)
