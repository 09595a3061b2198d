"""A mail that came with SMTPUTF8 goes on with it."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Note with a waiting mail how it came."""
    op.add_column("queue", sa.Column("smtputf8", sa.Boolean(), nullable=False, server_default=sa.false()))


def downgrade() -> None:
    """Not supported: a data folder moves forward only."""
    raise NotImplementedError("there is no way back from 0008")
