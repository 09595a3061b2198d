"""The delivery queue is looked through route by route: one that stalls must not hold the others up."""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Find what is due on one route, however much waits on others."""
    op.drop_index("ix_queue_due_at", "queue")
    op.create_index("ix_queue_route_due_at", "queue", ["route", "due_at"])


def downgrade() -> None:
    """Not supported: a data folder moves forward only."""
    raise NotImplementedError("there is no way back from 0004")
