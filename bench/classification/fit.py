"""`python -m bench.classification.fit >src/linkweir/clicks/classify/calibration_curves.py`: the curves, fitted anew.

Isotonic regression (scikit-learn) of what hits are in truth on the sum of their rules' weights, for each size of mail,
on the development mix only. Needed after each change to the rules.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.isotonic import IsotonicRegression

from bench.classification.command import load_mix
from bench.classification.labelled_hits import Numbers
from bench.classification_run import judge_incrementally
from linkweir.clicks.classify.calibration import MAX_CURVE_LINKS
from linkweir.clicks.classify.scoring import sum_weights
from linkweir.clicks.known_networks import KnownNetworks

MIX = "development"
SEEDS = tuple(range(101, 109))  # others than those that rules are looked at with
MIN_POINT_HITS = 100  # hits behind each point of a curve
MIN_POINT_SHARE = 0.01
SAME_LEVEL = 1e-9  # levels that differ by less are one, but for rounding
LEFT_OUT = ("prefetch", "internal")  # decided without probabilities


@dataclass(frozen=True, slots=True)
class Sample:
    """Sums of weights with the number of links of their mails, and whether a machine was behind them."""

    log_odds: Numbers
    links: Numbers
    machine: Numbers


def collect_sample(seeds: Sequence[int], mails: int) -> Sample:
    """What the rules say of the development mix, without prefetches and the sender's own people."""
    rows = []
    for seed in seeds:
        for mail, request, judged in judge_incrementally(load_mix(MIX)(seed, mails), networks=KnownNetworks.load()):
            log_odds = sum_weights(judged.reasons)
            if log_odds is None or request.truth == "prefetch" or "habit:tester" in request.traits:
                continue
            rows.append((log_odds, mail.links, request.truth == "machine"))
    columns = np.array(rows, dtype=float)
    return Sample(columns[:, 0], columns[:, 1], columns[:, 2])


def fit_curve(log_odds: Numbers, machine: Numbers) -> list[tuple[float, float]]:
    """Points of a rising curve from sums of weights to log odds that hold."""
    order = np.argsort(log_odds, kind="stable")
    log_odds, machine = log_odds[order], machine[order]
    fitted = IsotonicRegression(y_min=0, y_max=1).fit_transform(log_odds, machine)
    smallest = max(MIN_POINT_HITS, round(MIN_POINT_SHARE * len(log_odds)))
    points: list[tuple[float, float]] = []
    for first, last in _split_levels(fitted, smallest):
        rate = (machine[first:last].sum() + 0.5) / (last - first + 1)  # never 0 or 1
        odds = float(np.log(rate / (1 - rate)))
        points.append((float(log_odds[first:last].mean()), max(odds, points[-1][1]) if points else odds))
    return points


def _split_levels(fitted: Numbers, smallest: int) -> Iterator[tuple[int, int]]:
    """Runs of hits with one fitted level, the small ones joined to what follows."""
    first = 0
    ends = [*(np.flatnonzero(np.diff(fitted) > SAME_LEVEL) + 1), len(fitted)]
    for end in ends:
        if end - first >= smallest and (len(fitted) - end >= smallest or end == len(fitted)):
            yield first, end
            first = end


def format_curves(sample: Sample, mails: int) -> Iterator[str]:
    """The lines of the module that the service reads."""
    yield '"""Curves from sums of weights to log odds that hold. Made by `python -m bench.classification.fit`."""'
    yield ""
    yield f"# {MIX} mix, seeds {SEEDS[0]} to {SEEDS[-1]}, {mails} mails, {len(sample.machine)} hits"
    yield f"REFERENCE_BASE_RATE = {sample.machine.mean():.3f}  # machines' share of these hits"
    yield "CURVES: dict[int, tuple[tuple[float, float], ...]] = {  # by links of a mail; 0: not known"
    for links in range(MAX_CURVE_LINKS + 1):
        here = {0: sample.links > 0, MAX_CURVE_LINKS: sample.links >= MAX_CURVE_LINKS}.get(links, sample.links == links)
        points = fit_curve(sample.log_odds[here], sample.machine[here])
        yield f"    {links}: ("
        yield from (f"        ({left:.2f}, {right:.2f})," for left, right in points)
        yield "    ),"
    yield "}"


def main(arguments: Sequence[str]) -> int:
    """Print the module."""
    parser = argparse.ArgumentParser(prog="python -m bench.classification.fit", description="Fit the calibration.")
    parser.add_argument("--mails", type=int, default=32_000, help="mails in all (default: %(default)s)")
    options = parser.parse_args(arguments)
    sample = collect_sample(SEEDS, options.mails // len(SEEDS))
    print("\n".join(format_curves(sample, options.mails)))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
