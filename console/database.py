"""The database of the console: connection, migrations, and a way to use it without stopping the event loop."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.exc import SQLAlchemyError

MIGRATIONS = Path(__file__).resolve().parent / "migrations"
# Any fixed number: names the lock under which tables are built.
_MIGRATION_LOCK = 7001_8001
_BUSY_MILLISECONDS = 10_000
_THREADS = 4


def now() -> int:
    """This moment, in milliseconds since 1970."""
    return time.time_ns() // 1_000_000


def open_engine(url: str) -> Engine:
    """Connect to `url`. An SQLite file is created for its owner only (mode 600), with write-ahead logging.

    Statements and their values never appear in error messages.
    """
    parsed = make_url(url)
    if parsed.drivername in ("postgresql", "postgres"):  # as others write it: with the driver that is used here
        parsed = parsed.set(drivername="postgresql+psycopg")
    if parsed.get_backend_name() != "sqlite":
        return create_engine(parsed, hide_parameters=True, pool_pre_ping=True, pool_size=_THREADS)
    if parsed.database and parsed.database != ":memory:":
        path = Path(parsed.database)
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        path.chmod(0o600)
    engine = create_engine(
        parsed, hide_parameters=True, pool_size=_THREADS, connect_args={"timeout": _BUSY_MILLISECONDS / 1000}
    )

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: Any) -> None:
        # The driver's own transaction handling starts too late for read-then-write; ours is in `_begin`.
        connection.isolation_level = None
        pragmas = ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON", "secure_delete=ON")
        for pragma in (*pragmas, f"busy_timeout={_BUSY_MILLISECONDS}"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        # Readers need not wait for the front door, which writes into the same file.
        connection.exec_driver_sql("BEGIN" if connection.get_execution_options().get("reads") else "BEGIN IMMEDIATE")

    return engine


def migrate(engine: Engine) -> None:
    """Bring the tables up to date."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            # Two processes that start at once must not both build the tables; SQLite's lock is taken already.
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _MIGRATION_LOCK})
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


class Database:
    """Runs units of work, each in one transaction, on worker threads."""

    def __init__(self, url: str) -> None:
        self.engine = open_engine(url)
        self._readers = self.engine.execution_options(reads=True)
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="console-db")

    async def write[T](self, work: Callable[[Connection], T]) -> T:
        """Do `work` in one transaction and give back what it returns."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, self.do, work)

    async def read[T](self, work: Callable[[Connection], T]) -> T:
        """The same for `work` that changes nothing."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._do_reading, work)

    def do[T](self, work: Callable[[Connection], T]) -> T:
        """Do `work` at once, in this thread."""
        with self.engine.begin() as connection:
            return work(connection)

    def _do_reading[T](self, work: Callable[[Connection], T]) -> T:
        with self._readers.begin() as connection:
            return work(connection)

    async def is_ready(self) -> bool:
        """Whether it answers."""
        try:
            return await self.read(lambda connection: connection.exec_driver_sql("SELECT 1").scalar() == 1)
        except SQLAlchemyError:
            return False

    def close(self) -> None:
        """Finish what runs and let go of all connections."""
        self._threads.shutdown(wait=True)
        self.engine.dispose()
