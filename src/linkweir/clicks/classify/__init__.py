"""Classifies who followed a link: a person, a browser that fetches ahead, a machine, the sender's own people, or
unsure. Pure.

    classifications = classify_hits(hits_of_one_message, Evidence(delivered_at=...))

When hits arrive, the verdicts of earlier ones within WINDOW_US can change. The rules are the table in `rules.py`.
"""

from linkweir.clicks.classify.classification import (
    CLICK,
    HONEYPOT,
    OPEN,
    SPREAD_US,
    Classification,
    Evidence,
    Hit,
    HitId,
    InternalOrigin,
    Reputation,
    Verdict,
)
from linkweir.clicks.classify.rules import RULES, VERDICT_REASONS, Rule
from linkweir.clicks.classify.scoring import WINDOW_US, classify_hits

__all__ = [
    "CLICK",
    "HONEYPOT",
    "OPEN",
    "RULES",
    "SPREAD_US",
    "VERDICT_REASONS",
    "WINDOW_US",
    "Classification",
    "Evidence",
    "Hit",
    "HitId",
    "InternalOrigin",
    "Reputation",
    "Rule",
    "Verdict",
    "classify_hits",
]
