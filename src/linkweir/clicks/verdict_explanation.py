"""How a stored click's verdict comes about: the click among its neighbours, judged once more, rule by rule.

Reads and changes nothing. What is said now can differ from what is stored: hits may have come since, and lists of
networks and user agents may have changed.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection, RowMapping

from linkweir.clicks.classify import (
    RULES,
    SPREAD_US,
    WINDOW_US,
    Classification,
    Evidence,
    Hit,
    Reputation,
    Rule,
    Verdict,
    classify_hits,
)
from linkweir.clicks.classify.reputation import HISTORY_US
from linkweir.clicks.classify.traffic_history import TrafficHistory
from linkweir.clicks.enrichment import Enricher
from linkweir.clicks.ingest.click import Click
from linkweir.db import click_neighbourhood

RULE_BY_CODE = {rule.code: rule for rule in RULES}
SUFFICIENT_RULES = {
    rule.code for rule in RULES if (rule.strong or rule.verdict) and not rule.uses_reputation
}  # of a machine


@dataclass(frozen=True, slots=True)
class VerdictExplanation:
    """A click's row, its classification as of now with the rules that apply, and the hits around it, each with its row
    and classification. `reputation`: what its client did with other messages.
    """

    click: RowMapping
    classification: Classification
    rules: Sequence[Rule]
    neighbours: Sequence[tuple[RowMapping, Classification]]
    evidence: Evidence
    reputation: Reputation | None


def explain_verdict(connection: Connection, click: uuid.UUID, enricher: Enricher) -> VerdictExplanation | None:
    """The explanation of this click; None when it is not stored."""
    row = click_neighbourhood.get_click(connection, click)
    if row is None:
        return None
    rows = click_neighbourhood.list_around(
        connection, row, 2 * WINDOW_US
    )  # twice, so that those who can change it are judged in full
    hits = [Click.from_row(neighbour).to_hit(enricher) for neighbour in rows]
    history = _load_history(connection, row, hits)
    known = history.evidence_for(
        hits,
        row["message_id"] or row["message_ref"],
        delivered_at=row["delivered_at"],
        link_count=row["tracked_links"],
    )
    context = replace(known, recipients_per_ip=_recipients_per_ip(connection, row))
    classifications = dict(zip((neighbour["id"] for neighbour in rows), classify_hits(hits, context), strict=True))
    neighbours = [
        (neighbour, classifications[neighbour["id"]])
        for neighbour in rows
        if abs(neighbour["at"] - row["at"]) <= WINDOW_US
    ]
    rules = [RULE_BY_CODE[code] for code in classifications[click].reasons]
    record = context.reputations.get(click.int)
    return VerdictExplanation(row, classifications[click], rules, neighbours, context, record)


def _recipients_per_ip(connection: Connection, row: RowMapping) -> dict[str, int]:
    if not row["ip"] or row["account_id"] is None:
        return {}
    first, last = row["at"] - SPREAD_US, row["at"] + SPREAD_US
    return {
        row["ip"]: click_neighbourhood.count_recipients_of_ip(connection, row["account_id"], row["ip"], first, last)
    }


def _load_history(connection: Connection, row: RowMapping, hits: Sequence[Hit]) -> TrafficHistory:
    """What the programs of these hits did with other messages of the account before, from what is stored of that; the
    service itself remembers it from all accounts and programs, and since its start.
    """
    history = TrafficHistory()
    agents = {hit.user_agent for hit in hits if hit.ip and hit.user_agent}
    if row["account_id"] is None or not agents:
        return history
    for click in click_neighbourhood.list_earlier_clicks(
        connection, row["account_id"], agents, row["at"] - HISTORY_US, row["at"]
    ):
        key, signals = click["id"], tuple(click["signals"].split())
        hit = Hit(
            id=key,
            at=click["at"],
            ip=click["ip"],
            user_agent=click["user_agent"],
            signals=signals,
            network=click["network"],
            device=click["device"],
        )
        judgement = Classification(
            key, click["verdict"], 0.0, (), _verdict_without_reputation(click["verdict"], click["reasons"])
        )
        history.observe_verdict(hit, judgement, click["message_id"] or click["message_ref"])
    return history


def _verdict_without_reputation(verdict: Verdict, reasons: str) -> Verdict:
    """The verdict that was stored, or unsure where it was passed for the program's record only."""
    return verdict if verdict != "machine" or SUFFICIENT_RULES & set(reasons.split()) else "unsure"
