"""Which hosts have what, asked for by a real client that names them."""

import sqlite3
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from linkweir import background
from linkweir.errors import SettingsError
from linkweir.settings import from_environment
from tests.web.running_service import RunningService, wait_until

OPERATOR_PATHS = ("/dashboard/sign-in", "/dashboard/", "/openapi.json", "/metrics", "/nothing")
PUBLIC_PATHS = ("/privacy", "/healthz", "/readyz")


def get_status(service: RunningService, path: str, host: str) -> httpx.Response:
    """The answer to a request for this path on this host."""
    return service.reader.get(path, headers={"Host": host})


def add_tracking_domain(service: RunningService, **fields: Any) -> None:
    """Give the account a domain whose links live on go.shop.example, and wait until that is known."""
    body = {"domain": "shop.example", "tracking_subdomain": "go", **fields}
    assert service.client.post(f"{service.account_path}/domains", json=body).status_code == 201
    wait_until(lambda: get_status(service, "/metrics", "go.shop.example").status_code == 404)


@pytest.mark.parametrize("host", ["go.shop.example", "GO.Shop.example.", "go.shop.example:8443"])
def test_a_domains_host_serves_links_only(service: RunningService, host: str) -> None:
    """On the tracking host of a domain there is neither dashboard nor API, however it is spelt; links work."""
    add_tracking_domain(service)
    for path in OPERATOR_PATHS:
        answer = get_status(service, path, host)
        assert (answer.status_code, "set-cookie" in answer.headers) == (404, False), path
    key = {"Authorization": f"Bearer {service.key}", "Host": host}
    assert service.client.get(f"{service.account_path}/messages", headers=key).status_code == 404
    for path in PUBLIC_PATHS:
        assert get_status(service, path, host).status_code == 200, path
    sent = service.send(**{"from": {"email": "news@shop.example"}})
    (link, _) = service.delivered_links(sent[0]["id"])
    assert link.startswith(f"http://go.shop.example:{service.settings.port}/c/")
    path = "/" + link.split("/", 3)[3]
    assert get_status(service, path, host).headers["location"] == "https://example.com/a?x=1&y=2"


def test_other_hosts_have_everything(service: RunningService) -> None:
    """A host that belongs to no domain serves dashboard and API, like the service's own."""
    add_tracking_domain(service)
    for host in ("127.0.0.1", "localhost", "mail.example", "[::1]:8025"):
        assert get_status(service, "/dashboard/sign-in", host).status_code == 200, host


def test_the_services_own_host_may_be_a_domains_too(tmp_path: Path) -> None:
    """Where links of the service and of a domain share one host, its dashboard stays reachable."""
    with RunningService(tmp_path / "data", base_url="https://go.shop.example/c/", click_path="/c/") as served:
        body = {"domain": "shop.example", "tracking_subdomain": "go"}
        assert served.client.post(f"{served.account_path}/domains", json=body).status_code == 201
        assert get_status(served, "/dashboard/sign-in", "go.shop.example").status_code == 200


def test_an_address_is_no_domains_host(tmp_path: Path) -> None:
    """A domain that is made of an address's numbers does not take the dashboard on that address away."""
    with RunningService(tmp_path / "data", base_url="https://go.operator.example/c/", click_path="/c/") as served:
        add_tracking_domain(served)
        for domain, subdomain in (("0.0.1", "127"), ("0.2.10", "192")):
            body = {"domain": domain, "tracking_subdomain": subdomain}
            served.client.post(f"{served.account_path}/domains", json=body)
        time.sleep(background.REFRESH_SECONDS + 0.5)
        for host in ("127.0.0.1", "127.0.0.1:8025", "192.0.2.10"):
            assert get_status(served, "/dashboard/sign-in", host).status_code == 200, host


def test_hosts_can_be_named(tmp_path: Path) -> None:
    """With LINKWEIR_API_HOSTS every other host serves links alone, the service's own included."""
    with RunningService(tmp_path / "data", api_hosts=("office.example", "::1")) as served:
        for host in ("office.example", "OFFICE.example:8025", "[::1]"):
            assert get_status(served, "/dashboard/sign-in", host).status_code == 200, host
        for host in ("127.0.0.1", "evil.example", "", "office.example.evil.example"):
            assert get_status(served, "/dashboard/sign-in", host).status_code == 404, host
            assert get_status(served, "/healthz", host).status_code == 200, host


def test_the_last_known_hosts_apply_without_the_database(service: RunningService) -> None:
    """While the database is away, a domain's host stays what it was."""
    add_tracking_domain(service)
    lock = sqlite3.connect(service.settings.sqlite_path, isolation_level=None)
    lock.execute("BEGIN EXCLUSIVE")
    service.settings.sqlite_path.rename(service.settings.sqlite_path.with_suffix(".gone"))
    wait_until(
        lambda: get_status(service, "/openapi.json", "localhost").status_code == 200 and is_refresh_failing(service)
    )
    assert get_status(service, "/openapi.json", "go.shop.example").status_code == 404
    lock.close()


def is_refresh_failing(service: RunningService) -> bool:
    """Did a look at the domains fail?"""
    return any(line["event"] == "hosts.database_unavailable" for line in service.logs)


@pytest.mark.parametrize("text", ["https://office.example", "office.example/x", "office.example:80", "a@b.example"])
def test_only_hosts_can_be_named(text: str) -> None:
    """A scheme, a port or a path in LINKWEIR_API_HOSTS is refused, saying what is meant."""
    with pytest.raises(SettingsError, match=r"LINKWEIR_API_HOSTS.*without scheme, port and path"):
        from_environment({"LINKWEIR_API_HOSTS": text})
