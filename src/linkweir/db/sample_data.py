"""Statements for sample data: messages that were sent nowhere, marked so that every reader of the database can tell."""

import uuid
from collections.abc import Sequence
from typing import Any

from sqlalchemy import BindParameter, Connection, RowMapping, bindparam, delete, insert, select, update

from linkweir.db import send_aggregates_table
from linkweir.db.schema import attempts, click_rows, messages, outbox, queue, webhooks

SAMPLE_DOMAIN = "newsletter.sample"  # .sample is no top-level domain: no such mail can ever have been meant to arrive
SAMPLE_SOURCE = "sample"  # in messages.source
_SUCCESS: dict[str, Any] = {"state": "succeeded", "attempts": 1, "last_status": 204}
_FAILURE: dict[str, Any] = {
    "state": "failed",
    "attempts": 6,
    "last_status": 503,
    "last_error": "sample data: the receiver answered 503",
}


def has_messages(connection: Connection, account: uuid.UUID) -> bool:
    """Whether the account ever got sample data that is still kept."""
    here = (messages.c.account_id == account, messages.c.source == SAMPLE_SOURCE)
    return connection.scalar(select(messages.c.id).where(*here).limit(1)) is not None


def mark_delivered(connection: Connection, delivered: Sequence[tuple[uuid.UUID, int]]) -> list[RowMapping]:
    """Take these messages off the queue as if they had been delivered at these times, and mark them; their rows."""
    keys = [key for key, _ in delivered]
    connection.execute(delete(queue).where(queue.c.message_id.in_(keys)))
    at: BindParameter[int] = bindparam("moment")
    times = {"sent_at": at, "delivered_at": at, "updated_at": at, "scheduled_at": None}
    marked = update(messages).where(messages.c.id == bindparam("key"))
    rows = [{"key": key, "moment": moment} for key, moment in delivered]
    connection.execute(marked.values(status="Delivered", source=SAMPLE_SOURCE, num_attempts=1, **times), rows)
    attempt_rows = [
        {"id": uuid.uuid4(), "message_id": key, "at": moment, "status": "Delivered", "log": "sample data: sent nowhere"}
        for key, moment in delivered
    ]
    connection.execute(insert(attempts), attempt_rows)
    for key in keys:
        send_aggregates_table.count_delivered(connection, [key])
    mails = connection.execute(select(messages).where(messages.c.id.in_(keys))).mappings()
    by_key = {row["id"]: row for row in mails}
    return [by_key[key] for key in keys]


def suppress_webhooks(connection: Connection, account: uuid.UUID) -> None:
    """No webhook is told of clicks on sample messages."""
    sample_messages = select(messages.c.id).where(messages.c.account_id == account, messages.c.source == SAMPLE_SOURCE)
    waiting = (click_rows.c.tell_at.is_not(None), click_rows.c.message_id.in_(sample_messages))
    connection.execute(update(click_rows).where(*waiting).values(tell_at=None))


def add_webhook(connection: Connection, account: uuid.UUID, secret: bytes, now: int) -> uuid.UUID:
    """A webhook that is told of clicks in this transaction, and turned off by `settle_requests` before it ends."""
    key = uuid.uuid4()
    values = {"id": key, "account_id": account, "name": "Sample data: a CRM", "url": "https://crm.example/hooks/clicks"}
    events = {"scope": "global", "domains": [], "events": ["clicked"], "enabled": True, "secret": secret}
    connection.execute(insert(webhooks).values(**values, **events, created_at=now, updated_at=now))
    return key


def has_webhooks(connection: Connection, account: uuid.UUID) -> bool:
    """Whether somebody would be told of what happens to messages."""
    here = (webhooks.c.account_id == account, webhooks.c.enabled)
    return connection.scalar(select(webhooks.c.id).where(*here).limit(1)) is not None


def settle_requests(connection: Connection, webhook: uuid.UUID, failure_interval: int) -> None:
    """Count every request to a sample webhook as sent, each `failure_interval`-th as failed, and turn the webhook
    off.
    """
    columns = (outbox.c.id, outbox.c.created_at)
    rows = connection.execute(
        select(*columns).where(outbox.c.webhook_id == webhook).order_by(outbox.c.created_at, outbox.c.id)
    ).all()
    for index, row in enumerate(rows):
        result = _FAILURE if index % failure_interval == failure_interval - 1 else _SUCCESS
        ended = row.created_at + 400_000
        values = {**result, "finished_at": ended, "due_at": ended}
        connection.execute(update(outbox).where(outbox.c.id == row.id).values(**values))
    failed = len(rows) // failure_interval
    counts = {"success_count": len(rows) - failed, "error_count": failed * _FAILURE["attempts"]}
    last = max((row.created_at for row in rows), default=None)
    hook = update(webhooks).where(webhooks.c.id == webhook)
    connection.execute(hook.values(enabled=False, last_request_at=last, **counts))
