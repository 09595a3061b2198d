"""Counts answers and times on the path of every reader, where Prometheus' own counters would cost more than they tell.

Only an event loop's thread counts, so there is no lock; whoever reads may see a count that is one short.
"""

from bisect import bisect_left
from collections.abc import Iterable

from prometheus_client import Histogram
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

BUCKET_BOUNDS: tuple[float, ...] = tuple(bound for bound in Histogram.DEFAULT_BUCKETS if bound != float("inf"))


class RedirectMetrics(Collector):
    """Answers to tracking links by result and status, and how long they took."""

    def __init__(self) -> None:
        self.results: dict[tuple[str, int], int] = {}
        self._buckets = [0] * (len(BUCKET_BOUNDS) + 1)
        self._sum = 0.0

    def observe(self, key: tuple[str, int], seconds: float) -> None:
        """One more answer: its result and status."""
        self.results[key] = self.results.get(key, 0) + 1
        self._buckets[bisect_left(BUCKET_BOUNDS, seconds)] += 1
        self._sum += seconds

    def describe(self) -> Iterable[Metric]:
        """Names only."""
        yield CounterMetricFamily("linkweir_redirects", "Requests for tracking links by what became of them")
        yield HistogramMetricFamily("linkweir_redirect_seconds", "Time to the answer of a tracking link")

    def collect(self) -> Iterable[Metric]:
        """The figures as they are now."""
        answers = CounterMetricFamily(
            "linkweir_redirects", "Requests for tracking links by what became of them", labels=["result", "status"]
        )
        for (result, status), count in list(self.results.items()):
            answers.add_metric([result, str(status)], count)
        yield answers
        buckets, total = [], 0
        for bound, count in zip((*map(floatToGoString, BUCKET_BOUNDS), "+Inf"), list(self._buckets), strict=True):
            total += count
            buckets.append((bound, float(total)))
        seconds = HistogramMetricFamily("linkweir_redirect_seconds", "Time to the answer of a tracking link")
        seconds.add_metric([], buckets, self._sum)
        yield seconds
