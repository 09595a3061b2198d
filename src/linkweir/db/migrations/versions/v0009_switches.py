"""A message has the switches that it was accepted with, so that its links can be explained later."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Of messages that are there nobody knows."""
    op.add_column("messages", sa.Column("switches", sa.JSON()))


def downgrade() -> None:
    """Not supported: a data folder moves forward only."""
    raise NotImplementedError("there is no way back from 0009")
