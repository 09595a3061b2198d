"""Which hosts have what, asked for by a real client that names them."""

import sqlite3
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from linkweir.edge import hosts
from linkweir.errors import SettingsError
from linkweir.settings import from_environment
from tests.edge.serving import Served, wait_until

OFFICE = ("/dashboard/sign-in", "/dashboard/", "/openapi.json", "/metrics", "/nothing")
EVERYWHERE = ("/privacy", "/healthz", "/readyz")


def asked(served: Served, path: str, host: str) -> httpx.Response:
    """The answer to a request for this path on this host."""
    return served.reader.get(path, headers={"Host": host})


def with_domain(served: Served, **fields: Any) -> None:
    """Give the account a domain whose links live on go.shop.example, and wait until that is known."""
    body = {"domain": "shop.example", "tracking_subdomain": "go", **fields}
    assert served.client.post(f"{served.base}/domains", json=body).status_code == 201
    wait_until(lambda: asked(served, "/metrics", "go.shop.example").status_code == 404)


@pytest.mark.parametrize("host", ["go.shop.example", "GO.Shop.example.", "go.shop.example:8443"])
def test_a_domains_host_serves_links_alone(served: Served, host: str) -> None:
    """On the tracking host of a domain there is neither dashboard nor API, however it is spelt; links work."""
    with_domain(served)
    for path in OFFICE:
        answer = asked(served, path, host)
        assert (answer.status_code, "set-cookie" in answer.headers) == (404, False), path
    key = {"Authorization": f"Bearer {served.key}", "Host": host}
    assert served.client.get(f"{served.base}/messages", headers=key).status_code == 404
    for path in EVERYWHERE:
        assert asked(served, path, host).status_code == 200, path
    sent = served.send(**{"from": {"email": "news@shop.example"}})
    (link, _) = served.links(sent[0]["id"])
    assert link.startswith("http://go.shop.example")
    path = "/" + link.split("/", 3)[3]
    assert asked(served, path, host).headers["location"] == "https://example.com/a?x=1&y=2"


def test_other_hosts_have_everything(served: Served) -> None:
    """A host that belongs to no domain serves dashboard and API, like the service's own."""
    with_domain(served)
    for host in ("127.0.0.1", "localhost", "mail.example", "[::1]:8025"):
        assert asked(served, "/dashboard/sign-in", host).status_code == 200, host


def test_the_services_own_host_may_be_a_domains_too(tmp_path: Path) -> None:
    """Where links of the service and of a domain share one host, its dashboard stays reachable."""
    with Served(tmp_path / "data", base_url="https://go.shop.example/c/", click_path="/c/") as served:
        body = {"domain": "shop.example", "tracking_subdomain": "go"}
        assert served.client.post(f"{served.base}/domains", json=body).status_code == 201
        assert asked(served, "/dashboard/sign-in", "go.shop.example").status_code == 200


def test_an_address_is_no_domains_host(tmp_path: Path) -> None:
    """A domain that is made of an address's numbers does not take the dashboard on that address away."""
    with Served(tmp_path / "data", base_url="https://go.operator.example/c/", click_path="/c/") as served:
        with_domain(served)
        for domain, subdomain in (("0.0.1", "127"), ("0.2.10", "192")):
            body = {"domain": domain, "tracking_subdomain": subdomain}
            served.client.post(f"{served.base}/domains", json=body)
        time.sleep(hosts.LOOK + 0.5)
        for host in ("127.0.0.1", "127.0.0.1:8025", "192.0.2.10"):
            assert asked(served, "/dashboard/sign-in", host).status_code == 200, host


def test_hosts_can_be_named(tmp_path: Path) -> None:
    """With LINKWEIR_API_HOSTS every other host serves links alone, the service's own included."""
    with Served(tmp_path / "data", api_hosts=("office.example", "::1")) as served:
        for host in ("office.example", "OFFICE.example:8025", "[::1]"):
            assert asked(served, "/dashboard/sign-in", host).status_code == 200, host
        for host in ("127.0.0.1", "evil.example", "", "office.example.evil.example"):
            assert asked(served, "/dashboard/sign-in", host).status_code == 404, host
            assert asked(served, "/healthz", host).status_code == 200, host


def test_the_last_word_holds_without_the_store(served: Served) -> None:
    """While the database is away, a domain's host stays what it was."""
    with_domain(served)
    lock = sqlite3.connect(served.settings.database, isolation_level=None)
    lock.execute("BEGIN EXCLUSIVE")
    served.settings.database.rename(served.settings.database.with_suffix(".gone"))
    wait_until(lambda: asked(served, "/openapi.json", "localhost").status_code == 200 and unavailable(served))
    assert asked(served, "/openapi.json", "go.shop.example").status_code == 404
    lock.close()


def unavailable(served: Served) -> bool:
    """Did a look at the domains fail?"""
    return any(line["event"] == "hosts.store_unavailable" for line in served.logs)


@pytest.mark.parametrize("text", ["https://office.example", "office.example/x", "office.example:80", "a@b.example"])
def test_only_hosts_can_be_named(text: str) -> None:
    """A scheme, a port or a path in LINKWEIR_API_HOSTS is refused, saying what is meant."""
    with pytest.raises(SettingsError, match=r"LINKWEIR_API_HOSTS.*without scheme, port and path"):
        from_environment({"LINKWEIR_API_HOSTS": text})
