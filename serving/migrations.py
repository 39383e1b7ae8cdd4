"""Building tables, by one process at a time."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Engine, text


def have_tables_alone(connection: Connection, lock: int) -> None:
    """Keep another process that starts at once from building the same tables; SQLite's lock is taken already.

    Args:
        lock: any number of the part's own.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": lock})


def migrate(engine: Engine, folder: Path, lock: int) -> None:
    """Bring tables up to date.

    Args:
        folder: of the migrations.
        lock: see `have_tables_alone`.
    """
    config = Config()
    config.set_main_option("script_location", str(folder))
    with engine.begin() as connection:
        have_tables_alone(connection, lock)
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
