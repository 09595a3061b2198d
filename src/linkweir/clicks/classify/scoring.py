"""Adds up what the rules say of each hit of a message."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from linkweir.clicks.classify.calibration import MAX_CURVE_LINKS, calibrate, logistic, shift_base_rate
from linkweir.clicks.classify.classification import CLICK, Classification, Evidence, Hit, Verdict
from linkweir.clicks.classify.click_runs import DRIP_REACH_US, RUN_REACH_US
from linkweir.clicks.classify.features import FeatureExtractor, HitFeatures, hit_source, network_owner
from linkweir.clicks.classify.rule_conditions import is_machine_run
from linkweir.clicks.classify.rule_matching import KnownCodes, matching_codes
from linkweir.clicks.classify.rules import RULES, Rule, prior_weight

# microseconds: what lies further apart says nothing about each other
WINDOW_US = max(2 * RUN_REACH_US, DRIP_REACH_US)
MACHINE_THRESHOLD = 0.88  # from this probability on a hit is a machine's, if anything strong speaks for it
HUMAN_THRESHOLD = 0.45  # and up to this one a person's
OPEN_HUMAN_THRESHOLD = 0.35  # of opens, whose probabilities nothing was measured for
WEAK_EVIDENCE_CAP = 1.9  # the most that what is not strong adds up to, together with the prior
ASSESSMENT_CACHE_SIZE = 8192  # sets of rules with the sizes of mails that they applied to
RULES_BY_CODE = {rule.code: rule for rule in RULES}


def classify_hits(hits: Sequence[Hit], evidence: Evidence) -> list[Classification]:
    """A verdict on each of these hits of one message, in their order.

    The order of hits changes nothing. A hit's verdict can be changed by any hit within WINDOW_US of it, so `hits` must
    hold everything within WINDOW_US of those whose classification is used.
    """
    extractor = FeatureExtractor(hits, evidence)
    hit_features = [extractor.extract(hit) for hit in hits]
    _propagate_sweeps(hit_features)
    known: KnownCodes = {}
    first = [_classify_hit(features, known) for features in hit_features]
    if len(first) == 1:
        return first
    _propagate_owners(hit_features, first)
    return [
        _classify_hit(features, known) if features.owner_swept else classification
        for features, classification in zip(hit_features, first, strict=True)
    ]


def _propagate_sweeps(hit_features: Sequence[HitFeatures]) -> None:
    """Set for each hit whether its very client, at about its time, ran through the links."""
    sweep_times: dict[tuple[str | None, str | None], list[int]] = {}
    for features in hit_features:
        hit = features.hit
        if hit.ip and hit.kind == CLICK and not features.is_isolated and is_machine_run(features):
            sweep_times.setdefault((hit.ip, hit.user_agent), []).append(hit.at)
    if not sweep_times:
        return
    for features in hit_features:
        hit = features.hit
        times = sweep_times.get((hit.ip, hit.user_agent), ())
        is_beside = any(abs(at - hit.at) <= RUN_REACH_US for at in times)
        features.client_swept = is_beside and not is_machine_run(features)


def _propagate_owners(hit_features: Sequence[HitFeatures], classifications: Sequence[Classification]) -> None:
    """Set for each hit whether its network's owner sent machines to other links at about its time."""
    machine_hits: dict[str, list[Hit]] = {}
    for features, classification in zip(hit_features, classifications, strict=True):
        owner = network_owner(features.hit)
        if owner and features.hit.kind == CLICK and classification.verdict_without_reputation == "machine":
            machine_hits.setdefault(owner, []).append(features.hit)
    if not machine_hits:
        return
    for features in hit_features:
        if features.hit.kind == CLICK:
            others = machine_hits.get(network_owner(features.hit) or "", ())
            features.owner_swept = any(_is_of_same_sweep(features.hit, other) for other in others)


def _is_of_same_sweep(hit: Hit, other: Hit) -> bool:
    return (
        abs(hit.at - other.at) <= RUN_REACH_US
        and hit.position != other.position
        and hit_source(hit) != hit_source(other)
    )


def sum_weights(codes: Sequence[str]) -> float | None:
    """What these reasons of a click add up to; None where one of them is decisive."""
    rules = [RULES_BY_CODE[code] for code in codes]
    return None if any(rule.verdict for rule in rules) else _sum_weights(rules, CLICK)


def _classify_hit(features: HitFeatures, known: KnownCodes) -> Classification:
    """The verdict by the reference, so that it does not change with what is learned of the base rate; its confidence
    by the base rate here.
    """
    hit, evidence = features.hit, features.evidence
    links = evidence.link_count
    if links is None and features.link_count >= MAX_CURVE_LINKS:  # as far as its positions tell
        links = features.link_count
    result = _assess(matching_codes(features, known), hit.kind, min(links or 0, MAX_CURVE_LINKS))
    if result.reference is None:
        return Classification(
            hit.id, result.verdict, result.confidence, result.codes, result.verdict, result.confidence
        )
    machine = result.reference
    if evidence.base_rate is not None and hit.kind == CLICK:
        machine = shift_base_rate(machine, evidence.base_rate)
    confidence = {"machine": machine, "human": 1 - machine}.get(result.verdict, max(machine, 1 - machine))
    return Classification(
        hit.id, result.verdict, round(confidence, 3), result.codes, result.without_reputation, machine, result.reference
    )


@dataclass(frozen=True, slots=True)
class _Assessment:
    """What a set of rules amounts to; `reference` is None where one of them is decisive."""

    codes: tuple[str, ...]
    verdict: Verdict
    without_reputation: Verdict
    confidence: float = 0.0
    reference: float | None = None


@lru_cache(ASSESSMENT_CACHE_SIZE)
def _assess(codes: tuple[str, ...], kind: str, link_count: int) -> _Assessment:
    """The same rules apply to very many hits."""
    applying = [rule for rule in RULES if rule.code in codes]
    decisive = next((rule for rule in applying if rule.verdict), None)
    if decisive and decisive.verdict:
        applying.remove(decisive)
        sorted_codes = tuple(rule.code for rule in (decisive, *_by_weight(applying)))
        return _Assessment(sorted_codes, decisive.verdict, decisive.verdict, decisive.confidence)
    rules = _by_weight(applying)
    reference = _reference_probability(rules, kind, link_count)
    verdict = _apply_thresholds(reference, rules, kind)
    others = [rule for rule in rules if not rule.uses_reputation]
    without = verdict
    if len(others) < len(rules):
        without = _apply_thresholds(_reference_probability(others, kind, link_count), others, kind)
    return _Assessment(tuple(rule.code for rule in rules), verdict, without, reference=reference)


def _reference_probability(rules: Sequence[Rule], kind: str, link_count: int) -> float:
    log_odds = _sum_weights(rules, kind)
    return calibrate(log_odds, link_count=link_count) if kind == CLICK else logistic(log_odds)  # opens: not measured


def _by_weight(rules: Sequence[Rule]) -> tuple[Rule, ...]:
    return tuple(sorted(rules, key=lambda rule: (-abs(rule.weight), rule.code)))


def _sum_weights(rules: Sequence[Rule], kind: str) -> float:
    total = prior_weight(kind) + sum(rule.weight for rule in rules)
    return total if any(rule.strong for rule in rules) else min(total, WEAK_EVIDENCE_CAP)


def _is_corroborated(rules: Sequence[Rule]) -> bool:
    """Whether a rule that is beyond people speaks for a machine, or two that are hardly theirs and go by different
    things.
    """
    if any(rule.sufficient for rule in rules):
        return True
    return any(rule.strong for rule in rules) and len({rule.hint for rule in rules if rule.hint}) >= 2


def _apply_thresholds(reference: float, rules: Sequence[Rule], kind: str) -> Verdict:
    if reference >= MACHINE_THRESHOLD and _is_corroborated(rules):
        return "machine"
    threshold = HUMAN_THRESHOLD if kind == CLICK else OPEN_HUMAN_THRESHOLD
    return "human" if reference <= threshold else "unsure"
