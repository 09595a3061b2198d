"""Statements on the outbox: waiting requests to webhooks, their claims and outcomes.

A claim is a lease, as in the delivery queue: a request whose worker died is sent again, with the same id. Requests of a
disabled webhook wait until it is enabled again or they are too old.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Connection,
    RowMapping,
    Select,
    and_,
    bindparam,
    delete,
    exists,
    func,
    insert,
    or_,
    select,
    update,
)

from linkweir.db.schema import outbox, webhooks

CLEANUP_BATCH_ROWS = 1000  # rows removed at once: nobody should wait long for the writers' turn


@dataclass(frozen=True, slots=True)
class DueWebhook:
    """A webhook with requests due. `secret` is sealed; `failing`: its last attempt was no success."""

    id: uuid.UUID
    url: str
    secret: bytes
    failing: bool


@dataclass(frozen=True, slots=True)
class ClaimedRequest:
    """A request that its claimer may send until the lease ends; `attempts` were made before."""

    id: uuid.UUID
    webhook: DueWebhook
    body: bytes
    attempts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestOutcome:
    """The outcome of an attempt. `next_at`: when to try again, None after the last; times are microseconds.

    Not `counted`: nothing was sent for a reason of this service, so the attempt does not count against the webhook.
    """

    request: ClaimedRequest
    at: int
    ok: bool
    status: int | None = None
    error: str | None = None
    next_at: int | None = None
    counted: bool = True


_LIST_ENABLED = select(
    *(webhooks.c[name] for name in ("id", "scope", "domains", "events", "verdict_wait_seconds"))
).where(webhooks.c.account_id == bindparam("account"), webhooks.c.enabled)


def list_enabled_webhooks(connection: Connection, account: uuid.UUID) -> Sequence[RowMapping]:
    """The account's enabled webhooks: `id`, `scope`, `domains`, `events`, `verdict_wait_seconds`."""
    return connection.execute(_LIST_ENABLED, {"account": account}).mappings().all()


def add(connection: Connection, requests: Sequence[Mapping[str, Any]]) -> None:
    """Queue requests: `webhook_id`, `account_id`, `message_id`, `kind`, `body` and `at`, all due at once."""
    if requests:
        rows = [_to_row(dict(request)) for request in requests]
        connection.execute(insert(outbox), rows)


def _to_row(request: dict[str, Any]) -> dict[str, Any]:
    at = request.pop("at")
    return {**request, "id": uuid.uuid4(), "state": "waiting", "attempts": 0, "due_at": at, "created_at": at}


def _is_claimable(now: int | BindParameter[int]) -> ColumnElement[bool]:
    unclaimed = or_(outbox.c.claimed_until_at.is_(None), outbox.c.claimed_until_at <= now)
    return and_(outbox.c.state == "waiting", outbox.c.due_at <= now, unclaimed)


def _select_due() -> Select[Any]:
    columns = (webhooks.c.id, webhooks.c.url, webhooks.c.secret, webhooks.c.errors_since_last_success)
    waiting = exists().where(outbox.c.webhook_id == webhooks.c.id, _is_claimable(bindparam("now")))
    return select(*columns).where(webhooks.c.enabled, waiting)


_LIST_DUE = _select_due()  # made once: it runs many times a second


def list_due_webhooks(connection: Connection, now: int) -> list[DueWebhook]:
    """The enabled webhooks that have requests due which nobody holds."""
    return [DueWebhook(row[0], row[1], row[2], row[3] > 0) for row in connection.execute(_LIST_DUE, {"now": now})]


def claim(
    connection: Connection, owner: uuid.UUID, webhook: DueWebhook, *, now: int, until: int, limit: int
) -> list[ClaimedRequest]:
    """Take up to `limit` of a webhook's due requests, the longest due first."""
    statement = (
        select(outbox.c.id, outbox.c.body, outbox.c.attempts)
        .where(outbox.c.webhook_id == webhook.id, _is_claimable(now))
        .order_by(outbox.c.due_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    taken = [ClaimedRequest(row.id, webhook, row.body, row.attempts) for row in connection.execute(statement)]
    if taken:
        mine = outbox.c.id.in_([item.id for item in taken])
        connection.execute(update(outbox).where(mine).values(claimed_by=owner, claimed_until_at=until))
    return taken


def reset_future_times(connection: Connection, owner: uuid.UUID, now: int, *, max_delay: int, lease: int) -> int:
    """After a clock that was ahead and was set back: make due what would wait for the time that it showed; how many.

    Nothing waits longer than `max_delay`, and no claim but those of `owner` lasts longer than `lease` (microseconds).
    """
    waiting = outbox.c.state == "waiting"
    held = update(outbox).where(waiting, outbox.c.claimed_until_at > now + lease, outbox.c.claimed_by != owner)
    connection.execute(held.values(claimed_by=None, claimed_until_at=None))
    late = update(outbox).where(waiting, outbox.c.due_at > now + max_delay)
    return connection.execute(late.values(due_at=now)).rowcount


def settle(connection: Connection, owner: uuid.UUID, outcome: RequestOutcome, limit: int) -> bool:
    """Write down what became of a claimed request and count it for its webhook, which is disabled after more
    than `limit` failures in a row: then True.
    """
    held = and_(outbox.c.id == outcome.request.id, outbox.c.claimed_by == owner, outbox.c.state == "waiting")
    over = outcome.ok or outcome.next_at is None
    values: dict[str, Any] = {
        "attempts": outcome.request.attempts + outcome.counted,
        "due_at": outcome.at if over else outcome.next_at,
        "claimed_by": None,
        "claimed_until_at": None,
        "last_status": outcome.status,
        "last_error": outcome.error,
    }
    if over:
        values |= {"state": "succeeded" if outcome.ok else "failed", "finished_at": outcome.at}
    held_still = connection.execute(update(outbox).where(held).values(**values)).rowcount
    return bool(held_still and outcome.counted) and _update_webhook_counts(connection, outcome, limit)


def _update_webhook_counts(connection: Connection, outcome: RequestOutcome, limit: int) -> bool:
    hook = update(webhooks).where(webhooks.c.id == outcome.request.webhook.id)
    errors = webhooks.c.errors_since_last_success
    if outcome.ok:
        good = {"success_count": webhooks.c.success_count + 1, "errors_since_last_success": 0}
        connection.execute(hook.values(**good, last_request_at=outcome.at))
        return False
    bad = {"error_count": webhooks.c.error_count + 1, "errors_since_last_success": errors + 1}
    connection.execute(hook.values(**bad, last_request_at=outcome.at))
    off = hook.where(webhooks.c.enabled, errors > limit).values(enabled=False, updated_at=outcome.at)
    return bool(connection.execute(off).rowcount)


def retry(connection: Connection, webhook: uuid.UUID, request: uuid.UUID, now: int) -> bool:
    """Let a request that ended be sent once more, with all its attempts; False when it is gone or waits already."""
    ended = and_(outbox.c.id == request, outbox.c.webhook_id == webhook, outbox.c.state != "waiting")
    anew = {"state": "waiting", "attempts": 0, "due_at": now, "finished_at": None}
    return bool(connection.execute(update(outbox).where(ended).values(**anew)).rowcount)


def release(connection: Connection, owner: uuid.UUID) -> None:
    """Give back everything that this worker holds: it stops."""
    mine = and_(outbox.c.claimed_by == owner, outbox.c.state == "waiting")
    connection.execute(update(outbox).where(mine).values(claimed_by=None, claimed_until_at=None))


def count_waiting(connection: Connection) -> int:
    """Count the waiting requests, those of disabled webhooks too."""
    return connection.scalar(select(func.count()).select_from(outbox).where(outbox.c.state == "waiting")) or 0


def delete_old(connection: Connection, before: int) -> int:
    """Remove requests that ended before this time, and those that waited as long for a disabled webhook."""
    disabled = select(webhooks.c.id).where(~webhooks.c.enabled)
    old = or_(
        and_(outbox.c.state.in_(("succeeded", "failed")), outbox.c.due_at < before),
        and_(outbox.c.state == "waiting", outbox.c.due_at < before, outbox.c.webhook_id.in_(disabled)),
    )
    some = select(outbox.c.id).where(old).limit(CLEANUP_BATCH_ROWS).with_for_update(skip_locked=True)
    return connection.execute(delete(outbox).where(outbox.c.id.in_(some))).rowcount
