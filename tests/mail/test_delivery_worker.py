"""Tests of the delivery worker with a real queue and a transport that fails on demand."""

import io
import threading
import time
import uuid

import pytest
from sqlalchemy import Connection, delete, func, select, update

from linkweir.clock import SECOND_US
from linkweir.db import contents_table, delivery_queue_table, messages_table, retention_queries
from linkweir.db import schema as tables_of_a_message
from linkweir.db.delivery_queue_table import DeliveryOutcome
from linkweir.errors import PermanentDeliveryError
from linkweir.mail.delivery_worker import DeliveryWorker
from linkweir.mail.transport import OutgoingMail
from linkweir.web.structured_logging import make_logger
from tests.mail.delivery_harness import (
    DeliveryHarness,
    FlakyTransport,
    RaisingTransport,
    SlowTransport,
    StalledTransport,
)
from tests.web.running_service import wait_until


def test_a_failure_is_tried_again_later(delivery_harness: DeliveryHarness) -> None:
    """A message whose delivery fails is deferred, waits longer each time, and is delivered in the end."""
    key, transport = delivery_harness.queue_message(), FlakyTransport(failures=3)
    worker = delivery_harness.make_worker(transport)
    worker.start()
    for wait in (1.2, 2.3, 4.5):
        wait_until(lambda: delivery_harness.get_status(key) == "Deferred")
        seen = len(delivery_harness.list_attempts(key))
        delivery_harness.now += int(wait * SECOND_US)
        worker.wake()
        wait_until(lambda seen=seen: len(delivery_harness.list_attempts(key)) > seen)
    worker.stop()
    assert delivery_harness.list_attempts(key) == ["Deferred", "Deferred", "Deferred", "Delivered"]
    assert (delivery_harness.get_status(key), transport.delivered) == ("Delivered", [key])
    assert (worker.delivered, worker.failed) == (1, 3)


def test_a_message_that_cannot_be_delivered_in_time_fails(delivery_harness: DeliveryHarness) -> None:
    """When the next attempt would come after the expiry, the message has failed and leaves the queue."""
    key = delivery_harness.queue_message(expires=0.5)
    worker = delivery_harness.make_worker(FlakyTransport(failures=99))
    worker.start()
    wait_until(lambda: delivery_harness.get_status(key) == "Failed")
    worker.stop()
    with delivery_harness.database.read() as connection:
        assert delivery_queue_table.count_waiting(connection) == 0


def test_an_expired_message_is_not_delivered(delivery_harness: DeliveryHarness) -> None:
    """A message that waited beyond its expiry, while nothing ran, is not sent out of date."""
    key, transport = delivery_harness.queue_message(expires=5), FlakyTransport(0)
    delivery_harness.now += 6 * SECOND_US
    worker = delivery_harness.make_worker(transport)
    worker.start()
    wait_until(lambda: delivery_harness.get_status(key) == "Failed")
    worker.stop()
    assert transport.delivered == []


def test_a_claim_ends_with_its_lease(delivery_harness: DeliveryHarness) -> None:
    """What a worker claimed before it died is left alone until the lease ends and then delivered by another."""
    key, dead = delivery_harness.queue_message(), uuid.uuid4()
    with delivery_harness.database.write() as connection:
        assert (
            len(
                delivery_queue_table.claim(
                    connection,
                    dead,
                    "default",
                    now=delivery_harness.now,
                    until=delivery_harness.now + 10 * SECOND_US,
                    limit=5,
                )
            )
            == 1
        )
    with delivery_harness.database.write() as connection:
        assert (
            delivery_queue_table.claim(
                connection, uuid.uuid4(), "default", now=delivery_harness.now + 9 * SECOND_US, until=0, limit=5
            )
            == []
        )
        assert not delivery_queue_table.has_due(connection, "default", delivery_harness.now + 9 * SECOND_US)
        assert delivery_queue_table.has_due(connection, "default", delivery_harness.now + 10 * SECOND_US)
    transport = FlakyTransport(0)
    delivery_harness.now += 10 * SECOND_US
    worker = delivery_harness.make_worker(transport)
    worker.start()
    wait_until(lambda: delivery_harness.get_status(key) == "Delivered")
    worker.stop()
    with delivery_harness.database.write() as connection:
        late = DeliveryOutcome(key, "Failed", "late")
        assert not delivery_queue_table.settle(connection, dead, [late], delivery_harness.now)
    assert delivery_harness.get_status(key) == "Delivered"


def test_a_mail_is_loaded_when_its_turn_comes(
    delivery_harness: DeliveryHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A batch of claims holds no mail: each is read from the database just before its delivery."""
    order: list[str] = []
    load, transport = contents_table.get, FlakyTransport(0)
    deliver = transport.deliver

    def loading(connection: Connection, message: uuid.UUID) -> bytes | None:
        order.append("load")
        return load(connection, message)

    async def delivering(mail: OutgoingMail) -> str:
        order.append("deliver")
        return await deliver(mail)

    monkeypatch.setattr(contents_table, "get", loading)
    monkeypatch.setattr(transport, "deliver", delivering)
    for _ in range(3):
        delivery_harness.queue_message()
    worker = delivery_harness.make_worker(transport)
    worker.start()
    wait_until(lambda: worker.delivered == 3)
    worker.stop()
    assert order == ["load", "deliver"] * 3


def test_content_is_dropped_when_its_time_is_over(delivery_harness: DeliveryHarness) -> None:
    """Content past its time is removed with the delivery, but never before it."""
    key = delivery_harness.queue_message()
    with delivery_harness.database.write() as connection:
        assert retention_queries.delete_contents(connection, delivery_harness.now + SECOND_US, 10) == 0
    worker = delivery_harness.make_worker(FlakyTransport(0))
    worker.start()

    def content() -> bytes | None:
        with delivery_harness.database.read() as connection:
            return contents_table.get(connection, key)

    wait_until(lambda: content() is None)
    worker.stop()
    assert delivery_harness.get_status(key) == "Delivered"


def test_everything_of_a_message_goes_in_the_end(delivery_harness: DeliveryHarness) -> None:
    """Past its metadata retention a message leaves no row behind, with its attempts and events."""
    delivery_harness.queue_message(retain=5)
    worker = delivery_harness.make_worker(FlakyTransport(0))
    worker.start()
    wait_until(lambda: worker.delivered == 1)
    delivery_harness.now += 6 * SECOND_US

    def rows() -> int:
        with delivery_harness.database.read() as connection:
            tables = (tables_of_a_message.messages, tables_of_a_message.attempts, tables_of_a_message.events)
            return sum(connection.scalar(select(func.count()).select_from(table)) or 0 for table in tables)

    wait_until(lambda: rows() == 0)
    worker.stop()


@pytest.mark.parametrize("result", ["deliver", "bounce", "defer", "fail", "suppress"])
def test_the_sandbox_reaches_no_transport(delivery_harness: DeliveryHarness, result: str) -> None:
    """A sandbox message comes to its result without any transport."""
    key, transport = delivery_harness.queue_message(sandbox=result), FlakyTransport(0)
    worker = delivery_harness.make_worker(transport)
    worker.start()
    wait_until(
        lambda: (
            delivery_harness.get_status(key).startswith("Sandbox ")
            and delivery_harness.get_status(key) != "Sandbox Received"
        )
    )
    worker.stop()
    assert transport.delivered == []
    assert len(delivery_harness.list_attempts(key)) == 1


def test_a_slow_delivery_renews_its_lease(delivery_harness: DeliveryHarness) -> None:
    """What takes longer than the lease is not delivered by anybody else meanwhile."""
    key, slow = delivery_harness.queue_message(), SlowTransport()
    first = DeliveryWorker(
        delivery_harness.database,
        {"default": slow},
        make_logger("error", io.StringIO()),
        lease=1.5,
        first_wait=1,
        clock=lambda: time.time_ns() // 1000,
    )
    with delivery_harness.database.write() as connection:
        far = time.time_ns() // 1000 + 3600 * SECOND_US
        connection.execute(update(tables_of_a_message.queue).values(expires_at=far))
        connection.execute(update(tables_of_a_message.messages).values(retain_until_at=far))
    first.start()
    wait_until(lambda: slow.started == 1)
    second = delivery_harness.make_worker(transport := FlakyTransport(0))
    delivery_harness.now = time.time_ns() // 1000
    second.start()
    time.sleep(3)  # two leases
    second.stop()
    slow.release.set()
    wait_until(lambda: delivery_harness.get_status(key) == "Delivered")
    first.stop()
    assert (slow.started, transport.delivered) == (1, [])


def test_a_clock_that_jumps_makes_no_duplicate(delivery_harness: DeliveryHarness) -> None:
    """When a lease ends early because the clock was set, the worker does not start a delivery that is under way."""
    key, slow = delivery_harness.queue_message(expires=99_999), SlowTransport()
    log = make_logger("error", io.StringIO())
    worker = DeliveryWorker(
        delivery_harness.database, {"default": slow}, log, lease=10, first_wait=1, clock=lambda: delivery_harness.now
    )
    worker.start()
    wait_until(lambda: slow.started == 1)
    delivery_harness.now += 3600 * SECOND_US
    worker.wake()
    time.sleep(0.5)
    slow.release.set()
    wait_until(lambda: delivery_harness.get_status(key) == "Delivered")
    worker.stop()
    assert (slow.started, delivery_harness.list_attempts(key)) == (1, ["Delivered"])


def test_a_bug_in_a_transport_is_a_failed_attempt(delivery_harness: DeliveryHarness) -> None:
    """An error that nobody thought of is an attempt like others: noted, and followed by a longer wait."""
    key = delivery_harness.queue_message()
    worker = delivery_harness.make_worker(RaisingTransport(ValueError("what nobody thought of")))
    worker.start()
    wait_until(lambda: delivery_harness.list_attempts(key) == ["Deferred"])
    worker.stop()


def test_logs_name_no_recipient(delivery_harness: DeliveryHarness) -> None:
    """A relay's answer goes whole into the message's record, and without its addresses into the logs."""
    key, stream = delivery_harness.queue_message(), io.StringIO()
    routes = {
        "default": RaisingTransport(
            PermanentDeliveryError("550 5.1.1 <b@example.org>: no such user b@example.org here")
        )
    }
    log = make_logger("info", stream)
    worker = DeliveryWorker(
        delivery_harness.database, routes, log, lease=10, first_wait=1, clock=lambda: delivery_harness.now
    )
    worker.start()
    wait_until(lambda: delivery_harness.get_status(key) == "Bounced")
    worker.stop()
    assert "550 5.1.1 <<address>>: no such user <address> here" in stream.getvalue()
    with delivery_harness.database.read() as connection:
        assert "b@example.org" in messages_table.list_delivery_attempts(connection, key)[0]["log"]


def test_retention_runs_while_mails_are_delivered(delivery_harness: DeliveryHarness) -> None:
    """What was kept long enough is removed on time, also while a delivery takes for ever."""
    old = delivery_harness.queue_message(retain=5)
    with delivery_harness.database.write() as connection:
        connection.execute(delete(tables_of_a_message.queue))
    delivery_harness.queue_message()
    slow = SlowTransport()
    worker = delivery_harness.make_worker(slow)
    worker.start()
    wait_until(lambda: slow.started == 1)
    delivery_harness.now += 6 * SECOND_US

    def gone() -> bool:
        with delivery_harness.database.read() as connection:
            return messages_table.get(connection, delivery_harness.account, old) is None

    wait_until(gone)
    slow.release.set()
    worker.stop()


def test_a_route_that_stalls_holds_no_other_up(delivery_harness: DeliveryHarness) -> None:
    """While every mail to the relay hangs, mails on the way back to a mail server go on; and the other way round."""
    for stalled, other in (("default", "filter"), ("filter", "default")):
        for _ in range(10):
            delivery_harness.queue_message(route=stalled)
        going = delivery_harness.queue_message(route=other)
        slow, flaky = SlowTransport(), FlakyTransport(0)
        worker = delivery_harness.make_worker({stalled: slow, other: flaky}, at_once=3)
        worker.start()
        wait_until(lambda: slow.started == 2 and flaky.delivered == [going])  # noqa: B023
        later = delivery_harness.queue_message(route=other)
        worker.wake()
        wait_until(lambda: flaky.delivered == [going, later])  # noqa: B023
        assert slow.started == 2
        slow.release.set()
        wait_until(lambda: slow.started == 10)  # noqa: B023
        worker.stop()
        assert worker.delivered == 12


def test_a_bug_in_a_transport_waits_like_a_failure(
    delivery_harness: DeliveryHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An exception that nobody expects defers the mail, its log says so, and the mail is delivered later."""
    key, transport = delivery_harness.queue_message(), FlakyTransport(0)

    async def broken(_mail: OutgoingMail) -> str:
        raise RuntimeError("a bug")

    with monkeypatch.context() as patch:
        patch.setattr(transport, "deliver", broken)
        worker = delivery_harness.make_worker(transport)
        worker.start()
        wait_until(lambda: delivery_harness.get_status(key) == "Deferred")
    delivery_harness.now += 2 * SECOND_US
    worker.wake()
    wait_until(lambda: delivery_harness.get_status(key) == "Delivered")
    worker.stop()


def test_what_was_claimed_ahead_is_given_back_at_the_end(delivery_harness: DeliveryHarness) -> None:
    """More mails are claimed than are under way; when the worker stops, another one gets those that have not begun at
    once, and each mail is delivered once.
    """
    keys = [delivery_harness.queue_message() for _ in range(6)]
    claims = select(func.count()).where(tables_of_a_message.queue.c.claimed_by.is_not(None))

    def count_claims() -> int:
        with delivery_harness.database.read() as connection:
            return connection.scalar(claims) or 0

    transport = StalledTransport()
    worker = delivery_harness.make_worker(transport)
    worker.start()
    wait_until(lambda: transport.started == 1 and count_claims() == 4)
    stopper = threading.Thread(target=worker.stop)
    stopper.start()
    wait_until(lambda: count_claims() == 1)
    transport.go_on.set()
    stopper.join()
    assert len(transport.delivered) == 1
    second = delivery_harness.make_worker(transport)
    second.start()
    wait_until(lambda: all(delivery_harness.get_status(key) == "Delivered" for key in keys))
    second.stop()
    assert sorted(transport.delivered) == sorted(keys)


def test_a_message_without_its_content_fails(delivery_harness: DeliveryHarness) -> None:
    """A message whose content was removed while it waited is not tried for ever: it has failed, and says why."""
    key = delivery_harness.queue_message()
    with delivery_harness.database.write() as connection:
        connection.execute(delete(tables_of_a_message.contents))
    worker = delivery_harness.make_worker(FlakyTransport(0))
    worker.start()
    wait_until(lambda: delivery_harness.get_status(key) == "Failed")
    worker.stop()


def test_a_clock_that_jumped_ahead_and_back_delays_no_mail(delivery_harness: DeliveryHarness) -> None:
    """A mail that was deferred while the clock was a year ahead is delivered soon after it was set back."""
    transport, year = FlakyTransport(1), 365 * 86_400 * SECOND_US
    delivery_harness.now += year
    key = delivery_harness.queue_message(expires=86_400 * 400)
    worker = delivery_harness.make_worker(transport)
    worker.start()
    wait_until(lambda: delivery_harness.get_status(key) == "Deferred")
    delivery_harness.now -= year
    wait_until(lambda: transport.delivered == [key])
    worker.stop()
