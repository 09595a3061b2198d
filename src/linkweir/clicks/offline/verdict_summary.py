"""What verdicts and reasons came up how often, and how they agree with labels: for people, and as JSON."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from linkweir.clicks.classify import VERDICT_REASONS
from linkweir.clicks.offline.label_accuracy import BINS, LabelAccuracy
from linkweir.clicks.offline.offline_classifier import OfflineVerdict

VERDICTS = ("human", "unsure", "machine", "prefetch", "internal")  # in the order of the report
MAX_REASONS = 12  # of a report for people


@dataclass(slots=True)
class VerdictSummary:
    """Counts of verdicts and reasons; `accuracy`: of the clicks with a label that are not internal. `expected_people`:
    the sum of the probabilities that a person made them; `changed`: verdicts that differ from what was said on arrival.
    """

    verdicts: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    accuracy: LabelAccuracy = field(default_factory=LabelAccuracy)
    expected_people: float = 0.0
    changed: int = 0

    def add(self, verdict: OfflineVerdict, first: OfflineVerdict | None, label: str | None) -> None:
        """Count one click."""
        self.verdicts[verdict.verdict] += 1
        self.reasons.update(verdict.reasons)
        self.changed += first is not None and first.verdict != verdict.verdict
        if verdict.p_machine is None:
            return
        self.expected_people += 1 - verdict.p_machine
        if label is not None:
            self.accuracy.add(label, verdict.verdict, verdict.p_machine)

    def to_json(self) -> dict[str, Any]:
        """The summary as an object of JSON."""
        summary: dict[str, Any] = {
            "clicks": self.verdicts.total(),
            "verdicts": {name: self.verdicts[name] for name in VERDICTS},
            "expected_human_clicks": round(self.expected_people, 1),
            "reasons": dict(self.reasons.most_common()),
        }
        return summary | ({"labels": self._labels_to_json()} if self.accuracy.clicks else {})

    def _labels_to_json(self) -> dict[str, Any]:
        known = self.accuracy
        bins = [
            None if calibration_bin is None else {
                "clicks": calibration_bin.clicks,
                "mean_p_machine": round(calibration_bin.mean_p_machine, 4),
                "machine_share": round(calibration_bin.machine_share, 4),
            }
            for calibration_bin in known.calibration()
        ]  # fmt: skip
        return {
            "clicks": known.clicks,
            "precision": {name: known.precision(name) for name in ("human", "machine", "prefetch")},
            "recall": {name: known.recall(name) for name in ("human", "machine", "prefetch")},
            "human_not_counted": known.lost_people(),
            "brier_score": known.brier_score(),
            "calibration_error": known.calibration_error(),
            "calibration": bins,
        }

    def format_lines(self) -> Iterator[str]:
        """The summary as lines for people."""
        every = max(1, self.verdicts.total())
        for name in VERDICTS:
            yield f"  {name:<10} {self.verdicts[name]:>10,}  {self.verdicts[name] / every:6.1%}"
        yield f"  expected clicks by people: {self.expected_people:,.1f}"
        if self.reasons:
            yield "reasons:"
        for code, count in self.reasons.most_common(MAX_REASONS):
            yield f"  {code:<20} {count:>10,}  {VERDICT_REASONS.get(code, code)}"
        if len(self.reasons) > MAX_REASONS:
            yield f"  and {len(self.reasons) - MAX_REASONS} more; --json names all"
        if self.accuracy.clicks:
            yield from self._format_accuracy()

    def _format_accuracy(self) -> Iterator[str]:
        known = self.accuracy
        yield f"labels: {known.clicks:,} clicks"
        for name in ("machine", "human", "prefetch"):
            yield (
                f"  {name:<10} precision {_format_share(known.precision(name))}  recall "
                f"{_format_share(known.recall(name))}  of {known.count_label(name):,}"
            )
        yield f"  people's clicks that do not count: {_format_share(known.lost_people())}"
        brier, error = known.brier_score(), known.calibration_error()
        if brier is None or error is None:
            return
        yield f"  Brier score {brier:.4f}, calibration error {error:.4f}; by p_machine:"
        for number, calibration_bin in enumerate(known.calibration()):
            if calibration_bin:
                span = f"{number / BINS:.1f} to {(number + 1) / BINS:.1f}"
                truth = f"said {calibration_bin.mean_p_machine:.3f}, true {calibration_bin.machine_share:.3f}"
                yield f"    {span}  {calibration_bin.clicks:>10,} clicks, {truth}"


def _format_share(share: float | None) -> str:
    return "     -" if share is None else f"{share:6.2%}"
