"""Figures of verdicts as ratios of sums over mails, so that drawing mails again gives each of them an interval."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from bench.classification.labelled_hits import COUNTED_VERDICTS, HABITS, SIZES, LabelledHits, Mask, Numbers

RESAMPLES = 400
BINS = 10
MIN_BIN_HITS = 500  # a bin with fewer hits tells nothing
LOST = ("machine", "prefetch", "internal")


@dataclass(frozen=True, slots=True)
class Ratio:
    """One figure: of `whole`, the part that is `part`; both by mail."""

    group: str
    name: str
    part: Numbers
    whole: Numbers

    @property
    def value(self) -> float:
        """The figure; not a number where there is nothing to divide by."""
        whole = self.whole.sum()
        return float(self.part.sum() / whole) if whole else float("nan")


@dataclass(frozen=True, slots=True)
class Interval:
    """A figure with what 95 of 100 samples of as many mails would give, and of how many hits or mails it is one."""

    value: float
    low: float
    high: float
    count: int


def bootstrap(ratios: Sequence[Ratio], *, seed: int = 0) -> list[Interval]:
    """Intervals of all figures from the same resamples of mails."""
    if not ratios:
        return []
    mails = len(ratios[0].part)
    rng = np.random.default_rng(seed)
    parts = np.stack([ratio.part for ratio in ratios], axis=1)
    wholes = np.stack([ratio.whole for ratio in ratios], axis=1)
    samples = np.empty((RESAMPLES, len(ratios)))
    for index in range(RESAMPLES):
        weights = np.bincount(rng.integers(0, mails, mails), minlength=mails).astype(float)
        with np.errstate(invalid="ignore", divide="ignore"):
            samples[index] = (weights @ parts) / (weights @ wholes)
    with np.errstate(invalid="ignore"):
        low, high = _percentiles(samples)
    return [
        Interval(ratio.value, float(low[index]), float(high[index]), round(float(ratio.whole.sum())))
        for index, ratio in enumerate(ratios)
    ]


def _percentiles(samples: Numbers) -> tuple[Numbers, Numbers]:
    filled = np.where(np.isnan(samples).all(axis=0), 0.0, samples)
    low, high = np.nanpercentile(filled, (2.5, 97.5), axis=0)
    return low, high


def _share(hits: LabelledHits, group: str, name: str, part: Mask, whole: Mask) -> Ratio:
    return Ratio(group, name, hits.count_by_mail(part & whole), hits.count_by_mail(whole))


def summarize(hits: LabelledHits) -> Iterator[Ratio]:
    """What the goals are about: machines by size of the mail, people lost, what is left undecided."""
    machine, person = hits.is_truth("machine"), hits.is_truth("human")
    said_machine, lost = hits.is_verdict("machine"), _is_lost(hits)
    everybody = np.ones(len(hits.mail), dtype=bool)
    for low, high, name in ((1, 10**6, "all"), *SIZES):
        here = hits.has_links(low, high)
        yield _share(hits, "machine precision", name, machine, said_machine & here)
        yield _share(hits, "machine recall", name, said_machine, machine & here)
        usual = person & ~hits.has_trait(*HABITS)
        yield _share(hits, "people lost, without testers and habitual openers", name, lost, usual & here)
        yield _share(hits, "people lost, with them", name, lost, person & here)
        yield _share(hits, "unsure", name, hits.is_verdict("unsure"), everybody & here)
    testers = hits.has_trait("habit:tester")
    yield _share(hits, "testers judged internal", "all", hits.is_verdict("internal"), testers)
    yield _share(hits, "prefetch precision", "all", hits.is_truth("prefetch"), hits.is_verdict("prefetch"))
    yield _share(hits, "prefetch recall", "all", hits.is_verdict("prefetch"), hits.is_truth("prefetch"))
    yield from _measure_mails(hits)


def _is_lost(hits: LabelledHits) -> Mask:
    """People whose click does not count; the sender's own people are right where `internal` puts them."""
    own = hits.has_trait("habit:tester") & hits.is_verdict("internal")
    return hits.is_verdict(*LOST) & ~own


def _measure_mails(hits: LabelledHits) -> Iterator[Ratio]:
    """Mails that are shown as clicked though only machines came, and people's mails that are not."""
    counted = hits.is_verdict(*COUNTED_VERDICTS)
    machine, person = hits.any_of_mail(hits.is_truth("machine")), hits.any_of_mail(hits.is_truth("human"))
    only_machines = (machine & ~person & ~hits.any_of_mail(hits.is_truth("prefetch"))).astype(float)
    strangers = hits.any_of_mail(hits.is_truth("human") & ~hits.has_trait("habit:tester")).astype(float)
    for name, by in (
        ("shown: some hit likelier a person's", counted & (hits.machine_probability < 0.5)),
        ("contract's Clicked", counted),
    ):
        clicked = hits.any_of_mail(by)
        yield Ratio("machines' mails falsely clicked", name, only_machines * clicked, only_machines)
        yield Ratio("people's mails not clicked", name, strangers * ~clicked, strangers)


def by_actor(hits: LabelledHits) -> Iterator[Ratio]:
    """Of each machine the part that was found, and of each person's action the part that was lost."""
    for actor in sorted(set(hits.actor[hits.is_truth("machine")])):
        yield _share(
            hits, "found", str(actor), hits.is_verdict("machine"), hits.is_truth("machine") & (hits.actor == actor)
        )
    for actor in sorted(set(hits.actor[hits.is_truth("human")])):
        yield _share(hits, "lost", str(actor), _is_lost(hits), hits.is_truth("human") & (hits.actor == actor))


def by_trait(hits: LabelledHits) -> Iterator[Ratio]:
    """Of each kind of people, without testers and habitual openers but in their own rows, the part that was lost."""
    person, usual, lost = hits.is_truth("human"), ~hits.has_trait(*HABITS), _is_lost(hits)
    for trait in sorted({trait for own in hits.traits for trait in own}):
        who = person & hits.has_trait(trait)
        yield _share(hits, "lost", trait, lost, who if trait in HABITS else who & usual)


@dataclass(frozen=True, slots=True)
class Bin:
    """Hits whose probability of being a machine's lies between two tenths."""

    low: float
    high: float
    hits: int
    expected: float
    observed: float

    @property
    def counts(self) -> bool:
        """Whether there are enough hits to say something."""
        return self.hits >= MIN_BIN_HITS


def calibration_bins(hits: LabelledHits) -> list[Bin]:
    """Ten equal bins of the probability, without prefetches and the sender's own people."""
    judged = _is_calibrated(hits)
    probability, machine = hits.machine_probability[judged], hits.is_truth("machine")[judged]
    index, found = np.minimum((probability * BINS).astype(int), BINS - 1), []
    for one in range(BINS):
        here = index == one
        if here.any():
            found.append(
                Bin(
                    one / BINS,
                    (one + 1) / BINS,
                    int(here.sum()),
                    float(probability[here].mean()),
                    float(machine[here].mean()),
                )
            )
    return found


def calibration_errors(hits: LabelledHits) -> tuple[float, float, float]:
    """The Brier score, the expected calibration error, and the largest error of a bin that has enough hits."""
    judged, bins = _is_calibrated(hits), calibration_bins(hits)
    brier = float(((hits.machine_probability - hits.is_truth("machine"))[judged] ** 2).mean())
    errors = [abs(one.expected - one.observed) for one in bins]
    weights = [one.hits for one in bins]
    worst = max((error for error, one in zip(errors, bins, strict=True) if one.counts), default=float("nan"))
    return brier, float(np.average(errors, weights=weights)), worst


def _is_calibrated(hits: LabelledHits) -> Mask:
    return ~hits.is_verdict("prefetch", "internal") & ~hits.is_truth("prefetch") & ~hits.has_trait("habit:tester")
