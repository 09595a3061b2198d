"""Segments of a campaign: its clicks along what is known of the reader, with click rates where they can be known."""

import uuid
from dataclasses import dataclass

from sqlalchemy import Connection
from starlette.responses import Response

from linkweir.edge.dashboard import figures, period
from linkweir.edge.dashboard.entry import Call, signed_in
from linkweir.edge.dashboard.figures import Figures
from linkweir.edge.dashboard.period import Period
from linkweir.edge.parts import now
from linkweir.errors import NotFound
from linkweir.report import clicks
from linkweir.report.clicks import Question
from linkweir.store import totals
from linkweir.store.sums import ATTRIBUTE

SHOWN, ALL = 8, 500  # values on the campaign's page, and on the segment's own
ATTRIBUTES = 20
TITLES = {
    "recipient_domain": "Recipient domain",
    "device": "Device",
    "client": "Browser or mail program",
    "country": "Country",
    "variant": "Variant",
}
USUAL = ("recipient_domain", "device", "client", "country")


@dataclass(frozen=True, slots=True)
class Value:
    """One value of a segment; `delivered` None where it is known of clicks only, not of messages."""

    value: str
    clicks: Figures
    delivered: int | None


@dataclass(frozen=True, slots=True)
class Segment:
    """A dimension with its strongest values, and whether there are more."""

    dimension: str
    title: str
    values: list[Value]
    more: bool

    @property
    def rated(self) -> bool:
        """Whether rates can be told."""
        return any(one.delivered is not None for one in self.values)


def of_campaign(connection: Connection, account: uuid.UUID, tag: str, chosen: Period) -> list[Segment]:
    """Every segment that has something to show: the usual ones, then the recipients' attributes by name."""
    names = totals.attributes(connection, chosen.span(account, f"tag:{tag}"), ATTRIBUTES)
    dimensions = (*USUAL, *(ATTRIBUTE + name for name in names))
    asked = (chosen.question(account, tag, group=dimension, limit=SHOWN) for dimension in dimensions)
    found = (along(connection, question) for question in asked)
    return [one for one in found if one.values]


def along(connection: Connection, question: Question) -> Segment:
    """One segment, most clicked values first."""
    answer = clicks.answer(connection, question)
    values = [Value(row["value"], figures.of(row), row.get("delivered")) for row in answer.rows]
    return Segment(question.group, title_of(question.group), values, answer.more)


def title_of(dimension: str) -> str:
    """What a dimension is called; an attribute by its own name. Raises NotFound."""
    if dimension.startswith(ATTRIBUTE):
        return dimension.removeprefix(ATTRIBUTE)
    if dimension not in TITLES:
        raise NotFound("There is no such segment.")
    return TITLES[dimension]


@signed_in
def segment(call: Call) -> Response:
    """All values of one segment."""
    tag, by = call.asked("tag"), call.asked("by")
    chosen = period.of(call.asked("days"), now(), call.zone)
    title_of(by)
    with call.parts.store.read() as connection:
        found = along(connection, chosen.question(call.account["id"], tag, group=by, limit=ALL))
    return call.page(
        "segment.html", here="campaigns", tag=tag, one=found, period=chosen, choices=period.CHOICES, limit=ALL
    )
