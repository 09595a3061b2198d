"""Measures a workload within a time, and says how fast each of its works is and how much the figures scatter."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from linkweir.benchmark.interleaved_rounds import Samples, run_interleaved
from linkweir.benchmark.sample_statistics import Interval, Quartiles, bootstrap_median, compute_quartiles
from linkweir.benchmark.workload import SWEEP, Workload

MIN_ROUNDS = 10
MAX_ROUNDS = 400
MAX_PASS_SECONDS = 1.0  # of a peer over all documents, or a tenth of the whole time if that is more


@dataclass(frozen=True, slots=True)
class Figures:
    """One work: `speed` in MB/s with its quartiles, `best` the least disturbed round, and `ratio`, its speed as a share
    of the memory sweep's, paired round by round.
    """

    name: str
    best: float
    speed: Quartiles
    ratio: Quartiles
    answer: str


@dataclass(frozen=True, slots=True)
class Measurement:
    """All works of a workload. `ratio` and `speed` (MB/s) are those of the judged one, with their intervals; `spread`
    is the interquartile range of its ratio as a share of the median, `speed_spread` that of its speed.
    """

    workload: Workload
    rounds: int
    figures: tuple[Figures, ...] = field(repr=False)
    ratio: Interval
    speed: Interval
    spread: float
    speed_spread: float


def measure(workload: Workload, seconds: float) -> Measurement:
    """Run MIN_ROUNDS interleaved rounds of everything, and as many more without peers as `seconds` allow, up to
    MAX_ROUNDS: peers are up to a hundred times slower, and nothing is judged by them.
    """
    workload = _drop_slow_peers(workload, max(MAX_PASS_SECONDS, seconds / MIN_ROUNDS))
    deadline = time.perf_counter() + seconds
    samples = run_interleaved(workload.works, rounds=MIN_ROUNDS)
    own = {name: work for name, work in workload.works.items() if name not in workload.peers}
    rounds = MIN_ROUNDS
    while rounds < MAX_ROUNDS and time.perf_counter() < deadline:
        more = run_interleaved(own, rounds=MIN_ROUNDS)
        samples |= {name: Samples(name, samples[name].seconds + more[name].seconds) for name in own}
        rounds += MIN_ROUNDS
    return summarize(workload, samples)


def _drop_slow_peers(workload: Workload, max_seconds: float) -> Workload:
    """The workload without peers that would take most of the time; the first pass of each tells."""
    reasons: dict[str, str] = {}
    for name in workload.peers:
        start = time.perf_counter()
        workload.works[name](1)
        taken = time.perf_counter() - start
        if taken > max_seconds:
            reasons[name] = f"{name} takes {taken:.1f} s for all documents"
    works = {name: work for name, work in workload.works.items() if name not in reasons}
    peers = tuple(name for name in workload.peers if name not in reasons)
    return replace(workload, works=works, peers=peers, missing=(*workload.missing, *reasons.values()))


def summarize(workload: Workload, samples: Mapping[str, Samples]) -> Measurement:
    """Figures of all works from the seconds of their rounds; those of peers are fewer, and the first."""
    megabytes = workload.size / 1e6
    sweep = samples[SWEEP].seconds
    ratios, speeds, figures = {}, {}, []
    for name, each in samples.items():
        ratios[name] = [floor / taken for floor, taken in zip(sweep, each.seconds, strict=False)]
        speeds[name] = [megabytes / taken for taken in each.seconds]
        speed, ratio = compute_quartiles(speeds[name]), compute_quartiles(ratios[name])
        figures.append(Figures(name, megabytes / each.best, speed, ratio, workload.answers.get(name, "")))
    judged = next(item for item in figures if item.name == workload.judged)
    return Measurement(
        workload,
        len(sweep),
        tuple(figures),
        bootstrap_median(ratios[workload.judged]),
        bootstrap_median(speeds[workload.judged]),
        judged.ratio.spread,
        judged.speed.spread,
    )
