"""Webhooks end to end: what is told, how it is signed, and what bad receivers can do."""

import base64
import contextlib
import ipaddress
import re
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from linkweir.clock import SECOND_US
from linkweir.db import outbox_table as requests
from linkweir.db.schema import outbox, webhooks
from linkweir.settings import Network
from linkweir.webhooks import ssrf_guard, webhook_worker
from tests.web.running_service import WAIT_SECONDS, RunningService, html_body, wait_until
from tests.webhooks.receiver import WebhookReceiver

LOOPBACK_NETWORKS: tuple[Network, ...] = (ipaddress.ip_network("127.0.0.0/8"),)
QUICK_RETRIES = {"webhook_networks": LOOPBACK_NETWORKS, "webhook_retry_seconds": 0.001}
ALL_EVENTS = ("reception", "delivered", "transient_error", "failed", "bounced", "suppressed", "opened", "clicked")


@pytest.fixture
def service(dialect: str, tmp_path: Path) -> Iterator[RunningService]:
    """A service that may talk to loopback, waits hundredths between attempts, and gives each of them all the time."""
    with RunningService(tmp_path / "data", webhook_timeout=WAIT_SECONDS, **QUICK_RETRIES) as service:
        yield service


def create_webhook(service: RunningService, url: str, *kinds: str, **fields: Any) -> dict[str, Any]:
    """A webhook for some kinds of events."""
    asked = {"name": "test", "url": url, "scope": "global", **{f"on_{kind}": True for kind in kinds}, **fields}
    answer = service.client.post(f"{service.account_path}/webhooks", json=asked)
    assert answer.status_code == 201, answer.text
    created: dict[str, Any] = answer.json()
    return created


def get_webhook(service: RunningService, webhook: dict[str, Any]) -> dict[str, Any]:
    """The webhook as it is now."""
    result: dict[str, Any] = service.client.get(f"{service.account_path}/webhooks/{webhook['id']}").json()
    return result


def test_a_message_is_notified_from_reception_to_click(service: RunningService) -> None:
    """Reception, delivery, open and click arrive, each with the message's facts, and the click with its destination."""
    with WebhookReceiver() as receiver:
        webhook = create_webhook(service, receiver.url, *ALL_EVENTS)
        (entry,) = service.send(tracking={"click": True, "open": True})
        page = html_body(service.wait_for_mail(entry["id"]))
        link, pixel = re.findall(r'href="([^"]+)"', page)[0], re.findall(r'src="([^"]+)"', page)[0]
        assert service.reader.get(pixel).headers["content-type"] == "image/gif"
        assert service.reader.get(link, headers={"User-Agent": "Reader/1"}).status_code == 302
        wait_until(
            lambda: (
                receiver.list_of_type("clicked")
                and receiver.list_of_type("opened")
                and receiver.list_of_type("delivered")
            )
        )
        for kind in ("reception", "delivered", "opened", "clicked"):
            one, *again = receiver.list_of_type(kind)
            assert {other.headers["webhook-id"] for other in again} <= {one.headers["webhook-id"]}  # a loaded machine
            data = one.json["data"]
            assert one.json["webhook_id"] == webhook["id"]
            assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6}|\.\d{9})?Z", one.json["timestamp"])
            assert data["event"] == f"on_{kind}"
            assert (data["from"], data["recipient"]) == ("news@example.com", "ada@example.org")
            assert data["message_id_header"] == entry["id"]
            assert re.fullmatch("[0-9a-f]{32}", data["id"])
        data = receiver.list_of_type("clicked")[0].json["data"]
        assert data["url"] == "https://example.com/a?x=1&y=2"
        assert (data["ip"], data["user_agent"], data["is_bot"]) == ("127.0.0.1", "Reader/1", False)
    message = service.get_message(entry["id"])
    assert (message["status"], message["click_count"], message["open_count"]) == ("Clicked", 1, 1)


def test_the_independent_verifier_agrees(service: RunningService) -> None:
    """The standardwebhooks package accepts each request with the literal secret as key, and no changed one."""
    with WebhookReceiver() as receiver:
        webhook = create_webhook(service, receiver.url, "reception")
        service.send()
        wait_until(lambda: receiver.received)
        (one,) = receiver.received
    assert re.fullmatch("aha-whsec-[A-Za-z0-9]{64}", webhook["secret"])
    assert "secret" not in get_webhook(service, webhook)
    verifier = Webhook(base64.b64encode(webhook["secret"].encode()).decode())
    assert verifier.verify(one.body, one.headers)["type"] == "message.reception"
    with pytest.raises(WebhookVerificationError):
        verifier.verify(one.body + b" ", one.headers)


@pytest.mark.parametrize("behaviour", ["fail", "redirect", "lie"])
def test_a_bad_answer_is_tried_six_times(service: RunningService, behaviour: str) -> None:
    """A failure, a redirect and a lie are no success: six attempts with one id, each signed anew."""
    with WebhookReceiver(behaviour) as receiver:
        webhook = create_webhook(service, receiver.url, "reception")
        service.send()
        wait_until(lambda: list_states(service) == ["failed"])
        assert len(receiver.received) == 6
        assert {item.path for item in receiver.received} == {"/hook"}
        assert len({item.headers["webhook-id"] for item in receiver.received}) == 1
        counted = get_webhook(service, webhook)
    assert (counted["success_count"], counted["error_count"], counted["errors_since_last_success"]) == (0, 6, 6)


@pytest.mark.parametrize("behaviour", ["hang", "drip"])
@pytest.mark.both_databases
def test_an_answer_that_does_not_end_is_tried_six_times(tmp_path: Path, behaviour: str) -> None:
    """Silence and a drip are no success: six attempts that end by their timeout, before the receiver has ended.

    On a busy machine the time of an attempt may be over before its request is read, so the service's count is judged.
    """
    with (
        WebhookReceiver(behaviour) as receiver,
        RunningService(tmp_path / "data", webhook_timeout=1.0, **QUICK_RETRIES) as service,
    ):
        webhook = create_webhook(service, receiver.url, "reception")
        service.send()
        wait_until(lambda: list_states(service) == ["failed"])
        assert 1 <= len(receiver.received) <= 6
        assert len({item.headers["webhook-id"] for item in receiver.received}) == 1
        counted = get_webhook(service, webhook)
    assert (counted["success_count"], counted["error_count"], counted["errors_since_last_success"]) == (0, 6, 6)


@pytest.mark.both_databases
def test_a_clock_that_jumped_ahead_and_back_delays_no_request(tmp_path: Path) -> None:
    """A request that was put off, and claimed, while the clock was a year ahead is sent soon after it was set back."""
    year = 365 * 86_400 * SECOND_US
    settings = {"webhook_networks": LOOPBACK_NETWORKS}
    with WebhookReceiver("fail") as receiver:
        with RunningService(tmp_path / "data", webhook_retry_seconds=3600.0, **settings) as before:
            create_webhook(before, receiver.url, "reception")
            before.send()
            wait_until(lambda: receiver.received)
        later = {"due_at": outbox.c.due_at + year, "claimed_until_at": outbox.c.due_at + year}
        database = before.components.database  # closed, and opened once more
        with contextlib.closing(database), database.write() as connection:
            connection.execute(update(outbox).values(**later, claimed_by=uuid.uuid4()))
        receiver.behaviour = "ok"
        with RunningService(tmp_path / "data", **settings) as after:
            wait_until(lambda: list_states(after) == ["succeeded"])


def list_states(service: RunningService) -> list[str]:
    """The states of all requests."""
    with service.components.database.read() as connection:
        return list(connection.scalars(select(outbox.c.state)))


def test_a_huge_answer_is_a_success_that_is_not_read(service: RunningService) -> None:
    """An answer of ten megabytes is taken for its status; the rest is left unread."""
    with WebhookReceiver("huge") as receiver:
        webhook = create_webhook(service, receiver.url, "reception")
        service.send()
        wait_until(lambda: get_webhook(service, webhook)["success_count"] == 1)


@pytest.mark.both_databases
def test_one_hanging_endpoint_delays_no_other(tmp_path: Path) -> None:
    """While one receiver hangs on requests that have all the time in the world, another gets all of its own."""
    patient = {"webhook_networks": LOOPBACK_NETWORKS, "webhook_timeout": 9 * WAIT_SECONDS}
    with (
        RunningService(tmp_path / "data", **patient) as served,
        WebhookReceiver("hang") as bad,
        WebhookReceiver() as good,
    ):
        hanging = create_webhook(served, bad.url, "reception")
        create_webhook(served, good.url, "reception")
        for _ in range(12):
            served.send()
        wait_until(lambda: len(good.received) == 12)
        wait_until(lambda: bad.received)
        assert get_webhook(served, hanging)["error_count"] == 0


@pytest.mark.both_databases
def test_slow_endpoints_that_succeed_delay_no_other(tmp_path: Path) -> None:
    """While every request of four slow endpoints hangs that always answer 200 in the end, another gets all its own."""
    patient = {"webhook_networks": LOOPBACK_NETWORKS, "webhook_timeout": 20.0, "webhook_connections": 8}
    with contextlib.ExitStack() as stack:
        slow = [stack.enter_context(WebhookReceiver("late")) for _ in range(4)]
        good = stack.enter_context(WebhookReceiver())
        served = stack.enter_context(RunningService(tmp_path / "data", **patient))
        hooks = [create_webhook(served, hook.url, "reception") for hook in slow]
        served.send()
        wait_until(lambda: all(hook.received for hook in slow))
        time.sleep(webhook_worker.SLOW_SECONDS + 0.2)
        for hook in slow:  # each of them is known to be slow, and healthy
            hook.release.set()
        wait_until(lambda: all(get_webhook(served, hook)["success_count"] == 1 for hook in hooks))
        for hook in slow:
            hook.release.clear()
        create_webhook(served, good.url, "reception")
        for _ in range(12):
            served.send()
        wait_until(lambda: len(good.received) == 12)
        assert sum(len(hook.received) for hook in slow) <= 4 + 8 // 2


@pytest.mark.both_databases
def test_old_requests_are_removed_while_many_are_sent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A request that ended a week ago is removed on time, although the worker is never idle."""
    monkeypatch.setattr(webhook_worker, "CLEANUP_INTERVAL_SECONDS", 0.05)
    with WebhookReceiver() as receiver, RunningService(tmp_path / "data", webhook_networks=LOOPBACK_NETWORKS) as served:
        made = uuid.UUID(create_webhook(served, receiver.url)["id"])
        now = time.time_ns() // 1000
        one = {
            "webhook_id": made,
            "account_id": served.components.account,
            "message_id": None,
            "kind": "x",
            "body": b"{}",
        }
        with served.components.database.write() as connection:
            requests.add(connection, [{**one, "at": now - 8 * 86_400_000_000}])
            connection.execute(update(outbox).values(state="succeeded"))
            requests.add(connection, [{**one, "at": now}] * 2000)
        wait_until(lambda: "succeeded" not in list_states(served) or len(list_states(served)) == 2000)
        assert "waiting" in list_states(served)


def test_more_than_a_hundred_failures_disable(service: RunningService) -> None:
    """The 101st failure in a row disables the webhook, and `enabled` true lets it begin anew."""
    with WebhookReceiver("fail") as receiver:
        webhook = create_webhook(service, receiver.url, "reception")
        with service.components.database.write() as connection:
            connection.execute(update(webhooks).values(errors_since_last_success=100))
        service.send()
        wait_until(lambda: not get_webhook(service, webhook)["enabled"])
        receiver.behaviour = "ok"
        answer = service.client.put(f"{service.account_path}/webhooks/{webhook['id']}", json={"enabled": True})
        assert (answer.json()["enabled"], answer.json()["errors_since_last_success"]) == (True, 0)
        wait_until(lambda: get_webhook(service, webhook)["success_count"] == 1)


def test_a_scoped_webhook_hears_of_its_domains_only(service: RunningService) -> None:
    """With scope `scoped` only mail from the named domains is told."""
    with WebhookReceiver() as receiver:
        create_webhook(service, receiver.url, "reception", scope="scoped", domains=["other.example"])
        service.send()
        service.send(**{"from": {"email": "a@other.example"}})
        wait_until(lambda: receiver.received)
        assert [item.json["data"]["from"] for item in receiver.received] == ["a@other.example"]


def test_sandbox_results_are_notified(service: RunningService) -> None:
    """A sandbox bounce is told as a bounce."""
    with WebhookReceiver() as receiver:
        create_webhook(service, receiver.url, *ALL_EVENTS)
        service.send(sandbox=True, sandbox_result="bounce")
        wait_until(lambda: receiver.list_of_type("bounced"))


@pytest.mark.both_databases
def test_private_addresses_are_refused_at_connect_time(tmp_path: Path) -> None:
    """Without the setting, a webhook on loopback is never connected to, and its request says why."""
    with WebhookReceiver() as receiver, RunningService(tmp_path / "data", webhook_retry_seconds=0.001) as served:
        create_webhook(served, receiver.url.replace("127.0.0.1", "localhost"), "reception")
        served.send()
        wait_until(lambda: list_states(served) == ["failed"])
        assert receiver.received == []
        with served.components.database.read() as connection:
            assert "refused" in (connection.scalar(select(outbox.c.last_error)) or "")


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "0.0.0.0", "100.64.0.1"),  # noqa: S104
        *("224.0.0.1", "255.255.255.255", "::1", "::", "fe80::1", "fc00::1", "fd00:ec2::254", "ff02::1"),
        *("::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "2001:db8::1", "not an address"),
    ],
)
def test_no_inner_address_is_allowed(address: str) -> None:
    """Loopback, private, link-local, reserved and disguised addresses are refused."""
    assert ssrf_guard.blocked_reason(address, 443, ()) is not None


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946"])
def test_public_addresses_are_allowed(address: str) -> None:
    """What is public may be connected to on the web's ports, and not on a mail server's."""
    assert ssrf_guard.blocked_reason(address, 443, ()) is None
    assert ssrf_guard.blocked_reason(address, 25, ()) is not None


def test_a_name_that_changes_its_mind_gains_nothing() -> None:
    """A name is resolved once for each connection, and one forbidden address among its addresses is enough."""
    asked = []

    async def resolve(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["93.184.216.34", "127.0.0.1"]

    import asyncio

    from linkweir.errors import ForbiddenDestination

    backend = ssrf_guard.GuardedBackend((), resolve)
    with pytest.raises(ForbiddenDestination):
        asyncio.run(backend.connect_tcp("rebind.example", 443))
    assert asked == ["rebind.example"]
