"""The tables of `python -m bench classification`, in Markdown."""

from collections.abc import Mapping, Sequence

from bench.classification import measures
from bench.classification.labelled_hits import LabelledHits
from bench.classification.measures import Interval, Ratio

PEER_FIGURES = (
    ("machine precision", "all"),
    ("machine recall", "all"),
    ("machine recall", "1 link"),
    ("machine recall", "3 and more"),
    ("people lost, without testers and habitual openers", "all"),
    ("people lost, with them", "all"),
    ("machines' mails falsely clicked", "contract's Clicked"),
)
HEADS = ("figure", "of", "value", "95 % interval", "hits or mails")


def format_table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def format_report(mix: str, seeds: Sequence[int], hits: LabelledHits) -> str:
    """All figures of one way to judge."""
    machines, people = hits.is_truth("machine").sum(), hits.is_truth("human").sum()
    parts = [
        f"## {mix}, seeds {', '.join(map(str, seeds))}: {hits.mails:,} mails, {len(hits.mail):,} hits, {machines:,} of "
        f"machines, {people:,} of people",
        _format_ratios(HEADS, list(measures.summarize(hits))),
        "### Calibration, with the base rate that the service learned\n\n" + _format_calibration(hits),
        f"### Calibration, with the base rate given ({hits.base_rate:.3f})\n\n"
        + _format_calibration(hits.with_base_rate()),
        "### Machines and what people do\n\n" + _format_ratios(HEADS, list(measures.by_actor(hits))),
        "### Kinds of people\n\n" + _format_ratios(HEADS, list(measures.by_trait(hits))),
    ]
    return "\n\n".join(parts)


def format_variants(hits: LabelledHits, others: Mapping[str, LabelledHits]) -> str:
    """The main figures of other ways to judge the same hits, and how many verdicts differ."""
    heads = ("way", "machine precision", "machine recall", "people lost, with them", "verdicts that differ")
    rows = []
    for name, other in {"as the service does": hits, **others}.items():
        figures = {(one.group, one.name): one.value for one in measures.summarize(other)}
        cells = [format_percent(figures[group, "all"]) for group in heads[1:4]]
        rows.append([name, *cells, format_percent(float((other.verdict != hits.verdict).mean()))])
    return "\n### Other ways to judge\n\n" + format_table(heads, rows)


def format_peers(hits: LabelledHits, others: Mapping[str, LabelledHits]) -> str:
    """The figures of other systems beside ours."""
    heads = ("system", *(f"{group}, {name}" for group, name in PEER_FIGURES))
    rows = []
    for name, other in {"Linkweir": hits, **others}.items():
        figures = {(one.group, one.name): one.value for one in measures.summarize(other)}
        rows.append([name, *(format_percent(figures[key]) for key in PEER_FIGURES)])
    return "\n### Other systems on the same traffic\n\n" + format_table(heads, rows)


def _format_ratios(heads: Sequence[str], ratios: Sequence[Ratio]) -> str:
    rows = [
        [ratio.group, ratio.name, format_percent(interval.value), _format_interval(interval), f"{interval.count:,}"]
        for ratio, interval in zip(ratios, measures.bootstrap(ratios), strict=True)
    ]
    return format_table(heads, rows)


def _format_calibration(hits: LabelledHits) -> str:
    brier, error, worst = measures.calibration_errors(hits)
    rows = [
        [
            f"{one.low:.1f} to {one.high:.1f}",
            f"{one.hits:,}",
            f"{one.expected:.3f}",
            f"{one.observed:.3f}",
            f"{one.observed - one.expected:+.3f}" if one.counts else "",
        ]
        for one in measures.calibration_bins(hits)
    ]
    heads = ("P(machine)", "hits", "mean", "machines in truth", "difference")
    return (
        f"Brier score {brier:.4f}, expected calibration error {error:.4f}, "
        f"largest difference of a bin with {measures.MIN_BIN_HITS} hits or more {worst:.3f}.\n\n"
        f"{format_table(heads, rows)}"
    )


def format_percent(part: float) -> str:
    """As per cent with two places."""
    return "" if part != part else f"{100 * part:.2f} %"  # noqa: PLR0124 - only a NaN differs from itself


def _format_interval(interval: Interval) -> str:
    return "" if not interval.count else f"{100 * interval.low:.2f} to {100 * interval.high:.2f}"
