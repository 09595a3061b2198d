"""How a stored click's verdict comes about: the click among its neighbours, judged once more, rule by rule.

Reads and changes nothing. What is said now can differ from what is stored: hits may have come since, and lists of
networks and user agents may have changed.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, RowMapping

from linkweir.click.enrich import Enricher
from linkweir.click.verdict import SPREAD, WINDOW, Context, Hit, Weighed, weigh
from linkweir.store import neighbours


@dataclass(frozen=True, slots=True)
class Explained:
    """A click's row, and the hits around it, each with its row and what the rules say now; `weighed` is the click's."""

    click: RowMapping
    weighed: Weighed
    around: Sequence[tuple[RowMapping, Weighed]]
    context: Context


def explain(connection: Connection, click: uuid.UUID, enricher: Enricher) -> Explained | None:
    """The explanation of this click; None when it is not stored."""
    row = neighbours.one(connection, click)
    if row is None:
        return None
    rows = neighbours.around(connection, row, 2 * WINDOW)  # twice, so that those who can change it are judged in full
    context = Context(delivered_at=row["delivered_at"], spread=_spread(connection, row))
    found = dict(zip((one["id"] for one in rows), weigh([hit_of(one, enricher) for one in rows], context), strict=True))
    near = [(one, found[one["id"]]) for one in rows if abs(one["at"] - row["at"]) <= WINDOW]
    return Explained(row, found[click], near, context)


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
