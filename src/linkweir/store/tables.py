"""The tables, as SQLAlchemy Core. Times are whole microseconds since 1970 (UTC) in columns named `*_at`.

The migrations in `migrations/` make these tables; a test holds both against each other.
"""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
    Uuid,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

accounts = Table(
    "accounts",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("name", Text, nullable=False),
    Column("website", Text, nullable=False),
    Column("about", Text, nullable=False),
    Column("track_opens", Boolean, nullable=False),
    Column("track_clicks", Boolean, nullable=False),
    Column("message_metadata_retention", SmallInteger, nullable=False),
    Column("message_data_retention", SmallInteger, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
)

api_keys = Table(
    "api_keys",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("account_id", Uuid, ForeignKey("accounts.id"), nullable=False, index=True),
    Column("label", Text, nullable=False),
    Column("digest", LargeBinary(32), nullable=False, unique=True),
    Column("created_at", BigInteger, nullable=False),
)

link_keys = Table(
    "link_keys",
    metadata,
    Column("key_id", BigInteger, primary_key=True, autoincrement=False),
    Column("account_id", Uuid, ForeignKey("accounts.id"), nullable=False),
)

messages = Table(
    "messages",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("number", BigInteger, nullable=False, unique=True),  # what tokens carry for the message
    Column("account_id", Uuid, ForeignKey("accounts.id"), nullable=False),
    Column("message_id", Text, nullable=False),  # the Message-ID header without its angle brackets
    Column("sender", Text, nullable=False),
    Column("recipient", Text, nullable=False),
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
    Index(None, "account_id", "created_at"),
)

contents = Table(
    "contents",
    metadata,
    Column("message_id", Uuid, ForeignKey("messages.id"), primary_key=True),
    Column("raw", LargeBinary, nullable=False),
    Column("keep_until_at", BigInteger, nullable=False, index=True),
)

queue = Table(
    "queue",
    metadata,
    Column("message_id", Uuid, ForeignKey("messages.id"), primary_key=True),
    Column("due_at", BigInteger, nullable=False, index=True),
    Column("expires_at", BigInteger, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("claimed_by", Uuid),
    Column("claimed_until_at", BigInteger),
)

attempts = Table(
    "attempts",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("message_id", Uuid, ForeignKey("messages.id"), nullable=False, index=True),
    Column("at", BigInteger, nullable=False),
    Column("status", String(32), nullable=False),
    Column("log", Text, nullable=False),
)

links = Table(
    "links",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("destination", Text, nullable=False),
)

clicks = Table(
    "clicks",
    metadata,
    Column("id", Uuid, primary_key=True),  # made at the redirect: storing a fact twice keeps one
    Column("at", BigInteger, nullable=False),
    Column("method", String(8), nullable=False),
    Column("privacy", String(16), nullable=False),
    Column("account_id", Uuid),
    Column("message_id", Uuid),
    Column("message_ref", Text),  # the token's own name for a message that this store does not know
    Column("key_id", BigInteger, nullable=False),
    Column("campaign", Text),
    Column("position", Integer, nullable=False),
    Column("destination", Text),
    Column("ip", Text),
    Column("user_agent", Text),
    Index(None, "message_id"),
    Index(None, "account_id", "at"),
)

idempotency = Table(
    "idempotency",
    metadata,
    Column("account_id", Uuid, primary_key=True),
    Column("key", String(255), primary_key=True),
    Column("fingerprint", LargeBinary(32), nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("created_at", BigInteger, nullable=False, index=True),
)
