"""Tests of the delivery worker with a real queue and a transport that fails on demand."""

import asyncio
import io
import sqlite3
import threading
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, delete, func, select, update

from linkweir.edge.logs import make_logger
from linkweir.errors import DeliveryFailed, DeliveryRefused
from linkweir.mail import identity
from linkweir.mail.deliver import DeliveryWorker
from linkweir.mail.transport import Outgoing, Transport
from linkweir.mail.transport.maildir import Maildir
from linkweir.store import accounts, messages, queue, retention
from linkweir.store import tables as tables_of_a_message
from linkweir.store.engine import Store
from linkweir.store.messages import NewMessage
from linkweir.store.migrate import migrate
from tests.edge.serving import wait_until

SECOND = 1_000_000


class Flaky(Transport):
    """A transport that fails a number of times first."""

    def __init__(self, failures: int) -> None:
        self.failures = failures
        self.taken: list[uuid.UUID] = []

    async def deliver(self, mail: Outgoing) -> str:
        """Fail or take."""
        if self.failures:
            self.failures -= 1
            raise DeliveryFailed("not now")
        self.taken.append(mail.id)
        return "taken"

    async def close(self) -> None:
        """Nothing is open."""


class Bench:
    """A store with an account, a clock that a test can move, and workers on them."""

    def __init__(self, folder: Path) -> None:
        self.now = 1_000 * SECOND
        self.store = Store(folder / "linkweir.db", wait=5)
        migrate(self.store)
        self.account = uuid.uuid4()
        with self.store.write() as connection:
            accounts.create(connection, self.account, "x", 1)

    def add(self, expires: float = 3600, retain: float = 86400, sandbox: str | None = None, **more: Any) -> uuid.UUID:
        """Queue a message that expires after some seconds, and whose metadata goes after some."""
        key = identity.new_id(self.now)
        new = NewMessage(
            id=key,
            number=identity.number_of(key),
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
            expires_at=self.now + int(expires * SECOND),
            keep_until_at=self.now,
            retain_until_at=self.now + int(retain * SECOND),
            envelope_from="a@example.com",
            sandbox_result=sandbox,
            **more,
        )
        with self.store.write() as connection:
            messages.add(connection, [new])
        return key

    def worker(self, transport: Transport | dict[str, Transport], at_once: int = 1) -> DeliveryWorker:
        """A worker whose first wait is one second and whose lease is ten."""
        log = make_logger("error", io.StringIO())
        routes = transport if isinstance(transport, dict) else {"default": transport}
        return DeliveryWorker(
            self.store, routes, log, lease=10, first_wait=1, clock=lambda: self.now, at_once=at_once, clean_every=0.05
        )

    def status(self, key: uuid.UUID) -> str:
        """The message's status."""
        with self.store.read() as connection:
            row = messages.get(connection, self.account, key)
        assert row is not None
        status: str = row["status"]
        return status

    def attempts(self, key: uuid.UUID) -> list[str]:
        """The status of every attempt."""
        with self.store.read() as connection:
            return [row["status"] for row in messages.delivery_attempts(connection, key)]


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """A fresh bench."""
    made = Bench(tmp_path)
    yield made
    made.store.close()


def test_a_failure_is_tried_again_later(bench: Bench) -> None:
    """A message whose delivery fails is deferred, waits longer each time, and is delivered in the end."""
    key, transport = bench.add(), Flaky(failures=3)
    worker = bench.worker(transport)
    worker.start()
    for wait in (1.2, 2.3, 4.5):
        wait_until(lambda: bench.status(key) == "Deferred")
        seen = len(bench.attempts(key))
        bench.now += int(wait * SECOND)
        worker.wake()
        wait_until(lambda seen=seen: len(bench.attempts(key)) > seen)
    worker.stop()
    assert bench.attempts(key) == ["Deferred", "Deferred", "Deferred", "Delivered"]
    assert (bench.status(key), transport.taken) == ("Delivered", [key])
    assert (worker.delivered, worker.failed) == (1, 3)


def test_a_message_that_cannot_be_delivered_in_time_fails(bench: Bench) -> None:
    """When the next attempt would come after the expiry, the message has failed and leaves the queue."""
    key = bench.add(expires=0.5)
    worker = bench.worker(Flaky(failures=99))
    worker.start()
    wait_until(lambda: bench.status(key) == "Failed")
    worker.stop()
    with bench.store.read() as connection:
        assert queue.size(connection) == 0


def test_an_expired_message_is_not_delivered(bench: Bench) -> None:
    """A message that waited beyond its expiry, while nothing ran, is not sent out of date."""
    key, transport = bench.add(expires=5), Flaky(0)
    bench.now += 6 * SECOND
    worker = bench.worker(transport)
    worker.start()
    wait_until(lambda: bench.status(key) == "Failed")
    worker.stop()
    assert transport.taken == []


def test_a_claim_ends_with_its_lease(bench: Bench) -> None:
    """What a worker claimed before it died is left alone until the lease ends and then delivered by another."""
    key, dead = bench.add(), uuid.uuid4()
    with bench.store.write() as connection:
        assert len(queue.claim(connection, dead, "default", now=bench.now, until=bench.now + 10 * SECOND, limit=5)) == 1
    with bench.store.write() as connection:
        assert queue.claim(connection, uuid.uuid4(), "default", now=bench.now + 9 * SECOND, until=0, limit=5) == []
        assert not queue.any_due(connection, "default", bench.now + 9 * SECOND)
        assert queue.any_due(connection, "default", bench.now + 10 * SECOND)
    transport = Flaky(0)
    bench.now += 10 * SECOND
    worker = bench.worker(transport)
    worker.start()
    wait_until(lambda: bench.status(key) == "Delivered")
    worker.stop()
    with bench.store.write() as connection:
        queue.settle(connection, dead, key, status="Failed", log="late", now=bench.now)
    assert bench.status(key) == "Delivered"


def test_a_mail_is_loaded_when_its_turn_comes(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """A batch of claims holds no mail: each is read from the store just before its delivery."""
    order: list[str] = []
    load, transport = messages.content, Flaky(0)
    deliver = transport.deliver

    def loading(connection: Connection, message: uuid.UUID) -> bytes | None:
        order.append("load")
        return load(connection, message)

    async def delivering(mail: Outgoing) -> str:
        order.append("deliver")
        return await deliver(mail)

    monkeypatch.setattr(messages, "content", loading)
    monkeypatch.setattr(transport, "deliver", delivering)
    for _ in range(3):
        bench.add()
    worker = bench.worker(transport)
    worker.start()
    wait_until(lambda: worker.delivered == 3)
    worker.stop()
    assert order == ["load", "deliver"] * 3


def test_content_is_dropped_when_its_time_is_over(bench: Bench) -> None:
    """Content past its time is removed with the delivery, but never before it."""
    key = bench.add()
    with bench.store.write() as connection:
        assert retention.drop_contents(connection, bench.now + SECOND, 10) == 0
    worker = bench.worker(Flaky(0))
    worker.start()

    def content() -> bytes | None:
        with bench.store.read() as connection:
            return messages.content(connection, key)

    wait_until(lambda: content() is None)
    worker.stop()
    assert bench.status(key) == "Delivered"


def test_everything_of_a_message_goes_in_the_end(bench: Bench) -> None:
    """Past its metadata retention a message leaves no row behind, with its attempts and events."""
    bench.add(retain=5)
    worker = bench.worker(Flaky(0))
    worker.start()
    wait_until(lambda: worker.delivered == 1)
    bench.now += 6 * SECOND

    def rows() -> int:
        with bench.store.read() as connection:
            tables = (tables_of_a_message.messages, tables_of_a_message.attempts, tables_of_a_message.events)
            return sum(connection.scalar(select(func.count()).select_from(one)) or 0 for one in tables)

    wait_until(lambda: rows() == 0)
    worker.stop()


@pytest.mark.parametrize("result", ["deliver", "bounce", "defer", "fail", "suppress"])
def test_the_sandbox_reaches_no_transport(bench: Bench, result: str) -> None:
    """A sandbox message comes to its result without any transport."""
    key, transport = bench.add(sandbox=result), Flaky(0)
    worker = bench.worker(transport)
    worker.start()
    wait_until(lambda: bench.status(key).startswith("Sandbox ") and bench.status(key) != "Sandbox Received")
    worker.stop()
    assert transport.taken == []
    assert len(bench.attempts(key)) == 1


def test_a_slow_delivery_keeps_its_lease(bench: Bench) -> None:
    """What takes longer than the lease is not delivered by anybody else meanwhile."""
    key, slow = bench.add(), Slow()
    first = DeliveryWorker(
        bench.store,
        {"default": slow},
        make_logger("error", io.StringIO()),
        lease=1.5,
        first_wait=1,
        clock=lambda: time.time_ns() // 1000,
    )
    with bench.store.write() as connection:
        far = time.time_ns() // 1000 + 3600 * SECOND
        connection.execute(update(tables_of_a_message.queue).values(expires_at=far))
        connection.execute(update(tables_of_a_message.messages).values(retain_until_at=far))
    first.start()
    wait_until(lambda: slow.started == 1)
    second = bench.worker(transport := Flaky(0))
    bench.now = time.time_ns() // 1000
    second.start()
    time.sleep(3)  # two leases
    second.stop()
    slow.go.set()
    wait_until(lambda: bench.status(key) == "Delivered")
    first.stop()
    assert (slow.started, transport.taken) == (1, [])


class Raising(Flaky):
    """A transport that always fails in the same way."""

    def __init__(self, error: Exception) -> None:
        super().__init__(0)
        self.error = error

    async def deliver(self, mail: Outgoing) -> str:
        """Fail."""
        raise self.error


def test_a_store_that_stays_away_makes_no_duplicate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the relay has taken is noted when the store can be written again, and not delivered a second time."""
    bench = Bench(tmp_path)
    key, transport = bench.add(), Flaky(0)
    holder = sqlite3.connect(tmp_path / "linkweir.db", isolation_level=None, check_same_thread=False)
    deliver = transport.deliver

    async def delivering(mail: Outgoing) -> str:
        holder.execute("BEGIN IMMEDIATE")  # another program has the store from here on
        return await deliver(mail)

    monkeypatch.setattr(transport, "deliver", delivering)
    bench.store.close()
    bench.store = Store(tmp_path / "linkweir.db", wait=0.2)
    worker = bench.worker(transport)
    worker.start()
    wait_until(lambda: transport.taken)
    bench.now += 11 * SECOND  # the lease has ended
    time.sleep(1.5)
    assert bench.status(key) == "Received"
    holder.execute("ROLLBACK")
    wait_until(lambda: bench.status(key) == "Delivered")
    worker.stop()
    assert transport.taken == [key]
    holder.close()
    bench.store.close()


def test_a_clock_that_jumps_makes_no_duplicate(bench: Bench) -> None:
    """When a lease ends early because the clock was set, the worker does not start a delivery that is under way."""
    key, slow = bench.add(expires=99_999), Slow()
    log = make_logger("error", io.StringIO())
    worker = DeliveryWorker(bench.store, {"default": slow}, log, lease=10, first_wait=1, clock=lambda: bench.now)
    worker.start()
    wait_until(lambda: slow.started == 1)
    bench.now += 3600 * SECOND
    worker.wake()
    time.sleep(0.5)
    slow.go.set()
    wait_until(lambda: bench.status(key) == "Delivered")
    worker.stop()
    assert (slow.started, bench.attempts(key)) == (1, ["Delivered"])


def test_a_bug_in_a_transport_is_a_failed_attempt(bench: Bench) -> None:
    """An error that nobody thought of is an attempt like others: noted, and followed by a longer wait."""
    key = bench.add()
    worker = bench.worker(Raising(ValueError("what nobody thought of")))
    worker.start()
    wait_until(lambda: bench.attempts(key) == ["Deferred"])
    worker.stop()


def test_logs_name_no_recipient(bench: Bench) -> None:
    """A relay's answer goes whole into the message's record, and without its addresses into the logs."""
    key, stream = bench.add(), io.StringIO()
    routes = {"default": Raising(DeliveryRefused("550 5.1.1 <b@example.org>: no such user b@example.org here"))}
    log = make_logger("info", stream)
    worker = DeliveryWorker(bench.store, routes, log, lease=10, first_wait=1, clock=lambda: bench.now)
    worker.start()
    wait_until(lambda: bench.status(key) == "Bounced")
    worker.stop()
    assert "550 5.1.1 <<address>>: no such user <address> here" in stream.getvalue()
    with bench.store.read() as connection:
        assert "b@example.org" in messages.delivery_attempts(connection, key)[0]["log"]


class Slow(Transport):
    """A transport that takes its time."""

    def __init__(self) -> None:
        self.started = 0
        self.go = threading.Event()

    async def deliver(self, mail: Outgoing) -> str:
        """Wait for the word."""
        self.started += 1
        await asyncio.to_thread(self.go.wait, 20)
        return f"took {mail.id}"

    async def close(self) -> None:
        """Nothing is open."""


def test_retention_is_kept_while_mails_are_delivered(bench: Bench) -> None:
    """What was kept long enough is removed on time, also while a delivery takes for ever."""
    old = bench.add(retain=5)
    with bench.store.write() as connection:
        connection.execute(delete(tables_of_a_message.queue))
    bench.add()
    slow = Slow()
    worker = bench.worker(slow)
    worker.start()
    wait_until(lambda: slow.started == 1)
    bench.now += 6 * SECOND

    def gone() -> bool:
        with bench.store.read() as connection:
            return messages.get(connection, bench.account, old) is None

    wait_until(gone)
    slow.go.set()
    worker.stop()


def test_a_route_that_stalls_holds_no_other_up(bench: Bench) -> None:
    """While every mail to the relay hangs, mails on the way back to a mail server go on; and the other way round."""
    for stalled, other in (("default", "filter"), ("filter", "default")):
        for _ in range(10):
            bench.add(route=stalled)
        going = bench.add(route=other)
        slow, flaky = Slow(), Flaky(0)
        worker = bench.worker({stalled: slow, other: flaky}, at_once=3)
        worker.start()
        wait_until(lambda: slow.started == 2 and flaky.taken == [going])  # noqa: B023
        slow.go.set()
        wait_until(lambda: slow.started == 10)  # noqa: B023
        worker.stop()
        assert worker.delivered == 11


def test_a_locked_store_after_a_delivery_makes_no_second_copy(bench: Bench) -> None:
    """While the store cannot be written nothing is forgotten: the delivery is noted when it can, and made once."""
    key, slow = bench.add(), Slow()
    worker = bench.worker(slow)
    bench.store._wait = 0.1
    worker.start()
    wait_until(lambda: slow.started == 1)
    other = sqlite3.connect(bench.store.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    slow.go.set()
    time.sleep(1.5)
    bench.now += 11 * SECOND  # the lease has ended
    assert bench.status(key) == "Received"
    other.execute("ROLLBACK")
    other.close()
    wait_until(lambda: bench.status(key) == "Delivered")
    worker.stop()
    assert (slow.started, bench.attempts(key)) == (1, ["Delivered"])


def test_a_bug_in_a_transport_waits_like_a_failure(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """An exception that nobody expects defers the mail, its log says so, and the mail is delivered later."""
    key, transport = bench.add(), Flaky(0)

    async def broken(_mail: Outgoing) -> str:
        raise RuntimeError("a bug")

    with monkeypatch.context() as patch:
        patch.setattr(transport, "deliver", broken)
        worker = bench.worker(transport)
        worker.start()
        wait_until(lambda: bench.status(key) == "Deferred")
    bench.now += 2 * SECOND
    worker.wake()
    wait_until(lambda: bench.status(key) == "Delivered")
    worker.stop()


def test_a_message_without_its_content_fails(bench: Bench) -> None:
    """A message whose content was removed while it waited is not tried for ever: it has failed, and says why."""
    key = bench.add()
    with bench.store.write() as connection:
        connection.execute(delete(tables_of_a_message.contents))
    worker = bench.worker(Flaky(0))
    worker.start()
    wait_until(lambda: bench.status(key) == "Failed")
    worker.stop()


def test_a_maildir_holds_whole_mails_only(tmp_path: Path) -> None:
    """A mail appears in `new` under a name from its id, byte for byte, and `tmp` is empty afterwards."""
    maildir, key = Maildir(tmp_path / "box"), uuid.uuid4()
    name = asyncio.run(maildir.deliver(mail(key, b"a\r\nb\x00")))
    assert (tmp_path / "box" / "new" / name).read_bytes() == b"a\r\nb\x00"
    assert list((tmp_path / "box" / "tmp").iterdir()) == []
    assert (tmp_path / "box" / "cur").is_dir()
    assert name == f"5.{key.hex}.linkweir"


def test_delivering_again_makes_no_second_copy(tmp_path: Path) -> None:
    """A delivery repeated after a crash finds the first one."""
    maildir, key = Maildir(tmp_path), uuid.uuid4()
    asyncio.run(maildir.deliver(mail(key, b"x")))
    asyncio.run(maildir.deliver(mail(key, b"x")))
    assert len(list((tmp_path / "new").iterdir())) == 1


def test_a_maildir_that_cannot_be_written_defers(tmp_path: Path) -> None:
    """A full or missing disk is a failed delivery, not a crash."""
    (tmp_path / "file").write_text("")
    with pytest.raises(DeliveryFailed, match="Maildir"):
        asyncio.run(Maildir(tmp_path / "file" / "box").deliver(mail(uuid.uuid4(), b"x")))


def mail(key: uuid.UUID, raw: bytes) -> Outgoing:
    """A mail with its envelope, accepted at second five."""
    return Outgoing(key, 5 * SECOND, "a@example.com", "b@example.org", raw)


def mail_to_send(raw: bytes) -> Outgoing:
    """Any mail."""
    return mail(uuid.uuid4(), raw)


def test_a_clock_that_jumped_ahead_and_back_delays_no_mail(bench: Bench) -> None:
    """A mail that was deferred while the clock was a year ahead is delivered soon after it was set back."""
    transport, year = Flaky(1), 365 * 86_400 * SECOND
    bench.now += year
    key = bench.add(expires=86_400 * 400)
    worker = bench.worker(transport)
    worker.start()
    wait_until(lambda: bench.status(key) == "Deferred")
    bench.now -= year
    wait_until(lambda: transport.taken == [key])
    worker.stop()
