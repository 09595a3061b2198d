"""`python -m bench.classification.fit_weights`: what the weights would be if labelled traffic alone decided them.

Logistic regression of what hits are in truth on the rules that apply to them, drawn towards the weights that the rules
have, and never across zero: a rule that speaks for a machine stays one. Each mix that rules are tuned on has the same
say, and hits of one sweep have little more than one. For each mix the table says what part of the machines would be
found if `LOST` of its people might be lost, by the weights as they are and by weights that were fitted without it.
Proposals are to be rounded, weighed against what is known of real traffic, and followed by `bench.classification.fit`.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from scipy.optimize import minimize

from bench.classification.command import load_mix
from bench.classification.fit import MIXES
from bench.classification.labelled_hits import HABITS, Mask, Numbers
from bench.classification.report import format_table
from bench.classification_run import judge_incrementally
from linkweir.clicks.classify.rules import PRIOR_WEIGHT, RULES
from linkweir.clicks.classify.scoring import sum_weights
from linkweir.clicks.known_networks import KnownNetworks

SEEDS = (201, 202)
LOST = 0.008  # of people, without testers and habitual openers
PULL = 8.0  # towards a weight as it is, in hits that say otherwise
MIN_WEIGHT = 0.1  # of a rule, either way
WEIGHED = tuple(rule for rule in RULES if not rule.verdict)


@dataclass(frozen=True, slots=True)
class Evidence:
    """Hits that are weighed: which rules apply to each, what it is, whose, of which mix, and how much it counts."""

    rules: Numbers
    machine: Mask
    usual_person: Mask
    mix: Numbers
    weight: Numbers

    def part(self, where: Mask) -> "Evidence":
        """Some of the hits."""
        columns = (self.rules, self.machine, self.usual_person, self.mix, self.weight)
        return Evidence(*(column[where] for column in columns))


def collect_evidence(seeds: Sequence[int], mails: int) -> Evidence:
    """The hits of all mixes, `mails` mails for each seed."""
    index = {rule.code: number for number, rule in enumerate(WEIGHED)}
    rows, sweeps = [], []
    for number, (mix, seed) in enumerate(product(MIXES, seeds)):
        for mail, request, judged in judge_incrementally(load_mix(mix)(seed, mails), networks=KnownNetworks.load()):
            is_tester = "habit:tester" in request.traits
            if sum_weights(judged.reasons) is None or request.truth == "prefetch" or is_tester:
                continue
            applying = np.zeros(len(WEIGHED))
            applying[[index[code] for code in judged.reasons]] = 1
            usual = request.truth == "human" and not set(HABITS) & set(request.traits)
            rows.append((applying, request.truth == "machine", usual, MIXES.index(mix)))
            sweeps.append((number, mail.number, request.truth, request.actor))
    sizes = Counter(sweeps)
    weight = np.array([1 / np.sqrt(sizes[sweep]) for sweep in sweeps])
    rules, machine, usual_people, mixes = (np.array(column) for column in zip(*rows, strict=True))
    for one in range(len(MIXES)):
        weight[mixes == one] *= len(weight) / len(MIXES) / weight[mixes == one].sum()
    return Evidence(rules.astype(float), machine, usual_people, mixes.astype(float), weight)


def present_weights() -> Numbers:
    """The prior weight, and those of the rules."""
    return np.array([PRIOR_WEIGHT, *(rule.weight for rule in WEIGHED)])


def fit_weights(evidence: Evidence) -> Numbers:
    """The prior weight and those of the rules that fit best, near those that are."""
    present = present_weights()
    bounds = [(None, None), *((MIN_WEIGHT, None) if one > 0 else (None, -MIN_WEIGHT) for one in present[1:])]

    def loss(weights: Numbers) -> tuple[float, Numbers]:
        odds = evidence.rules @ weights[1:] + weights[0]
        error = 1 / (1 + np.exp(-odds)) - evidence.machine
        apart = np.where(np.arange(len(weights)) == 0, 0, weights - present)
        gradient = np.array([evidence.weight @ error, *(evidence.rules.T @ (evidence.weight * error))])
        misfit = evidence.weight @ np.logaddexp(0, np.where(evidence.machine, -odds, odds))
        return float(misfit + PULL * apart @ apart), gradient + 2 * PULL * apart

    return np.asarray(minimize(loss, present, jac=True, bounds=bounds, method="L-BFGS-B").x)


def find_recall(evidence: Evidence, weights: Numbers) -> float:
    """The part of machines above the sum of weights that LOST of the people exceed."""
    odds = evidence.rules @ weights[1:] + weights[0]
    threshold = np.quantile(odds[evidence.usual_person], 1 - LOST)
    return float((odds > threshold)[evidence.machine].mean())


def format_report(evidence: Evidence) -> Iterator[str]:
    """Recall for each mix, and the weights."""
    rows = []
    for number, mix in enumerate(MIXES):
        here = evidence.mix == number
        fitted = fit_weights(evidence.part(~here))
        recalls = (find_recall(evidence.part(here), weights) for weights in (present_weights(), fitted))
        rows.append([mix, *(f"{100 * recall:.1f} %" for recall in recalls)])
    yield format_table(("judged on", "recall, weights as they are", "recall, fitted without it"), rows)
    fitted = fit_weights(evidence)
    hits = [int(count) for count in evidence.rules.sum(axis=0)]
    yield format_table(
        ("rule", "hits", "weight", "fitted"),
        [["prior", "", f"{PRIOR_WEIGHT:+.1f}", f"{fitted[0]:+.2f}"]]
        + [
            [rule.code, f"{count:,}", f"{rule.weight:+.1f}", f"{weight:+.2f}"]
            for rule, count, weight in zip(WEIGHED, hits, fitted[1:], strict=True)
        ],
    )


def main(arguments: Sequence[str]) -> int:
    """Print both tables."""
    parser = argparse.ArgumentParser(prog="python -m bench.classification.fit_weights", description="Propose weights.")
    parser.add_argument("--mails", type=int, default=2500, help="mails for each mix and seed (default: %(default)s)")
    options = parser.parse_args(arguments)
    print("\n\n".join(format_report(collect_evidence(SEEDS, options.mails))))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
