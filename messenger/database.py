"""What the worker keeps, and for how long: the fewest things that a restart needs.

Updates are kept before Telegram is told that they came in, and answers before they are sent. Ids of chats and
everything that was written are sealed; rows are about a person under a keyed hash. Times are milliseconds since 1970.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    Engine,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    create_engine,
    event,
    make_url,
)

metadata = MetaData()
_SERIAL = BigInteger().with_variant(Integer, "sqlite")
_BUSY_SECONDS = 10
_SERVER_THREADS = 4

# `chat` is the sealed id of the chat. `greeted` and `conversation` are the front door's names for what the person has
# seen; `menu` is the language in which the commands are listed for this chat; `newest` and `newest_sent` are the
# highest numbers of messages known in it.
people = Table(
    "messenger_people",
    metadata,
    Column("person", String(62), primary_key=True),
    Column("chat", LargeBinary, nullable=False),
    Column("language", String(16), nullable=True),
    Column("menu", String(16), nullable=True),
    Column("greeted", String(16), nullable=True),
    Column("conversation", String(16), nullable=True),
    Column("album", String(64), nullable=True),
    Column("closed_at", BigInteger, nullable=True),
    Column("active_at", BigInteger, nullable=False),
    Column("newest", BigInteger, nullable=False, default=0),
    Column("newest_sent", BigInteger, nullable=False, default=0),
)

# `body` is gone once the update has been dealt with; its number stays, so that it is not taken twice.
inbox = Table(
    "messenger_inbox",
    metadata,
    Column("update_id", BigInteger, primary_key=True, autoincrement=False),
    Column("person", String(62), nullable=False),
    Column("body", LargeBinary, nullable=True),
    Column("received_at", BigInteger, nullable=False),
    Column("message_id", BigInteger, nullable=True),
    Index("ix_messenger_inbox_person", "person", "update_id"),
)

# What is to be done at Telegram, in this order for each person. `source` is the number of the update that it answers
# (of news: below zero), `part` counts within that. States: `waiting`, `sending` (begun: it may have arrived or not),
# `sent`, `dropped`. `base` and `base_sent` are the highest message numbers known anywhere when the sending began.
outbox = Table(
    "messenger_outbox",
    metadata,
    Column("id", _SERIAL, primary_key=True, autoincrement=True),
    Column("person", String(62), nullable=False),
    Column("source", BigInteger, nullable=False),
    Column("part", Integer, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("body", LargeBinary, nullable=True),
    Column("state", String(16), nullable=False),
    Column("base", BigInteger, nullable=False, default=0),
    Column("base_sent", BigInteger, nullable=False, default=0),
    Column("message_id", BigInteger, nullable=True),
    Column("keyboard", BigInteger, nullable=True),
    Column("created_at", BigInteger, nullable=False),
    Index("uq_messenger_outbox_source", "source", "part", unique=True),
    Index("ix_messenger_outbox_person", "person", "state", "id"),
)

# Buttons that were shown. `body` has their titles and what they do, sealed; `turn` is the front door's name of the
# turn they belong to, `used` the number of the one that was pressed, `live` says whether it is still shown.
keyboards = Table(
    "messenger_keyboards",
    metadata,
    Column("id", _SERIAL, primary_key=True, autoincrement=True),
    Column("person", String(62), nullable=False),
    Column("turn", String(24), nullable=True),
    Column("body", LargeBinary, nullable=False),
    Column("used", Integer, nullable=True),
    Column("live", Boolean, nullable=False, default=True),
    Column("message_id", BigInteger, nullable=True),
    Index("ix_messenger_keyboards_person", "person"),
)

# How far news were read, and which form the tables have.
notes = Table(
    "messenger_notes",
    metadata,
    Column("name", String(32), primary_key=True),
    Column("value", BigInteger, nullable=False),
)


def open_engine(url: str) -> Engine:
    """Connect; an SQLite file is created for its owner only. Values never appear in error messages."""
    parsed = make_url(url)
    if parsed.drivername in ("postgresql", "postgres"):
        parsed = parsed.set(drivername="postgresql+psycopg")
    if parsed.get_backend_name() != "sqlite":
        return create_engine(parsed, hide_parameters=True, pool_pre_ping=True, pool_size=_SERVER_THREADS)
    path = Path(parsed.database or "")
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    path.chmod(0o600)
    engine = create_engine(parsed, hide_parameters=True, connect_args={"timeout": _BUSY_SECONDS})

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: Any) -> None:
        connection.isolation_level = None
        for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "secure_delete=ON"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


class Database:
    """Runs units of work, each in one transaction, on worker threads (SQLite: one, it has one writer anyway)."""

    def __init__(self, url: str) -> None:
        self.engine = open_engine(url)
        self._threads = ThreadPoolExecutor(1 if self.engine.dialect.name == "sqlite" else _SERVER_THREADS)
        metadata.create_all(self.engine)

    async def run[T](self, work: Callable[[Connection], T]) -> T:
        """Do `work` in one transaction and give back what it returns."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._transaction, work)

    def _transaction[T](self, work: Callable[[Connection], T]) -> T:
        with self.engine.begin() as connection:
            return work(connection)

    async def forget_traces(self) -> None:
        """Take what was erased out of SQLite's write-ahead log, too."""
        if self.engine.dialect.name == "sqlite":
            await asyncio.get_running_loop().run_in_executor(self._threads, self._truncate_log)

    def _truncate_log(self) -> None:
        connection = self.engine.raw_connection()
        try:
            connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")
        finally:
            connection.close()

    def close(self) -> None:
        """Finish what runs and let go of all connections."""
        self._threads.shutdown(wait=True)
        self.engine.dispose()
