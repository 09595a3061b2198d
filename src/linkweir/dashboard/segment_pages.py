"""Segments of a campaign: its clicks along what is known of the reader, with click rates where they can be known."""

import uuid
from dataclasses import dataclass

from sqlalchemy import Connection
from starlette.responses import Response

from linkweir.clock import now
from linkweir.dashboard import click_counts, report_period
from linkweir.dashboard.click_counts import VerdictCounts
from linkweir.dashboard.page_request import DashboardRequest, login_required
from linkweir.dashboard.report_period import ReportPeriod
from linkweir.db import aggregate_queries
from linkweir.db.dimensions import ATTRIBUTE_PREFIX, CAMPAIGN_SEGMENTS, SEGMENT_TITLES
from linkweir.errors import NotFound
from linkweir.stats import click_statistics
from linkweir.stats.click_statistics import StatisticsQuery

MAX_PREVIEW_VALUES, MAX_VALUES = 8, 500  # values on the campaign's page, and on the segment's own
MAX_ATTRIBUTES = 20


@dataclass(frozen=True, slots=True)
class SegmentValue:
    """One value of a segment; `delivered` None where it is known of clicks only, not of messages."""

    value: str
    clicks: VerdictCounts
    delivered: int | None


@dataclass(frozen=True, slots=True)
class AudienceSegment:
    """A dimension with its strongest values, and whether there are more."""

    dimension: str
    title: str
    values: list[SegmentValue]
    more: bool

    @property
    def has_rates(self) -> bool:
        """Whether rates can be told."""
        return any(one.delivered is not None for one in self.values)


def campaign_segments(
    connection: Connection, account: uuid.UUID, tag: str, chosen: ReportPeriod
) -> list[AudienceSegment]:
    """Every segment that has something to show: the usual ones, then the recipients' attributes by name."""
    names = aggregate_queries.list_attributes(connection, chosen.span(account, f"tag:{tag}"), MAX_ATTRIBUTES)
    dimensions = (*CAMPAIGN_SEGMENTS, *(ATTRIBUTE_PREFIX + name for name in names))
    asked = (
        chosen.statistics_query(account, tag, group=dimension, limit=MAX_PREVIEW_VALUES) for dimension in dimensions
    )
    found = (load_segment(connection, question) for question in asked)
    return [one for one in found if one.values]


def load_segment(connection: Connection, question: StatisticsQuery) -> AudienceSegment:
    """One segment, most clicked values first."""
    answer = click_statistics.query_clicks(connection, question)
    values = [
        SegmentValue(row["value"], click_counts.counts_from_row(row), row.get("delivered")) for row in answer.rows
    ]
    return AudienceSegment(question.group_by, dimension_title(question.group_by), values, answer.has_more)


def dimension_title(dimension: str) -> str:
    """What a dimension is called; an attribute by its own name. Raises NotFound."""
    if dimension.startswith(ATTRIBUTE_PREFIX):
        return dimension.removeprefix(ATTRIBUTE_PREFIX)
    if dimension not in SEGMENT_TITLES:
        raise NotFound("There is no such segment.")
    return SEGMENT_TITLES[dimension]


@login_required
def show_segment(call: DashboardRequest) -> Response:
    """All values of one segment."""
    tag, by = call.query("tag"), call.query("by")
    chosen = report_period.parse_period(call.query("days"), now(), call.zone)
    dimension_title(by)
    with call.services.store.read() as connection:
        found = load_segment(connection, chosen.statistics_query(call.account["id"], tag, group=by, limit=MAX_VALUES))
    return call.render(
        "segment.html",
        here="campaigns",
        tag=tag,
        one=found,
        period=chosen,
        choices=report_period.DAY_CHOICES,
        limit=MAX_VALUES,
    )
