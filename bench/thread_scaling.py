"""Do several threads scan faster than one? Each scans documents of 1 MB, with the core's own entry."""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import median

Scan = Callable[[bytes], object]


@dataclass(frozen=True, slots=True)
class Speedup:
    """How many times the documents per second of one thread two threads reach."""

    best: float
    paired: float


def measure_speedup(
    works: Mapping[str, Scan], document: bytes, *, rounds: int, documents: int = 100
) -> dict[str, Speedup]:
    """The speed-up of each work, all in the same rounds: best with best, and the median over the rounds."""
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in works}
    for _ in range(rounds):
        for name, work in works.items():
            pair = (_measure_seconds(work, document, 1, documents), _measure_seconds(work, document, 2, documents))
            taken[name].append(pair)
    return {name: _compare_pairs(pairs) for name, pairs in taken.items()}


def _compare_pairs(pairs: list[tuple[float, float]]) -> Speedup:
    best = 2 * min(one for one, _ in pairs) / min(two for _, two in pairs)
    return Speedup(best, median(2 * one / two for one, two in pairs))


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
