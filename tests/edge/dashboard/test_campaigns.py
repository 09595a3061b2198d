"""Tests of the list of campaigns."""

import time
from zoneinfo import ZoneInfo

from linkweir.demo.campaigns import CAMPAIGNS
from linkweir.edge.dashboard import period
from linkweir.edge.dashboard.campaigns import found_in
from linkweir.edge.parts import now
from tests.edge.serving import Served


def test_each_campaign_has_its_own_day(sampled: Served) -> None:
    """Campaigns that were sent on different days are listed with the hour of their own first message, newest first."""
    account = sampled.service.account
    assert account is not None
    with sampled.service.store.read() as connection:
        found = found_in(connection, account, period.of("30", now(), ZoneInfo("UTC")))
    ages = {one.tag: one.age for one in CAMPAIGNS}
    assert [one.tag for one in found] == sorted(ages, key=lambda tag: ages[tag])
    for one in found:
        assert one.first_at is not None
        sent = time.time() - ages[one.tag]
        assert abs(one.first_at / 1_000_000 - sent) < 3600 + 600, one.tag  # sums are kept by the hour
