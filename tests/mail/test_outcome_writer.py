"""What became of a mail is stored once, however long the database stays away and whatever else ends meanwhile."""

import contextlib
import threading
import time
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection

from linkweir.clock import SECOND_US
from linkweir.db import delivery_queue_table
from linkweir.db.database import WriteMode
from linkweir.db.delivery_queue_table import DeliveryOutcome
from linkweir.mail import outcome_writer
from linkweir.mail.transport import OutgoingMail
from tests.databases import open_again
from tests.mail.delivery_harness import DeliveryHarness, FlakyTransport, SimultaneousTransport, SlowTransport
from tests.web.running_service import wait_until


@pytest.mark.both_databases
def test_a_database_that_stays_away_makes_no_duplicate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the relay has taken is noted when the database can be written again, and not delivered a second time."""
    bench = DeliveryHarness(tmp_path)
    key, transport = bench.queue_message(), FlakyTransport(0)
    holder, other = contextlib.ExitStack(), open_again(bench.database)
    deliver = transport.deliver

    async def delivering(mail: OutgoingMail) -> str:
        holder.enter_context(other.write(WriteMode.EXCLUSIVE))  # another program has the database from here on
        return await deliver(mail)

    monkeypatch.setattr(transport, "deliver", delivering)
    bench.database.close()
    bench.database = open_again(bench.database, timeout=0.2)
    worker = bench.make_worker(transport)
    worker.start()
    wait_until(lambda: transport.delivered)
    bench.now += 11 * SECOND_US  # the lease has ended
    time.sleep(1.5)
    assert bench.get_status(key) == "Received"
    holder.close()
    wait_until(lambda: bench.get_status(key) == "Delivered")
    worker.stop()
    assert transport.delivered == [key]
    other.close()
    bench.database.close()


def test_a_locked_database_after_a_delivery_makes_no_second_copy(delivery_harness: DeliveryHarness) -> None:
    """While the database cannot be written nothing is forgotten: the delivery is noted when it can, and made once."""
    key, slow = delivery_harness.queue_message(), SlowTransport()
    other = delivery_harness.database
    delivery_harness.database = open_again(other, timeout=0.1)
    worker = delivery_harness.make_worker(slow)
    worker.start()
    wait_until(lambda: slow.started == 1)
    with other.write(WriteMode.EXCLUSIVE):
        slow.release.set()
        time.sleep(1.5)
        delivery_harness.now += 11 * SECOND_US  # the lease has ended
        assert delivery_harness.get_status(key) == "Received"
    other.close()
    wait_until(lambda: delivery_harness.get_status(key) == "Delivered")
    worker.stop()
    assert (slow.started, delivery_harness.list_attempts(key)) == (1, ["Delivered"])


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


def test_few_outcomes_wait_for_others(delivery_harness: DeliveryHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first outcome after a pause is stored at once. Soon after it a single one waits, until as many have ended as
    one transaction should have.
    """
    monkeypatch.setattr(outcome_writer, "MAX_INTERVAL_SECONDS", 600.0)
    transport = FlakyTransport(0)
    worker = delivery_harness.make_worker(transport, at_once=1)  # two outcomes are half of those that may wait
    first = delivery_harness.queue_message()
    worker.start()
    wait_until(lambda: delivery_harness.get_status(first) == "Delivered")
    second = delivery_harness.queue_message()
    worker.wake()
    wait_until(lambda: transport.delivered == [first, second])
    time.sleep(0.3)
    assert delivery_harness.get_status(second) == "Received"
    third = delivery_harness.queue_message()
    worker.wake()
    wait_until(lambda: delivery_harness.get_status(third) == "Delivered")
    assert delivery_harness.get_status(second) == "Delivered"
    worker.stop()
    assert transport.delivered == [first, second, third]
