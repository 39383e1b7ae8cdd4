"""The database of the console: connection and migrations."""

from __future__ import annotations

import time
from pathlib import Path

from sqlalchemy import Engine

from serving import database, migrations

MIGRATIONS = Path(__file__).resolve().parent / "migrations"
# Any fixed number: names the lock under which tables are built.
_MIGRATION_LOCK = 7001_8001
_THREADS = 4


def now() -> int:
    """This moment, in milliseconds since 1970."""
    return time.time_ns() // 1_000_000


def open_engine(url: str) -> Engine:
    """Connect to `url`, see `serving.database.open_engine`."""
    return database.open_engine(
        url, server={"pool_pre_ping": True, "pool_size": _THREADS}, file={"pool_size": _THREADS}
    )


def migrate(engine: Engine) -> None:
    """Bring the tables up to date."""
    migrations.migrate(engine, MIGRATIONS, _MIGRATION_LOCK)


class Database(database.Database):
    """Runs units of work on the console's tables."""

    def __init__(self, url: str) -> None:
        super().__init__(open_engine(url), _THREADS, "console-db")
