"""Tests of linkweir.db.outbox_table: claims, what becomes of them, and when a webhook is disabled."""

import uuid
from dataclasses import dataclass
from typing import Any

import pytest

from linkweir.clock import SECOND_US
from linkweir.db import outbox_table, webhooks_table
from linkweir.db.outbox_table import ClaimedRequest, DueWebhook, RequestOutcome
from tests.db.sample_database import NOW_US, SampleDatabase, list_webhook_requests

MAX_FAILURES = 3  # failures in a row
OWNER, OTHER_OWNER = uuid.uuid4(), uuid.uuid4()


@dataclass
class OutboxWebhook:
    """A webhook in a database."""

    sample: SampleDatabase
    id: uuid.UUID

    def queue_request(self, at: int = NOW_US) -> None:
        """Queue one request."""
        names = {"webhook_id": self.id, "account_id": self.sample.account, "message_id": None, "kind": "x"}
        with self.sample.database.write() as connection:
            outbox_table.add(connection, [{**names, "body": b"%d" % at, "at": at}])

    def list_due(self, now: int) -> list[DueWebhook]:
        """The webhooks that have something due."""
        with self.sample.database.read() as connection:
            return outbox_table.list_due_webhooks(connection, now)

    def claim(
        self, owner: uuid.UUID = OWNER, now: int = NOW_US, seconds: int = 10, limit: int = 10
    ) -> list[ClaimedRequest]:
        """Take what is due."""
        endpoint = DueWebhook(self.id, "", b"", False)
        with self.sample.database.write() as connection:
            return outbox_table.claim(
                connection, owner, endpoint, now=now, until=now + seconds * SECOND_US, limit=limit
            )

    def settle(self, item: ClaimedRequest, owner: uuid.UUID = OWNER, **outcome: Any) -> bool:
        """Write down an outcome; whether the webhook was disabled by it."""
        with self.sample.database.write() as connection:
            return outbox_table.settle(
                connection, owner, RequestOutcome(request=item, at=NOW_US, **outcome), MAX_FAILURES
            )

    @property
    def load_row(self) -> dict[str, Any]:
        """The webhook as it is now."""
        with self.sample.database.read() as connection:
            result = webhooks_table.get(connection, self.sample.account, self.id)
        assert result is not None
        return dict(result)

    @property
    def list_states(self) -> list[tuple[str, int]]:
        """State and attempts of each request, oldest first."""
        with self.sample.database.read() as connection:
            return [(row["state"], row["attempts"]) for row in list_webhook_requests(connection, self.id)]


@pytest.fixture
def webhook(sample: SampleDatabase) -> OutboxWebhook:
    """An enabled webhook."""
    key = uuid.uuid4()
    row: dict[str, Any] = {"account_id": sample.account, "name": "x", "url": "https://example.com/", "secret": b"s"}
    row |= {
        "scope": "global",
        "domains": [],
        "events": ["x"],
        "enabled": True,
        "created_at": NOW_US,
        "updated_at": NOW_US,
    }
    with sample.database.write() as connection:
        webhooks_table.add(connection, {**row, "id": key})
    return OutboxWebhook(sample, key)


def test_the_longest_due_are_claimed_first_and_once(webhook: OutboxWebhook) -> None:
    """What somebody holds is not due for others until the lease ends; what is due later is not taken."""
    for at in (NOW_US - 5, NOW_US - 9, NOW_US, NOW_US + 1):
        webhook.queue_request(at)
    assert [item.body for item in webhook.claim(limit=2)] == [b"%d" % (NOW_US - 9), b"%d" % (NOW_US - 5)]
    assert [item.body for item in webhook.claim(OTHER_OWNER)] == [b"%d" % NOW_US]
    assert webhook.claim(OTHER_OWNER) == []
    assert webhook.list_due(NOW_US) == []
    assert len(webhook.claim(OTHER_OWNER, now=NOW_US + 10 * SECOND_US)) == 4


def test_a_success_ends_a_request_and_the_row_of_failures(webhook: OutboxWebhook) -> None:
    """Counters follow each attempt; what succeeded or failed for good is not due again."""
    for _ in range(2):
        webhook.queue_request()
    first, second = webhook.claim()
    assert not webhook.settle(first, ok=False, status=500, error="status 500", next_at=NOW_US + SECOND_US)
    row = webhook.load_row
    assert (row["success_count"], row["error_count"], row["errors_since_last_success"]) == (0, 1, 1)
    assert [item.failing for item in webhook.list_due(NOW_US + SECOND_US)] == [True]
    assert not webhook.settle(second, ok=True, status=204)
    row = webhook.load_row
    assert (row["success_count"], row["error_count"], row["errors_since_last_success"]) == (1, 1, 0)
    (again,) = webhook.claim(now=NOW_US + SECOND_US)
    assert (again.id, again.attempts) == (first.id, 1)
    assert not webhook.settle(again, ok=False, error="no", next_at=None)
    assert sorted(webhook.list_states) == [("failed", 2), ("succeeded", 1)]
    assert webhook.list_due(NOW_US + 10**9) == []


def test_one_failure_more_than_the_limit_disables(webhook: OutboxWebhook) -> None:
    """The webhook is disabled by the failure after the last allowed one, once, and its requests wait."""
    for _ in range(MAX_FAILURES + 2):
        webhook.queue_request()
    told = [webhook.settle(item, ok=False, next_at=NOW_US + SECOND_US) for item in webhook.claim()]
    assert told == [False] * MAX_FAILURES + [True, False]
    assert not webhook.load_row["enabled"]
    assert webhook.list_due(NOW_US + SECOND_US) == []
    with webhook.sample.database.read() as connection:
        assert outbox_table.list_enabled_webhooks(connection, webhook.sample.account) == []
        assert outbox_table.count_waiting(connection) == MAX_FAILURES + 2


def test_what_was_not_sent_does_not_count(webhook: OutboxWebhook) -> None:
    """An attempt that never left the house speaks neither against the request nor against the webhook."""
    webhook.queue_request()
    (item,) = webhook.claim()
    assert not webhook.settle(item, ok=False, error="vault", next_at=NOW_US + SECOND_US, counted=False)
    assert (webhook.list_states, webhook.load_row["error_count"]) == ([("waiting", 0)], 0)


def test_an_outcome_that_comes_too_late_changes_nothing(webhook: OutboxWebhook) -> None:
    """When the lease ended and another worker has the request, the first one's outcome is not written."""
    webhook.queue_request()
    (mine,) = webhook.claim()
    (theirs,) = webhook.claim(OTHER_OWNER, now=NOW_US + 10 * SECOND_US)
    webhook.settle(mine, ok=True)
    assert (webhook.list_states, webhook.load_row["success_count"]) == ([("waiting", 0)], 0)
    webhook.settle(theirs, OTHER_OWNER, ok=True)
    assert (webhook.list_states, webhook.load_row["success_count"]) == ([("succeeded", 1)], 1)


def test_a_worker_that_stops_gives_back_what_it_holds(webhook: OutboxWebhook) -> None:
    """Released requests are due at once; those of others stay theirs."""
    for _ in range(2):
        webhook.queue_request()
    webhook.claim(limit=1)
    webhook.claim(OTHER_OWNER)
    with webhook.sample.database.write() as connection:
        outbox_table.release(connection, OWNER)
    assert len(webhook.claim()) == 1


def test_old_requests_are_removed(webhook: OutboxWebhook) -> None:
    """What ended before a time goes; what waits goes only when its webhook is disabled."""
    for at in (NOW_US - 100, NOW_US - 100, NOW_US):
        webhook.queue_request(at)
    done, *_ = webhook.claim()
    webhook.settle(done, ok=True)
    with webhook.sample.database.write() as connection:
        assert outbox_table.delete_old(connection, NOW_US) == 0
        assert outbox_table.delete_old(connection, NOW_US + 1) == 1
        webhooks_table.update_row(connection, webhook.id, {"enabled": False})
        assert outbox_table.delete_old(connection, NOW_US) == 1
        assert len(list_webhook_requests(connection, webhook.id)) == 1
