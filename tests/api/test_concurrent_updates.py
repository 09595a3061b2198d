"""Changes of one thing that come at the same moment, and what a domain's changes leave behind."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.web.running_service import RunningService


@pytest.fixture(scope="module")
def service(dialect: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """One service for this file."""
    with RunningService(tmp_path_factory.mktemp("changes") / "data") as service:
        yield service


def create_resource(service: RunningService, path: str, **body: Any) -> dict[str, Any]:
    """POST, expect 201, and give the answer."""
    answer = service.client.post(f"{service.account_path}/{path}", json=body)
    assert answer.status_code == 201, answer.text
    result: dict[str, Any] = answer.json()
    return result


def put_resource(service: RunningService, path: str, **change: Any) -> dict[str, Any]:
    """PUT, expect 200, and give the answer."""
    answer = service.client.put(service.account_path + path, json=change)
    assert answer.status_code == 200, answer.text
    result: dict[str, Any] = answer.json()
    return result


def put_concurrently(service: RunningService, path: str, *changes: dict[str, Any]) -> dict[str, Any]:
    """PUT all these changes while none can be written yet; what the thing is when all have been answered."""
    threads = [threading.Thread(target=put_resource, args=(service, path), kwargs=change) for change in changes]
    with service.components.database.write():
        for thread in threads:
            thread.start()
        time.sleep(0.4)  # by now whatever they read before writing has been read
    for thread in threads:
        thread.join()
    result: dict[str, Any] = service.client.get(service.account_path + path).json()
    return result


def test_concurrent_changes_of_an_account_are_all_applied(service: RunningService) -> None:
    """Three fields of one policy, changed by three requests at once, all hold afterwards."""
    result = put_concurrently(service, "", {"privacy": "pseudonymous"}, {"outlook": True}, {"skip": ["/reset"]})
    assert (result["privacy"], result["outlook"], result["skip"]) == ("pseudonymous", True, ["/reset"])


def test_concurrent_changes_of_a_domain_are_all_applied(service: RunningService) -> None:
    """A policy field, a tracking switch and a host, changed at once, all hold afterwards."""
    create_resource(service, "domains", domain="busy.example")
    changes = ({"link_style": "short"}, {"track_opens": True}, {"tracking_subdomain": "t"})
    result = put_concurrently(service, "/domains/busy.example", *changes)
    assert (result["link_style"], result["track_opens"], result["tracking_subdomain"]) == ("short", True, "t")


def test_concurrent_changes_of_a_webhook_are_all_applied(service: RunningService) -> None:
    """Three kinds of events, wished by three requests at once, are all told afterwards."""
    hook = create_resource(service, "webhooks", name="x", url="https://example.com/", scope="global")
    kinds = ("on_clicked", "on_bounced", "on_opened")
    result = put_concurrently(service, f"/webhooks/{hook['id']}", *({kind: True} for kind in kinds))
    assert [result[kind] for kind in kinds] == [True] * 3


def test_concurrent_changes_of_a_key_are_all_applied(service: RunningService) -> None:
    """A label and scopes, changed at once, both hold afterwards."""
    key = create_resource(service, "api-keys", label="before", scopes=["accounts:read"])
    result = put_concurrently(service, f"/api-keys/{key['id']}", {"label": "after"}, {"scopes": ["domains:read"]})
    assert (result["label"], [item["scope"] for item in result["scopes"]]) == ("after", ["domains:read"])


def list_dkim_hosts(domain: dict[str, Any]) -> list[str]:
    """The hosts of the domain's DKIM records."""
    return [item["host"] for item in domain["dns_records"] if item["label"] == "DKIM"]


@pytest.mark.parametrize("back", [{"dkim_private_key": None}, {"dkim": "off"}])
def test_a_dkim_key_is_taken_back(service: RunningService, back: dict[str, Any]) -> None:
    """`dkim_private_key` null and `dkim` "off" remove the key; what does not name it leaves it alone."""
    name = f"back{len(str(back))}.example"
    create_resource(service, "domains", domain=name, dkim="generate")
    assert list_dkim_hosts(put_resource(service, f"/domains/{name}", outlook=True)) == [f"linkweir._domainkey.{name}"]
    assert list_dkim_hosts(put_resource(service, f"/domains/{name}", **back)) == []


def test_a_new_dkim_key_reuses_its_selector(service: RunningService) -> None:
    """A key made anew stands under the selector that the domain has, and never under none."""
    create_resource(service, "domains", domain="again.example", dkim="generate", dkim_selector="s1")
    first = service.client.get(f"{service.account_path}/domains/again.example").json()["dns_records"]
    changed = put_resource(service, "/domains/again.example", dkim="generate")
    assert list_dkim_hosts(changed) == ["s1._domainkey.again.example"]
    assert changed["dns_records"] != first
    assert list_dkim_hosts(put_resource(service, "/domains/again.example", dkim_selector=None)) == [
        "linkweir._domainkey.again.example"
    ]


def test_contradicting_key_changes_are_refused(service: RunningService) -> None:
    """`dkim` and a private key at once contradict each other: 400."""
    wish = {"domain": "two.example", "dkim": "generate", "dkim_private_key": "x"}
    answer = service.client.post(f"{service.account_path}/domains", json=wish)
    assert (answer.status_code, answer.json()["message"][:5]) == (400, "dkim:")


def test_a_domain_of_another_script_is_one_in_the_dns(service: RunningService) -> None:
    """A domain is kept in its ASCII form, and mail from it in either spelling is its mail."""
    domain = create_resource(service, "domains", domain="Bücher.example", tracking_subdomain="t")
    assert domain["domain"] == "xn--bcher-kva.example"
    for sender in ("a@bücher.example", "a@XN--bcher-kva.example"):
        (entry,) = service.send(**{"from": {"email": sender}})
        assert service.get_message(entry["id"])["domain_id"] == domain["id"]


def list_base_urls(service: RunningService) -> str:
    """Every base URL that the key ring knows."""
    return " ".join(service.components.keyring.hosts)


def test_a_refused_domain_leaves_no_host(service: RunningService) -> None:
    """A domain that exists, or whose host cannot be, adds nothing to the key ring; a deleted one's host stays there."""
    create_resource(service, "domains", domain="once.example", tracking_subdomain="go")
    again = {"domain": "once.example", "tracking_subdomain": "other"}
    assert service.client.post(f"{service.account_path}/domains", json=again).status_code == 409
    long = {"domain": ".".join(["x" * 60] * 4), "tracking_subdomain": "t"}
    answer = service.client.post(f"{service.account_path}/domains", json=long)
    assert (answer.status_code, answer.json()["message"][:19]) == (400, "tracking_subdomain:")
    assert service.client.get(f"{service.account_path}/domains/{long['domain']}").status_code == 404
    assert service.client.delete(f"{service.account_path}/domains/once.example").status_code == 200
    assert f"//go.once.example:{service.settings.port}/" in list_base_urls(service)
    assert "other.once.example" not in list_base_urls(service)
    assert "x" * 60 not in list_base_urls(service)


@pytest.mark.both_databases
def test_hosts_follow_a_new_base_url(tmp_path_factory: pytest.TempPathFactory) -> None:
    """After a start with another base URL the key ring knows the domains' hosts under it and under the old one."""
    data = tmp_path_factory.mktemp("base") / "data"
    with RunningService(data, base_url="https://t.example.com/old/") as first:
        create_resource(first, "domains", domain="shop.example", tracking_subdomain="go")
    with RunningService(data, base_url="https://t.example.com/new/") as second:
        assert {"https://go.shop.example/old/", "https://go.shop.example/new/"} <= set(second.components.keyring.hosts)


def test_a_cname_leads_to_a_name(tmp_path: Path, service: RunningService) -> None:
    """The DNS record of a tracking host names the service's host without a port, and is left out while that host is an
    address, to which no CNAME can lead.
    """
    assert create_resource(service, "domains", domain="a.example", tracking_subdomain="t")["dns_records"] == []
    with RunningService(tmp_path / "named", base_url="http://links.example.com:8080/c/") as named:
        (record,) = create_resource(named, "domains", domain="a.example", tracking_subdomain="t")["dns_records"]
        assert (record["type"], record["content"]) == ("CNAME", "links.example.com")
