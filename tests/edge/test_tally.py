"""Tests of what is counted on the redirect's path, and of the figures of several processes together."""

from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from linkweir.edge.figures import SharedFigures
from linkweir.edge.metrics import Metrics
from tests.edge.serving import Served, wait_until
from tests.edge.test_redirect import link_of


def sample(text: str, name: str, **labels: str) -> float | None:
    """One figure of a text in Prometheus' format."""
    for family in text_string_to_metric_families(text):
        for found in family.samples:
            if found.name == name and labels.items() <= found.labels.items():
                return float(found.value)
    return None


def test_redirects_are_counted_and_timed(served: Served) -> None:
    """Every answer to a tracking link is counted by result and status, and its time falls into a bucket."""
    _, link = link_of(served)
    for _ in range(3):
        served.reader.get(link)
    served.reader.get(link[:-3])
    served.reader.post(link)
    text = served.reader.get("/metrics").text
    for result, status, count in (("sent", "302", 3), ("unknown", "404", 1), ("not_allowed", "405", 1)):
        assert sample(text, "linkweir_redirects_total", result=result, status=status) == count
    assert sample(text, "linkweir_redirect_seconds_count") == 5
    assert sample(text, "linkweir_redirect_seconds_bucket", le="+Inf") == 5
    assert 0 < (sample(text, "linkweir_redirect_seconds_sum") or 0) < 60


def test_processes_show_their_figures_together(tmp_path: Path) -> None:
    """Counters and times of all processes add up, those of one that has ended stay, and gauges do not add up."""
    one, two = Metrics(), Metrics()
    for metrics in (one, two):
        metrics.watch(counters=[("c", "c", lambda: 5.0)], gauges=[("g", "g", lambda: 7.0)])
        metrics.redirects.note(("sent", 302), 0.002)
        metrics.accepted.inc()
        metrics.seconds.labels("x").observe(1)
    figures = SharedFigures(tmp_path)
    figures.clear()
    with figures.shared(two):
        pass
    (path,) = (tmp_path / "figures").glob("*.prom")
    path.rename(path.with_name("4711.prom"))  # as if it had been another process
    with figures.shared(one):
        text = one.text().decode()
    assert sample(text, "c_total") == 10
    assert sample(text, "g") == 7
    assert sample(text, "linkweir_redirects_total", result="sent") == 2
    assert sample(text, "linkweir_messages_accepted_total") == 2
    assert sample(text, "linkweir_redirect_seconds_bucket", le="0.005") == 2
    assert sample(text, "linkweir_http_seconds_count", endpoint="x") == 2


def test_figures_are_written_while_it_runs(tmp_path: Path) -> None:
    """Others see a process's figures within seconds, without waiting for its end."""
    figures, metrics = SharedFigures(tmp_path), Metrics()
    figures.clear()
    with figures.shared(metrics):
        wait_until(lambda: list((tmp_path / "figures").glob("*.prom")))
