"""An API key may be for some networks only."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Keys that are there open from everywhere, as before."""
    op.add_column("api_keys", sa.Column("ip_allow_list", sa.JSON(), nullable=False, server_default="[]"))


def downgrade() -> None:
    """Not supported: a data folder moves forward only."""
    raise NotImplementedError("there is no way back from 0007")
