"""Tests of the delivery worker with a real queue and a transport that fails on demand."""

import asyncio
import io
import sqlite3
import threading
import time
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, delete, func, select, update

from linkweir.clock import SECOND_US
from linkweir.db import accounts_table, delivery_queue_table, messages_table, retention_queries
from linkweir.db import schema as tables_of_a_message
from linkweir.db.database import Database
from linkweir.db.delivery_queue_table import DeliveryOutcome
from linkweir.db.messages_table import NewMessage
from linkweir.db.schema_upgrade import migrate
from linkweir.errors import PermanentDeliveryError, TemporaryDeliveryError
from linkweir.mail import message_ids
from linkweir.mail.delivery_worker import DeliveryWorker
from linkweir.mail.transport import OutgoingMail, Transport
from linkweir.mail.transport.maildir import MaildirTransport
from linkweir.web.json_logging import make_logger
from tests.web.running_service import wait_until


class FlakyTransport(Transport):
    """A transport that fails a number of times first."""

    def __init__(self, failures: int) -> None:
        self.failures = failures
        self.delivered: list[uuid.UUID] = []

    async def deliver(self, mail: OutgoingMail) -> str:
        """Fail or take."""
        if self.failures:
            self.failures -= 1
            raise TemporaryDeliveryError("not now")
        self.delivered.append(mail.id)
        return "taken"

    async def close(self) -> None:
        """Nothing is open."""


class DeliveryHarness:
    """A database with an account, a clock that a test can move, and workers on them."""

    def __init__(self, folder: Path) -> None:
        self.now = 1_000 * SECOND_US
        self.database = Database(folder / "linkweir.db", timeout=5)
        migrate(self.database)
        self.account = uuid.uuid4()
        with self.database.write() as connection:
            accounts_table.create(connection, self.account, "x", 1)

    def queue_message(
        self, expires: float = 3600, retain: float = 86400, sandbox: str | None = None, **more: Any
    ) -> uuid.UUID:
        """Queue a message that expires after some seconds, and whose metadata goes after some."""
        key = message_ids.new_message_id(self.now)
        new = NewMessage(
            id=key,
            number=message_ids.link_number(key),
            account_id=self.account,
            message_id=f"{key}@example.com",
            sender="a@example.com",
            recipient="b@example.org",
            subject="s",
            tags=[],
            track_clicks=True,
            privacy="full",
            raw=b"raw",
            short_links={},
            now=self.now,
            due_at=self.now,
            expires_at=self.now + int(expires * SECOND_US),
            keep_until_at=self.now,
            retain_until_at=self.now + int(retain * SECOND_US),
            envelope_from="a@example.com",
            sandbox_result=sandbox,
            **more,
        )
        with self.database.write() as connection:
            messages_table.add(connection, [new])
        return key

    def make_worker(self, transport: Transport | dict[str, Transport], at_once: int = 1) -> DeliveryWorker:
        """A worker whose first wait is one second and whose lease is ten."""
        log = make_logger("error", io.StringIO())
        routes = transport if isinstance(transport, dict) else {"default": transport}
        return DeliveryWorker(
            self.database,
            routes,
            log,
            lease=10,
            first_wait=1,
            clock=lambda: self.now,
            concurrency=at_once,
            retention_interval=0.05,
        )

    def get_status(self, key: uuid.UUID) -> str:
        """The message's status."""
        with self.database.read() as connection:
            row = messages_table.get(connection, self.account, key)
        assert row is not None
        status: str = row["status"]
        return status

    def list_attempts(self, key: uuid.UUID) -> list[str]:
        """The status of every attempt."""
        with self.database.read() as connection:
            return [row["status"] for row in messages_table.list_delivery_attempts(connection, key)]


@pytest.fixture
def delivery_harness(tmp_path: Path) -> Iterator[DeliveryHarness]:
    """A fresh bench."""
    made = DeliveryHarness(tmp_path)
    yield made
    made.database.close()


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
    load, transport = messages_table.get_content, FlakyTransport(0)
    deliver = transport.deliver

    def loading(connection: Connection, message: uuid.UUID) -> bytes | None:
        order.append("load")
        return load(connection, message)

    async def delivering(mail: OutgoingMail) -> str:
        order.append("deliver")
        return await deliver(mail)

    monkeypatch.setattr(messages_table, "get_content", loading)
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
            return messages_table.get_content(connection, key)

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


class RaisingTransport(FlakyTransport):
    """A transport that always fails in the same way."""

    def __init__(self, error: Exception) -> None:
        super().__init__(0)
        self.error = error

    async def deliver(self, mail: OutgoingMail) -> str:
        """Fail."""
        raise self.error


def test_a_database_that_stays_away_makes_no_duplicate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the relay has taken is noted when the database can be written again, and not delivered a second time."""
    bench = DeliveryHarness(tmp_path)
    key, transport = bench.queue_message(), FlakyTransport(0)
    holder = sqlite3.connect(tmp_path / "linkweir.db", isolation_level=None, check_same_thread=False)
    deliver = transport.deliver

    async def delivering(mail: OutgoingMail) -> str:
        holder.execute("BEGIN IMMEDIATE")  # another program has the database from here on
        return await deliver(mail)

    monkeypatch.setattr(transport, "deliver", delivering)
    bench.database.close()
    bench.database = Database(tmp_path / "linkweir.db", timeout=0.2)
    worker = bench.make_worker(transport)
    worker.start()
    wait_until(lambda: transport.delivered)
    bench.now += 11 * SECOND_US  # the lease has ended
    time.sleep(1.5)
    assert bench.get_status(key) == "Received"
    holder.execute("ROLLBACK")
    wait_until(lambda: bench.get_status(key) == "Delivered")
    worker.stop()
    assert transport.delivered == [key]
    holder.close()
    bench.database.close()


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


class SlowTransport(Transport):
    """A transport that takes its time."""

    def __init__(self) -> None:
        self.started = 0
        self.release = threading.Event()

    async def deliver(self, mail: OutgoingMail) -> str:
        """Wait for the word."""
        self.started += 1
        await asyncio.to_thread(self.release.wait, 20)
        return f"took {mail.id}"

    async def close(self) -> None:
        """Nothing is open."""


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


def test_a_locked_database_after_a_delivery_makes_no_second_copy(delivery_harness: DeliveryHarness) -> None:
    """While the database cannot be written nothing is forgotten: the delivery is noted when it can, and made once."""
    key, slow = delivery_harness.queue_message(), SlowTransport()
    worker = delivery_harness.make_worker(slow)
    delivery_harness.database._timeout = 0.1
    worker.start()
    wait_until(lambda: slow.started == 1)
    other = sqlite3.connect(delivery_harness.database.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    slow.release.set()
    time.sleep(1.5)
    delivery_harness.now += 11 * SECOND_US  # the lease has ended
    assert delivery_harness.get_status(key) == "Received"
    other.execute("ROLLBACK")
    other.close()
    wait_until(lambda: delivery_harness.get_status(key) == "Delivered")
    worker.stop()
    assert (slow.started, delivery_harness.list_attempts(key)) == (1, ["Delivered"])


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


class SimultaneousTransport(FlakyTransport):
    """A transport that takes a number of mails at the same moment."""

    def __init__(self, count: int) -> None:
        super().__init__(0)
        self._count = count
        self._complete = asyncio.Event()

    async def deliver(self, mail: OutgoingMail) -> str:
        """Wait for the last one."""
        note = await super().deliver(mail)
        if len(self.delivered) == self._count:
            self._complete.set()
        await self._complete.wait()
        return note


def test_an_outcome_that_cannot_be_stored_keeps_no_other_back(
    delivery_harness: DeliveryHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of three mails delivered together the outcome of one raises; the other two are noted as delivered all the same,
    and none of them is under way any more.
    """
    keys = [delivery_harness.queue_message() for _ in range(3)]
    poison = keys[1]
    sizes: list[int] = []
    settle = delivery_queue_table.settle

    def raising(
        connection: Connection, owner: uuid.UUID, outcomes: Sequence[DeliveryOutcome], now: int
    ) -> set[uuid.UUID]:
        sizes.append(len(outcomes))
        if poison in {outcome.message for outcome in outcomes}:
            raise ValueError("a bug")
        return settle(connection, owner, outcomes, now)

    monkeypatch.setattr(delivery_queue_table, "settle", raising)
    transport = SimultaneousTransport(3)
    worker = delivery_harness.make_worker(transport, at_once=3)
    worker.start()
    others = [key for key in keys if key != poison]
    wait_until(lambda: all(delivery_harness.get_status(key) == "Delivered" for key in others))
    wait_until(lambda: not worker._in_progress)
    worker.stop()
    assert sizes == [3, 1, 1, 1]
    assert delivery_harness.get_status(poison) == "Received"
    assert (sorted(transport.delivered), worker.delivered) == (sorted(keys), 2)


class StalledTransport(FlakyTransport):
    """A transport that takes no mail before it is told to."""

    def __init__(self) -> None:
        super().__init__(0)
        self.started = 0
        self.go_on = threading.Event()

    async def deliver(self, mail: OutgoingMail) -> str:
        """Wait, then take."""
        self.started += 1
        await asyncio.to_thread(self.go_on.wait)
        return await super().deliver(mail)


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


def test_a_mail_waits_for_no_outcome_of_another(
    delivery_harness: DeliveryHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While an outcome is being stored the transport gets the next mails, at most four for each connection, and every
    outcome is stored in the end.
    """
    keys = [delivery_harness.queue_message() for _ in range(6)]
    transport, go_on, settle = FlakyTransport(0), threading.Event(), delivery_queue_table.settle

    def wait_and_settle(*arguments: Any) -> set[uuid.UUID]:
        go_on.wait()
        return settle(*arguments)

    monkeypatch.setattr(delivery_queue_table, "settle", wait_and_settle)
    worker = delivery_harness.make_worker(transport)
    worker.start()
    wait_until(lambda: len(transport.delivered) == 4)
    time.sleep(0.2)
    assert len(transport.delivered) == 4
    go_on.set()
    wait_until(lambda: all(delivery_harness.get_status(key) == "Delivered" for key in keys))
    worker.stop()
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


def test_a_maildir_holds_whole_mails_only(tmp_path: Path) -> None:
    """A mail appears in `new` under a name from its id, byte for byte, and `tmp` is empty afterwards."""
    maildir, key = MaildirTransport(tmp_path / "box"), uuid.uuid4()
    name = asyncio.run(maildir.deliver(make_mail(key, b"a\r\nb\x00")))
    assert (tmp_path / "box" / "new" / name).read_bytes() == b"a\r\nb\x00"
    assert list((tmp_path / "box" / "tmp").iterdir()) == []
    assert (tmp_path / "box" / "cur").is_dir()
    assert name == f"5.{key.hex}.linkweir"


def test_delivering_again_makes_no_second_copy(tmp_path: Path) -> None:
    """A delivery repeated after a crash finds the first one."""
    maildir, key = MaildirTransport(tmp_path), uuid.uuid4()
    asyncio.run(maildir.deliver(make_mail(key, b"x")))
    asyncio.run(maildir.deliver(make_mail(key, b"x")))
    assert len(list((tmp_path / "new").iterdir())) == 1


def test_a_maildir_that_cannot_be_written_defers(tmp_path: Path) -> None:
    """A full or missing disk is a failed delivery, not a crash."""
    (tmp_path / "file").write_text("")
    with pytest.raises(TemporaryDeliveryError, match="Maildir"):
        asyncio.run(MaildirTransport(tmp_path / "file" / "box").deliver(make_mail(uuid.uuid4(), b"x")))


def make_mail(key: uuid.UUID, raw: bytes) -> OutgoingMail:
    """A mail with its envelope, accepted at second five."""
    return OutgoingMail(key, 5 * SECOND_US, "a@example.com", "b@example.org", raw)


def make_outgoing_mail(raw: bytes) -> OutgoingMail:
    """Any mail."""
    return make_mail(uuid.uuid4(), raw)


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
