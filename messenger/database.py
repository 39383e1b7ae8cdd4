"""What the worker keeps, and for how long: the fewest things that a restart needs.

Updates are kept before Telegram is told that they came in, and answers before they are sent. Ids of chats and
everything that was written are sealed; rows are about a person under a keyed hash. Times are milliseconds since 1970.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
)

from messenger.migrating import bring_up_to_date
from serving import database

metadata = MetaData()
_SERIAL = BigInteger().with_variant(Integer, "sqlite")
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

# How far news were read.
notes = Table(
    "messenger_notes",
    metadata,
    Column("name", String(32), primary_key=True),
    Column("value", BigInteger, nullable=False),
)


class Database(database.Database):
    """Runs units of work on the worker's tables, which are brought up to date first."""

    def __init__(self, url: str) -> None:
        server = {"pool_pre_ping": True, "pool_size": _SERVER_THREADS}
        bring_up_to_date(url)
        engine = database.open_engine(url, server=server)
        super().__init__(engine, 1 if engine.dialect.name == "sqlite" else _SERVER_THREADS, "messenger-db")
