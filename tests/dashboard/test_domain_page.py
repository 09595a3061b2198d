"""Tests of the page of a domain: whether its tracking host leads here, its proof, and its policy."""

import re
from pathlib import Path

import pytest

from linkweir.accounts import account_settings
from linkweir.accounts.host_checks import proof_record
from linkweir.clock import now
from tests.dashboard.browser_client import DashboardClient, add_user
from tests.dns_server import DnsServer
from tests.web.running_service import RunningService, wait_until


def domain_path(dashboard: DashboardClient) -> str:
    """The page of the only domain."""
    match = re.search(r'href="/dashboard(/settings/domains/[0-9a-f-]{36})"', dashboard.get("/settings"))
    assert match
    return match[1]


@pytest.mark.both_databases
def test_a_domain_serves_links_once_its_dns_proves_it(tmp_path: Path) -> None:
    """With a second account a new domain serves no links, in mails nor for certificates, until CNAME and TXT record are
    found; a domain that was there before the second account goes on, and another subdomain begins anew.
    """
    with (
        DnsServer() as names,
        RunningService(
            tmp_path / "data", base_url="http://t.service.example/c/", dns_servers=(names.address,)
        ) as service,
        DashboardClient(service) as dashboard,
    ):
        add_user(service)
        path = f"{service.account_path}/domains"
        service.client.post(path, json={"domain": "example.com", "tracking_subdomain": "go"}).raise_for_status()
        with service.components.database.write() as connection:
            account_settings.create_account(connection, "other", now())
        wait_until(lambda: service.components.needs_domain_proof)
        assert _link_host(service) == "go.example.com"
        made = service.client.put(f"{path}/example.com", json={"tracking_subdomain": "links"}).json()
        assert (made["dns_valid"], [record["propagated"] for record in made["dns_records"]]) == (False, [False, False])
        assert _link_host(service) == "t.service.example"
        ask = {"domain": "links.example.com"}
        assert service.reader.get("/tls/ask", params=ask).status_code == 404
        page = domain_path(dashboard.signed_in_client())
        assert "Links do not use <code>links.example.com</code> yet" in dashboard.get(page)
        names.records["links.example.com", "CNAME"] = ["t.service.example."]
        assert dashboard.post(f"{page}/check", {}).status_code == 303
        text = dashboard.get(page)
        assert (">found</td>" in text, "there is no TXT record" in text) == (True, True)
        assert _link_host(service) == "t.service.example"
        name, content = proof_record(service.components.account, "example.com")  # type: ignore[arg-type]
        names.records[name, "TXT"] = [f'"{content}"']
        checked = service.client.post(f"{path}/example.com/check").json()
        assert (checked["dns_valid"], checked["dns_problem"], checked["proof_problem"]) == (True, None, None)
        assert _link_host(service) == "links.example.com"
        assert service.reader.get("/tls/ask", params=ask).status_code == 200
        assert [row["domain"] for row in service.client.get(f"{path}?dns_valid=true").json()["data"]] == ["example.com"]
        assert service.client.get(f"{path}?dns_valid=false").json()["data"] == []


def _link_host(service: RunningService) -> str:
    (entry,) = service.send()
    return service.delivered_links(entry["id"])[0].split("/")[2]


def test_a_domain_has_a_policy_of_its_own(service: RunningService, dashboard_client: DashboardClient) -> None:
    """The policy that is saved is shown, is what the API says, and holds for mails from the domain; a mistake is shown
    at its field, beside what was typed. Without a host in the base URL the page says what is missing.
    """
    dashboard_client.signed_in_client()
    assert dashboard_client.post("/settings/host", {"domain": "example.com", "subdomain": "go"}).status_code == 303
    page = domain_path(dashboard_client)
    refused = dashboard_client.post(page, {"track_clicks": "off", "skip": "/ok/\n(", "opt_out": "data-mine"})
    assert refused.status_code == 400
    assert re.findall(r'role="alert" id="(\w+)-wrong"', refused.text) == ["skip"]
    assert ">data-mine</textarea>" in refused.text
    fields = {"track_clicks": "off", "privacy": "pseudonymous", "skip": "/private/", "honeypot": "on"}
    assert dashboard_client.post(page, fields).status_code == 303
    (row,) = service.client.get(f"{service.account_path}/domains").json()["data"]
    assert (row["track_clicks"], row["track_opens"], row["honeypot"]) == (False, None, True)
    assert (row["privacy"], row["skip"], row["tracking_subdomain"]) == ("pseudonymous", ["/private/"], "go")
    assert '<option value="off" selected>' in dashboard_client.get(page)
    (entry,) = service.send(tracking=None)
    assert service.delivered_links(entry["id"])[0] == "https://example.com/a?x=1&y=2"
    assert dashboard_client.post(f"{page}/check", {}).status_code == 303
    assert "LINKWEIR_BASE_URL has to name a public host" in dashboard_client.get(page)
    assert "The base URL is missing" in dashboard_client.get("/settings")


def test_a_domain_that_is_lost_is_shown_until_it_is_found_again(tmp_path: Path) -> None:
    """The service looks by itself. A tracking host that leads elsewhere in two checks in a row is marked in the
    navigation, named on the overview and on its page, and still used by new mails, until it leads here again; one that
    never did is marked nowhere.
    """
    with (
        DnsServer() as names,
        RunningService(
            tmp_path / "data",
            base_url="http://t.service.example/c/",
            dns_servers=(names.address,),
            domain_check_seconds=0.1,
        ) as service,
        DashboardClient(service) as dashboard,
    ):
        names.records["go.example.com", "CNAME"] = ["t.service.example."]
        path = f"{service.account_path}/domains"
        for domain in ("example.com", "example.net"):
            service.client.post(path, json={"domain": domain, "tracking_subdomain": "go"}).raise_for_status()
        add_user(service)
        dashboard.signed_in_client()
        wait_until(
            lambda: ">found</td>" in dashboard.get("/settings") and "no record was" in dashboard.get("/settings")
        )
        lost, mark = "Links on go.example.com no longer lead here", "(a tracking domain no longer leads here)"
        assert mark not in dashboard.get("/messages")
        names.records["go.example.com", "CNAME"] = ["parked.example."]
        wait_until(lambda: mark in dashboard.get("/messages"))
        page = dashboard.get("/")
        assert f"{lost}</strong>" in page
        assert "leads to parked.example, not to t.service.example" in page
        assert "go.example.net" not in page
        (row,) = re.findall(r'href="/dashboard(/settings/domains/[^"]+)">See what', page)
        assert lost in dashboard.get(row)
        assert _link_host(service) == "go.example.com"
        names.records["go.example.com", "CNAME"] = ["t.service.example."]
        wait_until(lambda: mark not in dashboard.get("/"))
        assert lost not in dashboard.get(row)
        events = [line["event"] for line in service.logs if line["event"].startswith("domain.")]
        assert events == ["domain.lost", "domain.found_again"]
