"""How well verdicts agree with labels: precision, recall, people lost, and whether probabilities mean what they say."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

BINS = 10  # of p_machine, equally wide
NOT_COUNTED = ("machine", "prefetch")  # verdicts under which a click does not count as a person's


@dataclass(slots=True)
class _Bin:
    clicks: int = 0
    machines: int = 0
    probability: float = 0.0


@dataclass(frozen=True, slots=True)
class CalibrationBin:
    """Clicks whose `p_machine` lies in one tenth: how many, the mean of it, and the part that machines made."""

    clicks: int
    mean_p_machine: float
    machine_share: float


@dataclass(slots=True)
class LabelAccuracy:
    """Counts of labels and verdicts. A `prefetch` label is neither a machine nor a person in calibration."""

    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    _bins: list[_Bin] = field(default_factory=lambda: [_Bin() for _ in range(BINS)])
    _squares: float = 0.0
    _judged: int = 0

    def add(self, label: str, verdict: str, p_machine: float) -> None:
        """Count one labelled click."""
        self.counts[label, verdict] += 1
        if label not in ("human", "machine"):
            return
        is_machine = label == "machine"
        calibration_bin = self._bins[min(BINS - 1, int(p_machine * BINS))]
        calibration_bin.clicks += 1
        calibration_bin.machines += is_machine
        calibration_bin.probability += p_machine
        self._squares += (p_machine - is_machine) ** 2
        self._judged += 1

    @property
    def clicks(self) -> int:
        """How many clicks had a label."""
        return self.counts.total()

    def count_label(self, label: str) -> int:
        """How many clicks had this label."""
        return sum(count for (truth, _), count in self.counts.items() if truth == label)

    def precision(self, verdict: str) -> float | None:
        """The part of the clicks with this verdict that it is true of; None without any."""
        every = sum(count for (_, predicted), count in self.counts.items() if predicted == verdict)
        return self.counts[verdict, verdict] / every if every else None

    def recall(self, label: str) -> float | None:
        """The part of the clicks with this label whose verdict says so; None without any."""
        every = self.count_label(label)
        return self.counts[label, label] / every if every else None

    def lost_people(self) -> float | None:
        """The part of people's clicks that do not count; None without any."""
        every = self.count_label("human")
        return sum(self.counts["human", verdict] for verdict in NOT_COUNTED) / every if every else None

    def brier_score(self) -> float | None:
        """The mean square of the difference between `p_machine` and the truth; 0 is perfect."""
        return self._squares / self._judged if self._judged else None

    def calibration(self) -> Iterator[CalibrationBin | None]:
        """The ten bins; None for an empty one."""
        for calibration_bin in self._bins:
            yield (
                CalibrationBin(
                    calibration_bin.clicks,
                    calibration_bin.probability / calibration_bin.clicks,
                    calibration_bin.machines / calibration_bin.clicks,
                )
                if (calibration_bin.clicks)
                else None
            )

    def calibration_error(self) -> float | None:
        """The expected calibration error: by how much bins are off, weighted by their clicks."""
        if not self._judged:
            return None
        bins = [calibration_bin for calibration_bin in self.calibration() if calibration_bin]
        return (
            sum(
                calibration_bin.clicks * abs(calibration_bin.mean_p_machine - calibration_bin.machine_share)
                for calibration_bin in bins
            )
            / self._judged
        )
