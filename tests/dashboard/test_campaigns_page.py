"""Tests of the list of campaigns."""

import html
import re
import time
from zoneinfo import ZoneInfo

from linkweir.clock import now
from linkweir.demo.sample_campaigns import CAMPAIGNS
from linkweir.stats import report_period
from linkweir.stats.campaign_reports import list_campaign_summaries
from tests.dashboard.browser_client import DashboardClient
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


def find_page_link(page: str, relation: str) -> str | None:
    """The path below the dashboard that a link to the next or the previous page has."""
    match = re.search(rf'href="/dashboard([^"]+)" rel="{relation}"', page)
    return html.unescape(match[1]) if match else None


def list_tags(page: str) -> list[str]:
    """The campaigns that a page can compare."""
    return re.findall(r'name="tag" value="([^"]+)"', page)


def test_many_campaigns_have_pages(service: RunningService, dashboard_client: DashboardClient) -> None:
    """Each of a hundred campaigns is on one page, in the order that was chosen; there is a way back; no page is over 60
    KB; what is no number of a row leads to the first page.
    """
    tags = [f"campaign-{number:03}" for number in range(100)]
    for first in range(0, 100, 10):
        service.send(tags=tags[first : first + 10])
    client, path = dashboard_client.signed_in_client(), "/campaigns?sort=tag"
    pages = [client.get(path)]
    while (following := find_page_link(pages[-1], "next")) is not None:
        pages.append(client.get(following))
    assert [tag for page in pages for tag in list_tags(page)] == tags
    assert max(len(page.encode()) for page in pages) < 60_000
    assert list_tags(client.get(find_page_link(pages[2], "prev") or "")) == list_tags(pages[1])
    assert (len(pages), find_page_link(pages[0], "prev")) == (3, None)
    for query in ("after=x", "after=-40", "after=100", "after=101", "before=4\u0662", f"after={'9' * 400}", "before=0"):
        assert list_tags(client.get(f"{path}&{query}")) == list_tags(pages[0]), query
