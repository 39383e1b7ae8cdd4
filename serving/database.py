"""Databases: connecting with care, and work in transactions beside the event loop."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Literal

from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import SQLAlchemyError

READ_ONLY = "read_only"
"""Execution option of connections that only read: on SQLite they need not wait for the one that writes."""
_BUSY_MILLISECONDS = 10_000


def open_engine(
    url: str,
    *,
    synchronous: Literal["NORMAL", "FULL"] = "NORMAL",
    server: Mapping[str, Any] | None = None,
    file: Mapping[str, Any] | None = None,
) -> Engine:
    """Connect to `url`. An SQLite file is created for its owner only (mode 600), with write-ahead logging.

    Statements and their values never appear in error messages.

    Args:
        synchronous: of SQLite; FULL: what is committed outlives a power cut.
        server: more arguments of `create_engine` for a database server.
        file: the same for SQLite.
    """
    parsed = make_url(url)
    if parsed.drivername in ("postgresql", "postgres"):  # as others write it: with the driver that is used here
        parsed = parsed.set(drivername="postgresql+psycopg")
    if parsed.get_backend_name() != "sqlite":
        return create_engine(parsed, hide_parameters=True, **(server or {}))
    if parsed.database and parsed.database != ":memory:":
        path = Path(parsed.database)
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        # Only a new file is opened here: closing one that this process has a connection to would let go of SQLite's
        # locks on it, and the next process to leave would take the write-ahead log away from under that connection.
        with contextlib.suppress(FileExistsError):
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        path.chmod(0o600)
    waiting = {"timeout": _BUSY_MILLISECONDS / 1000}
    engine = create_engine(parsed, hide_parameters=True, connect_args=waiting, **(file or {}))

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: Any) -> None:
        # The driver's own transaction handling starts too late for read-then-write; ours is in `_begin`.
        connection.isolation_level = None
        for pragma in (
            "journal_mode=WAL",
            f"synchronous={synchronous}",
            "foreign_keys=ON",
            # What is erased must be gone from the file.
            "secure_delete=ON",
            f"busy_timeout={_BUSY_MILLISECONDS}",
        ):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        reads = connection.get_execution_options().get(READ_ONLY)
        connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")

    return engine


class Database:
    """Runs units of work, each in one transaction, on worker threads.

    Args:
        engine: from `open_engine`.
        threads: how many. With SQLite's one writer a single thread lets work wait in line instead of polling for the
            file lock.
        name: of the threads.
    """

    def __init__(self, engine: Engine, threads: int, name: str) -> None:
        self.engine = engine
        self._readers = engine.execution_options(**{READ_ONLY: True})
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix=name)

    async def run[T](self, work: Callable[[Connection], T]) -> T:
        """Do `work` in one transaction and give back what it returns."""
        return await self.in_thread(self.do, work)

    async def read[T](self, work: Callable[[Connection], T]) -> T:
        """The same for `work` that changes nothing."""
        return await self.in_thread(self._do_reading, work)

    def do[T](self, work: Callable[[Connection], T]) -> T:
        """Do `work` at once, in this thread."""
        with self.engine.begin() as connection:
            return work(connection)

    def _do_reading[T](self, work: Callable[[Connection], T]) -> T:
        with self._readers.begin() as connection:
            return work(connection)

    async def in_thread[T](self, do: Callable[..., T], *arguments: Any) -> T:
        """Do something else beside the event loop, in line with the units of work."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, do, *arguments)

    async def forget_traces(self) -> None:
        """Take what was erased out of SQLite's write-ahead log, too."""
        await self._checkpoint("TRUNCATE")

    async def make_durable(self) -> None:
        """Have what was committed outlive a power cut from now on; SQLite, unless FULL, may lose the last moment."""
        await self._checkpoint("PASSIVE")

    async def _checkpoint(self, kind: str) -> None:
        if self.engine.dialect.name == "sqlite":
            await self.in_thread(self._checkpoint_now, kind)

    def _checkpoint_now(self, kind: str) -> None:
        connection = self.engine.raw_connection()
        try:
            connection.cursor().execute(f"PRAGMA wal_checkpoint({kind})")
        finally:
            connection.close()

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
