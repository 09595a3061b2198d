"""Adds up what the rules say of each hit of a message."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp

from linkweir.click.verdict.hit import CLICK, Context, Hit, Judgement, Verdict
from linkweir.click.verdict.rules import PRIOR, Rule, machine_run, rules_for
from linkweir.click.verdict.runs import REACH
from linkweir.click.verdict.scene import Scene, Stage

WINDOW = 2 * REACH  # microseconds: what lies further apart says nothing about each other
MACHINE = 0.9  # from this probability on a hit is a machine's
HUMAN = 0.35  # and up to this one a person's
CERTAIN = 0.99  # as sure as sums of likelihoods ever are
WEAK_LIMIT = 1.9  # what is not strong adds up to less than MACHINE, together with the prior


@dataclass(frozen=True, slots=True)
class Weighed:
    """A judgement with the rules that led to it, the heaviest first."""

    judgement: Judgement
    rules: tuple[Rule, ...]
    machine: float  # the probability that a machine followed


def judge(hits: Sequence[Hit], context: Context) -> list[Judgement]:
    """A verdict on each of these hits of one message, in their order.

    The order of hits changes nothing. A hit's verdict can be changed by any hit within WINDOW of it, so `hits` must
    hold everything within WINDOW of those whose judgement is used.
    """
    return [found.judgement for found in weigh(hits, context)]


def weigh(hits: Sequence[Hit], context: Context) -> list[Weighed]:
    """As `judge`, with the rules that applied to each hit."""
    stage = Stage(hits, context)
    scenes = [stage.scene(hit) for hit in hits]
    _taint(scenes)
    return [_weighed(scene) for scene in scenes]


def _taint(scenes: Sequence[Scene]) -> None:
    """Tell each hit whether its very source, at about its time, ran through the links."""
    swept: dict[tuple[str | None, str | None], list[int]] = {}
    for scene in scenes:
        if scene.hit.ip and scene.hit.kind == CLICK and machine_run(scene):
            swept.setdefault((scene.hit.ip, scene.hit.user_agent), []).append(scene.hit.at)
    for scene in scenes:
        times = swept.get((scene.hit.ip, scene.hit.user_agent), ())
        scene.swept = not machine_run(scene) and any(abs(at - scene.hit.at) <= REACH for at in times)


def _weighed(scene: Scene) -> Weighed:
    applying = [rule for rule in rules_for(scene.hit.kind) if rule.applies(scene)]
    decisive = next((rule for rule in applying if rule.verdict), None)
    if decisive and decisive.verdict:
        verdict, confidence = decisive.verdict, decisive.confidence
        applying.remove(decisive)
        rules = (decisive, *_by_weight(applying))
        machine = confidence
    else:
        rules = _by_weight(applying)
        machine = _probability(rules)
        verdict, confidence = _verdict(machine)
    codes = tuple(rule.code for rule in rules)
    alone = verdict if decisive else _alone(rules, verdict)
    return Weighed(Judgement(scene.hit.id, verdict, round(confidence, 3), codes, alone), rules, machine)


def _alone(rules: Sequence[Rule], verdict: Verdict) -> Verdict:
    if not any(rule.remembered for rule in rules):
        return verdict
    return _verdict(_probability([rule for rule in rules if not rule.remembered]))[0]


def _by_weight(rules: Sequence[Rule]) -> tuple[Rule, ...]:
    return tuple(sorted(rules, key=lambda rule: (-abs(rule.weight), rule.code)))


def _probability(rules: Sequence[Rule]) -> float:
    total = PRIOR + sum(rule.weight for rule in rules)
    if not any(rule.strong for rule in rules):
        total = min(total, WEAK_LIMIT)
    return min(CERTAIN, max(1 - CERTAIN, 1 / (1 + exp(-total))))


def _verdict(machine: float) -> tuple[Verdict, float]:
    if machine >= MACHINE:
        return "machine", machine
    if machine <= HUMAN:
        return "human", 1 - machine
    return "unsure", max(machine, 1 - machine)
