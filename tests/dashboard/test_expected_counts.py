"""Tests of the numbers that the dashboard shows first: expected ones, their interval, and what is certain."""

import re
from typing import Any

from sqlalchemy import update

from linkweir.clock import HOUR_US, now
from linkweir.db.schema import messages
from tests.dashboard.browser_client import DashboardClient
from tests.stats.aggregate_rows import insert_click_aggregates
from tests.web.running_service import RunningService

DOUBTFUL: dict[str, Any] = {
    **{"human": 30, "unsure": 20, "machine": 50, "clickers": 45, "certain_clickers": 33},
    **{"expected_clicks": 522_000, "expected_clicks_variance": 640_000_000},
    **{"expected_clickers": 412_000, "expected_clickers_variance": 290_000_000},
}


def read_text(page: str) -> str:
    """The text of a page as it is read, on one line."""
    return " ".join(re.sub("<[^>]*>", " ", page.partition("<main")[2]).split())


def set_message(service: RunningService, entry: dict[str, Any], **values: Any) -> None:
    """Change the row of a message that was sent."""
    with service.components.database.write() as connection:
        here = messages.c.message_id == entry["id"].strip("<>")
        connection.execute(update(messages).where(here).values(**values))


def test_expected_unique_clicks_are_the_main_figure(service: RunningService, dashboard_client: DashboardClient) -> None:
    """Overview and campaign show about how many unique clicks people made, between which numbers, and the certain
    part; so do the lists.
    """
    account = service.components.account
    assert account is not None
    places = [(scope, "", now() // HOUR_US, "") for scope in ("", "tag:spring")]
    with service.components.database.write() as connection:
        insert_click_aggregates(connection, account, [*places, ("", "tag", now() // HOUR_US, "spring")], **DOUBTFUL)
    dashboard_client.signed_in_client()
    for path in ("/", "/campaign?tag=spring"):
        text = read_text(dashboard_client.get(path))
        assert "Unique clicks about 41 (37 to 45)" in text
        assert "33 of them at least 95% certain" in text
        assert "Total clicks about 52 (47 to 58)" in text
    assert "about 41 37 to 45" in read_text(dashboard_client.get("/campaigns"))


def test_what_is_likelier_a_machines_does_not_show_as_clicked(
    service: RunningService, dashboard_client: DashboardClient
) -> None:
    """A message whose clicks are all likelier a machine's is shown and found as delivered; the API says Clicked."""
    likely, unlikely = service.send(recipients=[{"email": "ada@example.org"}, {"email": "ben@example.org"}])
    clicked: dict[str, Any] = {"status": "Clicked", "click_count": 1, "hit_count": 1, "clicked_basis_points": 3_000}
    for entry, count in ((likely, 1), (unlikely, 0)):
        service.delivered_links(entry["id"])
        set_message(service, entry, **clicked, likely_count=count, expected_clicks=3_000)
    dashboard_client.signed_in_client()
    for status, address, other in (("Clicked", "ada", "ben"), ("Delivered", "ben", "ada")):
        page = dashboard_client.get(f"/messages?status={status}")
        assert f"{address}@example.org" in page
        assert f"{other}@example.org" not in page
        key = page.partition('href="/dashboard/messages/')[2].partition('"')[0]
        assert f"Status {status}" in read_text(dashboard_client.get(f"/messages/{key}"))
    stored = service.get_message(unlikely["id"])
    assert (stored["status"], stored["click_count"], stored["click_probability"]) == ("Clicked", 1, 0.3)
    assert (stored["expected_clicks"], stored["expected_clicks_high"]) == (0.3, 0.3)
