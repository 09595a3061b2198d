"""Figures for Prometheus, in a registry of this application alone: several may live in one process."""

from collections.abc import Callable, Iterable

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from linkweir.edge.tally import Tally

Reading = tuple[str, str, Callable[[], float]]


class Metrics:
    """What the doors count themselves; `watch` adds figures that others keep."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._shared = CollectorRegistry()
        self.text = self.own_text  # what is answered; all processes' figures, where there are several
        self.responses = Counter(
            "linkweir_http_responses", "Answers by status", ["endpoint", "status"], registry=self.registry
        )
        self.seconds = Histogram("linkweir_http_seconds", "Time to the answer", ["endpoint"], registry=self.registry)
        self.redirects = Tally()
        self.registry.register(self.redirects)
        self.late = Counter(
            "linkweir_clicks_late",
            "Readers sent on before their click was durable, since that took too long",
            registry=self.registry,
        )
        self.unrecorded = 0  # clicks that a bug kept from the journal: lost, as those are that it had no room for
        self.accepted = Counter("linkweir_messages_accepted", "Messages accepted", registry=self.registry)

    def watch(self, counters: Iterable[Reading], gauges: Iterable[Reading]) -> None:
        """Read these figures (name, meaning, value) whenever somebody asks."""
        self.registry.register(_Watched(list(counters), []))
        self._shared.register(_Watched([], list(gauges)))

    def own_text(self) -> bytes:
        """This process's figures in Prometheus' text format."""
        return self.counted() + generate_latest(self._shared)

    def counted(self) -> bytes:
        """The same without those gauges, which every process of a service finds alike, and not without some work."""
        return generate_latest(self.registry)


class _Watched(Collector):
    def __init__(self, counters: list[Reading], gauges: list[Reading]) -> None:
        self._counters = counters
        self._gauges = gauges

    def describe(self) -> Iterable[Metric]:
        """Names only; without this, registering would read the figures before anything has started."""
        for name, meaning, _ in self._counters:
            yield CounterMetricFamily(name, meaning)
        for name, meaning, _ in self._gauges:
            yield GaugeMetricFamily(name, meaning)

    def collect(self) -> Iterable[Metric]:
        """The figures as they are now."""
        for name, meaning, read in self._counters:
            yield CounterMetricFamily(name, meaning, value=read())
        for name, meaning, read in self._gauges:
            yield GaugeMetricFamily(name, meaning, value=read())
