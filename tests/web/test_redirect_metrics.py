"""Tests of what is counted on the redirect's path, and of the figures of several processes together."""

from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from linkweir.server.multiprocess_metrics import MultiprocessMetrics
from linkweir.web.metrics import Metrics
from tests.web.running_service import RunningService, wait_until
from tests.web.test_redirect import send_and_get_link


def read_metric(text: str, name: str, **labels: str) -> float | None:
    """One figure of a text in Prometheus' format."""
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.name == name and labels.items() <= sample.labels.items():
                return float(sample.value)
    return None


def test_redirects_are_counted_and_timed(service: RunningService) -> None:
    """Every answer to a tracking link is counted by result and status, and its time falls into a bucket."""
    _, link = send_and_get_link(service)
    for _ in range(3):
        service.reader.get(link)
    service.reader.get(link[:-3])
    service.reader.post(link)
    text = service.reader.get("/metrics").text
    for result, status, count in (("sent", "302", 3), ("unknown", "404", 1), ("not_allowed", "405", 1)):
        assert read_metric(text, "linkweir_redirects_total", result=result, status=status) == count
    assert read_metric(text, "linkweir_redirect_seconds_count") == 5
    assert read_metric(text, "linkweir_redirect_seconds_bucket", le="+Inf") == 5
    assert 0 < (read_metric(text, "linkweir_redirect_seconds_sum") or 0) < 60


def test_processes_show_their_figures_together(tmp_path: Path) -> None:
    """Counters and times of all processes add up, those of one that has ended stay, and gauges do not add up."""
    one, two = Metrics(), Metrics()
    for metrics in (one, two):
        metrics.register_callbacks(counters=[("c", "c", lambda: 5.0)], gauges=[("g", "g", lambda: 7.0)])
        metrics.redirects.observe(("sent", 302), 0.002)
        metrics.accepted_messages.inc()
        metrics.seconds.labels("x").observe(1)
    figures = MultiprocessMetrics(tmp_path)
    figures.clear()
    with figures.publish(two):
        pass
    (path,) = (tmp_path / "figures").glob("*.prom")
    path.rename(path.with_name("4711.prom"))  # as if it had been another process
    with figures.publish(one):
        text = one.text().decode()
    assert read_metric(text, "c_total") == 10
    assert read_metric(text, "g") == 7
    assert read_metric(text, "linkweir_redirects_total", result="sent") == 2
    assert read_metric(text, "linkweir_messages_accepted_total") == 2
    assert read_metric(text, "linkweir_redirect_seconds_bucket", le="0.005") == 2
    assert read_metric(text, "linkweir_http_seconds_count", endpoint="x") == 2


def test_figures_are_written_while_it_runs(tmp_path: Path) -> None:
    """Others see a process's figures within seconds, without waiting for its end."""
    figures, metrics = MultiprocessMetrics(tmp_path), Metrics()
    figures.clear()
    with figures.publish(metrics):
        wait_until(lambda: list((tmp_path / "figures").glob("*.prom")))
