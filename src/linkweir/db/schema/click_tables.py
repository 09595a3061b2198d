"""Tables of links and clicks, of blocked and corrected destinations, and of the short links of erased recipients."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
)

from linkweir.db.dimensions import click_columns
from linkweir.db.schema.table_metadata import BinaryUuid, email_indexes, metadata, partial_index, unique_texts

links = Table(
    "links",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("destination", Text, nullable=False),  # "": it held data of an erased recipient
    *email_indexes("ix_links_naming", "destination", "number"),
)

IS_PERSONAL = "(ip IS NOT NULL OR user_agent_id IS NOT NULL OR message_ref IS NOT NULL)"

click_texts = Table(  # user agents and destinations, each once; triggers count the rows that use one
    "click_texts",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("text", Text, nullable=False),
    *unique_texts("click_texts"),
    Column("uses", Integer, nullable=False, server_default="0"),
)

click_codes = Table(  # codes of signals and of reasons, as they came together
    "click_codes",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("text", Text, nullable=False),
    *unique_texts("click_codes"),
)

click_rows = Table(  # with numbers of texts: the view `clicks` has the texts themselves
    "click_rows",
    metadata,
    Column("id", BinaryUuid, primary_key=True),  # made at the redirect: an event stored twice is one row
    Column("at", BigInteger, nullable=False),
    Column("method", String(8), nullable=False),
    Column("privacy", String(16), nullable=False),
    Column("account_id", BinaryUuid),
    Column("message_id", BinaryUuid),
    Column("message_ref", Text),  # the token's reference to a message that is not in this database
    Column("key_id", BigInteger, nullable=False),
    Column("campaign", Text),
    Column("position", Integer, nullable=False),
    Column("destination", Text),  # one that may name a person; the others by their number
    Column("destination_id", Integer),
    Column("ip", Text),
    Column("user_agent_id", Integer),
    Column("kind", String(8), nullable=False, server_default="click"),  # click or open
    Column("prefetch", Boolean, nullable=False, server_default=false()),  # the request declared itself a prefetch
    Column("signals_id", Integer),  # codes of request signals; None: none
    *click_columns(),  # one for each dimension of clicks
    Column("system", Text),
    Column("region", Text),
    Column("network", Text),  # a known network that the address belongs to
    Column("internal", String(9)),  # network or recipient: by what the sender's own people made it
    Column("verdict", String(8), nullable=False, server_default="unsure"),  # human, machine, ...
    Column("confidence", Float, nullable=False, server_default="0"),  # 0 to 1
    Column("machine_basis_points", Integer, nullable=False, server_default="5000"),  # how likely a machine followed
    Column("reasons_id", Integer),  # stable codes; None: none
    Column("first", Boolean, nullable=False, server_default=false()),  # the first counted click of its message
    Column("firsts", SmallInteger, nullable=False, server_default="0"),  # flags: see db.dimensions
    Column("settled", Boolean, nullable=False, server_default=false()),  # counted in `settled`
    Column("told", String(8)),  # the verdict last sent to webhooks; None: none was sent
    Column("tell_at", BigInteger),  # when webhooks are due; None: never, or done
    Index(None, "message_id", "at"),
    Index(None, "account_id", "at"),
    partial_index(None, "tell_at", where="tell_at IS NOT NULL"),
    partial_index("ix_clicks_firsts", "message_id", "message_ref", where="firsts > 0"),
    partial_index(None, "message_ref", "at", where="message_ref IS NOT NULL"),
    *email_indexes("ix_clicks_naming", "destination", "id"),
    partial_index("ix_clicks_strangers", "at", where=f"message_id IS NULL AND {IS_PERSONAL}"),
)

message_link_rows = Table(  # every link of a message that was followed, with its counts; the view is `message_links`
    "message_link_rows",
    metadata,
    Column("message_id", BinaryUuid, primary_key=True),
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("destination", Text),  # as in `click_rows`
    Column("destination_id", Integer),
    Column("human", Integer, nullable=False, server_default="0"),
    Column("machine", Integer, nullable=False, server_default="0"),
    Column("prefetch", Integer, nullable=False, server_default="0"),
    Column("unsure", Integer, nullable=False, server_default="0"),
    Column("internal", Integer, nullable=False, server_default="0"),
    Column("expected_clicks", BigInteger, nullable=False, server_default="0"),  # see db.click_probabilities
    Column("expected_clicks_variance", BigInteger, nullable=False, server_default="0"),
    Column("first_at", BigInteger),  # of the first click that counts
    *email_indexes("ix_message_links_naming", "destination", "message_id"),
    sqlite_with_rowid=False,
)

blocklist = Table(  # blocked destinations: phishing
    "blocked",
    metadata,
    Column("id", BinaryUuid, primary_key=True),
    Column("kind", String(12), nullable=False),  # host or destination
    Column("value", Text, nullable=False),
    Column("reason", Text, nullable=False, server_default=""),
    Column("created_at", BigInteger, nullable=False),
    UniqueConstraint("kind", "value"),
)

corrections = Table(  # destinations that lead to others, and the record of who said so and when
    "corrections",
    metadata,
    Column("id", BinaryUuid, primary_key=True),
    Column("account_id", BinaryUuid, ForeignKey("accounts.id"), nullable=False),
    Column("campaign", Text),  # of messages with this tag only
    Column("number", BigInteger, index=True),  # of this message only, as its tokens have it
    Column("destination", Text, nullable=False),
    Column("replacement", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("created_by", Text, nullable=False),  # a user's address, an API key's label or the command line
    Column("removed_at", BigInteger),  # None: in force
    Column("removed_by", Text),
    Index(None, "account_id", "created_at"),
    partial_index("ix_corrections_in_force", "created_at", where="removed_at IS NULL"),
)

corrected_messages = Table(  # messages that are deleted, and whose links corrections apply to all the same
    "corrected_messages",
    metadata,
    Column("account_id", BinaryUuid, ForeignKey("accounts.id"), primary_key=True),
    Column("campaign", Text, primary_key=True),  # "": of the whole account
    Column("number", BigInteger, primary_key=True, autoincrement=False, index=True),
    sqlite_with_rowid=False,
)

click_inbox = Table(  # groups of events, from the journals of many machines to the workers: see clicks.transport
    "click_inbox",
    metadata,
    Column("id", BinaryUuid, primary_key=True),
    Column("created_at", BigInteger, nullable=False),
    Column("events", SmallInteger, nullable=False),  # how many
    Column("data", LargeBinary, nullable=False),  # sealed by the vault
    Column("claimed_by", BinaryUuid),
    Column("claimed_until_at", BigInteger, nullable=False, server_default="0"),
    Index(None, "created_at", "id"),
)

verdict_memory = Table(  # what the rules remember of earlier clicks: see clicks.ingest.verdict_memory
    "verdict_memory",
    metadata,
    Column("source", BigInteger, primary_key=True, autoincrement=False),  # keyed hash: a program, a fleet, an address
    Column("message", BigInteger, primary_key=True, autoincrement=False),  # keyed hash
    Column("verdicts", SmallInteger, nullable=False),  # bits: what the program was there by itself; 0: of an address
    Column("seen_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False, index=True),  # whole hours or days: most updates leave it
    sqlite_with_rowid=False,
)

erased_clicks = Table(  # that a worker or a journal may still hold: see db.erased_clicks_table
    "erased_clicks",
    metadata,
    Column("id", BinaryUuid, primary_key=True),
    Column("at", BigInteger, nullable=False, index=True),  # of the erasure
    sqlite_with_rowid=False,
)

erased_messages = Table(  # messages of erased recipients, whose short links answer 410
    "erased",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("at", BigInteger, nullable=False),
)
