"""Do several threads scan faster than one? Each scans documents of 1 MB, with the core's own entry."""

import threading
import time
from collections.abc import Callable
from statistics import median

Scan = Callable[[bytes], object]


def speedup(scan: Scan, document: bytes, *, rounds: int, documents: int = 150) -> tuple[float, float]:
    """How many times the documents per second of one thread two threads reach: best with best, median of
    pairs."""
    ones, twos = [], []
    scan(document)
    for _ in range(rounds):
        ones.append(_seconds(scan, document, 1, documents))
        twos.append(_seconds(scan, document, 2, documents))
    return 2 * min(ones) / min(twos), median(2 * one / two for one, two in zip(ones, twos, strict=True))


def _seconds(scan: Scan, document: bytes, threads: int, documents: int) -> float:
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
