"""The initial revision: all tables as declared.

There is no release yet, so a change of the tables does not add a revision: this one stands for the new tables under a
new identifier, and databases made before are refused. Its suffix is a digest of the schema, which a test compares, so
that no change is forgotten. The first release spells the statements out here and so freezes them.
"""

from alembic import op

from linkweir.db.schema import metadata

revision = "0001_badce998"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create every table and index."""
    metadata.create_all(op.get_bind())


def downgrade() -> None:
    """Refuse: there is no revision before this one."""
    raise NotImplementedError("there is no revision before the initial one")
