"""Segments: clicks of a campaign along a dimension, with click rates where messages have that dimension, too."""

import uuid
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection

from linkweir.db import aggregate_queries
from linkweir.db.dimensions import ATTRIBUTE_PREFIX, CAMPAIGN_SEGMENTS, SEGMENT_TITLES
from linkweir.errors import NotFound
from linkweir.stats import click_statistics, verdict_counts
from linkweir.stats.click_statistics import StatisticsQuery
from linkweir.stats.report_period import ReportPeriod
from linkweir.stats.verdict_counts import VerdictCounts
from linkweir.translation import gettext, translate

MAX_PREVIEW_VALUES: Final = 8  # values of one segment among all of a campaign
MAX_ATTRIBUTES: Final = 20


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
        """Whether its values have click rates."""
        return any(value.delivered is not None for value in self.values)


def load_campaign_segments(
    connection: Connection, account: uuid.UUID, tag: str, period: ReportPeriod
) -> list[AudienceSegment]:
    """Every segment that has something to show: the usual ones, then the recipients' attributes by name."""
    names = aggregate_queries.list_attributes(connection, period.span(account, f"tag:{tag}"), MAX_ATTRIBUTES)
    dimensions = (*CAMPAIGN_SEGMENTS, *(ATTRIBUTE_PREFIX + name for name in names))
    queries = (
        period.statistics_query(account, tag, group=dimension, limit=MAX_PREVIEW_VALUES) for dimension in dimensions
    )
    segments = (load_segment(connection, query) for query in queries)
    return [segment for segment in segments if segment.values]


def load_segment(connection: Connection, query: StatisticsQuery) -> AudienceSegment:
    """One segment, most clicked values first."""
    result = click_statistics.query_clicks(connection, query)
    values = [
        SegmentValue(row["value"], verdict_counts.counts_from_row(row), row.get("delivered")) for row in result.rows
    ]
    return AudienceSegment(query.group_by, dimension_title(query.group_by), values, result.has_more)


def dimension_title(dimension: str) -> str:
    """Return the title of a dimension in the reader's language; an attribute has its own name. Raises NotFound."""
    if dimension.startswith(ATTRIBUTE_PREFIX):
        return dimension.removeprefix(ATTRIBUTE_PREFIX)
    if dimension not in SEGMENT_TITLES:
        raise NotFound(gettext("There is no such segment."))
    return translate(SEGMENT_TITLES[dimension])
