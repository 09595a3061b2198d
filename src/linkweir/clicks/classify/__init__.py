"""Who followed a link: a person, a browser that fetches ahead, a machine, or unsure. Pure, from hits to judgements.

    judgements = judge(hits_of_one_message, Context(delivered_at=...))

When hits arrive, the verdicts of earlier ones can change: `affected` says which, and which hits to judge them with.
The rules are the table in `rules.py`.
"""

from linkweir.clicks.classify.classification import (
    CLICK,
    HONEYPOT,
    OPEN,
    SPREAD_US,
    Classification,
    Evidence,
    Hit,
    Reputation,
    Verdict,
)
from linkweir.clicks.classify.rules import RULES, VERDICT_REASONS, Rule
from linkweir.clicks.classify.scoring import WINDOW_US, ScoredHit, classify_hits, score_hits

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
    "Reputation",
    "Rule",
    "ScoredHit",
    "Verdict",
    "affected_windows",
    "classify_hits",
    "score_hits",
]


def affected_windows(first_at: int, last_at: int) -> tuple[tuple[int, int], tuple[int, int]]:
    """For new hits from `first_at` to `last_at`: the times between which hits have to be loaded, and those between
    which verdicts may have changed. What is loaded beyond the second pair is there to be looked at only.
    """
    return (first_at - 2 * WINDOW_US, last_at + 2 * WINDOW_US), (first_at - WINDOW_US, last_at + WINDOW_US)
