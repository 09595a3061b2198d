"""How a stored click's verdict comes about: the click among its neighbours, judged once more, rule by rule.

Reads and changes nothing. What is said now can differ from what is stored: hits may have come since, and lists of
networks and user agents may have changed.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, RowMapping

from linkweir.click.enrich import Enricher
from linkweir.click.records import DAYS, Records
from linkweir.click.verdict import RULES, SPREAD, WINDOW, Context, Hit, Judgement, Record, Verdict, Weighed, weigh
from linkweir.store import neighbours

BY_ITSELF = {rule.code for rule in RULES if (rule.strong or rule.verdict) and not rule.remembered}  # of a machine


@dataclass(frozen=True, slots=True)
class Explained:
    """A click's row, and the hits around it, each with its row and what the rules say now; `weighed` is the click's,
    and `record` what its program did with other messages.
    """

    click: RowMapping
    weighed: Weighed
    around: Sequence[tuple[RowMapping, Weighed]]
    context: Context
    record: Record | None


def explain(connection: Connection, click: uuid.UUID, enricher: Enricher) -> Explained | None:
    """The explanation of this click; None when it is not stored."""
    row = neighbours.one(connection, click)
    if row is None:
        return None
    rows = neighbours.around(connection, row, 2 * WINDOW)  # twice, so that those who can change it are judged in full
    hits = [hit_of(one, enricher) for one in rows]
    records = _records(connection, row, hits)
    links, spread = row["tracked_links"], _spread(connection, row)
    context = Context(delivered_at=row["delivered_at"], links=links, spread=spread, records=records)
    found = dict(zip((one["id"] for one in rows), weigh(hits, context), strict=True))
    near = [(one, found[one["id"]]) for one in rows if abs(one["at"] - row["at"]) <= WINDOW]
    return Explained(row, found[click], near, context, records.get(click))


def hit_of(row: RowMapping, enricher: Enricher) -> Hit:
    """A stored click as the rules see it."""
    return Hit(
        id=row["id"],
        at=row["at"],
        method=row["method"],
        position=row["position"],
        kind=row["kind"],
        ip=row["ip"],
        user_agent=row["user_agent"],
        prefetch=row["prefetch"],
        signals=tuple(row["signals"].split()),
        client=row["client"],
        device=row["device"],
        network=row["network"],
        network_certain=enricher.is_certain(row["network"], row["ip"]),
        user_agent_class=enricher.user_agent_class(row["user_agent"]),
    )


def _spread(connection: Connection, row: RowMapping) -> dict[str, int]:
    if not row["ip"] or row["account_id"] is None:
        return {}
    first, last = row["at"] - SPREAD, row["at"] + SPREAD
    return {row["ip"]: neighbours.recipients_of(connection, row["account_id"], row["ip"], first, last)}


def _records(connection: Connection, row: RowMapping, hits: Sequence[Hit]) -> Mapping[uuid.UUID, Record]:
    """What the programs of these hits did with other messages of the account before, from what is stored of that; the
    service itself remembers it from all accounts, and since its start.
    """
    agents = {hit.user_agent for hit in hits if hit.ip and hit.user_agent}
    if row["account_id"] is None or not agents:
        return {}
    records = Records()
    for one in neighbours.earlier(connection, row["account_id"], agents, row["at"] - DAYS, row["at"]):
        key, signals = one["id"], tuple(one["signals"].split())
        hit = Hit(id=key, at=one["at"], ip=one["ip"], user_agent=one["user_agent"], signals=signals)
        judgement = Judgement(key, one["verdict"], 0.0, (), _alone(one["verdict"], one["reasons"]))
        records.learn(hit, judgement, one["message_id"] or one["message_ref"])
    return records.of(hits, row["message_id"] or row["message_ref"])


def _alone(verdict: Verdict, reasons: str) -> Verdict:
    """The verdict that was stored, or unsure where it was passed for the program's record only."""
    return verdict if verdict != "machine" or BY_ITSELF & set(reasons.split()) else "unsure"
