"""Clicks understood: what is derived from each, sums of them, blocked destinations, and users of the dashboard."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

COUNTS = ("human", "machine", "prefetch", "unsure")


def upgrade() -> None:
    """Make the new tables and columns."""
    what_a_click_means()
    sums()
    what_was_sent()
    where_nobody_is_sent()
    who_signs_in()


def what_a_click_means() -> None:
    """Verdict and what it rests on, and what was told to webhooks: old clicks keep what was told."""
    for column in (
        sa.Column("signals", sa.Text(), nullable=False, server_default=""),
        sa.Column("client", sa.Text()),
        sa.Column("system", sa.Text()),
        sa.Column("device", sa.String(length=16)),
        sa.Column("country", sa.String(length=2)),
        sa.Column("region", sa.Text()),
        sa.Column("network", sa.Text()),
        sa.Column("verdict", sa.String(length=8), nullable=False, server_default="unsure"),
        sa.Column("confidence", sa.Float(), nullable=False, server_default="0"),
        sa.Column("reasons", sa.Text(), nullable=False, server_default=""),
        sa.Column("first", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("firsts", sa.SmallInteger(), nullable=False, server_default="0"),
        sa.Column("settled", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("told", sa.String(length=8)),
        sa.Column("tell_at", sa.BigInteger()),
    ):
        op.add_column("clicks", column)
    op.execute("UPDATE clicks SET verdict = 'machine' WHERE method = 'HEAD'")
    op.execute("UPDATE clicks SET verdict = 'prefetch' WHERE prefetch")
    op.execute("UPDATE clicks SET told = verdict WHERE method = 'GET' AND message_id IS NOT NULL")
    op.drop_index("ix_clicks_message_id", "clicks")
    op.create_index("ix_clicks_message_id_at", "clicks", ["message_id", "at"])
    op.create_index("ix_clicks_tell_at", "clicks", ["tell_at"], sqlite_where=sa.text("tell_at IS NOT NULL"))
    op.create_index("ix_clicks_firsts", "clicks", ["message_id", "message_ref"], sqlite_where=sa.text("firsts > 0"))
    known = sa.text("message_ref IS NOT NULL")
    op.create_index("ix_clicks_message_ref_at", "clicks", ["message_ref", "at"], sqlite_where=known)
    personal = "(ip IS NOT NULL OR user_agent IS NOT NULL OR message_ref IS NOT NULL)"
    strangers = sa.text(f"message_id IS NULL AND {personal}")
    op.create_index("ix_clicks_strangers", "clicks", ["at"], sqlite_where=strangers)
    told_as_bots = "kind = 'clicked' AND json_extract(data, '$.verdict') = 'machine'"
    op.execute(f"UPDATE events SET kind = 'machine_click' WHERE {told_as_bots}")  # noqa: S608


def sums() -> None:
    """The links of messages, and clicks by hour; filled by the service, which finds them marked as unfinished."""
    counts = [sa.Column(name, sa.Integer(), nullable=False, server_default="0") for name in COUNTS]
    op.create_table(
        "message_links",
        sa.Column("message_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("destination", sa.Text()),
        *counts,
        sa.Column("first_at", sa.BigInteger()),
        sa.PrimaryKeyConstraint("message_id", "position", name="pk_message_links"),
        sqlite_with_rowid=False,
    )
    for name in ("rollups", "settled"):
        counts = [sa.Column(name, sa.Integer(), nullable=False, server_default="0") for name in COUNTS]
        op.create_table(
            name,
            sa.Column("account_id", sa.Uuid(), nullable=False),
            sa.Column("scope", sa.Text(), nullable=False),
            sa.Column("dimension", sa.String(length=80), nullable=False),
            sa.Column("hour", sa.Integer(), autoincrement=False, nullable=False),
            sa.Column("value", sa.Text(), nullable=False),
            *counts,
            sa.Column("clickers", sa.Integer(), nullable=False, server_default="0"),
            sa.PrimaryKeyConstraint("account_id", "scope", "dimension", "hour", "value", name=f"pk_{name}"),
            sqlite_with_rowid=False,
        )
    op.create_table(
        "marks",
        sa.Column("name", sa.String(length=16), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_marks"),
    )
    op.execute("INSERT INTO marks (name, at) SELECT 'rebuild', 0 WHERE EXISTS (SELECT 1 FROM clicks)")


def what_was_sent() -> None:
    """Messages by hour, and by tag; from the messages that are there."""
    op.create_table(
        "sends",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("dimension", sa.String(length=80), nullable=False),
        sa.Column("hour", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("sent", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("delivered", sa.Integer(), nullable=False, server_default="0"),
        sa.PrimaryKeyConstraint("account_id", "scope", "dimension", "hour", "value", name="pk_sends"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "message_tags",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("tag", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("message_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "tag", "created_at", "message_id", name="pk_message_tags"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_message_tags_message_id", "message_tags", ["message_id"])
    op.execute(
        "INSERT INTO message_tags SELECT DISTINCT m.account_id, t.value, m.created_at, m.id"
        " FROM messages m, json_each(m.tags) t"
    )
    op.execute(SENDS)


SENDS = """
WITH m AS (SELECT * FROM messages WHERE sandbox_result IS NULL),
scopes(id, scope) AS (
  SELECT id, '' FROM m UNION SELECT id, 'sender:' || sender_domain FROM m
  UNION SELECT m.id, 'tag:' || t.value FROM m, json_each(m.tags) t),
sides(id, dimension, value) AS (
  SELECT id, '', '' FROM m UNION SELECT id, 'sender_domain', sender_domain FROM m
  UNION SELECT id, 'recipient_domain', recipient_domain FROM m
  UNION SELECT id, 'variant', variant FROM m WHERE variant IS NOT NULL
  UNION SELECT m.id, 'tag', t.value FROM m, json_each(m.tags) t
  UNION SELECT m.id, 'attribute:' || a.key, a.value FROM m, json_each(m.attributes) a WHERE a.key IS NOT NULL)
INSERT INTO sends (account_id, scope, dimension, hour, value, sent, delivered)
SELECT m.account_id, scope, dimension, m.created_at / 3600000000, value, count(*), count(m.delivered_at)
FROM m JOIN scopes ON scopes.id = m.id JOIN sides ON sides.id = m.id
GROUP BY m.account_id, scope, dimension, m.created_at / 3600000000, value
"""


def where_nobody_is_sent() -> None:
    """Blocked destinations, and the short links of people who were erased."""
    op.create_table(
        "blocked",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False, server_default=""),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_blocked"),
        sa.UniqueConstraint("kind", "value", name="uq_blocked_kind_value"),
    )
    op.create_table(
        "erased",
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_erased"),
    )


def who_signs_in() -> None:
    """Users of an account and their sessions."""
    op.create_table(
        "users",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("password", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("last_seen_at", sa.BigInteger()),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name="fk_users_account_id_accounts"),
        sa.PrimaryKeyConstraint("id", name="pk_users"),
        sa.UniqueConstraint("email", name="uq_users_email"),
    )
    op.create_index("ix_users_account_id", "users", ["account_id"])
    op.create_table(
        "sessions",
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_sessions_user_id_users", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("digest", name="pk_sessions"),
    )
    op.create_index("ix_sessions_user_id", "sessions", ["user_id"])
    op.create_index("ix_sessions_expires_at", "sessions", ["expires_at"])


def downgrade() -> None:
    """What was derived could be dropped, but blocked destinations must not open again."""
    raise NotImplementedError("there is no way back from 0003")
