"""Adds up what the rules say of each hit of a message."""

from collections.abc import Sequence
from math import exp

from linkweir.clicks.classify.classification import CLICK, Classification, Evidence, Hit, Verdict
from linkweir.clicks.classify.click_runs import DRIP_REACH_US, RUN_REACH_US
from linkweir.clicks.classify.features import FeatureExtractor, HitFeatures, hit_source, network_owner
from linkweir.clicks.classify.rules import Rule, is_machine_run, prior_weight, rules_for

# microseconds: what lies further apart says nothing about each other
WINDOW_US = max(2 * RUN_REACH_US, DRIP_REACH_US)
MACHINE_THRESHOLD = 0.9  # from this probability on a hit is a machine's
HUMAN_THRESHOLD = 0.35  # and up to this one a person's
MAX_CONFIDENCE = 0.99  # as sure as sums of likelihoods ever are
WEAK_EVIDENCE_CAP = 1.9  # what is not strong adds up to less than MACHINE, together with the prior


def classify_hits(hits: Sequence[Hit], evidence: Evidence) -> list[Classification]:
    """A verdict on each of these hits of one message, in their order.

    The order of hits changes nothing. A hit's verdict can be changed by any hit within WINDOW_US of it, so `hits` must
    hold everything within WINDOW_US of those whose classification is used.
    """
    extractor = FeatureExtractor(hits, evidence)
    features = [extractor.extract(hit) for hit in hits]
    _propagate_sweeps(features)
    found = [_classify_hit(one) for one in features]
    _propagate_owners(features, found)
    return [_classify_hit(one) if one.owner_swept else first for one, first in zip(features, found, strict=True)]


def _propagate_sweeps(scenes: Sequence[HitFeatures]) -> None:
    """Tell each hit whether its very source, at about its time, ran through the links."""
    swept: dict[tuple[str | None, str | None], list[int]] = {}
    for scene in scenes:
        if scene.hit.ip and scene.hit.kind == CLICK and is_machine_run(scene):
            swept.setdefault((scene.hit.ip, scene.hit.user_agent), []).append(scene.hit.at)
    for scene in scenes:
        times = swept.get((scene.hit.ip, scene.hit.user_agent), ())
        scene.client_swept = not is_machine_run(scene) and any(abs(at - scene.hit.at) <= RUN_REACH_US for at in times)


def _propagate_owners(features: Sequence[HitFeatures], classifications: Sequence[Classification]) -> None:
    """Tell each hit whether its network's owner sent machines to other links at about its time."""
    swept: dict[str, list[HitFeatures]] = {}
    for one, classification in zip(features, classifications, strict=True):
        owner = network_owner(one.hit)
        if owner and one.hit.kind == CLICK and classification.verdict_without_reputation == "machine":
            swept.setdefault(owner, []).append(one)
    if not swept:
        return
    for one in features:
        if one.hit.kind == CLICK:
            near = swept.get(network_owner(one.hit) or "", ())
            one.owner_swept = any(_is_of_same_sweep(one.hit, other.hit) for other in near)


def _is_of_same_sweep(hit: Hit, other: Hit) -> bool:
    return (
        abs(hit.at - other.at) <= RUN_REACH_US
        and hit.position != other.position
        and hit_source(hit) != hit_source(other)
    )


def _classify_hit(features: HitFeatures) -> Classification:
    applying = [rule for rule in rules_for(features) if rule.matches(features)]
    decisive = next((rule for rule in applying if rule.verdict), None)
    if decisive and decisive.verdict:
        applying.remove(decisive)
        rules = (decisive, *_by_weight(applying))
        verdict, confidence = decisive.verdict, decisive.confidence
        machine, without_reputation = confidence, verdict
    else:
        rules = _by_weight(applying)
        machine = _machine_probability(rules, features.hit.kind)
        verdict, confidence = _apply_thresholds(machine)
        without_reputation = _verdict_without_reputation(rules, verdict, features.hit.kind)
    codes = tuple(rule.code for rule in rules)
    return Classification(features.hit.id, verdict, round(confidence, 3), codes, without_reputation, machine)


def _verdict_without_reputation(rules: Sequence[Rule], verdict: Verdict, kind: str) -> Verdict:
    if not any(rule.uses_reputation for rule in rules):
        return verdict
    return _apply_thresholds(_machine_probability([rule for rule in rules if not rule.uses_reputation], kind))[0]


def _by_weight(rules: Sequence[Rule]) -> tuple[Rule, ...]:
    return tuple(sorted(rules, key=lambda rule: (-abs(rule.weight), rule.code)))


def _machine_probability(rules: Sequence[Rule], kind: str) -> float:
    total = prior_weight(kind) + sum(rule.weight for rule in rules)
    if not any(rule.strong for rule in rules):
        total = min(total, WEAK_EVIDENCE_CAP)
    return min(MAX_CONFIDENCE, max(1 - MAX_CONFIDENCE, 1 / (1 + exp(-total))))


def _apply_thresholds(machine: float) -> tuple[Verdict, float]:
    if machine >= MACHINE_THRESHOLD:
        return "machine", machine
    if machine <= HUMAN_THRESHOLD:
        return "human", 1 - machine
    return "unsure", max(machine, 1 - machine)
