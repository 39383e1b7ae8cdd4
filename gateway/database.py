"""The database of the front door: connection and migrations."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Engine

from serving import database, migrations

MIGRATIONS = Path(__file__).resolve().parent / "migrations"
# Any fixed number: names the lock under which tables are built.
_MIGRATION_LOCK = 7_001_000
_SERVER_THREADS = 8


def open_engine(url: str) -> Engine:
    """Connect to `url`, see `serving.database.open_engine`."""
    return database.open_engine(url, server={"pool_pre_ping": True, "pool_size": _SERVER_THREADS})


def migrate(engine: Engine) -> None:
    """Bring the tables up to date."""
    migrations.migrate(engine, MIGRATIONS, _MIGRATION_LOCK)


class Database(database.Database):
    """Runs units of work on the tables of the front door."""

    def __init__(self, url: str) -> None:
        engine = open_engine(url)
        super().__init__(engine, 1 if engine.dialect.name == "sqlite" else _SERVER_THREADS, "gateway-db")

    async def start(self) -> None:
        """Migrate."""
        await self.in_thread(migrate, self.engine)
