"""Tests of linkweir.store.outbox: claims, what becomes of them, and when a webhook is disabled."""

import uuid
from dataclasses import dataclass
from typing import Any

import pytest

from linkweir.store import outbox, webhooks
from linkweir.store.outbox import Claimed, Endpoint, Outcome
from tests.store.filled import NOW, SECOND, Filled

LIMIT = 3  # failures in a row
ME, SOMEBODY = uuid.uuid4(), uuid.uuid4()


@dataclass
class Hook:
    """A webhook in a store."""

    filled: Filled
    id: uuid.UUID

    def request(self, at: int = NOW) -> None:
        """Queue one request."""
        names = {"webhook_id": self.id, "account_id": self.filled.account, "message_id": None, "kind": "x"}
        with self.filled.store.write() as connection:
            outbox.add(connection, [{**names, "body": b"%d" % at, "at": at}])

    def due(self, now: int) -> list[Endpoint]:
        """The webhooks that have something due."""
        with self.filled.store.read() as connection:
            return outbox.due(connection, now)

    def claim(self, owner: uuid.UUID = ME, now: int = NOW, seconds: int = 10, limit: int = 10) -> list[Claimed]:
        """Take what is due."""
        endpoint = Endpoint(self.id, "", b"", False)
        with self.filled.store.write() as connection:
            return outbox.claim(connection, owner, endpoint, now=now, until=now + seconds * SECOND, limit=limit)

    def settle(self, item: Claimed, owner: uuid.UUID = ME, **outcome: Any) -> bool:
        """Write down an outcome; whether the webhook was disabled by it."""
        with self.filled.store.write() as connection:
            return outbox.settle(connection, owner, Outcome(item=item, at=NOW, **outcome), LIMIT)

    @property
    def row(self) -> dict[str, Any]:
        """The webhook as it is now."""
        with self.filled.store.read() as connection:
            found = webhooks.get(connection, self.filled.account, self.id)
        assert found is not None
        return dict(found)

    @property
    def states(self) -> list[tuple[str, int]]:
        """State and attempts of each request, oldest first."""
        with self.filled.store.read() as connection:
            return [(row["state"], row["attempts"]) for row in outbox.of_webhook(connection, self.id)]


@pytest.fixture
def hook(filled: Filled) -> Hook:
    """An enabled webhook."""
    key = uuid.uuid4()
    row: dict[str, Any] = {"account_id": filled.account, "name": "x", "url": "https://example.com/", "secret": b"s"}
    row |= {"scope": "global", "domains": [], "events": ["x"], "enabled": True, "created_at": NOW, "updated_at": NOW}
    with filled.store.write() as connection:
        webhooks.add(connection, {**row, "id": key})
    return Hook(filled, key)


def test_the_longest_due_are_claimed_first_and_once(hook: Hook) -> None:
    """What somebody holds is not due for others until the lease ends; what is due later is not taken."""
    for at in (NOW - 5, NOW - 9, NOW, NOW + 1):
        hook.request(at)
    assert [item.body for item in hook.claim(limit=2)] == [b"%d" % (NOW - 9), b"%d" % (NOW - 5)]
    assert [item.body for item in hook.claim(SOMEBODY)] == [b"%d" % NOW]
    assert hook.claim(SOMEBODY) == []
    assert hook.due(NOW) == []
    assert len(hook.claim(SOMEBODY, now=NOW + 10 * SECOND)) == 4


def test_a_success_ends_a_request_and_the_row_of_failures(hook: Hook) -> None:
    """Counters follow each attempt; what succeeded or failed for good is not due again."""
    for _ in range(2):
        hook.request()
    first, second = hook.claim()
    assert not hook.settle(first, ok=False, status=500, error="status 500", next_at=NOW + SECOND)
    row = hook.row
    assert (row["success_count"], row["error_count"], row["errors_since_last_success"]) == (0, 1, 1)
    assert [one.failing for one in hook.due(NOW + SECOND)] == [True]
    assert not hook.settle(second, ok=True, status=204)
    row = hook.row
    assert (row["success_count"], row["error_count"], row["errors_since_last_success"]) == (1, 1, 0)
    (again,) = hook.claim(now=NOW + SECOND)
    assert (again.id, again.attempts) == (first.id, 1)
    assert not hook.settle(again, ok=False, error="no", next_at=None)
    assert sorted(hook.states) == [("failed", 2), ("succeeded", 1)]
    assert hook.due(NOW + 10**9) == []


def test_one_failure_more_than_the_limit_disables(hook: Hook) -> None:
    """The webhook is disabled by the failure after the last allowed one, once, and its requests wait."""
    for _ in range(LIMIT + 2):
        hook.request()
    told = [hook.settle(item, ok=False, next_at=NOW + SECOND) for item in hook.claim()]
    assert told == [False] * LIMIT + [True, False]
    assert not hook.row["enabled"]
    assert hook.due(NOW + SECOND) == []
    with hook.filled.store.read() as connection:
        assert outbox.enabled(connection, hook.filled.account) == []
        assert outbox.waiting(connection) == LIMIT + 2


def test_what_was_not_sent_does_not_count(hook: Hook) -> None:
    """An attempt that never left the house speaks neither against the request nor against the webhook."""
    hook.request()
    (item,) = hook.claim()
    assert not hook.settle(item, ok=False, error="vault", next_at=NOW + SECOND, counted=False)
    assert (hook.states, hook.row["error_count"]) == ([("waiting", 0)], 0)


def test_an_outcome_that_comes_too_late_changes_nothing(hook: Hook) -> None:
    """When the lease ended and another worker has the request, the first one's outcome is not written."""
    hook.request()
    (mine,) = hook.claim()
    (theirs,) = hook.claim(SOMEBODY, now=NOW + 10 * SECOND)
    hook.settle(mine, ok=True)
    assert (hook.states, hook.row["success_count"]) == ([("waiting", 0)], 0)
    hook.settle(theirs, SOMEBODY, ok=True)
    assert (hook.states, hook.row["success_count"]) == ([("succeeded", 1)], 1)


def test_a_worker_that_stops_gives_back_what_it_holds(hook: Hook) -> None:
    """Released requests are due at once; those of others stay theirs."""
    for _ in range(2):
        hook.request()
    hook.claim(limit=1)
    hook.claim(SOMEBODY)
    with hook.filled.store.write() as connection:
        outbox.release(connection, ME)
    assert len(hook.claim()) == 1


def test_old_requests_are_removed(hook: Hook) -> None:
    """What ended before a time goes; what waits goes only when its webhook is disabled."""
    for at in (NOW - 100, NOW - 100, NOW):
        hook.request(at)
    done, *_ = hook.claim()
    hook.settle(done, ok=True)
    with hook.filled.store.write() as connection:
        assert outbox.clean(connection, NOW) == 0
        assert outbox.clean(connection, NOW + 1) == 1
        webhooks.change(connection, hook.id, {"enabled": False})
        assert outbox.clean(connection, NOW) == 1
        assert len(outbox.of_webhook(connection, hook.id)) == 1
