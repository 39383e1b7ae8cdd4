"""The database of the front door: connection, migrations, and a way to use it without stopping the event loop."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import SQLAlchemyError

MIGRATIONS = Path(__file__).resolve().parent / "migrations"
_BUSY_MILLISECONDS = 10_000
_SERVER_THREADS = 8


def open_engine(url: str) -> Engine:
    """Connect to `url`. An SQLite file is created for its owner only (mode 600), with write-ahead logging.

    Statements and their values never appear in error messages.
    """
    parsed = make_url(url)
    if parsed.drivername in ("postgresql", "postgres"):  # as others write it: with the driver that is used here
        parsed = parsed.set(drivername="postgresql+psycopg")
    if parsed.get_backend_name() != "sqlite":
        return create_engine(parsed, hide_parameters=True, pool_pre_ping=True, pool_size=_SERVER_THREADS)
    if parsed.database and parsed.database != ":memory:":
        path = Path(parsed.database)
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        path.chmod(0o600)
    engine = create_engine(parsed, hide_parameters=True, connect_args={"timeout": _BUSY_MILLISECONDS / 1000})

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: Any) -> None:
        # The driver's own transaction handling starts too late for read-then-write; ours is in `_begin`.
        connection.isolation_level = None
        for pragma in (
            "journal_mode=WAL",
            "synchronous=NORMAL",
            "foreign_keys=ON",
            "secure_delete=ON",
            f"busy_timeout={_BUSY_MILLISECONDS}",
        ):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


def migrate(engine: Engine) -> None:
    """Bring the tables up to date."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


class Database:
    """Runs units of work, each in one transaction, on worker threads.

    SQLite has one writer anyway: with a single thread, work waits in line instead of polling for the file lock.
    """

    def __init__(self, url: str) -> None:
        self.engine = open_engine(url)
        threads = 1 if self.engine.dialect.name == "sqlite" else _SERVER_THREADS
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="gateway-db")

    async def run[T](self, work: Callable[[Connection], T]) -> T:
        """Do `work` in one transaction and give back what it returns."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._transaction, work)

    def _transaction[T](self, work: Callable[[Connection], T]) -> T:
        with self.engine.begin() as connection:
            return work(connection)

    async def start(self) -> None:
        """Migrate."""
        await asyncio.get_running_loop().run_in_executor(self._threads, migrate, self.engine)

    async def forget_traces(self) -> None:
        """Take what was erased out of SQLite's write-ahead log, too."""
        if self.engine.dialect.name == "sqlite":
            await asyncio.get_running_loop().run_in_executor(self._threads, self._truncate_log)

    async def make_durable(self) -> None:
        """Have what was committed outlive a power cut from now on; SQLite, as set up here, may lose the last moment."""
        if self.engine.dialect.name == "sqlite":
            await asyncio.get_running_loop().run_in_executor(self._threads, self._checkpoint, "PASSIVE")

    def _truncate_log(self) -> None:
        self._checkpoint("TRUNCATE")

    def _checkpoint(self, kind: str) -> None:
        connection = self.engine.raw_connection()
        try:
            connection.cursor().execute(f"PRAGMA wal_checkpoint({kind})")
        finally:
            connection.close()

    async def is_ready(self) -> bool:
        """Whether it answers."""
        try:
            return await self.run(lambda connection: connection.exec_driver_sql("SELECT 1").scalar() == 1)
        except SQLAlchemyError:
            return False

    def close(self) -> None:
        """Finish what runs and let go of all connections."""
        self._threads.shutdown(wait=True)
        self.engine.dispose()
