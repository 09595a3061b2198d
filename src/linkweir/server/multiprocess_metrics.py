"""Metrics of all processes of one service together, whichever process answers `/metrics`.

Each process writes its own to a file every few seconds. Counters and times are added up, those of dead processes among
them, so that no sum ever falls. What every process reads alike (the waiting rows of the database) comes from the
process that answers.
"""

import contextlib
import os
import threading
from collections.abc import Iterator
from pathlib import Path

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import Metric
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

from linkweir.durable_files import replace_file
from linkweir.web.metrics import Metrics

WRITE_INTERVAL_SECONDS = 2.0  # seconds
FILE_SUFFIX = ".prom"
_SampleKey = tuple[str, tuple[tuple[str, str], ...]]


class MultiprocessMetrics:
    """A folder that the processes of one service share."""

    def __init__(self, data: Path) -> None:
        self._folder = data / "figures"

    def clear(self) -> None:
        """A new service begins at nothing."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for path in self._folder.glob("*" + FILE_SUFFIX):
            path.unlink(missing_ok=True)

    @contextlib.contextmanager
    def publish(self, metrics: Metrics) -> Iterator[None]:
        """Write this process's figures from now on, and answer with those of all."""
        own = metrics.registry_text
        metrics.text = lambda: self._merge(metrics.own_text())
        ended = threading.Event()

        def write() -> None:
            while not ended.wait(WRITE_INTERVAL_SECONDS):
                self._write(own())

        thread = threading.Thread(target=write, name="linkweir-figures", daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()
            self._write(own())

    def _write(self, text: bytes) -> None:
        path = self._folder / f"{os.getpid()}{FILE_SUFFIX}"
        with contextlib.suppress(OSError):  # figures are worth no failure
            replace_file(path, text, sync=False)

    def _merge(self, own: bytes) -> bytes:
        texts = [own]
        for path in self._folder.glob("*" + FILE_SUFFIX):
            if path.stem != str(os.getpid()):
                with contextlib.suppress(OSError):
                    texts.append(path.read_bytes())
        registry = CollectorRegistry()
        registry.register(_MergedCollector([text.decode() for text in texts]))
        return generate_latest(registry)


class _MergedCollector(Collector):
    def __init__(self, texts: list[str]) -> None:
        self._texts = texts

    def describe(self) -> list[Metric]:
        """Describe nothing in advance."""
        return []

    def collect(self) -> Iterator[Metric]:
        """One family for each name."""
        families: dict[str, Metric] = {}
        values: dict[str, dict[_SampleKey, float]] = {}
        for text in self._texts:
            for family in text_string_to_metric_families(text):
                families.setdefault(family.name, Metric(family.name, family.documentation, family.type))
                sums = values.setdefault(family.name, {})
                for sample in family.samples:
                    key = (sample.name, tuple(sample.labels.items()))
                    highest = family.type == "gauge" or sample.name.endswith("_created")
                    before = sums.get(key, 0.0)
                    sums[key] = max(before, sample.value) if highest else before + sample.value
        for name, family in families.items():
            for (sample_name, labels), value in values[name].items():
                family.add_sample(sample_name, dict(labels), value)
            yield family
