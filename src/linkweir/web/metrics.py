"""Figures for Prometheus, in a registry of this application alone: several may live in one process."""

from collections.abc import Callable, Iterable

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from linkweir.web.redirect_metrics import RedirectMetrics

CallbackMetric = tuple[str, str, Callable[[], float]]


class Metrics:
    """Metrics of the front ends; `watch` adds values that other components keep."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._gauge_registry = CollectorRegistry()
        self.text = self.own_text  # what is answered; all processes' figures, where there are several
        self.responses = Counter(
            "linkweir_http_responses", "Answers by status", ["endpoint", "status"], registry=self.registry
        )
        self.seconds = Histogram("linkweir_http_seconds", "Time to the answer", ["endpoint"], registry=self.registry)
        self.redirects = RedirectMetrics()
        self.registry.register(self.redirects)
        self.late_clicks = Counter(
            "linkweir_clicks_late",
            "Readers sent on before their click was durable where it has to be, since that took too long",
            registry=self.registry,
        )
        self.unrecorded_clicks = (
            0  # clicks that a bug kept from the journal: lost, as those are that it had no room for
        )
        self.accepted_messages = Counter("linkweir_messages_accepted", "Messages accepted", registry=self.registry)

    def register_callbacks(self, counters: Iterable[CallbackMetric], gauges: Iterable[CallbackMetric]) -> None:
        """Read these values (name, meaning, value) at every scrape."""
        self.registry.register(_CallbackCollector(list(counters), []))
        self._gauge_registry.register(_CallbackCollector([], list(gauges)))

    def own_text(self) -> bytes:
        """This process's figures in Prometheus' text format."""
        return self.registry_text() + generate_latest(self._gauge_registry)

    def registry_text(self) -> bytes:
        """The same without those gauges, which every process of a service finds alike, and not without some work."""
        return generate_latest(self.registry)


class _CallbackCollector(Collector):
    def __init__(self, counters: list[CallbackMetric], gauges: list[CallbackMetric]) -> None:
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
