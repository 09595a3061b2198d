"""Tables of messages, their delivery queue and events, and of webhooks with their outbox."""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    false,
)

from linkweir.db.schema.table_metadata import BinaryUuid, metadata, partial_index

messages = Table(
    "messages",
    metadata,
    Column("id", BinaryUuid, primary_key=True),
    Column("number", BigInteger, nullable=False, unique=True),  # what tokens carry for the message
    Column("account_id", BinaryUuid, ForeignKey("accounts.id"), nullable=False),
    Column("message_id", Text, nullable=False),  # the Message-ID header without its angle brackets
    Column("sender", Text, nullable=False),
    Column("recipient", Text, nullable=False),
    Column("person", Text, nullable=False, server_default="", index=True),  # the recipient in lower case
    Column("subject", Text, nullable=False),
    Column("tags", JSON, nullable=False),
    Column("status", String(32), nullable=False),
    Column("num_attempts", Integer, nullable=False),
    Column("track_clicks", Boolean, nullable=False),
    Column("privacy", String(16), nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Column("sent_at", BigInteger),
    Column("delivered_at", BigInteger),
    Column("domain_id", BinaryUuid),
    Column("sender_domain", Text, nullable=False, server_default=""),
    Column("recipient_domain", Text, nullable=False, server_default=""),
    Column("envelope_from", Text, nullable=False, server_default=""),  # MAIL FROM; "" is the null reverse-path
    Column("source", String(8), nullable=False, server_default="api"),  # api, smtp or filter
    Column("sandbox_result", String(16)),  # None: a real message
    Column("track_opens", Boolean, nullable=False, server_default=false()),
    Column("attributes", JSON),
    Column("variant", Text),
    Column("internal", Boolean, nullable=False, server_default=false()),  # to one of the sender's own people
    Column("switches", JSON),  # rewriting options that differ from the operator's; None: not recorded
    Column("tracked_links", Integer),  # how many; None: not recorded
    Column("bounce_classification", Text),
    Column("scheduled_at", BigInteger),
    Column("retain_until_at", BigInteger, nullable=False, server_default="0"),  # then the row itself goes
    Column("click_count", Integer, nullable=False, server_default="0"),
    Column("open_count", Integer, nullable=False, server_default="0"),
    Column("hit_count", Integer, nullable=False, server_default="0"),  # clicks of all verdicts
    Column("likely_count", Integer, nullable=False, server_default="0"),  # rather by a person than by a machine
    Column("expected_clicks", BigInteger, nullable=False, server_default="0"),  # see db.click_probabilities
    Column("expected_clicks_variance", BigInteger, nullable=False, server_default="0"),
    Column("clicked_basis_points", Integer, nullable=False, server_default="0"),  # how likely a person clicked
    Index(None, "account_id", "created_at"),
    Index(None, "retain_until_at"),
    Index(None, "account_id", "message_id"),
    postgresql_with={"fillfactor": 85},  # room on the page for what delivery and clicks change, as in `rollups`
)

shared_contents = Table(  # what the mails of one submission have in common: see mime.mail_delta
    "shared_contents",
    metadata,
    Column("id", BinaryUuid, primary_key=True),
    Column("data", LargeBinary, nullable=False),
)

contents = Table(
    "contents",
    metadata,
    Column("message_id", BinaryUuid, ForeignKey("messages.id"), primary_key=True),
    Column("raw", LargeBinary, nullable=False),  # the mail, or with `shared_id` what it has of its own
    Column("shared_id", BinaryUuid, ForeignKey("shared_contents.id"), index=True),
    Column("keep_until_at", BigInteger, nullable=False, index=True),
)

queue = Table(
    "queue",
    metadata,
    Column("message_id", BinaryUuid, ForeignKey("messages.id"), primary_key=True),
    Column("due_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("claimed_by", BinaryUuid),
    Column("claimed_until_at", BigInteger),
    Column("route", String(16), nullable=False, server_default="default"),  # default, or filter: back to its server
    Column("smtputf8", Boolean, nullable=False, server_default=false()),  # it came with SMTPUTF8 (RFC 6531)
    Index(None, "route", "due_at"),
)

attempts = Table(
    "attempts",
    metadata,
    Column("id", BinaryUuid, primary_key=True),
    Column("message_id", BinaryUuid, ForeignKey("messages.id"), nullable=False, index=True),
    Column("at", BigInteger, nullable=False),
    Column("status", String(32), nullable=False),
    Column("log", Text, nullable=False),
)

events = Table(
    "events",
    metadata,
    Column("id", BinaryUuid, primary_key=True),
    Column("account_id", BinaryUuid, nullable=False),
    Column("message_id", BinaryUuid, ForeignKey("messages.id"), nullable=False, index=True),
    Column("at", BigInteger, nullable=False),
    Column("kind", String(32), nullable=False),  # reception ... clicked, or the code of a note
    Column("data", JSON, nullable=False),
    Index(None, "account_id", "at"),
)

webhooks = Table(
    "webhooks",
    metadata,
    Column("id", BinaryUuid, primary_key=True),
    Column("account_id", BinaryUuid, ForeignKey("accounts.id"), nullable=False, index=True),
    Column("name", Text, nullable=False),
    Column("url", Text, nullable=False),
    Column("secret", LargeBinary, nullable=False),  # sealed by the vault
    Column("scope", String(16), nullable=False),
    Column("domains", JSON, nullable=False),
    Column("events", JSON, nullable=False),  # reception, delivered, transient_error, ... clicked
    Column("enabled", Boolean, nullable=False),
    Column("verdict_wait_seconds", Integer, nullable=False, server_default="0"),  # at most; 0: it does not wait
    Column("success_count", Integer, nullable=False, server_default="0"),
    Column("error_count", Integer, nullable=False, server_default="0"),
    Column("errors_since_last_success", Integer, nullable=False, server_default="0"),
    Column("last_request_at", BigInteger),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
)

outbox = Table(
    "outbox",
    metadata,
    Column("id", BinaryUuid, primary_key=True),  # the webhook-id header, the same on every attempt
    Column("webhook_id", BinaryUuid, ForeignKey("webhooks.id", ondelete="CASCADE"), nullable=False),
    Column("account_id", BinaryUuid, nullable=False),
    Column("message_id", BinaryUuid),
    Column("kind", String(32), nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("state", String(16), nullable=False),  # waiting, succeeded or failed
    Column("attempts", Integer, nullable=False),
    Column("due_at", BigInteger, nullable=False),
    Column("claimed_by", BinaryUuid),
    Column("claimed_until_at", BigInteger),
    Column("last_status", Integer),
    Column("last_error", Text),
    Column("created_at", BigInteger, nullable=False),
    Column("finished_at", BigInteger),
    Index(None, "state", "due_at"),
    Index(None, "webhook_id", "state", "due_at"),
    Index(None, "webhook_id", "created_at"),
    Index(None, "message_id"),
)

verdict_waits = Table(  # what webhooks that wait for verdicts were told of clicks and opens, or are to be told
    "verdict_waits",
    metadata,
    Column("click_id", BinaryUuid, primary_key=True),
    Column("webhook_id", BinaryUuid, ForeignKey("webhooks.id", ondelete="CASCADE"), primary_key=True),
    Column("message_id", BinaryUuid, nullable=False, index=True),
    Column("due_at", BigInteger),  # at the latest; None: done
    Column("told", String(8)),  # the verdict that was sent; None: none was
    partial_index(None, "due_at", where="due_at IS NOT NULL"),
    sqlite_with_rowid=False,
)

message_tags = Table(  # which messages have a tag, for lists of who clicked
    "message_tags",
    metadata,
    Column("account_id", BinaryUuid, primary_key=True),
    Column("tag", Text, primary_key=True),
    Column("created_at", BigInteger, primary_key=True, autoincrement=False),
    Column("message_id", BinaryUuid, primary_key=True),
    Index(None, "message_id"),
    sqlite_with_rowid=False,
)
