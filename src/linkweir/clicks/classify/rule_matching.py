"""Which rules apply to a hit: those that look at its request alone are matched once for each shape of request."""

from bisect import bisect_right
from collections.abc import Hashable
from dataclasses import fields
from functools import lru_cache
from operator import attrgetter
from typing import NamedTuple

from linkweir.clicks.classify.classification import CLICK, HONEYPOT, OPEN, Evidence, Hit, Reputation
from linkweir.clicks.classify.click_runs import ClickRun
from linkweir.clicks.classify.features import HitFeatures
from linkweir.clicks.classify.rule_conditions import AGE_BOUNDS_SECONDS, LONG_HISTORY_US, SPREAD_BOUNDS
from linkweir.clicks.classify.rules import OPEN_RULES, RULES, Rule

# What these look at is missing from most hits of people, and then they need not be asked.
_NEED_NEIGHBOURS = frozenset(
    ("burst", "burst-pair", "quick-pair", "quick-run", "rapid", "sweep", "slow-sweep", "most-links", "even-pace",
     "scattered-sweep", "shared-sweep", "beside-sweep", "head-beside", "drip", "slow-drip", "spray",
     "plain-sweep", "plain-echo", "beside-owner", "click-check", "echo", "read-between", "same-again")
)  # fmt: skip
INTERNAL_RULES = frozenset(("internal-network", "internal-recipient"))  # nothing else is asked of internal hits
_NEED_HISTORY = frozenset(("known-fleet", "known-scanner", "long-known-scanner", "known-readers", "readers-around"))
_REQUEST_BASES = ("headers", "user agent", "method", "network")  # what one request says by itself
REQUEST_CACHE_SIZE = 4096
RuleCodes = tuple[str, ...]
KnownCodes = dict[Hashable, RuleCodes]  # by what the rules look at
_isolated_codes: KnownCodes = {}  # of hits by themselves, which are told apart by little
_RUN_FIELDS = tuple(field.name for field in fields(HitFeatures) if field.type is ClickRun)
_KEYED_APART = {"hit", "evidence", "links_in_window", "reputation", "fleet", *_RUN_FIELDS}
_get_runs = attrgetter(*_RUN_FIELDS)
_get_others = attrgetter(*(field.name for field in fields(HitFeatures) if field.name not in _KEYED_APART))


def matching_codes(features: HitFeatures, known: KnownCodes | None = None) -> RuleCodes:
    """The codes of the rules that apply to this hit: those that look at its request alone come first.

    `known`: those of the other hits of its message, for most hits of a run look alike to the rules.
    """
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
    if features.is_isolated:
        known = _isolated_codes
    if hit.kind != CLICK or known is None:
        return _match_request(shape) + _match_context(features)
    key = _rules_key(features, shape)
    codes = known.get(key)
    if codes is None:
        if len(known) >= REQUEST_CACHE_SIZE:
            known.clear()
        codes = known[key] = _match_request(shape) + _match_context(features)
    return codes


def _rules_key(features: HitFeatures, shape: "_RequestShape") -> Hashable:
    """All that the rules look at: hits with the same key match the same rules. Runs stand for themselves, and only
    while their message is judged.
    """
    evidence, age = features.evidence, features.age_seconds
    return (
        shape,
        features.hit.client,
        evidence.link_count,
        None if age is None else bisect_right(AGE_BOUNDS_SECONDS, age),
        bisect_right(SPREAD_BOUNDS, features.recipients_on_ip),
        _record_key(features.reputation),
        _record_key(features.fleet),
        _get_others(features),
        None
        if features.is_isolated
        else (*features.links_in_window.values(), *[id(run) for run in _get_runs(features)]),
    )


def _record_key(record: Reputation | None) -> Hashable:
    return record and (record.machine_messages, record.human_messages, record.age_us >= LONG_HISTORY_US)


def _match_context(features: HitFeatures) -> RuleCodes:
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
