"""`python -m bench.classification.fit >src/linkweir/clicks/classify/calibration_curves.py`: the curves, fitted anew.

Isotonic regression (scikit-learn) of what hits are in truth on the sum of their rules' weights, for each size of mail,
on the mixes that rules are tuned on. Nobody knows how common each kind of people and of machines is, so that the curve
is the mean of those for many draws of their shares and of the seeds; that keeps what was seen rarely near its
neighbours. Needed after each change to the rules.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from sklearn.isotonic import IsotonicRegression

from bench.classification.command import load_mix
from bench.classification.labelled_hits import Numbers
from bench.classification_run import judge_incrementally
from bench.simulator.clients import Request
from linkweir.clicks.classify.calibration import MAX_CURVE_LINKS
from linkweir.clicks.classify.scoring import sum_weights
from linkweir.clicks.known_networks import KnownNetworks

MIXES = ("development", "survey")
SEEDS = tuple(range(101, 105))  # others than those that rules are looked at with
DRAWS = 24  # of shares, of which a curve is the mean
SHARE_DEVIATION = 0.7  # of the logarithm of a kind's share, from draw to draw
MIN_PROBABILITY = 0.002
GRID = np.arange(-9.0, 10.0, 0.1)  # sums of weights at which the draws are averaged
SMOOTHING = 0.3  # standard deviation along the sum of weights: steps between neighbours are chance
CURVE_TOLERANCE = 0.12  # log odds by which a curve with fewer points may differ from the mean
LEFT_OUT = ("prefetch", "internal")  # decided without probabilities


@dataclass(frozen=True, slots=True)
class Sample:
    """Sums of weights with the number of links of their mails, whether a machine was behind them, their mix and seed
    as one number, and which kind of people or machines they are.
    """

    log_odds: Numbers
    links: Numbers
    machine: Numbers
    seed: Numbers
    kind: Numbers


def collect_sample(seeds: Sequence[int], mails: int) -> Sample:
    """What the rules say of these mixes, without prefetches and the sender's own people."""
    rows = []
    kinds: dict[str, int] = {}
    for number, (mix, seed) in enumerate(product(MIXES, seeds)):
        for mail, request, judged in judge_incrementally(load_mix(mix)(seed, mails), networks=KnownNetworks.load()):
            log_odds = sum_weights(judged.reasons)
            if log_odds is None or request.truth == "prefetch" or "habit:tester" in request.traits:
                continue
            kind = kinds.setdefault(_kind_of(request), len(kinds))
            rows.append((log_odds, mail.links, request.truth == "machine", number, kind))
    return Sample(*np.array(rows, dtype=float).T)


def _kind_of(request: Request) -> str:
    """A machine by what it does, people by where they are."""
    if request.truth == "machine":
        return request.actor
    return " ".join(trait for trait in request.traits if trait.startswith(("network:", "headers:")))


def draw_weights(sample: Sample, rng: np.random.Generator) -> Numbers:
    """Weights of hits as if each kind and each seed were more or less common, with as many machines as before."""
    by_kind = rng.lognormal(0, SHARE_DEVIATION, int(sample.kind.max()) + 1)
    by_seed = rng.exponential(1, int(sample.seed.max()) + 1)
    weights: Numbers = by_kind[sample.kind.astype(int)] * by_seed[sample.seed.astype(int)]
    for side in (sample.machine == 1, sample.machine == 0):
        weights[side] *= side.sum() / weights[side].sum()
    return weights


def fit_curve(log_odds: Numbers, machine: Numbers, weights: Sequence[Numbers]) -> list[tuple[float, float]]:
    """Points of a rising curve from sums of weights to log odds that hold."""
    total = np.zeros(len(GRID))
    for one in weights:
        model = IsotonicRegression(y_min=MIN_PROBABILITY, y_max=1 - MIN_PROBABILITY, out_of_bounds="clip")
        total += model.fit(log_odds, machine, sample_weight=one).predict(GRID)
    mean = total / len(weights)
    kernel = np.exp(-0.5 * ((GRID[:, None] - GRID[None, :]) / SMOOTHING) ** 2)
    return _thin_out(GRID, (kernel / kernel.sum(axis=1, keepdims=True)) @ np.log(mean / (1 - mean)))


def _thin_out(grid: Numbers, odds: Numbers) -> list[tuple[float, float]]:
    """The fewest points from left to right between which straight lines stay near the curve."""
    kept, first = [0], 0
    for last in range(2, len(grid)):
        straight = np.interp(grid[first:last], grid[[first, last]], odds[[first, last]])
        if np.abs(straight - odds[first:last]).max() > CURVE_TOLERANCE:
            first = last - 1
            kept.append(first)
    return [(float(grid[index]), float(odds[index])) for index in dict.fromkeys((*kept, len(grid) - 1))]


def format_curves(sample: Sample, mails: int) -> Iterator[str]:
    """The lines of the module that the service reads."""
    yield '"""Curves from sums of weights to log odds that hold. Made by `python -m bench.classification.fit`."""'
    yield ""
    yield f"# mixes {' and '.join(MIXES)}, seeds {SEEDS[0]} to {SEEDS[-1]}, {mails} mails, {len(sample.machine)} hits"
    yield f"REFERENCE_BASE_RATE = {sample.machine.mean():.3f}  # machines' share of these hits"
    yield "CURVES: dict[int, tuple[tuple[float, float], ...]] = {  # by links of a mail; 0: not known"
    rng = np.random.default_rng(0)
    weights = [draw_weights(sample, rng) for _ in range(DRAWS)]
    for links in range(MAX_CURVE_LINKS + 1):
        here = {0: sample.links > 0, MAX_CURVE_LINKS: sample.links >= MAX_CURVE_LINKS}.get(links, sample.links == links)
        points = fit_curve(sample.log_odds[here], sample.machine[here], [one[here] for one in weights])
        yield f"    {links}: ("
        yield from (f"        ({left:.2f}, {right:.2f})," for left, right in points)
        yield "    ),"
    yield "}"


def main(arguments: Sequence[str]) -> int:
    """Print the module."""
    parser = argparse.ArgumentParser(prog="python -m bench.classification.fit", description="Fit the calibration.")
    parser.add_argument("--mails", type=int, default=24_000, help="mails in all (default: %(default)s)")
    options = parser.parse_args(arguments)
    sample = collect_sample(SEEDS, options.mails // len(MIXES) // len(SEEDS))
    print("\n".join(format_curves(sample, options.mails)))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
