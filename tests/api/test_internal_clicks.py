"""Tests of clicks by an account's own people, from its settings to every place that counts, against a service."""

import csv
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from linkweir.settings import PARSERS
from tests.dashboard.browser_client import DashboardClient, add_user
from tests.web.running_service import RunningService

OFFICE = "203.0.113.0/24"
OFFICE_ADDRESS, HOME_ADDRESS = "203.0.113.7", "198.51.100.20"
PRIVACY_MODES = ("full", "pseudonymous", "anonymous")


@pytest.fixture
def service(dialect: str, tmp_path: Path) -> Iterator[RunningService]:
    """A service of its own for each test, that lets a client ask often."""
    proxies = PARSERS["trusted_proxies"]("127.0.0.0/8")
    limits = {"statistics_rate": 1e6, "statistics_burst": 10**6}
    with RunningService(tmp_path / "data", trusted_proxies=proxies, **limits) as service:
        yield service


def update_account(service: RunningService, status: int = 200, **values: Any) -> dict[str, Any]:
    """The answer to a change of the account, in force for redirects at once."""
    answer = service.client.put(service.account_path, json=values)
    assert answer.status_code == status, answer.text
    service.components.link_policy.refresh()
    result: dict[str, Any] = answer.json()
    return result


def click(service: RunningService, message_id: str, address: str, **headers: str) -> None:
    """Follow the first link of a message from an address."""
    link = service.delivered_links(message_id)[0]
    assert service.reader.get(link, headers={"X-Forwarded-For": address, **headers}).status_code == 302


def clicks_by_verdict(service: RunningService) -> dict[str, int]:
    """The account's clicks: those with each verdict, and what counts."""
    service.wait_until_ingested()
    rows = service.client.get(f"{service.account_path}/statistics/clicks", params={"group_by": "month"}).json()["data"]
    return {
        name: sum(row[name] for row in rows)
        for name in ("human", "unsure", "machine", "internal", "total", "click_count", "clickers")
    }


def test_settings_are_kept_in_one_spelling(service: RunningService) -> None:
    """Networks and addresses come back as they are used; an empty list takes them back; what is not named stays."""
    given: dict[str, Any] = {"internal_networks": ["203.0.113.7/24"], "internal_addresses": ["Ada@Example.com"]}
    changed = update_account(service, **given, internal_own_domains=True)
    assert (changed["internal_networks"], changed["internal_addresses"]) == ([OFFICE], ["ada@example.com"])
    assert update_account(service, name="Other")["internal_own_domains"] is True
    assert update_account(service, internal_networks=[])["internal_networks"] == []
    refused = update_account(service, 400, internal_networks=[OFFICE, "10.0.0.0/4"])
    assert refused["message"].startswith("internal_networks[1]: is too large")


@pytest.mark.parametrize("privacy", PRIVACY_MODES)
def test_clicks_from_the_office_are_internal(service: RunningService, privacy: str) -> None:
    """In every privacy mode, also of mail that was sent before the network was named; from elsewhere they count."""
    (entry,) = service.send(privacy=privacy, tags=["spring"])
    update_account(service, internal_networks=[OFFICE])
    service.delivered_links(entry["id"])
    service.backdate_deliveries()
    click(service, entry["id"], OFFICE_ADDRESS)
    assert clicks_by_verdict(service) == {
        **dict.fromkeys(("human", "unsure", "machine", "click_count", "clickers"), 0),
        **{"internal": 1, "total": 1},
    }
    assert service.get_message(entry["id"])["status"] == "Delivered"
    click(service, entry["id"], HOME_ADDRESS)
    counts = clicks_by_verdict(service)
    assert (counts["internal"], counts["click_count"], counts["total"]) == (1, 1, 2)


@pytest.mark.parametrize("privacy", PRIVACY_MODES)
def test_clicks_on_mail_to_own_people_are_internal(service: RunningService, privacy: str) -> None:
    """By their address, or by one of the account's domains, from wherever they click."""
    domain = service.client.post(f"{service.account_path}/domains", json={"domain": "example.net"})
    assert domain.status_code in (200, 201), domain.text
    update_account(service, internal_addresses=["ada@example.org"], internal_own_domains=True)
    emails = ("ada+test@example.org", "eve@example.net", "reader@example.org")
    entries = service.send(privacy=privacy, recipients=[{"email": email} for email in emails])
    for entry in entries:
        service.delivered_links(entry["id"])
    service.backdate_deliveries()
    for entry in entries:
        click(service, entry["id"], HOME_ADDRESS)
    counts = clicks_by_verdict(service)
    assert (counts["internal"], counts["click_count"], counts["total"]) == (2, 1, 3)
    status = [service.get_message(entry["id"])["status"] for entry in entries]
    assert status[:2] == ["Delivered", "Delivered"]


def test_an_internal_click_says_why_wherever_it_is_shown(service: RunningService) -> None:
    """The list of clicks, the message's links, the export and the events have the verdict and its reason."""
    update_account(service, internal_networks=[OFFICE])
    (entry,) = service.send()
    click(service, entry["id"], OFFICE_ADDRESS)
    service.wait_until_ingested()
    message = f"{service.account_path}/messages/{service.get_message(entry['id'])['id']}"
    (shown,) = service.client.get(f"{message}/clicks").json()["data"]
    assert (shown["verdict"], shown["machine_probability"], shown["first"]) == ("internal", None, False)
    assert [reason["code"] for reason in shown["reasons"]] == ["internal-network"]
    link = service.client.get(f"{message}/links").json()["data"][0]
    assert (link["internal"], link["total"], link["click_count"], link["expected_clicks"]) == (1, 1, 0, 0.0)
    exported = service.client.get(f"{service.account_path}/clicks/export", params={"format": "csv"})
    (row,) = csv.DictReader(io.StringIO(exported.text))
    assert (row["verdict"], row["machine_probability"], row["reasons"]) == ("internal", "", "internal-network")


def test_the_dashboard_shows_internal_clicks_apart(service: RunningService) -> None:
    """Settings are saved by the form, internal clicks are a figure of their own and can be listed alone, and the
    message of an own recipient says so and is not shown as clicked.
    """
    add_user(service)
    with DashboardClient(service) as dashboard:
        check_dashboard(service, dashboard.signed_in_client())


def check_dashboard(service: RunningService, dashboard: DashboardClient) -> None:
    """Save the settings, click, and look at the pages."""
    days = {"message_metadata_retention": "30", "message_data_retention": "1"}
    fields = {"internal_addresses": "ada@example.org\n", "internal_networks": f"{OFFICE}\n", **days}
    assert dashboard.post("/settings", {"track_clicks": "on", **fields}).status_code == 303
    page = dashboard.get("/settings")
    assert OFFICE in page
    assert "ada@example.org" in page
    (entry,) = service.send(tags=["spring"])
    click(service, entry["id"], HOME_ADDRESS)
    service.wait_until_ingested()
    for path in ("/", "/campaign?tag=spring"):
        text = " ".join(re.sub("<[^>]*>", " ", dashboard.get(path)).split())
        assert "1 internal click by your own people is not included in these numbers." in text
    assert "one of the account&#39;s internal recipients" in dashboard.get("/live?verdict=internal")
    assert "No matching events" in dashboard.get("/live?verdict=human")
    shown = dashboard.get(f"/messages/{service.get_message(entry['id'])['id']}")
    assert "sent to one of your own people" in shown
    assert '<span class="state delivered">' in shown
