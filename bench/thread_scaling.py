"""How many times as much do two threads do as one? Asked of several works in the same rounds.

Beside what is measured, plain C that holds no lock: where that gains little, the second core is busy with something
else, and a low figure says nothing about what is measured.
"""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import median

Scan = Callable[[bytes], object]
# how many threads -> seconds that one of them needs for its share
TimeThreads = Callable[[int], float]

IDLE_SPEEDUP = 1.8  # of plain C, on a machine with a second core that nobody else uses
BUSY_SPEEDUP = 1.6  # of plain C, below which nothing can be said about any work
MAX_SECONDS = 30.0  # that further rounds may take, while plain C shows that a core is busy


@dataclass(frozen=True, slots=True)
class Speedup:
    """How many times as much two threads do as one: best round with best round, and the median over the rounds."""

    best: float
    paired: float


def measure_speedups(works: Mapping[str, TimeThreads], plain: str, *, rounds: int) -> dict[str, Speedup]:
    """The speed-up of each work, interleaved. While `plain` says that a core is busy, up to three times the rounds."""
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in works}
    start = time.monotonic()
    for number in range(3 * rounds):
        for name, work in works.items():
            taken[name].append((work(1), work(2)))
        late = time.monotonic() - start > MAX_SECONDS
        if number + 1 >= rounds and (late or _compare_pairs(taken[plain]).best >= IDLE_SPEEDUP):
            break
    return {name: _compare_pairs(pairs) for name, pairs in taken.items()}


def is_core_busy(ours: Speedup, plain: Speedup) -> bool:
    """Whether a low speed-up has to be put down to the machine: plain C's is low, too, and ours not much lower."""
    if max(ours.best, plain.best) >= IDLE_SPEEDUP:
        return False
    return plain.best < BUSY_SPEEDUP or ours.best >= 0.75 * plain.best


def _compare_pairs(pairs: list[tuple[float, float]]) -> Speedup:
    best = 2 * min(one for one, _ in pairs) / min(two for _, two in pairs)
    return Speedup(best, median(2 * one / two for one, two in pairs))


def time_scans(scan: Scan, document: bytes, documents: int = 100) -> TimeThreads:
    """Each thread scans a document so many times."""
    return lambda threads: _measure_seconds(scan, document, threads, documents)


def time_call(call: Callable[[int], object]) -> TimeThreads:
    """A call that divides one work between threads of its own."""

    def measure(threads: int) -> float:
        start = time.perf_counter()
        done = call(threads)
        seconds = time.perf_counter() - start
        del done  # not in the next one's time
        return seconds * threads

    return measure


def _measure_seconds(scan: Scan, document: bytes, threads: int, documents: int) -> float:
    """Time from the common start until the last of the threads has scanned its documents."""
    ready = threading.Barrier(threads + 1)

    def work() -> None:
        ready.wait()
        for _ in range(documents):
            scan(document)

    workers = [threading.Thread(target=work) for _ in range(threads)]
    for worker in workers:
        worker.start()
    ready.wait()
    start = time.perf_counter()
    for worker in workers:
        worker.join()
    return time.perf_counter() - start
