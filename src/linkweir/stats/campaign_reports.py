"""Reports of a period: the whole account, its campaigns, and one campaign with links, variants, segments and mail."""

import itertools
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection

from linkweir.clock import HOUR_US
from linkweir.db import aggregate_queries, dashboard_queries, messages_table
from linkweir.db.aggregate_queries import AggregateRange
from linkweir.db.click_probabilities import BASIS_POINTS
from linkweir.errors import NotFound
from linkweir.stats import campaigns, click_statistics, segments, verdict_counts
from linkweir.stats.periods import MAX_HOUR, MIN_HOUR
from linkweir.stats.report_period import ReportPeriod
from linkweir.stats.segments import AudienceSegment
from linkweir.stats.verdict_counts import NO_COUNTS, LinkClicks, VerdictCounts
from linkweir.translation import gettext

MAX_TOP_VALUES: Final = 8
MAX_CAMPAIGNS: Final = 200
MAX_LINKS: Final = 500
TopValues = list[tuple[str, VerdictCounts]]


class TrendStep(NamedTuple):
    """One step of a period: its label, its clicks, and its hours since 1970, from `first` to before `last`."""

    label: str
    counts: VerdictCounts
    first: int
    last: int


ClickTrend = list[TrendStep]


@dataclass(frozen=True, slots=True)
class AccountOverview:
    """Messages and clicks of a period, of the period before it, and the campaigns and destinations clicked most."""

    total: VerdictCounts
    sent: int
    delivered: int
    before: VerdictCounts
    sent_before: int
    trend: ClickTrend
    tags: TopValues
    destinations: TopValues


@dataclass(frozen=True, slots=True)
class CampaignSummary:
    """One campaign: its messages of a period and its clicks."""

    tag: str
    sent: int
    delivered: int
    first_at: int | None  # microseconds since 1970; None: nothing was sent in this period
    clicks: VerdictCounts


@dataclass(frozen=True, slots=True)
class LinkReport:
    """The links of a campaign that were followed: `<position>` TAB `<destination>` of each, counts by position."""

    values: Sequence[str]
    clicks: Mapping[int, LinkClicks]


@dataclass(frozen=True, slots=True)
class CampaignReport:
    """One campaign in a period. `mail`: the newest mail that is stored; `short_links`: its destinations by position;
    `variants` and `differences`: see `campaigns.compare_variants`.
    """

    summary: CampaignSummary
    trend: ClickTrend
    links: LinkReport
    mail: bytes | None
    short_links: Mapping[int, str]
    variants: Sequence[Mapping[str, Any]]
    differences: Sequence[Mapping[str, Any]]
    segments: Sequence[AudienceSegment]


def has_sample_clicks(connection: Connection, account: uuid.UUID) -> bool:
    """Whether clicks of the sample data are among the account's."""
    return dashboard_queries.has_sample_clicks(connection, account)


def load_overview(connection: Connection, account: uuid.UUID, period: ReportPeriod) -> AccountOverview:
    """The account in a period."""
    span, preceding = period.span(account, ""), period.preceding_span(account, "")
    sent, delivered = aggregate_queries.sum_sent(connection, span)
    tags, destinations = (
        verdict_counts.counts_by_value(aggregate_queries.sum_by_value(connection, span, name, MAX_TOP_VALUES))
        for name in ("tag", "destination")
    )
    return AccountOverview(
        total=load_counts(connection, span),
        sent=sent,
        delivered=delivered,
        before=load_counts(connection, preceding),
        sent_before=aggregate_queries.sum_sent(connection, preceding)[0],
        trend=_load_trend(connection, account, period),
        tags=tags,
        destinations=destinations,
    )


def load_counts(connection: Connection, span: AggregateRange) -> VerdictCounts:
    """All clicks of a span."""
    return verdict_counts.counts_from_row(aggregate_queries.sum_all(connection, span)._mapping)


def _load_trend(connection: Connection, account: uuid.UUID, period: ReportPeriod, tag: str | None = None) -> ClickTrend:
    rows = click_statistics.query_clicks(connection, period.statistics_query(account, tag)).rows
    return [
        TrendStep(period.label(row), verdict_counts.counts_from_row(row), row["first"], row["last"]) for row in rows
    ]


def list_campaign_summaries(connection: Connection, account: uuid.UUID, period: ReportPeriod) -> list[CampaignSummary]:
    """Campaigns of a period: those that were sent in it, newest first, then those that were only clicked in it."""
    span = period.span(account, "")
    since = dashboard_queries.get_first_sent_hours(connection, span)
    newest = sorted(since, key=lambda tag: (-since[tag], tag))[:MAX_CAMPAIGNS]
    sent = aggregate_queries.sum_sent_by_value(connection, span, "tag", newest)
    counts = dict(verdict_counts.counts_by_value(aggregate_queries.sum_by_value(connection, span, "tag", MAX_LINKS)))
    summaries = [
        CampaignSummary(tag, *sent.get(tag, (0, 0)), since[tag] * HOUR_US, counts.get(tag, NO_COUNTS)) for tag in newest
    ]
    return summaries + [CampaignSummary(tag, 0, 0, None, clicks) for tag, clicks in counts.items() if tag not in since]


def load_campaign(connection: Connection, account: uuid.UUID, tag: str, period: ReportPeriod) -> CampaignReport:
    """One campaign. Raises NotFound when it has neither messages, clicks nor a stored mail."""
    span = period.span(account, f"tag:{tag}")
    total = load_counts(connection, span)
    since = dashboard_queries.get_first_sent_hours(connection, period.span(account, ""), tag).get(tag)
    mail = dashboard_queries.get_latest_stored_mail(connection, account, tag)
    if since is None and not total.total and mail is None:
        raise NotFound(gettext("There is no campaign with this tag in this period. Choose a longer period."))
    first_at = None if since is None else since * HOUR_US
    variants, differences = campaigns.compare_variants(connection, account, tag, (period.first, period.last), None)
    return CampaignReport(
        summary=CampaignSummary(tag, *aggregate_queries.sum_sent(connection, span), first_at, total),
        trend=_load_trend(connection, account, period, tag),
        links=load_links(connection, account, tag, period),
        mail=mail[1] if mail else None,
        short_links=messages_table.get_short_link_destinations(connection, mail[0]) if mail else {},
        variants=variants,
        differences=differences,
        segments=segments.load_campaign_segments(connection, account, tag, period),
    )


def find_first_sent_hour(connection: Connection, account: uuid.UUID, tag: str) -> int | None:
    """Return the hour since 1970 in which a campaign was first sent, None when it was not or that is not known."""
    ever = AggregateRange(account, "", MIN_HOUR, MAX_HOUR)
    return dashboard_queries.get_first_sent_hours(connection, ever, tag).get(tag)


def load_links(connection: Connection, account: uuid.UUID, tag: str, period: ReportPeriod) -> LinkReport:
    """The links of a campaign that were followed in a period."""
    rows = aggregate_queries.sum_by_value(connection, period.span(account, f"tag:{tag}"), "link", MAX_LINKS)
    return LinkReport([row.value for row in rows], verdict_counts.link_clicks_by_position(rows))


def load_latest_mail(connection: Connection, account: uuid.UUID, tag: str) -> bytes | None:
    """The newest mail of a campaign that is stored."""
    mail = dashboard_queries.get_latest_stored_mail(connection, account, tag)
    return mail[1] if mail else None


def load_cumulative_clicks(
    connection: Connection, account: uuid.UUID, tag: str, now: int, *, steps: int, step_hours: int
) -> list[int | None]:
    """Expected clicks by people since the first click of a campaign, added up in steps; None for those yet to come."""
    start = dashboard_queries.get_first_click_hour(connection, account, f"tag:{tag}") or 0
    counts = [0] * steps  # in basis points
    span = AggregateRange(account, f"tag:{tag}", start, start + steps * step_hours)
    for row in aggregate_queries.sum_by_hour(connection, span):
        counts[(row.hour - start) // step_hours] += row.expected_clicks
    past = (now // HOUR_US - start) // step_hours
    totals = (round(total / BASIS_POINTS) for total in itertools.accumulate(counts))
    return [total if step <= past else None for step, total in enumerate(totals)]
