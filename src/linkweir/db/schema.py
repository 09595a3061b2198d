"""The tables, as SQLAlchemy Core. Times are whole microseconds since 1970 (UTC) in columns named `*_at`.

The migrations in `migrations/` make these tables; a test holds both against each other.
"""

from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    false,
    text,
)


def may_contain_email(*columns: str) -> str:
    """The condition of an index over rows with a value that may hold an e-mail address, as it is or percent-encoded:
    so that a person is found there without a look at all rows.
    """
    return " + ".join(f"instr({column}, '{mark}')" for column in columns for mark in ("@", "%40", "%2540")) + " > 0"


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
    Column("policy", JSON, nullable=False, server_default="{}"),  # wishes of the account: see mail.policy
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
)

domains = Table(
    "domains",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("account_id", Uuid, ForeignKey("accounts.id"), nullable=False),
    Column("domain", Text, nullable=False),  # ASCII, lower case
    Column("tracking_subdomain", Text),  # None: the service's own tracking host
    Column("policy", JSON, nullable=False, server_default="{}"),
    Column("dkim_selector", Text),
    Column("dkim_key", LargeBinary),  # sealed by the vault
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    UniqueConstraint("account_id", "domain"),
    Index(None, "account_id", "created_at"),
)

api_keys = Table(
    "api_keys",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("account_id", Uuid, ForeignKey("accounts.id"), nullable=False, index=True),
    Column("label", Text, nullable=False),
    Column("digest", LargeBinary(32), nullable=False, unique=True),
    Column("scopes", JSON, nullable=False, server_default="[]"),
    Column("ip_allow_list", JSON, nullable=False, server_default="[]"),  # networks; none: from everywhere
    Column("hint", Text, nullable=False, server_default=""),  # how the key begins: tells keys apart, opens nothing
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False, server_default="0"),
    Column("last_used_at", BigInteger),
)

smtp_credentials = Table(
    "smtp_credentials",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("account_id", Uuid, ForeignKey("accounts.id"), nullable=False, index=True),
    Column("name", Text, nullable=False),
    Column("username", Text, nullable=False, unique=True),
    Column("digest", LargeBinary(32), nullable=False),  # of the password, which is random
    Column("sandbox", Boolean, nullable=False),
    Column("scope", String(16), nullable=False),  # global or scoped
    Column("domains", JSON, nullable=False),  # senders' domains, when scoped
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
)

link_keys = Table(
    "link_keys",
    metadata,
    Column("key_id", BigInteger, primary_key=True, autoincrement=False),
    Column("account_id", Uuid, ForeignKey("accounts.id"), nullable=False),
    Column("fingerprint", LargeBinary(16)),  # of the key's secret: ids alone are the same in every new ring
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
    Column("domain_id", Uuid),
    Column("sender_domain", Text, nullable=False, server_default=""),
    Column("recipient_domain", Text, nullable=False, server_default=""),
    Column("envelope_from", Text, nullable=False, server_default=""),  # MAIL FROM; "" is the null reverse-path
    Column("source", String(8), nullable=False, server_default="api"),  # api, smtp or filter
    Column("sandbox_result", String(16)),  # None: a real message
    Column("track_opens", Boolean, nullable=False, server_default=false()),
    Column("attributes", JSON),
    Column("variant", Text),
    Column("switches", JSON),  # what it asked for over the operator's; None: accepted before that was noted
    Column("tracked_links", Integer),  # how many; None: accepted before that was noted
    Column("bounce_classification", Text),
    Column("scheduled_at", BigInteger),
    Column("retain_until_at", BigInteger, nullable=False, server_default="0"),  # then the row itself goes
    Column("click_count", Integer, nullable=False, server_default="0"),
    Column("open_count", Integer, nullable=False, server_default="0"),
    Index(None, "account_id", "created_at"),
    Index(None, "retain_until_at"),
    Index(None, "account_id", "message_id"),
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
    Column("due_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("claimed_by", Uuid),
    Column("claimed_until_at", BigInteger),
    Column("route", String(16), nullable=False, server_default="default"),  # default, or filter: back to its server
    Column("smtputf8", Boolean, nullable=False, server_default=false()),  # it came with SMTPUTF8 (RFC 6531)
    Index(None, "route", "due_at"),
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

events = Table(
    "events",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("account_id", Uuid, nullable=False),
    Column("message_id", Uuid, ForeignKey("messages.id"), nullable=False, index=True),
    Column("at", BigInteger, nullable=False),
    Column("kind", String(32), nullable=False),  # reception ... clicked, or the code of a note
    Column("data", JSON, nullable=False),
    Index(None, "account_id", "at"),
)

webhooks = Table(
    "webhooks",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("account_id", Uuid, ForeignKey("accounts.id"), nullable=False, index=True),
    Column("name", Text, nullable=False),
    Column("url", Text, nullable=False),
    Column("secret", LargeBinary, nullable=False),  # sealed by the vault
    Column("scope", String(16), nullable=False),
    Column("domains", JSON, nullable=False),
    Column("events", JSON, nullable=False),  # reception, delivered, transient_error, ... clicked
    Column("enabled", Boolean, nullable=False),
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
    Column("id", Uuid, primary_key=True),  # the webhook-id header, the same on every attempt
    Column("webhook_id", Uuid, ForeignKey("webhooks.id", ondelete="CASCADE"), nullable=False),
    Column("account_id", Uuid, nullable=False),
    Column("message_id", Uuid),
    Column("kind", String(32), nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("state", String(16), nullable=False),  # waiting, succeeded or failed
    Column("attempts", Integer, nullable=False),
    Column("due_at", BigInteger, nullable=False),
    Column("claimed_by", Uuid),
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

links = Table(
    "links",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("destination", Text, nullable=False),  # "": it named a person who was erased
    Index("ix_links_naming", "destination", sqlite_where=text(may_contain_email("destination"))),
)

IS_PERSONAL = "(ip IS NOT NULL OR user_agent IS NOT NULL OR message_ref IS NOT NULL)"

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
    Column("kind", String(8), nullable=False, server_default="click"),  # click or open
    Column("prefetch", Boolean, nullable=False, server_default=false()),  # the request itself said that nobody looks
    Column("signals", Text, nullable=False, server_default=""),  # codes of what the door saw, separated by spaces
    Column("client", Text),  # browser or mail program, derived from the user agent
    Column("system", Text),
    Column("device", String(16)),
    Column("country", String(2)),
    Column("region", Text),
    Column("network", Text),  # a known network that the address belongs to
    Column("verdict", String(8), nullable=False, server_default="unsure"),  # human, prefetch, machine or unsure
    Column("confidence", Float, nullable=False, server_default="0"),  # 0 to 1
    Column("reasons", Text, nullable=False, server_default=""),  # stable codes, separated by spaces
    Column("first", Boolean, nullable=False, server_default=false()),  # the first counted click of its message
    Column("firsts", SmallInteger, nullable=False, server_default="0"),  # bits: see store.sums
    Column("settled", Boolean, nullable=False, server_default=false()),  # its sums are in `settled`
    Column("told", String(8)),  # the verdict that webhooks were told; None: nothing was told
    Column("tell_at", BigInteger),  # when webhooks are to be told; None: never, or it was done
    Index(None, "message_id", "at"),
    Index(None, "account_id", "at"),
    Index(None, "tell_at", sqlite_where=text("tell_at IS NOT NULL")),
    Index("ix_clicks_firsts", "message_id", "message_ref", sqlite_where=text("firsts > 0")),
    Index(None, "message_ref", "at", sqlite_where=text("message_ref IS NOT NULL")),
    Index("ix_clicks_naming", "destination", sqlite_where=text(may_contain_email("destination"))),
    Index("ix_clicks_strangers", "at", sqlite_where=text(f"message_id IS NULL AND {IS_PERSONAL}")),
)

message_links = Table(  # every link of a message that was followed, with its sums
    "message_links",
    metadata,
    Column("message_id", Uuid, primary_key=True),
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("destination", Text),
    Column("human", Integer, nullable=False, server_default="0"),
    Column("machine", Integer, nullable=False, server_default="0"),
    Column("prefetch", Integer, nullable=False, server_default="0"),
    Column("unsure", Integer, nullable=False, server_default="0"),
    Column("first_at", BigInteger),  # of the first click that counts
    Index("ix_message_links_naming", "destination", sqlite_where=text(may_contain_email("destination"))),
    sqlite_with_rowid=False,
)


aggregate_dimensions = Table(  # along what sums are kept: one dimension within one scope of an account; see store.axes
    "axes",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("account_id", Uuid, nullable=False),
    Column("scope", Text, nullable=False),  # "" the account, "tag:…", "sender:…" a sender's domain
    Column("dimension", String(80), nullable=False),  # "" the sum, link, destination, tag, country, attribute:…
    UniqueConstraint("account_id", "scope", "dimension"),
    Index("ix_axes_naming", "scope", sqlite_where=text(may_contain_email("scope", "dimension"))),
)

aggregate_values = Table(  # the values along all axes, each text once; see store.words
    "words",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("text", Text, nullable=False, unique=True),
    Index("ix_words_naming", "text", sqlite_where=text(may_contain_email("text"))),
)


def _aggregate_columns(*counts: str) -> list[Column[Any]]:
    """Sums by value and time along an axis. Neighbours are what one question reads: the values of a time."""
    return [
        Column("axis", Integer, primary_key=True, autoincrement=False),
        Column("hours", SmallInteger, primary_key=True, autoincrement=False),  # how many it sums: see store.spans
        Column("hour", Integer, primary_key=True, autoincrement=False),  # the first of them, since 1970
        Column("word", Integer, primary_key=True, autoincrement=False),
        *(Column(name, Integer, nullable=False, server_default="0") for name in counts),
    ]


def _value_index(name: str) -> Index:
    """Finds out whether a word is still in use: each that is has a sum over all time."""
    return Index(f"ix_{name}_words", "word", sqlite_where=text("hours = 0"))


CLICK_COUNTS = ("human", "machine", "prefetch", "unsure", "clickers")  # clickers: whose first counted click is there

click_aggregates = Table(
    "rollups", metadata, *_aggregate_columns(*CLICK_COUNTS), _value_index("rollups"), sqlite_with_rowid=False
)
frozen_aggregates = Table(  # the part of rollups of messages now gone, by the hour only
    "settled", metadata, *_aggregate_columns(*CLICK_COUNTS), sqlite_with_rowid=False
)
send_aggregates = Table(  # messages by the time they were accepted, along what is known of them before anybody clicks
    "sends", metadata, *_aggregate_columns("sent", "delivered"), _value_index("sends"), sqlite_with_rowid=False
)

message_tags = Table(  # which messages have a tag, for lists of who clicked
    "message_tags",
    metadata,
    Column("account_id", Uuid, primary_key=True),
    Column("tag", Text, primary_key=True),
    Column("created_at", BigInteger, primary_key=True, autoincrement=False),
    Column("message_id", Uuid, primary_key=True),
    Index(None, "message_id"),
    sqlite_with_rowid=False,
)

pending_jobs = Table(  # what is under way and must be finished by whoever comes next: "rebuild"
    "marks",
    metadata,
    Column("name", String(16), primary_key=True),
    Column("at", BigInteger, nullable=False),
)

blocklist = Table(  # where nobody is sent any more: phishing
    "blocked",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("kind", String(12), nullable=False),  # host or destination
    Column("value", Text, nullable=False),
    Column("reason", Text, nullable=False, server_default=""),
    Column("created_at", BigInteger, nullable=False),
    UniqueConstraint("kind", "value"),
)

erased_messages = Table(  # messages of erased people whose short links answer 410
    "erased",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("at", BigInteger, nullable=False),
)

users = Table(
    "users",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("account_id", Uuid, ForeignKey("accounts.id"), nullable=False, index=True),
    Column("email", Text, nullable=False, unique=True),  # in lower case
    Column("password", Text, nullable=False),  # hashed, with its parameters
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Column("last_seen_at", BigInteger),
)

sessions = Table(
    "sessions",
    metadata,
    Column("digest", LargeBinary(32), primary_key=True),  # of the cookie, which is random
    Column("user_id", Uuid, ForeignKey("users.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False, index=True),
)

sign_in_limits = Table(  # failed attempts to sign in, of networks and at users: see store.sign_ins
    "sign_in_limits",
    metadata,
    Column("key", LargeBinary(32), primary_key=True),
    Column("free_at", BigInteger, nullable=False, index=True),
)

sign_in_networks = Table(  # networks that users have signed in from
    "sign_in_places",
    metadata,
    Column("user_id", Uuid, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
    Column("place", LargeBinary(32), primary_key=True),
    Column("at", BigInteger, nullable=False),
)

idempotency = Table(
    "idempotency",
    metadata,
    Column("account_id", Uuid, primary_key=True),
    Column("key", String(255), primary_key=True),
    Column("fingerprint", LargeBinary(32), nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("created_at", BigInteger, nullable=False, index=True),
    Column("status", SmallInteger, nullable=False, server_default="202"),  # 0: still running
    Column("expires_at", BigInteger, nullable=False, index=True, server_default="0"),
    Column("sealed", Boolean, nullable=False, server_default=false()),  # the body holds a secret
)
