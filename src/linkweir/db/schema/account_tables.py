"""Tables of accounts, their domains and keys, and of the users who sign in."""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    LargeBinary,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
)

from linkweir.db.schema.table_metadata import BinaryUuid, metadata

accounts = Table(
    "accounts",
    metadata,
    Column("id", BinaryUuid, primary_key=True),
    Column("name", Text, nullable=False),
    Column("website", Text, nullable=False),
    Column("about", Text, nullable=False),
    Column("track_opens", Boolean, nullable=False),
    Column("track_clicks", Boolean, nullable=False),
    Column("message_metadata_retention", SmallInteger, nullable=False),
    Column("message_data_retention", SmallInteger, nullable=False),
    Column("policy", JSON, nullable=False, server_default="{}"),  # see mail.tracking_policy
    Column("internal_networks", JSON, nullable=False, server_default="[]"),  # of the account's own people
    Column("internal_addresses", JSON, nullable=False, server_default="[]"),  # and @domains
    Column("internal_own_domains", Boolean, nullable=False, server_default=false()),  # those of its domains, too
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
)

domains = Table(
    "domains",
    metadata,
    Column("id", BinaryUuid, primary_key=True),
    Column("account_id", BinaryUuid, ForeignKey("accounts.id"), nullable=False),
    Column("domain", Text, nullable=False),  # ASCII, lower case
    Column("tracking_subdomain", Text),  # None: the service's own tracking host
    Column("dns_checked_at", BigInteger),  # when the tracking host was looked up last; None: never
    Column("dns_problem", Text),  # why it does not lead here, as of then
    Column("tls_problem", Text),
    Column("proof_problem", Text),  # why the domain is not shown to be the account's
    Column("proven_at", BigInteger),  # since when it is; None: it serves links only in a service with one account
    Column("found_at", BigInteger),  # when the tracking host was last found to lead here, with TLS where links use it
    Column("lost_at", BigInteger),  # since when it no longer does; None: it does, or never did
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
    Column("id", BinaryUuid, primary_key=True),
    Column("account_id", BinaryUuid, ForeignKey("accounts.id"), nullable=False, index=True),
    Column("label", Text, nullable=False),
    Column("digest", LargeBinary(32), nullable=False, unique=True),
    Column("scopes", JSON, nullable=False, server_default="[]"),
    Column("ip_allow_list", JSON, nullable=False, server_default="[]"),  # networks; none: from everywhere
    Column("hint", Text, nullable=False, server_default=""),  # the first characters of the key, to tell keys apart
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False, server_default="0"),
    Column("last_used_at", BigInteger),
)

smtp_credentials = Table(
    "smtp_credentials",
    metadata,
    Column("id", BinaryUuid, primary_key=True),
    Column("account_id", BinaryUuid, ForeignKey("accounts.id"), nullable=False, index=True),
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
    Column("account_id", BinaryUuid, ForeignKey("accounts.id"), nullable=False),
    Column("fingerprint", LargeBinary(16)),  # of the key's secret: ids alone are the same in every new ring
)

service_secrets = Table(  # what all machines share, sealed by a master key that is not here
    "service_secrets",
    metadata,
    Column("name", String(16), primary_key=True),  # key-ring or vault-key
    Column("sealed", LargeBinary, nullable=False),
    Column("revision", BigInteger, nullable=False),  # counts its changes
    Column("updated_at", BigInteger, nullable=False),
)

machines = Table(  # those that share this database, as each has said lately
    "machines",
    metadata,
    Column("host", Text, primary_key=True),
    Column("folder", Text, primary_key=True),  # the data folder there
    Column("roles", JSON, nullable=False),
    Column("version", Text, nullable=False),
    Column("problems", JSON, nullable=False),  # what its readiness probe would say, by check
    Column("key_id", BigInteger, nullable=False, server_default="0"),  # the newest signing key that it has
    Column("clicks_waiting", BigInteger, nullable=False),  # in its journal
    Column("clicks_lost", BigInteger, nullable=False),
    Column("drained_until_at", BigInteger, nullable=False, server_default="0"),  # clicks before are out of its journal
    Column("started_at", BigInteger, nullable=False),
    Column("seen_at", BigInteger, nullable=False),
)

users = Table(
    "users",
    metadata,
    Column("id", BinaryUuid, primary_key=True),
    Column("email", Text, nullable=False, unique=True),  # in lower case
    Column("password", Text, nullable=False),  # hashed, with its parameters
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Column("last_seen_at", BigInteger),
)

user_identities = Table(  # who a user is to an identity provider
    "user_identities",
    metadata,
    Column("issuer", Text, primary_key=True),
    Column("subject", String(255), primary_key=True),
    Column("user_id", BinaryUuid, ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    Column("created_at", BigInteger, nullable=False),
    UniqueConstraint("user_id", "issuer"),  # an address that has a new holder there does not carry the user along
)

memberships = Table(  # which accounts a user belongs to, and as what
    "memberships",
    metadata,
    Column("user_id", BinaryUuid, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
    Column("account_id", BinaryUuid, ForeignKey("accounts.id"), primary_key=True, index=True),
    Column("role", String(16), nullable=False),  # owner, editor or viewer: see accounts.roles
    Column("created_at", BigInteger, nullable=False),
)

user_links = Table(  # links that can be used once: to join an account, or to set a new password
    "user_links",
    metadata,
    Column("digest", LargeBinary(32), primary_key=True),  # of the link's secret, which is random
    Column("id", BinaryUuid, nullable=False, unique=True),
    Column("email", Text, nullable=False, index=True),  # in lower case
    Column("account_id", BinaryUuid, ForeignKey("accounts.id"), index=True),  # of an invitation
    Column("role", String(16)),  # of an invitation
    Column("user_id", BinaryUuid, ForeignKey("users.id", ondelete="CASCADE"), index=True),  # of a password reset
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False, index=True),
)

report_links = Table(  # links to the report of a campaign, for people without an account
    "report_links",
    metadata,
    Column("id", BinaryUuid, primary_key=True),
    Column("account_id", BinaryUuid, ForeignKey("accounts.id"), nullable=False),
    Column("tag", Text, nullable=False),
    Column("digest", LargeBinary(32), nullable=False, unique=True),  # of the link's secret, which is random
    Column("created_at", BigInteger, nullable=False),
    Column("created_by", Text, nullable=False),  # a user's address
    Column("expires_at", BigInteger, nullable=False, index=True),
    Index(None, "account_id", "tag"),
)

report_subscriptions = Table(  # who wants which reports by mail
    "report_subscriptions",
    metadata,
    Column("user_id", BinaryUuid, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
    Column("account_id", BinaryUuid, ForeignKey("accounts.id"), primary_key=True),
    Column("kind", String(16), nullable=False),  # campaign or weekly: see accounts.report_subscriptions
    Column("dashboard_root", Text, nullable=False),  # the dashboard's path, for links
    Column("language", String(8), nullable=False),  # of the page where it was chosen: see translation
    Column("since_at", BigInteger, nullable=False),
)

report_mails = Table(  # reports that were sent or tried
    "report_mails",
    metadata,
    Column("user_id", BinaryUuid, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
    Column("account_id", BinaryUuid, ForeignKey("accounts.id"), primary_key=True),
    Column("subject", LargeBinary(32), primary_key=True),  # a digest of the campaign or week
    Column("attempts", SmallInteger, nullable=False),
    Column("due_at", BigInteger),  # of the next attempt; None: sent, given up, or under way
    Column("created_at", BigInteger, nullable=False, index=True),
)

sessions = Table(
    "sessions",
    metadata,
    Column("digest", LargeBinary(32), primary_key=True),  # of the cookie, which is random
    Column("user_id", BinaryUuid, ForeignKey("users.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("account_id", BinaryUuid, ForeignKey("accounts.id"), nullable=False),  # the one that is looked at
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False, index=True),
)

sign_in_limits = Table(  # failed sign-ins by network and by user: see db.sign_in_limits_table
    "sign_in_limits",
    metadata,
    Column("key", LargeBinary(32), primary_key=True),
    Column("free_at", BigInteger, nullable=False, index=True),
)

rate_limits = Table(  # requests of accounts, on PostgreSQL: see db.rate_limits_table
    "rate_limits",
    metadata,
    Column("key", LargeBinary(32), primary_key=True),
    Column("free_at", BigInteger, nullable=False),
)

sign_in_networks = Table(  # networks that users have signed in from
    "sign_in_places",
    metadata,
    Column("user_id", BinaryUuid, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
    Column("place", LargeBinary(32), primary_key=True),
    Column("at", BigInteger, nullable=False),
)

idempotency = Table(
    "idempotency",
    metadata,
    Column("account_id", BinaryUuid, primary_key=True),
    Column("key", String(255), primary_key=True),
    Column("fingerprint", LargeBinary(32), nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("created_at", BigInteger, nullable=False, index=True),
    Column("status", SmallInteger, nullable=False, server_default="202"),  # 0: still running
    Column("expires_at", BigInteger, nullable=False, index=True, server_default="0"),
    Column("sealed", Boolean, nullable=False, server_default=false()),  # the body holds a secret
    Column("claimed_by", BinaryUuid),  # the process that carries it out
)
