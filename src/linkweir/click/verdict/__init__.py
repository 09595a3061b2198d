"""Who followed a link: a person, a browser that fetches ahead, a machine, or unsure. Pure, from hits to judgements.

    judgements = judge(hits_of_one_message, Context(delivered_at=...))

When hits arrive, the verdicts of earlier ones can change: `affected` says which, and which hits to judge them with.
The rules are the table in `rules.py`.
"""

from linkweir.click.verdict.hit import CLICK, HONEYPOT, OPEN, SPREAD, Context, Hit, Judgement, Record, Verdict
from linkweir.click.verdict.judging import WINDOW, Weighed, judge, weigh
from linkweir.click.verdict.rules import REASONS, RULES, Rule

__all__ = [
    "CLICK",
    "HONEYPOT",
    "OPEN",
    "REASONS",
    "RULES",
    "SPREAD",
    "WINDOW",
    "Context",
    "Hit",
    "Judgement",
    "Record",
    "Rule",
    "Verdict",
    "Weighed",
    "affected",
    "judge",
    "weigh",
]


def affected(first_at: int, last_at: int) -> tuple[tuple[int, int], tuple[int, int]]:
    """For new hits from `first_at` to `last_at`: the times between which hits have to be loaded, and those between
    which verdicts may have changed. What is loaded beyond the second pair is there to be looked at only.
    """
    return (first_at - 2 * WINDOW, last_at + 2 * WINDOW), (first_at - WINDOW, last_at + WINDOW)
