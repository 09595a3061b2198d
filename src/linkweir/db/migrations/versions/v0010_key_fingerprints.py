"""A key ring is known by its secrets, not by the ids of its keys alone."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Fingerprints are noted when the service starts next."""
    op.add_column("link_keys", sa.Column("fingerprint", sa.LargeBinary(16), nullable=True))


def downgrade() -> None:
    """Not supported: a data folder moves forward only."""
    raise NotImplementedError("there is no way back from 0010")
