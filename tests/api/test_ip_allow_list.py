"""`ip_allow_list` of an API key: it opens from there and from nowhere else."""

import ipaddress
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.web.running_service import WAIT_SECONDS, RunningService, make_request, random_uuid

LOOPBACK_IP = "127.0.0.1"


@pytest.fixture(scope="module")
def service(dialect: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """A service behind a proxy on this machine, which says where a request came from."""
    proxies = (ipaddress.ip_network("127.0.0.0/8"),)
    with RunningService(tmp_path_factory.mktemp("allowed") / "data", trusted_proxies=proxies) as service:
        yield service


def post_api_key(
    service: RunningService, *addresses: str, client: httpx.Client | None = None, **more: Any
) -> httpx.Response:
    """POST …/api-keys with this list."""
    body = {"label": "x", "scopes": ["*"], "ip_allow_list": list(addresses), **more}
    if body["scopes"] == ["*"]:
        body["scopes"] = ["messages:send:all", "api-keys:read", "api-keys:write", "accounts:read", "accounts:write"]
    return (client or service.client).post(f"{service.account_path}/api-keys", json=body)


def create_key(service: RunningService, *addresses: str) -> dict[str, Any]:
    """A new key with this list."""
    answer = post_api_key(service, *addresses)
    assert answer.status_code == 201, answer.text
    result: dict[str, Any] = answer.json()
    return result


def get_status(service: RunningService, key: str, source: str, path: str | None = None) -> int:
    """The status of a request with this key that the proxy says came from `source`."""
    headers = {"Authorization": f"Bearer {key}", "X-Forwarded-For": source}
    return httpx.get(
        service.url + (service.account_path if path is None else path), headers=headers, timeout=WAIT_SECONDS
    ).status_code


@pytest.mark.parametrize(
    ("entry", "inside", "outside"),
    [
        ("192.0.2.7", "192.0.2.7", "192.0.2.8"),
        ("192.0.2.0/24", "192.0.2.255", "192.0.3.0"),
        ("192.0.2.99/24", "192.0.2.1", "192.0.3.1"),
        ("2001:db8::7", "2001:db8:0::7", "2001:db8::8"),
        ("2001:db8::/32", "2001:db8:ffff::1", "2001:db9::1"),
        ("::ffff:192.0.2.7", "192.0.2.7", "192.0.2.8"),
        ("::ffff:192.0.2.0/120", "192.0.2.9", "192.0.3.9"),
        ("192.0.2.7", "::ffff:192.0.2.7", "::ffff:192.0.2.8"),
    ],
)
def test_a_key_works_from_its_networks_only(service: RunningService, entry: str, inside: str, outside: str) -> None:
    """A request from within the list is answered, one from elsewhere is 403, on every path that takes a key."""
    key = create_key(service, entry)["secret_key"]
    for path in (None, "/v2/ping"):
        assert [get_status(service, key, source, path) for source in (inside, outside)] == [200, 403]


def test_an_address_that_the_client_claims_itself_opens_nothing(service: RunningService) -> None:
    """Of X-Forwarded-For the entry that the proxy wrote counts, not those in front of it."""
    key = create_key(service, "192.0.2.7")["secret_key"]
    assert get_status(service, key, "192.0.2.7, 198.51.100.1") == 403
    assert get_status(service, key, "198.51.100.1, 192.0.2.7") == 200


def test_the_older_api_heeds_the_list(service: RunningService) -> None:
    """API v1 answers 403 to a key from elsewhere."""
    key = create_key(service, "192.0.2.7")["secret_key"]
    body = {
        "from": {"email": "a@example.com"},
        "recipients": [{"email": "b@example.org"}],
        "content": {"subject": "s", "text_body": "t"},
    }
    for source, status in (("192.0.2.7", 201), ("192.0.2.8", 403)):
        headers = {"X-Api-Key": key, "X-Forwarded-For": source}
        answer = httpx.post(f"{service.url}/v1/email/send", json=body, headers=headers, timeout=WAIT_SECONDS)
        assert answer.status_code == status
    assert answer.json().keys() == {"status"}


def test_a_list_is_shown_as_networks_each_once(service: RunningService) -> None:
    """Entries come back as CIDR blocks without host bits, in the order given; none is an empty list."""
    made = create_key(service, "192.0.2.7", "192.0.2.9/24", "2001:DB8::1", "192.0.2.7/32", "::ffff:198.51.100.1")
    shown = ["192.0.2.7/32", "192.0.2.0/24", "2001:db8::1/128", "198.51.100.1/32"]
    assert made["ip_allow_list"] == shown
    assert service.client.get(f"{service.account_path}/api-keys/{made['id']}").json()["ip_allow_list"] == shown
    assert create_key(service)["ip_allow_list"] == []
    listed = service.client.get(f"{service.account_path}/api-keys").json()["data"]
    assert shown in [item["ip_allow_list"] for item in listed]


@pytest.mark.parametrize(
    "entry",
    [
        *("", "x", "192.0.2.256", "192.0.2.0/33", "192.0.2.0/-1", "2001:db8::/129", "fe80::1%eth0", "0.0.0.0/0"),
        *("::/0", "example.com", "192.0.2.1-192.0.2.9", "192.0.2", "3221225985", "::ffff:0:0/96", "::ffff:0:0/0"),
    ],
)
def test_what_is_no_network_is_named(service: RunningService, entry: str) -> None:
    """An entry that is no address or network, or that is every address, is 400 and names its place."""
    for method, path in (("POST", "api-keys"), ("PUT", f"api-keys/{create_key(service)['id']}")):
        body = {"label": "x", "scopes": ["accounts:read"], "ip_allow_list": ["192.0.2.7", entry]}
        answer = service.client.request(method, f"{service.account_path}/{path}", json=body)
        assert answer.status_code == 400
        assert answer.json()["message"].startswith("ip_allow_list[1]: ")


def test_a_list_has_an_end(service: RunningService) -> None:
    """A hundred different entries are taken and one more is not; the same one twice counts once."""
    entries = [f"192.0.2.{n}" for n in range(100)]
    assert post_api_key(service, *entries, "192.0.2.5").status_code == 201
    assert post_api_key(service, *entries, "192.0.3.1").status_code == 400


def test_a_list_can_be_replaced_and_cleared(service: RunningService) -> None:
    """PUT replaces a list that is given, null leaves it, and an empty one lifts the restriction."""
    key = create_key(service, "192.0.2.7")
    path = f"{service.account_path}/api-keys/{key['id']}"
    for given, status in ((None, 403), (["198.51.100.1"], 200), (["192.0.2.7"], 403), ([], 200)):
        service.client.put(path, json={"label": "y", "ip_allow_list": given}).raise_for_status()
        assert get_status(service, key["secret_key"], "198.51.100.1") == status


def test_nobody_locks_themselves_out(service: RunningService) -> None:
    """A key that would take its own address off its list gets 409, and the list stays."""
    key = create_key(service, "192.0.2.0/24")
    headers = {"Authorization": f"Bearer {key['secret_key']}", "X-Forwarded-For": "192.0.2.7"}
    with httpx.Client(base_url=service.url, headers=headers, timeout=WAIT_SECONDS) as client:
        path = f"{service.account_path}/api-keys/{key['id']}"
        assert client.put(path, json={"ip_allow_list": ["192.0.2.8"]}).status_code == 409
        assert client.put(path, json={"ip_allow_list": ["192.0.2.7"]}).status_code == 200
        assert client.get(path).json()["ip_allow_list"] == ["192.0.2.7/32"]


def test_nobody_leaves_their_networks_by_another_key(service: RunningService) -> None:
    """A key with a list makes and changes keys only for networks within its own: 403 for others and for none."""
    key = create_key(service, "192.0.2.0/24", "2001:db8::/32")
    other = create_key(service, "198.51.100.1")
    headers = {"Authorization": f"Bearer {key['secret_key']}", "X-Forwarded-For": "192.0.2.7"}
    with httpx.Client(base_url=service.url, headers=headers, timeout=WAIT_SECONDS) as client:
        for allowed, status in ((["192.0.2.9"], 201), (["192.0.0.0/16"], 403), ([], 403), (["2001:db8::/33"], 201)):
            assert post_api_key(service, *allowed, client=client).status_code == status
        for changed in (key, other):
            path = f"{service.account_path}/api-keys/{changed['id']}"
            assert client.put(path, json={"ip_allow_list": []}).status_code == 403
            assert client.put(path, json={"ip_allow_list": ["192.0.2.7", "203.0.113.1"]}).status_code == 403


def test_nobody_leaves_their_networks_by_a_credential(service: RunningService) -> None:
    """A key with a list makes no SMTP credential, which would open from everywhere: 403, and 403 for a repeat."""
    scopes = ["messages:send:all", "smtp-credentials:write:all"]
    free, bound = (
        post_api_key(service, *networks, scopes=scopes).json()["secret_key"] for networks in ((), ("192.0.2.7",))
    )
    body, once = {"name": "x", "scope": "global"}, {"Idempotency-Key": random_uuid()}
    for key, status in ((bound, 403), (free, 201), (bound, 403)):
        headers = {"Authorization": f"Bearer {key}", "X-Forwarded-For": "192.0.2.7", **once}
        answer = httpx.post(
            f"{service.url}{service.account_path}/smtp-credentials", json=body, headers=headers, timeout=WAIT_SECONDS
        )
        assert answer.status_code == status, answer.text


def test_a_restricted_key_gets_no_secret_by_a_repeat(service: RunningService) -> None:
    """The answer that made an unrestricted key is not given again to a key that could not have made it: 403."""
    key = create_key(service, "192.0.2.7")
    headers = {"Authorization": f"Bearer {key['secret_key']}", "X-Forwarded-For": "192.0.2.7"}
    body = {"label": "x", "scopes": ["messages:send:all"]}
    once = {"Idempotency-Key": random_uuid()}
    with httpx.Client(base_url=service.url, headers=headers, timeout=WAIT_SECONDS) as client:
        assert service.client.post(f"{service.account_path}/api-keys", json=body, headers=once).status_code == 201
        assert client.post(f"{service.account_path}/api-keys", json=body, headers=once).status_code == 403
        assert client.post(f"{service.account_path}/messages", json=make_request(), headers=once).status_code == 422
