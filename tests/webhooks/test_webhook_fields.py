"""Every field of a webhook and of what it is sent, and what it changes."""

import re
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from linkweir.clicks.classify import VERDICT_REASONS
from tests.web.running_service import RunningService, html_body, wait_until
from tests.webhooks.receiver import WebhookReceiver
from tests.webhooks.test_delivery import ALL_EVENTS, LOOPBACK_NETWORKS, create_webhook, get_webhook

SANDBOX_RESULTS = {"bounced": "bounce", "transient_error": "defer", "failed": "fail", "suppressed": "suppress"}


@pytest.fixture
def service(dialect: str, tmp_path: Path) -> Iterator[RunningService]:
    """A service that may talk to loopback."""
    with RunningService(tmp_path / "data", webhook_networks=LOOPBACK_NETWORKS, webhook_retry_seconds=0.001) as service:
        yield service


def test_each_switch_is_for_its_own_events(service: RunningService) -> None:
    """A webhook with one `on_*` hears of that kind alone, and one that is not `enabled` of nothing."""
    with WebhookReceiver() as receiver:
        for kind in ALL_EVENTS:
            create_webhook(service, f"{receiver.url}/{kind}", kind)
        create_webhook(service, f"{receiver.url}/off", *ALL_EVENTS, enabled=False)
        for result in SANDBOX_RESULTS.values():
            service.send(sandbox=True, sandbox_result=result)
        (entry,) = service.send(tracking={"click": True, "open": True})
        page = html_body(service.wait_for_mail(entry["id"]))
        for link in (re.findall(r'href="([^"]+)"', page)[0], re.findall(r'src="([^"]+)"', page)[0]):
            service.reader.get(link)
        wait_until(lambda: {f"/hook/{kind}" for kind in ALL_EVENTS} <= {item.path for item in receiver.received})
        told = {(item.path, item.json["type"], item.json["data"]["event"]) for item in receiver.received}
    assert told == {(f"/hook/{kind}", f"message.{kind}", f"on_{kind}") for kind in ALL_EVENTS}


def test_every_field_of_a_request(service: RunningService) -> None:
    """A click is told with its account, webhook, message, link, verdict and reasons, under a fresh time stamp."""
    with WebhookReceiver() as receiver:
        webhook = create_webhook(service, receiver.url, "clicked")
        assert get_webhook(service, webhook)["last_request_at"] is None
        (entry,) = service.send(subject="A subject")
        link = service.delivered_links(entry["id"])[1]
        clicked = time.time()
        for _ in range(2):
            service.reader.get(link)
        wait_until(lambda: len({one.headers["webhook-id"] for one in receiver.received}) == 2)
        wait_until(lambda: get_webhook(service, webhook)["success_count"] >= 2)
        counted = get_webhook(service, webhook)
        one, other = sorted(receiver.received, key=lambda each: str(each.json["timestamp"]))[:2]
    assert abs(int(one.headers["webhook-timestamp"]) - clicked) < 120
    assert one.headers["content-type"] == "application/json"
    assert re.fullmatch(r"v1,[A-Za-z0-9+/]{43}=", one.headers["webhook-signature"])
    assert abs(datetime.fromisoformat(one.json["timestamp"]).timestamp() - clicked) < 60
    assert one.json["webhook_id"] == webhook["id"]
    data = one.json["data"]
    message = {
        **{"account_id": service.account, "event": "on_clicked", "from": "news@example.com", "subject": "A subject"},
        **{"recipient": "ada@example.org", "message_id_header": entry["id"]},
        **{"id": service.get_message(entry["id"])["id"].replace("-", ""), "url": "https://example.org/b"},
        "link": {"position": 1, "label": "two"},
    }
    assert data.items() >= message.items()
    assert (data["first"], other.json["data"]["first"]) == (True, False)
    assert data["verdict"] in ("human", "unsure")
    assert all(
        reason == {"code": reason["code"], "sentence": VERDICT_REASONS[reason["code"]]} for reason in data["reasons"]
    )
    assert 0 <= data["confidence"] <= 1
    assert (counted["error_count"], counted["errors_since_last_success"]) == (0, 0)
    assert abs(datetime.fromisoformat(counted["last_request_at"]).timestamp() - clicked) < 120


def test_a_webhook_waits_for_the_verdict_as_long_as_it_says(service: RunningService) -> None:
    """With `verdict_wait_seconds` a click whose verdict may still change is told that much later, and no later."""
    with WebhookReceiver() as receiver:
        create_webhook(service, f"{receiver.url}/at-once", "clicked")
        create_webhook(service, f"{receiver.url}/later", "clicked", verdict_wait_seconds=6)
        (entry,) = service.send()
        service.reader.get(service.delivered_links(entry["id"])[0])
        wait_until(lambda: len({item.path for item in receiver.received}) == 2)
        told = {item.path: item for item in receiver.received}
    times = {path: int(item.headers["webhook-timestamp"]) for path, item in told.items()}
    assert told["/hook/later"].json["data"]["settled"] is False
    clicked = datetime.fromisoformat(str(told["/hook/later"].json["timestamp"])).timestamp()
    assert times["/hook/later"] - clicked >= 5
    assert times["/hook/at-once"] < times["/hook/later"]


def test_the_label_of_a_link_is_known_while_its_mail_is_kept(service: RunningService) -> None:
    """A webhook hears the text of a short link too, and null when the mail is not kept after its delivery."""
    page = '<a href="https://example.com/1">Read <i>on</i></a>'
    with WebhookReceiver() as receiver:
        create_webhook(service, receiver.url, "clicked")
        for days in (1, 0):
            (entry,) = service.send(html_content=page, link_style="short", retention={"metadata": 1, "data": days})
            message = service.get_message(entry["id"])["id"].replace("-", "")
            link = re.findall(r'href="([^"]+)"', html_body(service.wait_for_mail(entry["id"])))[0]
            service.reader.get(link)
            wait_until(
                lambda one=message: one.replace("-", "") in {item.json["data"]["id"] for item in receiver.received}
            )
        labels = [item.json["data"]["link"] for item in receiver.received]
    assert labels == [{"position": 0, "label": "Read on"}, {"position": 0, "label": None}]


CHANGES: list[dict[str, Any]] = [
    {"name": "another"},
    {"url": "https://other.example/"},
    {"scope": "scoped", "domains": ["b.example", "a.example"]},
    {"enabled": True},
    {"verdict_wait_seconds": 60},
    *({f"on_{kind}": True} for kind in (*ALL_EVENTS, "click_corrected")),
]


@pytest.mark.parametrize("change", CHANGES, ids="+".join)
def test_a_change_changes_what_it_names(service: RunningService, change: dict[str, Any]) -> None:
    """PUT of one field is answered, lasts, and leaves all others as they were."""
    webhook = create_webhook(service, "https://hooks.example/", enabled=False)
    answer = service.client.put(f"{service.account_path}/webhooks/{webhook['id']}", json=change).json()
    assert answer == get_webhook(service, webhook)
    changed = {**webhook, **change, "updated_at": answer["updated_at"]}
    assert {**answer, "secret": webhook["secret"]} == changed
    assert answer["updated_at"] > webhook["updated_at"]


def test_a_change_of_the_scope_holds(service: RunningService) -> None:
    """Domains given by a change choose what is told from then on, and `global` without any takes them back."""
    with WebhookReceiver() as receiver:
        webhook = create_webhook(service, receiver.url, "reception")
        path = f"{service.account_path}/webhooks/{webhook['id']}"
        for change in ({"scope": "scoped", "domains": ["a.example"]}, {"domains": ["b.example"]}, {"scope": "global"}):
            service.client.put(path, json=change).raise_for_status()
            for domain in ("a.example", "b.example"):
                service.send(**{"from": {"email": f"x@{domain}"}, "subject": str(change)})
        assert get_webhook(service, webhook)["domains"] == []
        wait_until(lambda: len({item.headers["webhook-id"] for item in receiver.received}) == 4)
        told = [(item.json["data"]["from"], item.json["data"]["subject"]) for item in receiver.received]
    assert sum("domains" in subject for _, subject in set(told)) == 2
    assert {sender for sender, subject in told if "scoped" in subject} == {"x@a.example"}
    assert {sender for sender, subject in told if subject == "{'domains': ['b.example']}"} == {"x@b.example"}


@pytest.mark.parametrize(
    ("before", "change"),
    [
        (None, {"scope": "global", "domains": ["a.example"]}),
        (None, {"scope": "scoped"}),
        (None, {"scope": "scoped", "domains": []}),
        ({"scope": "global"}, {"domains": ["a.example"]}),
        ({"scope": "global"}, {"scope": "scoped"}),
        ({"scope": "scoped", "domains": ["a.example"]}, {"domains": []}),
        ({"scope": "scoped", "domains": ["a.example"]}, {"scope": "global", "domains": ["a.example"]}),
    ],
)
def test_domains_that_would_not_hold_are_refused(
    service: RunningService, before: dict[str, Any] | None, change: dict[str, Any]
) -> None:
    """Domains beside the scope `global`, and `scoped` without any, are 400: no webhook hears more than asked."""
    if before is None:
        asked = {"name": "x", "url": "https://hooks.example/", **change}
        answer = service.client.post(f"{service.account_path}/webhooks", json=asked)
    else:
        webhook = create_webhook(service, "https://hooks.example/", **before)
        answer = service.client.put(f"{service.account_path}/webhooks/{webhook['id']}", json=change)
        assert get_webhook(service, webhook)["domains"] == webhook["domains"]
    assert (answer.status_code, answer.json()["message"].partition(":")[0]) == (400, "domains")
