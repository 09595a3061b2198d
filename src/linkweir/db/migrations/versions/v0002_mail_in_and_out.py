"""Mail in and out: domains, credentials, events, webhooks with their outbox, and what messages gained for it."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the new tables and columns."""
    who_may_send()
    what_is_sent()
    what_is_told()


def who_may_send() -> None:
    """Domains, scopes of API keys, SMTP credentials, and replies of any status."""
    op.add_column("accounts", sa.Column("policy", sa.JSON(), nullable=False, server_default="{}"))
    op.create_table(
        "domains",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("domain", sa.Text(), nullable=False),
        sa.Column("tracking_subdomain", sa.Text()),
        sa.Column("policy", sa.JSON(), nullable=False, server_default="{}"),
        sa.Column("dkim_selector", sa.Text()),
        sa.Column("dkim_key", sa.LargeBinary()),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name="fk_domains_account_id_accounts"),
        sa.PrimaryKeyConstraint("id", name="pk_domains"),
        sa.UniqueConstraint("account_id", "domain", name="uq_domains_account_id_domain"),
    )
    op.create_index("ix_domains_account_id_created_at", "domains", ["account_id", "created_at"])
    # a key from before scopes existed could do everything, and still can
    op.add_column("api_keys", sa.Column("scopes", sa.JSON(), nullable=False, server_default="[]"))
    op.execute("""UPDATE api_keys SET scopes = '["*"]'""")
    op.add_column("api_keys", sa.Column("hint", sa.Text(), nullable=False, server_default=""))
    op.add_column("api_keys", sa.Column("updated_at", sa.BigInteger(), nullable=False, server_default="0"))
    op.add_column("api_keys", sa.Column("last_used_at", sa.BigInteger()))
    op.execute("UPDATE api_keys SET updated_at = created_at")
    op.create_table(
        "smtp_credentials",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("username", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("sandbox", sa.Boolean(), nullable=False),
        sa.Column("scope", sa.String(length=16), nullable=False),
        sa.Column("domains", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name="fk_smtp_credentials_account_id_accounts"),
        sa.PrimaryKeyConstraint("id", name="pk_smtp_credentials"),
        sa.UniqueConstraint("username", name="uq_smtp_credentials_username"),
    )
    op.create_index("ix_smtp_credentials_account_id", "smtp_credentials", ["account_id"])
    op.add_column("idempotency", sa.Column("status", sa.SmallInteger(), nullable=False, server_default="202"))
    op.add_column("idempotency", sa.Column("expires_at", sa.BigInteger(), nullable=False, server_default="0"))
    op.add_column("idempotency", sa.Column("sealed", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.create_index("ix_idempotency_expires_at", "idempotency", ["expires_at"])
    op.execute("UPDATE idempotency SET expires_at = created_at + 86400000000")


def what_is_sent() -> None:
    """Where a message came from, whose it is, how long it is kept, and the way back of a filtered one."""
    for column in (
        sa.Column("domain_id", sa.Uuid()),
        sa.Column("sender_domain", sa.Text(), nullable=False, server_default=""),
        sa.Column("recipient_domain", sa.Text(), nullable=False, server_default=""),
        sa.Column("envelope_from", sa.Text(), nullable=False, server_default=""),
        sa.Column("source", sa.String(length=8), nullable=False, server_default="api"),
        sa.Column("sandbox_result", sa.String(length=16)),
        sa.Column("track_opens", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("attributes", sa.JSON()),
        sa.Column("variant", sa.Text()),
        sa.Column("bounce_classification", sa.Text()),
        sa.Column("scheduled_at", sa.BigInteger()),
        sa.Column("retain_until_at", sa.BigInteger(), nullable=False, server_default="0"),
        sa.Column("click_count", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("open_count", sa.Integer(), nullable=False, server_default="0"),
    ):
        op.add_column("messages", column)
    op.execute("UPDATE messages SET retain_until_at = created_at + 30 * 86400000000, envelope_from = sender")
    op.execute("UPDATE messages SET sender_domain = lower(substr(sender, instr(sender, '@') + 1))")
    op.execute("UPDATE messages SET recipient_domain = lower(substr(recipient, instr(recipient, '@') + 1))")
    op.add_column("clicks", sa.Column("kind", sa.String(length=8), nullable=False, server_default="click"))
    op.add_column("clicks", sa.Column("prefetch", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.execute(
        "UPDATE messages SET click_count = "
        "(SELECT count(*) FROM clicks WHERE clicks.message_id = messages.id AND clicks.method = 'GET')"
    )
    op.create_index("ix_messages_retain_until_at", "messages", ["retain_until_at"])
    op.create_index("ix_messages_account_id_message_id", "messages", ["account_id", "message_id"])
    op.add_column("queue", sa.Column("route", sa.String(length=16), nullable=False, server_default="default"))


def what_is_told() -> None:
    """Events of messages, webhooks, and the outbox in which their requests wait."""
    op.create_table(
        "events",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("message_id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["message_id"], ["messages.id"], name="fk_events_message_id_messages"),
        sa.PrimaryKeyConstraint("id", name="pk_events"),
    )
    op.create_index("ix_events_account_id_at", "events", ["account_id", "at"])
    op.create_index("ix_events_message_id", "events", ["message_id"])
    op.create_table(
        "webhooks",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.Column("scope", sa.String(length=16), nullable=False),
        sa.Column("domains", sa.JSON(), nullable=False),
        sa.Column("events", sa.JSON(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("success_count", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("error_count", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("errors_since_last_success", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("last_request_at", sa.BigInteger()),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name="fk_webhooks_account_id_accounts"),
        sa.PrimaryKeyConstraint("id", name="pk_webhooks"),
    )
    op.create_index("ix_webhooks_account_id", "webhooks", ["account_id"])
    op.create_table(
        "outbox",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("webhook_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("message_id", sa.Uuid()),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("claimed_by", sa.Uuid()),
        sa.Column("claimed_until_at", sa.BigInteger()),
        sa.Column("last_status", sa.Integer()),
        sa.Column("last_error", sa.Text()),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("finished_at", sa.BigInteger()),
        sa.ForeignKeyConstraint(
            ["webhook_id"], ["webhooks.id"], name="fk_outbox_webhook_id_webhooks", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_outbox"),
    )
    op.create_index("ix_outbox_state_due_at", "outbox", ["state", "due_at"])
    op.create_index("ix_outbox_webhook_id_state_due_at", "outbox", ["webhook_id", "state", "due_at"])
    op.create_index("ix_outbox_webhook_id_created_at", "outbox", ["webhook_id", "created_at"])
    op.create_index("ix_outbox_message_id", "outbox", ["message_id"])


def downgrade() -> None:
    """Mail that was accepted cannot be made unaccepted."""
    raise NotImplementedError("there is no way back from 0002")
