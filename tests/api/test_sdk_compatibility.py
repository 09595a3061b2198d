"""A client written from the public description of the API alone: it reads strictly and shares nothing with the service.

What it expects of each object is what the description requires; more fields are allowed, fewer or others are not.
"""

import uuid
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from typing import Any

import httpx
import pytest

from tests.web.running_service import WAIT_SECONDS, RunningService, wait_until

TypeSpec = tuple[type, ...]
TEXT: TypeSpec = (str,)
FLAG: TypeSpec = (bool,)
COUNT: TypeSpec = (int,)
OPTIONAL_TEXT: TypeSpec = (str, type(None))
LIST: TypeSpec = (list,)

COUNTER_FIELDS = dict.fromkeys(("success_count", "error_count", "errors_since_last_success"), COUNT)
COMMON_FIELDS = dict.fromkeys(("id", "created_at", "updated_at"), TEXT)
WEBHOOK_EVENTS = ("reception", "delivered", "transient_error", "failed", "bounced", "suppressed", "opened", "clicked")
REQUIRED_FIELDS: dict[str, dict[str, TypeSpec]] = {
    "account": {
        **COMMON_FIELDS,
        "name": TEXT,
        "website": TEXT,
        "about": TEXT,
        "track_opens": FLAG,
        "track_clicks": FLAG,
    }
    | dict.fromkeys(("message_metadata_retention", "message_data_retention"), COUNT),
    "domain": {
        **COMMON_FIELDS,
        "domain": TEXT,
        "account_id": TEXT,
        "dns_records": LIST,
        "last_dns_check_at": OPTIONAL_TEXT,
    }
    | {
        "dns_valid": FLAG,
        "tracking_subdomain": OPTIONAL_TEXT,
        "return_path_subdomain": OPTIONAL_TEXT,
        "rotation_ready": FLAG,
    }
    | {
        "subscription_subdomain": OPTIONAL_TEXT,
        "media_subdomain": OPTIONAL_TEXT,
        "dkim_selector": OPTIONAL_TEXT,
        "dsn_recipient": OPTIONAL_TEXT,
    },
    "api_key": {**COMMON_FIELDS, "last_used_at": OPTIONAL_TEXT, "account_id": TEXT, "label": TEXT, "public_key": TEXT}
    | {"scopes": LIST, "ip_allow_list": LIST},
    "credential_smtp": {
        **COMMON_FIELDS,
        "name": TEXT,
        "username": TEXT,
        "sandbox": FLAG,
        "scope": TEXT,
        "domains": LIST,
    },
    "webhook": {
        **COMMON_FIELDS,
        **COUNTER_FIELDS,
        "name": TEXT,
        "url": TEXT,
        "enabled": FLAG,
        "scope": TEXT,
        "domains": LIST,
    }
    | {"last_request_at": OPTIONAL_TEXT, "on_suppression_created": FLAG, "on_dns_error": FLAG}
    | {f"on_{kind}": FLAG for kind in WEBHOOK_EVENTS},
    "message": {
        **COMMON_FIELDS,
        "sent_at": OPTIONAL_TEXT,
        "delivered_at": OPTIONAL_TEXT,
        "retain_until": TEXT,
        "direction": TEXT,
    }
    | {"is_bounce_notification": FLAG, "bounce_classification": TEXT, "delivery_attempts": LIST, "message_id": TEXT}
    | {"subject": TEXT, "tags": LIST, "sender": TEXT, "recipient": TEXT, "status": TEXT, "domain_id": TEXT}
    | {"account_id": TEXT, "num_attempts": COUNT, "click_count": COUNT, "open_count": COUNT}
    | {"reference_message_id": (int, type(None))},
}


class PublicClient:
    """Calls, and refuses answers that the description does not allow."""

    def __init__(self, url: str, account: str, key: str) -> None:
        self._base = f"/v2/accounts/{account}"
        self._client = httpx.Client(base_url=url, headers={"Authorization": f"Bearer {key}"}, timeout=WAIT_SECONDS)

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

    def get_object(self, method: str, path: str, kind: str, status: int = 200, **how: Any) -> dict[str, Any]:
        """An object of this kind."""
        return check_object(self.call(method, path, status, **how), kind)

    def list_objects(self, path: str, kind: str, **query: Any) -> list[dict[str, Any]]:
        """A list of such objects, over all its pages."""
        result, after = [], None
        while True:
            page = self.call("GET", path, 200, params={**query, **({"after": after} if after else {})})
            assert page["object"] == "list"
            result += [check_object(item, kind) for item in page["data"]]
            if not page["pagination"]["has_more"]:
                return result
            after = page["pagination"]["next_cursor"]


def check_object(value: dict[str, Any], kind: str) -> dict[str, Any]:
    """The object, if it has all that is required, of the right types."""
    assert value["object"] == kind
    for name, types in REQUIRED_FIELDS[kind].items():
        assert name in value, f"{kind} lacks {name}"
        assert type(value[name]) in types, f"{kind}.{name} is {value[name]!r}"
    for name in ("created_at", "updated_at"):
        assert datetime.fromisoformat(value[name]).tzinfo is not None
    uuid.UUID(value["id"])
    return value


@pytest.fixture
def service(dialect: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """A fresh service."""
    with RunningService(tmp_path_factory.mktemp("public") / "data") as service:
        yield service


def test_the_journey_of_a_public_client(service: RunningService) -> None:
    """From ping over domain, key, mail, webhook and credential to statistics, everything reads as described."""
    client = PublicClient(service.url, service.account, service.key)
    assert httpx.get(f"{service.url}/v2/ping", timeout=WAIT_SECONDS).json() == {"message": "pong"}
    client.get_object("GET", "", "account")
    assert client.get_object("PUT", "", "account", json={"track_clicks": True})["track_clicks"] is True
    client.get_object("POST", "/domains", "domain", 201, json={"domain": "example.com", "tracking_subdomain": "click"})
    client.get_object("GET", "/domains/example.com", "domain")
    assert len(client.list_objects("/domains", "domain")) == 1
    client.call("POST", "/domains", 409, json={"domain": "example.com"})
    key = client.get_object("POST", "/api-keys", "api_key", 201, json={"label": "x", "scopes": ["messages:send:all"]})
    assert key["secret_key"]
    limited = PublicClient(service.url, service.account, key["secret_key"])
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
    assert [item["status"] for item in sent["data"]] == ["queued", "error"]
    assert all({"object", "id", "recipient", "status", "error"} <= item.keys() for item in sent["data"])
    path = "/messages/" + sent["data"][0]["id"].strip("<>")
    wait_until(lambda: client.get_object("GET", path, "message")["status"] == "Delivered")
    (message,) = client.list_objects("/messages", "message", recipient="user@example.com", limit=1)
    assert message["subject"] == "Welcome Jo"
    later = (datetime.now(timezone(timedelta(hours=2))) + timedelta(hours=3)).isoformat()
    body = {"from": {"email": "a@example.com"}, "recipients": [{"email": "b@example.com"}], "subject": "x"}
    planned = client.call(
        "POST", "/messages", 202, json=body | {"text_content": "x", "schedule": {"first_attempt": later}}
    )
    assert planned["data"][0]["status"] == "scheduled"
    client.call("DELETE", f"/messages/{planned['data'][0]['id'].strip('<>')}/cancel", 200)
    created = client.get_object(
        "POST", "/webhooks", "webhook", 201, json={"name": "x", "url": "https://example.com", "scope": "global"}
    )
    client.get_object("PUT", f"/webhooks/{created['id']}", "webhook", json={"on_clicked": True})
    client.list_objects("/webhooks", "webhook")
    client.call("DELETE", f"/webhooks/{created['id']}", 200)
    client.call("GET", f"/webhooks/{created['id']}", 404)
    created = client.get_object(
        "POST", "/smtp-credentials", "credential_smtp", 201, json={"name": "x", "scope": "global"}
    )
    assert created["password"]
    client.call("DELETE", f"/smtp-credentials/{created['id']}", 200)
    rows = client.call("GET", "/statistics/transactional/deliverability", 200)["data"]
    assert sum(row["reception_count"] for row in rows) == 2
    client.call("DELETE", f"/api-keys/{key['id']}", 200)
    limited.call("GET", "", 401)
    for item in (client, limited):
        item.close()
