"""Which rules apply to a hit: matched once for all hits that look alike to the rules.

Hits look alike when their requests do (`_RequestShape`), and what is known and what surrounds them is between the same
bounds: those here and `AGE_BOUNDS_SECONDS`, `PAUSE_BOUNDS_SECONDS` and `VARIATION_BOUNDS` are all that rules compare
numbers with, and `RECORD_TESTS` all that they ask of records.
"""

from bisect import bisect_right
from collections.abc import Hashable
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from linkweir._clicks import RuleBounds
from linkweir.clicks.classify.classification import CLICK, HONEYPOT, OPEN, Evidence, Hit
from linkweir.clicks.classify.features import CLICK_CHECK_US, FeatureExtractor, HitFeatures
from linkweir.clicks.classify.record_conditions import describe_record
from linkweir.clicks.classify.rule_conditions import (
    AGE_BOUNDS_SECONDS,
    PAUSE_BOUNDS_SECONDS,
    SPREAD_BOUNDS,
    VARIATION_BOUNDS,
    is_machine_run,
)
from linkweir.clicks.classify.rules import OPEN_RULES, RULES, Rule

# What these look at is missing from most hits of people, and then they need not be asked.
_NEED_NEIGHBOURS = frozenset(
    ("burst", "burst-pair", "quick-pair", "quick-run", "rapid", "sweep", "slow-sweep", "most-links", "even-pace",
     "scattered-sweep", "shared-sweep", "beside-sweep", "head-beside", "drip", "slow-drip", "spray",
     "plain-sweep", "plain-echo", "beside-owner", "click-check", "echo", "read-between", "same-again",
     "half-of-many", "in-order-early", "several-networks", "quick-reading", "later-reading")
)  # fmt: skip
INTERNAL_RULES = frozenset(("internal-network", "internal-recipient"))  # nothing else is asked of internal hits
_NEED_HISTORY = frozenset(
    ("known-fleet", "known-scanner", "long-known-scanner", "known-readers", "readers-around", "new-in-fleet",
     "known-reader")
)  # fmt: skip
_REQUEST_BASES = ("headers", "user agent", "method", "network")  # what one request says by itself
REQUEST_CACHE_SIZE = 4096
MAX_KNOWN_MATCHES = 65_536  # kinds of hits that are remembered
_BOUNDS = RuleBounds(
    ages=AGE_BOUNDS_SECONDS, pauses=PAUSE_BOUNDS_SECONDS, variations=VARIATION_BOUNDS, click_check=CLICK_CHECK_US
)


@dataclass(frozen=True, slots=True)
class RuleMatch:
    """The codes of the rules that apply to a hit, those that look at its request alone first.

    `link_count`: how many links its mail has at least. `is_machine_run`: links were run through as no person does it.
    """

    codes: tuple[str, ...]
    link_count: int = 1
    is_machine_run: bool = False


_known_matches: dict[Hashable, RuleMatch] = {}


def match_rules(
    extractor: FeatureExtractor,
    hit: Hit,
    evidence: Evidence,
    *,
    client_swept: bool = False,
    owner_swept: bool = False,
) -> RuleMatch:
    """The rules that apply to a hit of the extractor's message, by a look-up where an alike hit was seen before.

    `client_swept`, `owner_swept`: see HitFeatures.
    """
    context = extractor.context_key(hit, _BOUNDS)
    if context is None:
        return RuleMatch(matching_codes(HitFeatures(hit, evidence)))
    key = (
        context,
        client_swept,
        owner_swept,
        hit.client,
        hit.method,
        hit.prefetch,
        hit.signals,
        hit.user_agent_class,
        hit.device,
        hit.network,
        hit.network_certain,
        evidence.common_signals,
        evidence.link_count,
        bisect_right(SPREAD_BOUNDS, evidence.recipients_per_ip.get(hit.ip, 0)) if hit.ip else 0,
        describe_record(evidence.reputations.get(hit.id)),
        describe_record(evidence.fleets.get(hit.id)),
    )
    match = _known_matches.get(key)
    if match is None:
        if len(_known_matches) >= MAX_KNOWN_MATCHES:
            _known_matches.clear()
        features = extractor.extract(hit)
        features.client_swept, features.owner_swept = client_swept, owner_swept
        match = RuleMatch(matching_codes(features), features.link_count, is_machine_run(features))
        _known_matches[key] = match
    return match


def matching_codes(features: HitFeatures) -> tuple[str, ...]:
    """The codes of the rules that apply to a hit with these features."""
    hit = features.hit
    if hit.internal:
        return _match_context(features)
    shape = _RequestShape(
        hit.kind,
        hit.method,
        hit.prefetch,
        hit.signals,
        features.evidence.common_signals,
        hit.user_agent_class,
        hit.device,
        hit.network,
        hit.network_certain,
    )
    return _match_request(shape) + _match_context(features)


def _match_context(features: HitFeatures) -> tuple[str, ...]:
    return tuple([rule.code for rule in _list_rules_for(features) if rule.matches(features)])


class _RequestShape(NamedTuple):
    """What one request says by itself, and which signals say nothing here."""

    kind: str
    method: str
    prefetch: bool
    signals: tuple[str, ...]
    common_signals: frozenset[str]
    user_agent_class: str | None
    device: str | None
    network: str | None
    network_certain: bool


@lru_cache(REQUEST_CACHE_SIZE)
def _match_request(shape: _RequestShape) -> tuple[str, ...]:
    """The codes of the rules that apply to each request of this shape: few shapes make up most clicks."""
    hit = Hit(
        id=0,
        at=0,
        kind=shape.kind,
        method=shape.method,
        prefetch=shape.prefetch,
        signals=shape.signals,
        user_agent_class=shape.user_agent_class,
        device=shape.device,
        network=shape.network,
        network_certain=shape.network_certain,
    )
    features = HitFeatures(hit, Evidence(common_signals=shape.common_signals))
    return tuple(rule.code for rule in _RULES_BY_KIND[shape.kind] if _is_of_request(rule) and rule.matches(features))


def _is_of_request(rule: Rule) -> bool:
    return rule.basis in _REQUEST_BASES or rule.code == "prefetch"


def _list_rules_for(features: HitFeatures) -> tuple[Rule, ...]:
    """The rules that can apply to this hit and look at more than its request."""
    if features.hit.internal:
        return _INTERNAL
    history = features.reputation is not None or features.fleet is not None
    return _select_rules(features.hit.kind, features.has_neighbours, history)


@lru_cache
def _select_rules(kind: str, neighbours: bool, history: bool) -> tuple[Rule, ...]:
    left_out = frozenset() if neighbours else _NEED_NEIGHBOURS
    left_out |= frozenset() if history else _NEED_HISTORY
    return tuple(rule for rule in _RULES_BY_KIND[kind] if rule.code not in left_out and not _is_of_request(rule))


_INTERNAL = tuple(rule for rule in RULES if rule.code in INTERNAL_RULES)
_RULES_BY_KIND = {
    CLICK: tuple(rule for rule in RULES if rule.code not in INTERNAL_RULES),
    HONEYPOT: tuple(rule for rule in RULES if rule.code in ("head", "honeypot")),
    OPEN: tuple(rule for rule in RULES if rule.code in OPEN_RULES),
}
