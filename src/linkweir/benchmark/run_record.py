"""What a run has measured as JSON, and limits from one that was saved."""

import hashlib
import json
import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from linkweir.atomic_file import AtomicFile
from linkweir.benchmark.machine import describe_machine, list_versions
from linkweir.benchmark.measurement import Figures, Measurement
from linkweir.benchmark.sample_statistics import CONFIDENCE, Interval, Quartiles
from linkweir.benchmark.speed_limits import Judgement, SpeedLimit
from linkweir.errors import LinkweirError

_VERSION = 1


class RecordError(LinkweirError):
    """The file is no record of a run."""


def make_fingerprint(documents: Iterable[bytes], settings: object) -> str:
    """A digest of what was measured: other documents or settings have other speeds."""
    digest = hashlib.sha256(repr(settings).encode())
    for data in documents:
        digest.update(hashlib.sha256(data).digest())
    return digest.hexdigest()[:16]


def make_record(
    measurements: Sequence[Measurement], judgements: Sequence[Judgement], verdict: str | None, fingerprint: str
) -> dict[str, Any]:
    """The whole run: machine, versions, figures of all works, judgements."""
    return {
        "version": _VERSION,
        "verdict": verdict,
        "fingerprint": fingerprint,
        "confidence": CONFIDENCE,
        "machine": describe_machine(),
        "versions": list_versions(),
        "workloads": [_workload_to_json(measurement) for measurement in measurements],
        "judgements": [_judgement_to_json(judgement) for judgement in judgements],
    }


def _workload_to_json(measurement: Measurement) -> dict[str, Any]:
    workload = measurement.workload
    return {
        "kind": workload.kind,
        "documents": workload.document_count,
        "bytes": workload.size,
        "links": workload.links,
        "rounds": measurement.rounds,
        "judged": workload.judged,
        "ratio": _interval_to_json(measurement.ratio),
        "megabytes_per_second": _interval_to_json(measurement.speed),
        "spread": measurement.spread,
        "engines": [_figures_to_json(figures) for figures in measurement.figures],
        "missing": list(workload.missing),
    }


def _figures_to_json(figures: Figures) -> dict[str, Any]:
    return {
        "name": figures.name,
        "megabytes_per_second": {"best": figures.best, **_quartiles_to_json(figures.speed)},
        "ratio": _quartiles_to_json(figures.ratio),
        "answer": figures.answer or None,
    }


def _judgement_to_json(judgement: Judgement) -> dict[str, Any]:
    limit = judgement.limit
    return {
        "kind": judgement.measurement.workload.kind,
        "origin": limit.origin,
        "unit": "ratio" if limit.is_ratio else "MB/s",
        "minimum": limit.value,
        **_interval_to_json(judgement.interval),
        "spread": judgement.spread,
        "verdict": judgement.verdict,
    }


def _interval_to_json(interval: Interval) -> dict[str, float]:
    return {"median": interval.median, "low": interval.low, "high": interval.high}


def _quartiles_to_json(quartiles: Quartiles) -> dict[str, float]:
    return {"median": quartiles.median, "q1": quartiles.low, "q3": quartiles.high}


def save_record(path: Path, record: dict[str, Any]) -> None:
    """Write it in one step. Raises OSError."""
    with AtomicFile(str(path)) as file:
        file.write(json.dumps(record, indent=1).encode() + b"\n")


def load_limits(path: Path, tolerance: float) -> tuple[list[SpeedLimit], str]:
    """Limits that allow `tolerance` (a share) less than the ratios of a saved run, and its fingerprint.

    Ratios alone: a speed of another machine says nothing here. Raises RecordError, OSError.
    """
    try:
        record = json.loads(path.read_bytes())
        if record["version"] != _VERSION:
            raise ValueError(record["version"])
        ratios = {str(item["kind"]): float(item["ratio"]["median"]) for item in record["workloads"]}
        if not ratios or not all(0 < ratio < math.inf for ratio in ratios.values()):
            raise ValueError(ratios)
        fingerprint = str(record["fingerprint"])
    except (ValueError, TypeError, KeyError) as error:
        raise RecordError(f"{path} is not a record of linkweir bench; make one with --save") from error
    limits = [SpeedLimit(ratio * (1 - tolerance), True, "baseline", kind) for kind, ratio in ratios.items()]
    return limits, fingerprint
