"""Alembic environment: works on the connection it is given, so that the worker migrates at its start."""

from __future__ import annotations

from alembic import context

from messenger.database import metadata

connection = context.config.attributes["connection"]
context.configure(
    connection=connection, target_metadata=metadata, version_table="messenger_version", render_as_batch=True
)
with context.begin_transaction():
    context.run_migrations()
