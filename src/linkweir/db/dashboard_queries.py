"""Statements for the dashboard's pages, whose cost follows the size of the page, not the number of clicks.

Aggregates are read by `aggregate_queries`.
"""

import uuid
from collections.abc import Sequence

from sqlalchemy import Connection, RowMapping, func, select

from linkweir.db import aggregate_queries, contents_table
from linkweir.db.aggregate_queries import AggregateRange
from linkweir.db.sample_data import SAMPLE_DOMAIN, SAMPLE_SOURCE
from linkweir.db.schema import click_aggregates, contents, message_tags, messages, outbox, webhooks

MAX_SCANNED_MESSAGES = 1000  # messages that are looked through for one whose mail is kept


def get_first_click_hour(connection: Connection, account: uuid.UUID, scope: str) -> int | None:
    """The hour of the first click in a scope."""
    known = aggregate_queries.get_hour_range(connection, click_aggregates, AggregateRange(account, scope, 0, 0), "")
    return known[0] if known else None


def get_first_sent_hours(connection: Connection, span: AggregateRange, tag: str | None = None) -> dict[str, int]:
    """For each tag of messages accepted in a span, or for this one, the hour of the first of them."""
    tags = [tag] if tag is not None else list(aggregate_queries.sum_sent_by_value(connection, span, "tag"))
    return aggregate_queries.get_first_sent_hours(connection, span, tags)


def get_latest_stored_mail(connection: Connection, account: uuid.UUID, tag: str) -> tuple[uuid.UUID, bytes] | None:
    """Return the newest stored mail of a campaign; only its newest messages are searched."""
    newest = (
        select(message_tags.c.message_id, message_tags.c.created_at)
        .where(message_tags.c.account_id == account, message_tags.c.tag == tag)
        .order_by(message_tags.c.created_at.desc())
        .limit(MAX_SCANNED_MESSAGES)
        .subquery()
    )
    statement = (
        contents_table.select_mails(contents.c.message_id)
        .join(newest, contents.c.message_id == newest.c.message_id)
        .order_by(newest.c.created_at.desc())
        .limit(1)
    )
    row = connection.execute(statement).first()
    return (row.message_id, contents_table.to_mail(row.raw, row.shared)) if row else None


def count_by_privacy(connection: Connection, account: uuid.UUID, tag: str) -> dict[str, int]:
    """Count the privacy modes of a campaign's newest messages."""
    newest = (
        select(message_tags.c.message_id)
        .where(message_tags.c.account_id == account, message_tags.c.tag == tag)
        .order_by(message_tags.c.created_at.desc())
        .limit(MAX_SCANNED_MESSAGES)
        .subquery()
    )
    statement = select(messages.c.privacy, func.count()).join(newest, messages.c.id == newest.c.message_id)
    return {row[0]: row[1] for row in connection.execute(statement.group_by(messages.c.privacy))}


def has_sample_clicks(connection: Connection, account: uuid.UUID) -> bool:
    """Whether clicks of sample data are among the account's sums."""
    return get_first_click_hour(connection, account, f"sender:{SAMPLE_DOMAIN}") is not None


def has_hits_beside_samples(connection: Connection, account: uuid.UUID) -> bool:
    """Whether a link of the account's newest messages was followed, those of sample data left out."""
    here = (messages.c.account_id == account, messages.c.source != SAMPLE_SOURCE)
    newest = select(messages.c.hit_count).where(*here).order_by(messages.c.created_at.desc())
    hits = newest.limit(MAX_SCANNED_MESSAGES).subquery()
    return bool(connection.scalar(select(func.max(hits.c.hit_count))))


def list_webhooks(connection: Connection, account: uuid.UUID) -> list[RowMapping]:
    """The account's webhooks, newest first."""
    statement = select(webhooks).where(webhooks.c.account_id == account).order_by(webhooks.c.created_at.desc())
    return list(connection.execute(statement).mappings())


def list_latest_requests(connection: Connection, webhook: uuid.UUID, limit: int) -> list[RowMapping]:
    """The newest requests to a webhook, without their bodies."""
    columns = [column for column in outbox.c if column.name != "body"]
    statement = select(*columns).where(outbox.c.webhook_id == webhook)
    return list(connection.execute(statement.order_by(outbox.c.created_at.desc()).limit(limit)).mappings())


def count_waiting_by_webhook(connection: Connection, webhooks: Sequence[uuid.UUID]) -> dict[uuid.UUID, int]:
    """Count the waiting requests of each of these webhooks."""
    statement = (
        select(outbox.c.webhook_id, func.count())
        .where(outbox.c.webhook_id.in_(webhooks), outbox.c.state == "waiting")
        .group_by(outbox.c.webhook_id)
    )
    return {row[0]: row[1] for row in connection.execute(statement)}
