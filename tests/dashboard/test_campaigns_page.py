"""Tests of the list of campaigns."""

import time
from zoneinfo import ZoneInfo

from linkweir.clock import now
from linkweir.demo.sample_campaigns import CAMPAIGNS
from linkweir.stats import report_period
from linkweir.stats.campaign_reports import list_campaign_summaries
from tests.web.running_service import RunningService


def test_each_campaign_has_its_own_day(sample_service: RunningService) -> None:
    """Campaigns that were sent on different days are listed with the hour of their own first message, newest first."""
    account = sample_service.components.account
    assert account is not None
    with sample_service.components.database.read() as connection:
        result = list_campaign_summaries(connection, account, report_period.parse_period({}, now(), ZoneInfo("UTC")))
    ages = {item.tag: item.age_seconds for item in CAMPAIGNS}
    assert [item.tag for item in result] == sorted(ages, key=lambda tag: ages[tag])
    for item in result:
        assert item.first_at is not None
        sent = time.time() - ages[item.tag]
        assert abs(item.first_at / 1_000_000 - sent) < 3600 + 600, item.tag  # sums are kept by the hour
