"""The environment that Alembic loads: runs the migrations inside the transaction of the connection passed to it."""

from alembic import context

from linkweir.db.schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, render_as_batch=True)
context.run_migrations()
