"""The initial revision: all tables as declared.

There is no release yet, so a change of the tables does not add a revision: this one stands for the new tables under a
new identifier, and databases made before are refused. Its suffix is a digest of the schema, which a test compares, so
that no change is forgotten. The first release spells the statements out here and so freezes them.
"""

from linkweir.db.schema import metadata

revision = "0001_b6283dda"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create every table and index."""
    from alembic import op  # here, so that the service can read the identifier without loading Alembic

    bind = op.get_bind()
    metadata.create_all(bind, checkfirst=False)  # creates the indexes of a table in any order
    if bind.dialect.name != "sqlite":
        return
    # Of indexes that promise the same SQLite uses the one created last: a partial one is smaller.
    for table in metadata.sorted_tables:
        for index in sorted(table.indexes, key=lambda index: str(index.name)):
            if index.dialect_options["sqlite"]["where"] is not None:
                index.drop(bind)
                index.create(bind)


def downgrade() -> None:
    """Refuse: there is no revision before this one."""
    raise NotImplementedError("there is no revision before the initial one")
