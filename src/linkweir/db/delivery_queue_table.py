"""Statements on the delivery queue: claim, settle, put back.

A claim is a lease. A worker that dies leaves its rows claimed until the lease ends; then another takes
them, so a message is delivered at least once.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Connection,
    Select,
    String,
    Update,
    and_,
    bindparam,
    case,
    delete,
    exists,
    func,
    or_,
    select,
    update,
)

from linkweir.db import contents_table, message_locks, send_aggregates_table
from linkweir.db.row_insert import RowInsert
from linkweir.db.schema import attempts, messages, queue

# what is known of a message wherever something happens to it
MESSAGE_COLUMNS = (
    *("id", "account_id", "created_at", "sender", "sender_domain", "envelope_from", "recipient", "subject"),
    *("message_id", "sandbox_result", "tags", "status"),
)


@dataclass(frozen=True, slots=True)
class ClaimedMessage:
    """A message that this worker may deliver until its lease ends; its mail is loaded when it is due.

    `row` has the message's columns for logs and events.
    """

    id: uuid.UUID
    account_id: uuid.UUID
    created_at: int
    expires_at: int
    attempts: int
    route: str
    envelope_from: str
    recipient: str
    sender_domain: str
    sandbox_result: str | None
    smtputf8: bool
    row: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class DeliveryOutcome:
    """How the delivery of a message has ended, and what the other side said."""

    message: uuid.UUID
    status: str
    log: str
    classification: str | None = None


def claim(
    connection: Connection, owner: uuid.UUID, route: str, *, now: int, until: int, limit: int
) -> list[ClaimedMessage]:
    """Take up to `limit` due messages of one route that nobody holds."""
    due = {"route": route, "now": now, "most": limit}
    rows = [_to_claimed_message(dict(row)) for row in connection.execute(_CLAIM, due).mappings()]
    ids = [row.id for row in rows]
    if ids:
        connection.execute(_MARK_CLAIMED, {"ids": ids, "owner": owner, "until": until})
    return rows


def _to_claimed_message(row: dict[str, Any]) -> ClaimedMessage:
    names = ("id", "account_id", "created_at", "expires_at", "attempts", "route", "envelope_from", "recipient")
    return ClaimedMessage(
        **{name: row[name] for name in (*names, "sender_domain", "sandbox_result", "smtputf8")},
        row={name: row[name] for name in MESSAGE_COLUMNS},
    )


def renew(connection: Connection, owner: uuid.UUID, ids: Sequence[uuid.UUID], until: int) -> None:
    """Hold these messages longer, as far as they are still held."""
    held = and_(queue.c.message_id.in_(ids), queue.c.claimed_by == owner)
    connection.execute(update(queue).where(held).values(claimed_until_at=until))


def release(connection: Connection, owner: uuid.UUID, ids: Sequence[uuid.UUID]) -> None:
    """Give these messages back, as far as they are still held: whoever asks next may claim them."""
    connection.execute(update(queue).where(_is_owned_by(owner, ids)).values(claimed_by=None, claimed_until_at=None))


def has_due(connection: Connection, route: str, now: int) -> bool:
    """Whether a message of this route is due that nobody holds. As cheap with many waiting as with few."""
    return connection.scalar(_FIND_DUE, {"route": route, "now": now, "most": 1}) is not None


def _select_due(*columns: Any) -> Select[Any]:
    """What is due on `route` at `now` and nobody holds, `most` rows of it; built once, since it is asked for often."""
    now: BindParameter[int] = bindparam("now")
    is_claimable = or_(queue.c.claimed_until_at.is_(None), queue.c.claimed_until_at <= now)
    return (
        select(*columns)
        .where(queue.c.route == bindparam("route"), queue.c.due_at <= now, is_claimable)
        .order_by(queue.c.due_at)
        .limit(bindparam("most"))
    )


# made once, since they run for each batch of mails: SQLAlchemy takes longer to make a statement than to run it
_MESSAGE_IDS: BindParameter[uuid.UUID] = bindparam("ids", expanding=True)
_IS_HELD = and_(queue.c.message_id.in_(_MESSAGE_IDS), queue.c.claimed_by == bindparam("owner"))
_FIND_DUE = _select_due(queue.c.message_id)
_MARK_CLAIMED = (
    update(queue)
    .where(queue.c.message_id.in_(_MESSAGE_IDS))
    .values(claimed_by=bindparam("owner"), claimed_until_at=bindparam("until"))
)
_LIST_HELD = select(queue.c.message_id).where(_IS_HELD).with_for_update()
_DELETE_SETTLED = delete(queue).where(queue.c.message_id.in_(_MESSAGE_IDS))
_INSERT_ATTEMPT = RowInsert(attempts)
_CLAIM = (
    _select_due(
        *(messages.c[name] for name in MESSAGE_COLUMNS),
        *(queue.c.expires_at, queue.c.attempts, queue.c.route, queue.c.smtputf8),
    )
    .join_from(messages, queue, messages.c.id == queue.c.message_id)
    .with_for_update(skip_locked=True, of=queue)
)


def reset_future_times(connection: Connection, owner: uuid.UUID, now: int, *, max_delay: int, lease: int) -> int:
    """After a clock that was ahead and was set back: make due what would wait for the time that it showed; how many.

    Nothing tried before waits longer than `max_delay`, no claim lasts longer than `lease` (microseconds), and nothing
    was accepted later than now. A schedule that was asked for stays, and so do claims of `owner`, who renews them.
    """
    unscheduled = exists().where(messages.c.id == queue.c.message_id, messages.c.created_at >= queue.c.due_at)
    late = or_(
        and_(queue.c.attempts > 0, queue.c.due_at > now + max_delay), and_(queue.c.due_at > now + lease, unscheduled)
    )
    held = update(queue).where(queue.c.claimed_until_at > now + lease, queue.c.claimed_by != owner)
    connection.execute(held.values(claimed_by=None, claimed_until_at=None))
    return connection.execute(update(queue).where(late).values(due_at=now)).rowcount


def count_waiting(connection: Connection) -> int:
    """Count the waiting messages."""
    return connection.scalar(select(func.count()).select_from(queue)) or 0


def settle(connection: Connection, owner: uuid.UUID, outcomes: Sequence[DeliveryOutcome], now: int) -> set[uuid.UUID]:
    """Take these messages off the queue with their final status. Return those that another worker has not claimed.

    Content with a retention of zero is deleted at once.
    """
    ids = [outcome.message for outcome in outcomes]
    held = set(connection.scalars(_LIST_HELD, {"ids": ids, "owner": owner}))  # the lease may have ended
    settled = [outcome for outcome in outcomes if outcome.message in held]
    if not settled:
        return held
    message_locks.lock_messages(connection, list(held))
    connection.execute(_DELETE_SETTLED, {"ids": list(held)})
    _log_attempts(connection, [(outcome.message, outcome.status, outcome.log) for outcome in settled], now)
    delivered = [outcome for outcome in settled if outcome.status.endswith("Delivered")]
    failed = [outcome for outcome in settled if not outcome.status.endswith("Delivered")]
    for statement, some in ((_SET_DELIVERED, delivered), (_SET_FAILED, failed)):
        if some:
            connection.execute(statement, [_to_status_values(outcome, now) for outcome in some])
    contents_table.delete_expired(connection, list(held), now)
    if delivered:
        send_aggregates_table.count_delivered(connection, [outcome.message for outcome in delivered])
    return held


def _build_status_update(**more: Any) -> Update:
    """A message's final status. A reader may have been faster than the note that it was delivered."""
    status = bindparam("final_status", type_=String)
    seen = case((messages.c.click_count > 0, "Clicked"), (messages.c.open_count > 0, "Opened"), else_=status)
    return (
        update(messages)
        .where(messages.c.id == bindparam("message"))
        .values(
            status=case((status == "Delivered", seen), else_=status),
            num_attempts=messages.c.num_attempts + 1,
            updated_at=bindparam("now"),
            bounce_classification=bindparam("classification"),
            **more,
        )
    )


_SET_FAILED = _build_status_update()
_SET_DELIVERED = _build_status_update(delivered_at=bindparam("now"), sent_at=bindparam("now"))


def _to_status_values(outcome: DeliveryOutcome, now: int) -> dict[str, Any]:
    return {
        "message": outcome.message,
        "final_status": outcome.status,
        "now": now,
        "classification": outcome.classification,
    }


def requeue(connection: Connection, owner: uuid.UUID, message: uuid.UUID, *, log: str, now: int, due_at: int) -> bool:
    """An attempt failed and another follows at `due_at`. False when another worker has the message now."""
    values = {
        "due_at": due_at,
        "attempts": queue.c.attempts + 1,
        "claimed_by": None,
        "claimed_until_at": None,
    }
    if not connection.execute(update(queue).where(_is_owned_by(owner, [message])).values(**values)).rowcount:
        return False
    _log_attempts(connection, [(message, "Deferred", log)], now)
    connection.execute(
        update(messages)
        .where(messages.c.id == message)
        .values(status="Deferred", num_attempts=messages.c.num_attempts + 1, updated_at=now)
    )
    return True


def _is_owned_by(owner: uuid.UUID, ids: Sequence[uuid.UUID]) -> ColumnElement[bool]:
    return and_(queue.c.message_id.in_(ids), queue.c.claimed_by == owner)


def _log_attempts(connection: Connection, rows: Sequence[tuple[uuid.UUID, str, str]], now: int) -> None:
    """Note an attempt for each of these messages, with its status and log."""
    _INSERT_ATTEMPT.run(
        connection,
        [
            {"id": uuid.uuid4(), "message_id": message, "at": now, "status": status, "log": log}
            for message, status, log in rows
        ],
    )
