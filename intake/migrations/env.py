"""Alembic environment: works on the connection it is given, so that a start of the service migrates its database."""

from __future__ import annotations

from alembic import context

from intake.tables import Base

connection = context.config.attributes["connection"]
context.configure(
    connection=connection, target_metadata=Base.metadata, version_table="intake_version", render_as_batch=True
)
with context.begin_transaction():
    context.run_migrations()
