"""Campaigns (tags): the list, and one of them with its links, its segments and its mail."""

import uuid
from dataclasses import dataclass

from sqlalchemy import Connection
from starlette.responses import Response

from linkweir.edge.dashboard import drawn, figures, period, segments
from linkweir.edge.dashboard.entry import Call, signed_in
from linkweir.edge.dashboard.figures import Figures
from linkweir.edge.dashboard.mail_links import link_rows, mail_page
from linkweir.edge.dashboard.overview import trend_chart
from linkweir.edge.dashboard.period import Period
from linkweir.edge.parts import now
from linkweir.errors import NotFound
from linkweir.report import campaigns as report
from linkweir.report import clicks
from linkweir.store import dashboard_reads, messages, totals

COMPARED = 4
SHOWN = 200
LINKS = 500


@dataclass(frozen=True, slots=True)
class Campaign:
    """One tag: messages of a time and its clicks."""

    tag: str
    sent: int
    delivered: int
    first_at: int | None  # microseconds since 1970; None: nothing was sent in this time
    clicks: Figures


@signed_in
def campaigns(call: Call) -> Response:
    """Every tag of the period, newest first."""
    chosen = period.of(call.asked("days"), now(), call.zone)
    with call.parts.store.read() as connection:
        found = found_in(connection, call.account["id"], chosen)
    return call.page(
        "campaigns.html", here="campaigns", period=chosen, choices=period.CHOICES, found=found, compared=COMPARED
    )


def found_in(connection: Connection, account: uuid.UUID, chosen: Period) -> list[Campaign]:
    """Campaigns of a period: those that were sent in it, newest first, then those that were only clicked in it."""
    span = chosen.span(account, "")
    since = dashboard_reads.sent_since(connection, span)
    newest = sorted(since, key=lambda tag: (-since[tag], tag))[:SHOWN]
    sent = totals.sent_by_value(connection, span, "tag", newest)
    counts = dict(figures.ranking(totals.by_value(connection, span, "tag", LINKS)))
    found = [
        Campaign(tag, *sent.get(tag, (0, 0)), since[tag] * period.HOUR, counts.get(tag, figures.NOTHING))
        for tag in newest
    ]
    return found + [Campaign(tag, 0, 0, None, one) for tag, one in counts.items() if tag not in since]


@signed_in
def campaign(call: Call) -> Response:
    """One tag with its trend, variants, links, segments, and the mail."""
    tag, chosen = named(call), period.of(call.asked("days"), now(), call.zone)
    account = call.account["id"]
    span = chosen.span(account, f"tag:{tag}")
    with call.parts.store.read() as connection:
        total = figures.of(totals.sum_of(connection, span)._mapping)
        rows = clicks.answer(connection, chosen.question(account, tag)).rows
        links = totals.by_value(connection, span, "link", LINKS)
        since = dashboard_reads.sent_since(connection, chosen.span(account, ""), tag).get(tag)
        sent, delivered = totals.sent(connection, span)
        kept = dashboard_reads.kept_mail(connection, account, tag)
        short = messages.destinations(connection, kept[0]) if kept else {}
        variants, judged = report.variants(connection, account, tag, (chosen.first, chosen.last), None)
        found = segments.of_campaign(connection, account, tag, chosen)
    if since is None and not total.total and kept is None:
        raise NotFound("There is no campaign with this tag in the time that you look at.")
    trend = [(chosen.label(row), figures.of(row)) for row in rows]
    html = drawn.html_of(kept[1]) if kept else None
    return call.page(
        "campaign.html",
        here="campaigns",
        tag=tag,
        period=chosen,
        choices=period.CHOICES,
        one=Campaign(tag, sent, delivered, None if since is None else since * period.HOUR, total),
        trend=trend,
        chart=trend_chart(trend),
        links=link_rows(html, call.parts.ring, figures.by_position(links), [row.value for row in links], short),
        drawable=html is not None,
        variants=[(row, figures.of(row)) for row in variants],
        judged=[one["meaning"] for one in judged],
        segments=found,
    )


@signed_in
def campaign_mail(call: Call) -> Response:
    """The newest mail of a campaign that is still kept, with the campaign's counts over its links."""
    tag, chosen = named(call), period.of(call.asked("days"), now(), call.zone)
    account = call.account["id"]
    with call.parts.store.read() as connection:
        kept = dashboard_reads.kept_mail(connection, account, tag)
        links = totals.by_value(connection, chosen.span(account, f"tag:{tag}"), "link", LINKS)
    return mail_page(call, kept[1] if kept else None, figures.by_position(links))


def named(call: Call) -> str:
    """The tag in the query. Raises NotFound."""
    tag = call.asked("tag")
    if not tag:
        raise NotFound("No campaign was named.")
    return tag
