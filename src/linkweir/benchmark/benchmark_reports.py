"""A run as people read it, as GitHub workflow commands, and as github-action-benchmark's own JSON."""

import json
from collections.abc import Iterator, Sequence

from linkweir.benchmark.measurement import Figures, Measurement
from linkweir.benchmark.sample_statistics import CONFIDENCE
from linkweir.benchmark.speed_limits import Judgement, Verdict
from linkweir.bulk.link_report import pluralize
from linkweir.bulk.lint_reports import format_workflow_command
from linkweir.terminal.progress_bar import format_bytes

_HEADINGS = ("", "MB/s", "middle half", "best", "of the sweep", "answers")
_LEVELS = {"met": "notice", "slower": "error", "noisy": "warning"}
_VERDICTS: dict[Verdict | None, str] = {
    "met": "fast enough",
    "slower": "too slow",
    "noisy": "this machine is too noisy to judge: run it again, or with --seconds for longer",
    None: "no limit was given, so nothing was judged (--min, --baseline)",
}


def format_text(
    measurements: Sequence[Measurement], judgements: Sequence[Judgement], verdict: Verdict | None
) -> Iterator[str]:
    """Yield the lines of a table for each kind of documents, of the judgements, and of the verdict."""
    for measurement in measurements:
        workload = measurement.workload
        yield (
            f"{workload.kind}: {pluralize(workload.document_count, 'document')}, {format_bytes(workload.size)}, "
            f"{pluralize(workload.links, 'tracked link')}, {measurement.rounds} rounds"
        )
        rows = [_HEADINGS, *(_format_figures(figures, workload.judged) for figures in measurement.figures)]
        widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADINGS))]
        for row in rows:
            cells = [cell.rjust(width) for cell, width in zip(row[1:-1], widths[1:-1], strict=True)]
            yield "  ".join(["  " + row[0].ljust(widths[0]), *cells, row[-1]]).rstrip()
        for reason in workload.missing:
            yield f"  left out: {reason}"
        yield ""
    for judgement in judgements:
        yield format_judgement(judgement)
    yield f"verdict: {_VERDICTS[verdict]}"


def _format_figures(figures: Figures, judged: str) -> tuple[str, ...]:
    speed, ratio = figures.speed, figures.ratio
    mark = " *" if figures.name == judged else ""
    return (
        figures.name + mark,
        _format_speed(speed.median),
        f"{_format_speed(speed.low)}-{_format_speed(speed.high)}",
        _format_speed(figures.best),
        f"{ratio.median:.4f}",
        figures.answer,
    )


def _format_speed(speed: float) -> str:
    return f"{speed:,.0f}" if speed >= 10 else f"{speed:.2g}"


def format_judgement(judgement: Judgement) -> str:
    """One sentence: what was measured, with its interval, what is required, and whether it is met."""
    workload, limit, interval = judgement.measurement.workload, judgement.limit, judgement.interval
    unit, show = ("of the memory sweep", "{:.4f}".format) if limit.is_ratio else ("MB/s", _format_speed)
    result = {"met": "met", "slower": "too slow", "noisy": "not judged"}[judgement.verdict]
    if judgement.verdict == "noisy":
        result += f", since the rounds scatter by {judgement.spread:.0%} of their median"
    elif not judgement.is_clear:
        result += ", within what the rounds scatter"
    return (
        f"{workload.kind}, {workload.judged}: {show(interval.median)} {unit} "
        f"({CONFIDENCE:.0%} interval {show(interval.low)} to {show(interval.high)}), "
        f"at least {limit} ({limit.origin}): {result}"
    )


def format_github(
    measurements: Sequence[Measurement], judgements: Sequence[Judgement], verdict: Verdict | None
) -> Iterator[str]:
    """Yield a workflow command for each judgement; without any, a notice for each kind of documents."""
    for judgement in judgements:
        level = _LEVELS[judgement.verdict]
        yield format_workflow_command(level, {"title": "linkweir bench"}, format_judgement(judgement))
    for measurement in measurements if verdict is None else ():
        workload, speed = measurement.workload, _format_speed(measurement.speed.median)
        ratio = f"{measurement.ratio.median:.4f} of the memory sweep"
        text = f"{workload.kind}, {workload.judged}: {speed} MB/s, {ratio}"
        yield format_workflow_command("notice", {"title": "linkweir bench"}, text)


def format_action_benchmark(measurements: Sequence[Measurement]) -> str:
    """Return JSON for github-action-benchmark with `tool: customBiggerIsBetter`."""
    return json.dumps([row for measurement in measurements for row in _list_benchmarks(measurement)], indent=1)


def _list_benchmarks(measurement: Measurement) -> Iterator[dict[str, object]]:
    workload = measurement.workload
    name = f"{workload.kind}: {workload.judged}"
    extra = f"{pluralize(workload.document_count, 'document')}, {workload.size} bytes, {measurement.rounds} rounds"
    for label, unit, interval in (
        (f"{name} / memory sweep", "ratio", measurement.ratio),
        (name, "MB/s", measurement.speed),
    ):
        half = (interval.high - interval.low) / 2
        yield {"name": label, "unit": unit, "value": interval.median, "range": f"± {half:.3g}", "extra": extra}
