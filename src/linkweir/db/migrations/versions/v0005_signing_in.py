"""Failed attempts to sign in are counted for all processes, and users keep access from where they have signed in."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "sign_in_limits",
        sa.Column("key", sa.LargeBinary(length=32), nullable=False),
        sa.Column("free_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_sign_in_limits"),
    )
    op.create_index("ix_sign_in_limits_free_at", "sign_in_limits", ["free_at"])
    op.create_table(
        "sign_in_places",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("place", sa.LargeBinary(length=32), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_sign_in_places_user_id_users", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("user_id", "place", name="pk_sign_in_places"),
    )


def downgrade() -> None:
    """Not supported: a data folder moves forward only."""
    raise NotImplementedError("there is no way back from 0005")
