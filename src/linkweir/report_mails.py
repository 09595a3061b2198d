"""Mails the sums of campaigns and weeks to the users who want them.

The attack: a mail is passed on, or read on its way. It holds sums and a link to a page that asks for a sign-in, no
addresses and no destinations. A report is claimed before it is sent: a machine that stops in between loses it, and
nobody gets it twice.
"""

import hashlib
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, RowMapping
from structlog.typing import FilteringBoundLogger

from linkweir.clock import DAY_US, HOUR_US, to_datetime
from linkweir.db import aggregate_queries, dashboard_queries, report_mails_table
from linkweir.db.aggregate_queries import AggregateRange
from linkweir.db.database import Database
from linkweir.db.report_mails_table import ReportKey
from linkweir.mail import report_text, user_notices
from linkweir.mail.report_text import ReportSection
from linkweir.settings import Settings
from linkweir.stats import campaign_reports, deliverability, report_period
from linkweir.stats.periods import MAX_HOUR, MIN_HOUR
from linkweir.stats.report_period import ReportPeriod
from linkweir.translation import format_number, gettext, use_language

CAMPAIGN_HOURS: Final = 49  # after the hour of the first message began: 48 hours after any message in it
MAX_DELAY_HOURS: Final = 72  # that a report may be late; a service that was down for longer sends none
MAX_ATTEMPTS: Final = 10
RETRY_US: Final = HOUR_US
MAX_DAILY_REPORTS: Final = 20  # of one account to one user: tags are not always campaigns
MAX_WEEKLY_CAMPAIGNS: Final = 10
MEMORY_US: Final = 30 * DAY_US  # that it is known what was sent: longer than MAX_DELAY_HOURS and all attempts
ZONE: Final = ZoneInfo("UTC")


class DueReport(NamedTuple):
    """A report to make: of a campaign with this tag, or of the whole account (None), and its hours since 1970."""

    tag: str | None
    first: int
    last: int

    @property
    def subject(self) -> bytes:
        """What the report is about, as a digest."""
        name = f"week:{self.first}" if self.tag is None else f"campaign:{self.tag}"
        return hashlib.sha256(name.encode("utf-8", "replace")).digest()


def send_reports(
    database: Database,
    settings: Settings,
    now: int,
    log: FilteringBoundLogger,
    stopping: Callable[[], bool] = lambda: False,
) -> int:
    """Send the reports that are due at `now` (microseconds since 1970) and return how many left; none without a relay,
    nor while another machine does. Raises DatabaseUnavailable.
    """
    if not user_notices.has_relay(settings):
        return 0
    with database.read() as connection:
        subscriptions = report_mails_table.list_subscriptions(connection)
    if not subscriptions:
        return 0
    run = _Run(database, settings, now, log)
    with database.try_job("report-mails") as acquired:
        return _send_all(run, subscriptions, stopping) if acquired else 0


class _Run(NamedTuple):
    database: Database
    settings: Settings
    now: int
    log: FilteringBoundLogger


def _send_all(run: _Run, subscriptions: Sequence[RowMapping], stopping: Callable[[], bool]) -> int:
    sent = 0
    for subscription in subscriptions:
        with run.database.read() as connection:
            due = list_due(connection, subscription, run.now)
        for report in due:
            if stopping():
                return sent
            sent += _send(run, subscription, report)
    with run.database.write() as connection:
        report_mails_table.delete_old(connection, run.now - MEMORY_US)
    return sent


def list_due(connection: Connection, subscription: RowMapping, now: int) -> list[DueReport]:
    """The reports that a user is to get at `now`, largest campaign first, as many as one may get in a day."""
    user, account = subscription["user_id"], subscription["account_id"]
    find = _find_campaigns if subscription["kind"] == "campaign" else _find_week
    settled = report_mails_table.list_settled(connection, user, account, now)
    due = [report for report in find(connection, subscription, now) if report.subject not in settled]
    return due[: max(0, MAX_DAILY_REPORTS - report_mails_table.count_since(connection, user, account, now - DAY_US))]


def _find_campaigns(connection: Connection, subscription: RowMapping, now: int) -> list[DueReport]:
    """Campaigns whose first message is 48 hours old, since the user chose to be told and not for too long."""
    last = now // HOUR_US - CAMPAIGN_HOURS + 1
    first = max(last - MAX_DELAY_HOURS, subscription["since_at"] // HOUR_US - CAMPAIGN_HOURS + 1)
    if first >= last:
        return []
    account = subscription["account_id"]
    sent = aggregate_queries.sum_sent_by_value(connection, AggregateRange(account, "", first, last), "tag")
    tags = [tag for tag in sent if "@" not in tag]  # an address in a tag stays here
    ever = AggregateRange(account, "", MIN_HOUR, MAX_HOUR)
    begun = aggregate_queries.get_first_sent_hours(connection, ever, tags)
    due = [DueReport(tag, hour, now // HOUR_US + 1) for tag, hour in begun.items() if hour >= first]
    return sorted(due, key=lambda report: (-sent[report.tag or ""][0], report.tag))


def _find_week(connection: Connection, subscription: RowMapping, now: int) -> list[DueReport]:
    """The last week from Monday, in UTC, if it ended after the user chose and there was something in it."""
    today = to_datetime(now).date()
    monday = today - timedelta(days=today.weekday())
    last = int(datetime(monday.year, monday.month, monday.day, tzinfo=UTC).timestamp()) // 3600
    span = AggregateRange(subscription["account_id"], "", last - 7 * 24, last)
    if subscription["since_at"] >= last * HOUR_US or now // HOUR_US >= last + MAX_DELAY_HOURS:
        return []
    if not aggregate_queries.sum_sent(connection, span)[0] and not campaign_reports.load_counts(connection, span).total:
        return []
    return [DueReport(None, span.first, span.last)]


def _send(run: _Run, subscription: RowMapping, report: DueReport) -> bool:
    user = str(subscription["user_id"])
    key = ReportKey(subscription["user_id"], subscription["account_id"], report.subject)
    with run.database.write() as connection:
        attempt = report_mails_table.claim(connection, key, subscription["kind"], run.now)
    if not attempt:
        return False
    is_taken = False
    try:
        with run.database.read() as connection:
            mail = compose(connection, run.settings, subscription, report)
        is_taken = user_notices.send_notice(run.settings, subscription["email"], mail.subject, mail.text, mail.html)
    finally:
        if not is_taken and attempt < MAX_ATTEMPTS:
            with run.database.write() as connection:
                report_mails_table.release(connection, key, run.now + RETRY_US)
    if is_taken:
        run.log.info("report_mails.sent", user=user, kind=subscription["kind"])
    else:
        run.log.warning("report_mails.refused", user=user, attempt=attempt, given_up=attempt >= MAX_ATTEMPTS)
    return is_taken


def compose(
    connection: Connection, settings: Settings, subscription: RowMapping, report: DueReport
) -> report_text.ReportMail:
    """Make the mail of a report, in the language of the page where it was chosen."""
    with use_language(subscription["language"]):
        return _compose(connection, settings, subscription, report)


def _compose(
    connection: Connection, settings: Settings, subscription: RowMapping, report: DueReport
) -> report_text.ReportMail:
    root = user_notices.dashboard_url(settings, subscription["dashboard_root"])
    account = subscription["account_id"]
    if report.tag is not None:
        life = ReportPeriod("", "", "", report.first, report.last, ZONE)
        section = _make_section(connection, subscription, life, root, report.tag)
        intro = gettext(
            "Totals of a campaign in the account %(account)s, 48 hours after its first message.",
            account=subscription["name"],
        )
        return report_text.make_report(
            gettext("Report: %(campaign)s", campaign=report.tag), intro, [section], f"{root}/settings#reports"
        )
    monday = to_datetime(report.first * HOUR_US).date()
    week = report_period.make_date_period(monday, monday + timedelta(days=6), ZONE)
    sections = [_make_section(connection, subscription, week, root, None)]
    since = dashboard_queries.get_first_sent_hours(connection, week.span(account, ""))
    sent = aggregate_queries.sum_sent_by_value(connection, week.span(account, ""), "tag")
    tags = sorted((tag for tag in since if "@" not in tag), key=lambda tag: (-sent.get(tag, (0, 0))[0], tag))
    sections += [_make_section(connection, subscription, week, root, tag) for tag in tags[:MAX_WEEKLY_CAMPAIGNS]]
    intro = gettext(
        "Totals of the account %(account)s from %(week)s (UTC), and of its largest campaigns.",
        account=subscription["name"],
        week=week.text,
    )
    return report_text.make_report(
        gettext("Weekly report: %(week)s", week=week.text), intro, sections, f"{root}/settings#reports"
    )


def _make_section(
    connection: Connection, subscription: RowMapping, period: ReportPeriod, root: str, tag: str | None
) -> ReportSection:
    account = subscription["account_id"]
    span = period.span(account, "" if tag is None else f"tag:{tag}")
    counts = campaign_reports.load_counts(connection, span)
    sent, delivered = aggregate_queries.sum_sent(connection, span)
    figures = deliverability.load_figures(connection, account, period, tag)
    opened, machines = format_number(figures.opened), format_number(counts.expected_machines)
    if figures.is_cut:
        opened = gettext(
            "%(opened)s of the newest %(counted)s messages", opened=opened, counted=format_number(figures.counted)
        )
    query = {} if tag is None else {"tag": tag}
    if period.value:
        query["period"] = period.value
    return ReportSection(
        title=gettext("All messages") if tag is None else tag,
        url=f"{root}/{'campaigns' if tag is None else 'campaign'}?{urlencode(query)}",
        figures=(
            (gettext("Unique clicks"), counts.expected.clickers.to_text()),
            (gettext("Total clicks"), counts.expected.clicks.to_text()),
            (
                gettext("Machine clicks, left out"),
                gettext("about %(number)s", number=machines) if counts.expected_machines else machines,
            ),
            (
                gettext("Delivered"),
                gettext(
                    "%(delivered)s of %(sent)s messages", delivered=format_number(delivered), sent=format_number(sent)
                ),
            ),
            (gettext("Opened"), opened),
        ),
    )
