"""The tables, as SQLAlchemy Core. Times are whole microseconds since 1970 (UTC) in columns named `*_at`."""

from linkweir.db.schema.account_tables import (
    accounts,
    api_keys,
    domains,
    idempotency,
    link_keys,
    sessions,
    sign_in_limits,
    sign_in_networks,
    smtp_credentials,
    users,
)
from linkweir.db.schema.aggregate_tables import (
    CLICK_COUNTS,
    EXPECTED_COUNTS,
    aggregate_dimensions,
    aggregate_values,
    click_aggregates,
    frozen_aggregates,
    pending_jobs,
    send_aggregates,
)
from linkweir.db.schema.click_tables import IS_PERSONAL, blocklist, clicks, erased_messages, links, message_links
from linkweir.db.schema.mail_tables import attempts, contents, events, message_tags, messages, outbox, queue, webhooks
from linkweir.db.schema.table_metadata import may_contain_email, metadata

__all__ = [
    "CLICK_COUNTS",
    "EXPECTED_COUNTS",
    "IS_PERSONAL",
    "accounts",
    "aggregate_dimensions",
    "aggregate_values",
    "api_keys",
    "attempts",
    "blocklist",
    "click_aggregates",
    "clicks",
    "contents",
    "domains",
    "erased_messages",
    "events",
    "frozen_aggregates",
    "idempotency",
    "link_keys",
    "links",
    "may_contain_email",
    "message_links",
    "message_tags",
    "messages",
    "metadata",
    "outbox",
    "pending_jobs",
    "queue",
    "send_aggregates",
    "sessions",
    "sign_in_limits",
    "sign_in_networks",
    "smtp_credentials",
    "users",
    "webhooks",
]
