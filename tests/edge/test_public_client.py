"""A client written from the public description of the API alone: it reads strictly and shares nothing with the service.

What it expects of each object is what the description requires; more fields are allowed, fewer or others are not.
"""

import uuid
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from typing import Any

import httpx
import pytest

from tests.edge.serving import Served, wait_until

Kind = tuple[type, ...]
TEXT: Kind = (str,)
FLAG: Kind = (bool,)
COUNT: Kind = (int,)
MAYBE: Kind = (str, type(None))
LIST: Kind = (list,)

COUNTERS = dict.fromkeys(("success_count", "error_count", "errors_since_last_success"), COUNT)
STAMPS = dict.fromkeys(("id", "created_at", "updated_at"), TEXT)
HOOKS = ("reception", "delivered", "transient_error", "failed", "bounced", "suppressed", "opened", "clicked")
REQUIRED: dict[str, dict[str, Kind]] = {
    "account": {**STAMPS, "name": TEXT, "website": TEXT, "about": TEXT, "track_opens": FLAG, "track_clicks": FLAG}
    | dict.fromkeys(("message_metadata_retention", "message_data_retention"), COUNT),
    "domain": {**STAMPS, "domain": TEXT, "account_id": TEXT, "dns_records": LIST, "last_dns_check_at": MAYBE}
    | {"dns_valid": FLAG, "tracking_subdomain": MAYBE, "return_path_subdomain": MAYBE, "rotation_ready": FLAG}
    | {"subscription_subdomain": MAYBE, "media_subdomain": MAYBE, "dkim_selector": MAYBE, "dsn_recipient": MAYBE},
    "api_key": {**STAMPS, "last_used_at": MAYBE, "account_id": TEXT, "label": TEXT, "public_key": TEXT}
    | {"scopes": LIST, "ip_allow_list": LIST},
    "credential_smtp": {**STAMPS, "name": TEXT, "username": TEXT, "sandbox": FLAG, "scope": TEXT, "domains": LIST},
    "webhook": {**STAMPS, **COUNTERS, "name": TEXT, "url": TEXT, "enabled": FLAG, "scope": TEXT, "domains": LIST}
    | {"last_request_at": MAYBE, "on_suppression_created": FLAG, "on_dns_error": FLAG}
    | {f"on_{kind}": FLAG for kind in HOOKS},
    "message": {**STAMPS, "sent_at": MAYBE, "delivered_at": MAYBE, "retain_until": TEXT, "direction": TEXT}
    | {"is_bounce_notification": FLAG, "bounce_classification": TEXT, "delivery_attempts": LIST, "message_id": TEXT}
    | {"subject": TEXT, "tags": LIST, "sender": TEXT, "recipient": TEXT, "status": TEXT, "domain_id": TEXT}
    | {"account_id": TEXT, "num_attempts": COUNT, "click_count": COUNT, "open_count": COUNT}
    | {"reference_message_id": (int, type(None))},
}


class PublicClient:
    """Calls, and refuses answers that the description does not allow."""

    def __init__(self, url: str, account: str, key: str) -> None:
        self._base = f"/v2/accounts/{account}"
        self._client = httpx.Client(base_url=url, headers={"Authorization": f"Bearer {key}"}, timeout=20)

    def close(self) -> None:
        """Hang up."""
        self._client.close()

    def call(self, method: str, path: str, status: int, **how: Any) -> Any:
        """One request; the answer must have this status, and be JSON."""
        answer = self._client.request(method, self._base + path, **how)
        assert answer.status_code == status, answer.text
        assert answer.headers["content-type"] == "application/json"
        body = answer.json()
        if status >= 400:
            assert list(body) == ["message"]
            assert isinstance(body["message"], str)
        return body

    def one(self, method: str, path: str, kind: str, status: int = 200, **how: Any) -> dict[str, Any]:
        """An object of this kind."""
        return checked(self.call(method, path, status, **how), kind)

    def many(self, path: str, kind: str, **query: Any) -> list[dict[str, Any]]:
        """A list of such objects, over all its pages."""
        found, after = [], None
        while True:
            page = self.call("GET", path, 200, params={**query, **({"after": after} if after else {})})
            assert page["object"] == "list"
            found += [checked(one, kind) for one in page["data"]]
            if not page["pagination"]["has_more"]:
                return found
            after = page["pagination"]["next_cursor"]


def checked(found: dict[str, Any], kind: str) -> dict[str, Any]:
    """The object, if it has all that is required, of the right types."""
    assert found["object"] == kind
    for name, types in REQUIRED[kind].items():
        assert name in found, f"{kind} lacks {name}"
        assert type(found[name]) in types, f"{kind}.{name} is {found[name]!r}"
    for name in ("created_at", "updated_at"):
        assert datetime.fromisoformat(found[name]).tzinfo is not None
    uuid.UUID(found["id"])
    return found


@pytest.fixture
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A fresh service."""
    with Served(tmp_path_factory.mktemp("public") / "data") as service:
        yield service


def test_the_journey_of_a_public_client(served: Served) -> None:
    """From ping over domain, key, mail, webhook and credential to statistics, everything reads as described."""
    client = PublicClient(served.url, served.account, served.key)
    assert httpx.get(f"{served.url}/v2/ping").json() == {"message": "pong"}
    client.one("GET", "", "account")
    assert client.one("PUT", "", "account", json={"track_clicks": True})["track_clicks"] is True
    client.one("POST", "/domains", "domain", 201, json={"domain": "example.com", "tracking_subdomain": "click"})
    client.one("GET", "/domains/example.com", "domain")
    assert len(client.many("/domains", "domain")) == 1
    client.call("POST", "/domains", 409, json={"domain": "example.com"})
    key = client.one("POST", "/api-keys", "api_key", 201, json={"label": "x", "scopes": ["messages:send:all"]})
    assert key["secret_key"]
    limited = PublicClient(served.url, served.account, key["secret_key"])
    limited.call("GET", "", 403)
    sent = limited.call(
        "POST",
        "/messages",
        202,
        json={
            "from": {"email": "noreply@example.com", "name": "Example Corp"},
            "recipients": [{"email": "user@example.com", "substitutions": {"first_name": "Jo"}}, {"email": "bad"}],
            "subject": "Welcome {{first_name}}",
            "html_content": '<h1>Welcome {{first_name}}!</h1><a href="https://example.com">x</a>',
        },
    )
    assert [one["status"] for one in sent["data"]] == ["queued", "error"]
    assert all({"object", "id", "recipient", "status", "error"} <= one.keys() for one in sent["data"])
    path = "/messages/" + sent["data"][0]["id"].strip("<>")
    wait_until(lambda: client.one("GET", path, "message")["status"] == "Delivered")
    (message,) = client.many("/messages", "message", recipient="user@example.com", limit=1)
    assert message["subject"] == "Welcome Jo"
    later = (datetime.now(timezone(timedelta(hours=2))) + timedelta(hours=3)).isoformat()
    body = {"from": {"email": "a@example.com"}, "recipients": [{"email": "b@example.com"}], "subject": "x"}
    planned = client.call(
        "POST", "/messages", 202, json=body | {"text_content": "x", "schedule": {"first_attempt": later}}
    )
    assert planned["data"][0]["status"] == "scheduled"
    client.call("DELETE", f"/messages/{planned['data'][0]['id'].strip('<>')}/cancel", 200)
    made = client.one(
        "POST", "/webhooks", "webhook", 201, json={"name": "x", "url": "https://example.com", "scope": "global"}
    )
    client.one("PUT", f"/webhooks/{made['id']}", "webhook", json={"on_clicked": True})
    client.many("/webhooks", "webhook")
    client.call("DELETE", f"/webhooks/{made['id']}", 200)
    client.call("GET", f"/webhooks/{made['id']}", 404)
    made = client.one("POST", "/smtp-credentials", "credential_smtp", 201, json={"name": "x", "scope": "global"})
    assert made["password"]
    client.call("DELETE", f"/smtp-credentials/{made['id']}", 200)
    rows = client.call("GET", "/statistics/transactional/deliverability", 200)["data"]
    assert sum(row["reception_count"] for row in rows) == 2
    client.call("DELETE", f"/api-keys/{key['id']}", 200)
    limited.call("GET", "", 401)
    for one in (client, limited):
        one.close()
