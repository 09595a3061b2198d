"""Adds up what the rules say of each hit of a message."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from linkweir.clicks.classify.calibration import MAX_CURVE_LINKS, calibrate, logistic, shift_base_rate
from linkweir.clicks.classify.classification import CLICK, Classification, Evidence, Hit, Verdict
from linkweir.clicks.classify.click_runs import DRIP_REACH_US, RUN_REACH_US
from linkweir.clicks.classify.features import FeatureExtractor, hit_source, network_owner
from linkweir.clicks.classify.rule_matching import RuleMatch, match_rules
from linkweir.clicks.classify.rules import RULES, Rule, prior_weight

# microseconds: what lies further apart says nothing about each other
WINDOW_US = max(2 * RUN_REACH_US, DRIP_REACH_US)
# From this probability on a hit is a machine's, if anything strong speaks for it. Mails with one or two links show less
# of who follows them, and are those that people wait for.
MACHINE_THRESHOLD, FEW_LINKS_MACHINE_THRESHOLD = 0.87, 0.91
FEW_LINKS = (1, 2)
HUMAN_THRESHOLD = 0.45  # and up to this one a person's
OPEN_HUMAN_THRESHOLD = 0.35  # of opens, whose probabilities nothing was measured for
WEAK_EVIDENCE_CAP = 1.9  # the most that what is not strong adds up to, together with the prior
ASSESSMENT_CACHE_SIZE = 8192  # sets of rules with the sizes of mails that they applied to
_shift_base_rate = lru_cache(ASSESSMENT_CACHE_SIZE)(shift_base_rate)  # what was assessed, by few base rates
RULES_BY_CODE = {rule.code: rule for rule in RULES}


def classify_hits(hits: Sequence[Hit], evidence: Evidence) -> list[Classification]:
    """A verdict on each of these hits of one message, in their order.

    The order of hits changes nothing. A hit's verdict can be changed by any hit within WINDOW_US of it, so `hits` must
    hold everything within WINDOW_US of those whose classification is used.
    """
    extractor = FeatureExtractor(hits, evidence)
    matches = [match_rules(extractor, hit, evidence) for hit in hits]
    swept = _find_swept_clients(hits, matches) if len(hits) > 1 else set()
    for index in swept:
        matches[index] = match_rules(extractor, hits[index], evidence, client_swept=True)
    assessments = [_assess_match(hit, evidence, match) for hit, match in zip(hits, matches, strict=True)]
    if len(hits) > 1:
        for index in _find_swept_owners(hits, assessments):
            hit = hits[index]
            match = match_rules(extractor, hit, evidence, client_swept=index in swept, owner_swept=True)
            assessments[index] = _assess_match(hit, evidence, match)
    return [_classify_hit(hit, evidence, result) for hit, result in zip(hits, assessments, strict=True)]


def _find_swept_clients(hits: Sequence[Hit], matches: Sequence[RuleMatch]) -> set[int]:
    """The clicks whose very client, at about their time, ran through the links, as they do not show themselves."""
    sweep_times: dict[tuple[str | None, str | None], list[int]] = {}
    for hit, match in zip(hits, matches, strict=True):
        if match.is_machine_run and hit.ip:
            sweep_times.setdefault((hit.ip, hit.user_agent), []).append(hit.at)
    if not sweep_times:
        return set()
    return {
        index
        for index, (hit, match) in enumerate(zip(hits, matches, strict=True))
        if hit.kind == CLICK
        and not hit.internal
        and not match.is_machine_run
        and any(abs(at - hit.at) <= RUN_REACH_US for at in sweep_times.get((hit.ip, hit.user_agent), ()))
    }


def _find_swept_owners(hits: Sequence[Hit], assessments: Sequence["_Assessment"]) -> list[int]:
    """The clicks whose network's owner sent machines to other links at about their time."""
    machine_hits: dict[str, dict[str, list[Hit]]] = {}  # by owner and source
    for hit, assessment in zip(hits, assessments, strict=True):
        if hit.kind == CLICK and assessment.without_reputation == "machine" and (owner := network_owner(hit)):
            machine_hits.setdefault(owner, {}).setdefault(hit_source(hit), []).append(hit)
    if not machine_hits:
        return []
    return [
        index
        for index, hit in enumerate(hits)
        if hit.kind == CLICK
        and not hit.internal
        and (by_source := machine_hits.get(network_owner(hit) or ""))
        and _is_of_same_sweep(hit, by_source)
    ]


def _is_of_same_sweep(hit: Hit, by_source: Mapping[str, Sequence[Hit]]) -> bool:
    own = hit_source(hit)
    return any(
        abs(hit.at - other.at) <= RUN_REACH_US and hit.position != other.position
        for source, others in by_source.items()
        if source != own
        for other in others
    )


def sum_weights(codes: Sequence[str]) -> float | None:
    """What these reasons of a click add up to; None where one of them is decisive."""
    rules = [RULES_BY_CODE[code] for code in codes]
    return None if any(rule.verdict for rule in rules) else _sum_weights(rules, CLICK)


def _assess_match(hit: Hit, evidence: Evidence, match: RuleMatch) -> "_Assessment":
    links = evidence.link_count
    if links is None and match.link_count >= MAX_CURVE_LINKS:  # as far as its positions tell
        links = match.link_count
    return _assess(match.codes, hit.kind, min(links or 0, MAX_CURVE_LINKS))


def _classify_hit(hit: Hit, evidence: Evidence, result: "_Assessment") -> Classification:
    """The verdict by the reference, so that it does not change with what is learned of the base rate; its confidence
    by the base rate here.
    """
    if result.reference is None:
        return Classification(
            hit.id, result.verdict, result.confidence, result.codes, result.verdict, result.confidence
        )
    machine = result.reference
    if evidence.base_rate is not None and hit.kind == CLICK:
        machine = _shift_base_rate(machine, evidence.base_rate)
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
    verdict = _apply_thresholds(reference, rules, kind, link_count)
    others = [rule for rule in rules if not rule.uses_reputation]
    without = verdict
    if len(others) < len(rules):
        without = _apply_thresholds(_reference_probability(others, kind, link_count), others, kind, link_count)
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


def _apply_thresholds(reference: float, rules: Sequence[Rule], kind: str, link_count: int) -> Verdict:
    machine_threshold = FEW_LINKS_MACHINE_THRESHOLD if link_count in FEW_LINKS else MACHINE_THRESHOLD
    if reference >= machine_threshold and _is_corroborated(rules):
        return "machine"
    threshold = HUMAN_THRESHOLD if kind == CLICK else OPEN_HUMAN_THRESHOLD
    return "human" if reference <= threshold else "unsure"
