"""Interleaved rounds: everything that will be compared is measured side by side, in the same seconds.

Machines like these are bimodal: a neighbour or a clock step makes everything slower for a while. So each
round runs every work once, and works are compared best with best (the judged figure) and by the median of the
paired ratios of their rounds (printed beside it: when the two disagree, the run was noisy).
"""

import gc
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

# Runs what is measured `loops` times and returns nothing of interest.
Work = Callable[[int], object]

# Long enough that the clock and the loop around the call don't show, short enough to fall between two turns of the
# scheduler.
SAMPLE_SECONDS = 0.001


@dataclass(frozen=True, slots=True)
class Samples:
    """Seconds per single run of one work, one figure per round."""

    name: str
    seconds: tuple[float, ...]

    @property
    def best(self) -> float:
        """The least disturbed round."""
        return min(self.seconds)


def run_interleaved(
    works: Mapping[str, Work], *, rounds: int, sample_seconds: float = SAMPLE_SECONDS
) -> dict[str, Samples]:
    """Measure all works in `rounds` rounds; the order within a round moves on by one each time."""
    loops = {name: _choose_loop_count(work, sample_seconds) for name, work in works.items()}
    seconds: dict[str, list[float]] = {name: [] for name in works}
    names = list(works)
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        for turn in range(rounds):
            for name in names[turn % len(names) :] + names[: turn % len(names)]:
                seconds[name].append(_time_loops(works[name], loops[name]) / loops[name])
            gc.collect(0)
    finally:
        if was_enabled:
            gc.enable()
    return {name: Samples(name, tuple(values)) for name, values in seconds.items()}


def compute_ratio(above: Samples, below: Samples) -> tuple[float, float]:
    """Time of `above` over time of `below`: best with best, and the median over the paired rounds."""
    paired = [first / second for first, second in zip(above.seconds, below.seconds, strict=True)]
    return above.best / below.best, statistics.median(paired)


def repeat(call: Callable[[], object]) -> Work:
    """A work from something that is called without arguments."""

    def work(loops: int) -> None:
        for _ in range(loops):
            call()

    return work


def _choose_loop_count(work: Work, sample_seconds: float) -> int:
    work(1)  # the first call may compile, import or fault pages in
    loops = 1
    while True:
        taken = _time_loops(work, loops)
        if taken >= sample_seconds / 2 or loops >= 1 << 24:
            return max(1, round(loops * sample_seconds / max(taken, 1e-9)))
        loops *= 4


def _time_loops(work: Work, loops: int) -> float:
    # Time of this thread on a processor: what somebody else takes meanwhile is not the work's. All works are
    # single-threaded and wait for nothing.
    start = time.thread_time()
    work(loops)
    return time.thread_time() - start
