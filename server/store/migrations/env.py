"""Alembic's entry: runs the revisions on the connection that `store.migrating` hands over."""

from alembic import context

from server.store.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, render_as_batch=True)
context.run_migrations()
