"""Clicks counted along time or along one thing that is known of them; from sums, never from single clicks.

`human`, `unsure`, `machine` and `prefetch` are clicks by verdict and `total` is all of them. `click_count` is those
that count, human and unsure: what the contract calls by that name. `clickers` are messages whose first counted click
(on that value) fell into the time asked for, so that periods add up.
"""

import itertools
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from linkweir.errors import BadInput, NotSupported
from linkweir.report.periods import GROUPS, Group, periods
from linkweir.store import totals
from linkweir.store.sums import ATTRIBUTE, OWN, SHARED
from linkweir.store.totals import Span

DIMENSIONS: Final = (*OWN, *SHARED)
MOST: Final = 1000  # periods in one answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Which clicks, from hour `first` to before hour `last`, and how to group them. Both filters together go with
    groups of time only.
    """

    account: uuid.UUID
    group: str
    first: int
    last: int
    zone: ZoneInfo
    tag: str | None = None
    sender_domain: str | None = None
    limit: int = 100

    @property
    def span(self) -> Span:
        """What is read of the sums."""
        scope = f"sender:{self.sender_domain}" if self.sender_domain else ""
        return Span(self.account, f"tag:{self.tag}" if self.tag else scope, self.first, self.last)


@dataclass(frozen=True, slots=True)
class Answer:
    """Rows in order, and whether there are more values than were asked for."""

    rows: list[dict[str, Any]]
    more: bool = False


def answer(connection: Connection, question: Question) -> Answer:
    """The sums asked for. Raises BadInput."""
    if question.group in GROUPS:
        return Answer(_by_time(connection, question))
    if question.tag and question.sender_domain:
        raise NotSupported("sender_domain", "together with tag goes with groups of time only")
    if question.group not in DIMENSIONS and not question.group.startswith(ATTRIBUTE):
        raise BadInput("group_by", "must be one of " + ", ".join((*GROUPS, *DIMENSIONS, "attribute:<name>")))
    return _by_value(connection, question)


def _by_time(connection: Connection, question: Question) -> list[dict[str, Any]]:
    group: Group = question.group  # type: ignore[assignment]  # one of GROUPS, as its caller has seen
    found = list(itertools.islice(periods(question.first, question.last, group, question.zone), MOST + 1))
    if len(found) > MOST:
        raise BadInput("group_by", f"makes more than {MOST} periods of this time: choose longer ones")
    both = question.tag and question.sender_domain
    side = ("sender_domain", question.sender_domain or "") if both else ("", "")
    sums = totals.by_period(connection, question.span, found, *side)
    return [
        {"first": first, "last": last, **counted(dict(zip(totals.COUNTS, row, strict=True)))}
        for (first, last), row in zip(found, sums, strict=True)
    ]


def _by_value(connection: Connection, question: Question) -> Answer:
    span = question.span
    found = totals.by_value(connection, span, question.group, question.limit + 1)
    some = found[: question.limit]
    rows = [{**_named(question.group, row.value), **counted(row._mapping)} for row in some]
    if question.group in SHARED or question.group.startswith(ATTRIBUTE):
        sent = totals.sent_by_value(connection, span, question.group, [row.value for row in some])
        rows = [{**row, **rated(*sent.get(row["value"], (0, 0)), row["clickers"])} for row in rows]
    return Answer(rows, len(found) > question.limit)


def _named(group: str, value: str) -> dict[str, Any]:
    if group != "link":
        return {"value": value}
    position, _, destination = value.partition("\t")
    return {"value": value, "position": int(position), "destination": destination or None}


def counted(row: Mapping[Any, Any]) -> dict[str, int]:
    """The sums of one row under their public names."""
    human, machine, prefetch, unsure = (int(row[name]) for name in ("human", "machine", "prefetch", "unsure"))
    return {
        "human": human,
        "unsure": unsure,
        "machine": machine,
        "prefetch": prefetch,
        "total": human + unsure + machine + prefetch,
        "click_count": human + unsure,
        "clickers": int(row["clickers"]),
    }


def rated(sent: int, delivered: int, clickers: int) -> dict[str, Any]:
    """Messages sent and delivered, and the part of the delivered ones that was clicked; None when none was."""
    return {"sent": sent, "delivered": delivered, "click_rate": clickers / delivered if delivered else None}


def values_of(connection: Connection, span: Span, dimension: str, wanted: Sequence[str]) -> dict[str, dict[str, int]]:
    """Sums of these values, with zeros for those that nobody clicked on."""
    found = {row.value: row._mapping for row in totals.by_value(connection, span, dimension, len(wanted), wanted)}
    empty = dict.fromkeys(totals.COUNTS, 0)
    return {value: counted(found.get(value, empty)) for value in wanted}
