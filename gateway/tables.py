"""Tables of the front door. Times are milliseconds since 1970, UTC."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, Integer, MetaData, String, Table, Text

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

conversations = Table(
    "conversations",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("created_at", BigInteger, nullable=False),
    Column("active_at", BigInteger, nullable=False),
    Column("language", String(16), nullable=False),
    Column("state", Text, nullable=True),
    Column("lease_owner", String(64), nullable=True),
    Column("lease_until", BigInteger, nullable=False, default=0),
)

# One row per message of the person, and one per greeting. `message_id` is `m:` and the client's id, or a name of ours.
# `answer` is the body that was sent back, word for word; null while nobody has answered yet.
messages = Table(
    "messages",
    metadata,
    Column("seq", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("conversation_id", String(64), ForeignKey("conversations.id", ondelete="CASCADE"), nullable=False),
    Column("message_id", String(128), nullable=False),
    Column("event", String(16), nullable=False),
    Column("text", Text, nullable=False),
    Column("payload", Text, nullable=True),
    Column("language", String(16), nullable=True),
    Column("received_at", BigInteger, nullable=False),
    Column("answer", Text, nullable=True),
    Column("answered_at", BigInteger, nullable=True),
    Column("hidden", Boolean, nullable=False, default=False),
    Index("uq_messages_conversation_id_message_id", "conversation_id", "message_id", unique=True),
    Index("ix_messages_conversation_id_received_at", "conversation_id", "received_at"),
)

# The buttons a conversation has shown: only these may be pressed.
buttons = Table(
    "buttons",
    metadata,
    Column("conversation_id", String(64), ForeignKey("conversations.id", ondelete="CASCADE"), primary_key=True),
    Column("payload_hash", String(64), primary_key=True),
    Column("title", Text, nullable=False),
)

sessions = Table(
    "sessions",
    metadata,
    Column("token_hash", String(64), primary_key=True),
    Column("conversation_id", String(64), ForeignKey("conversations.id", ondelete="CASCADE"), nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Index("ix_sessions_conversation_id", "conversation_id"),
)

resume_codes = Table(
    "resume_codes",
    metadata,
    Column("conversation_id", String(64), ForeignKey("conversations.id", ondelete="CASCADE"), primary_key=True),
    Column("code_hash", String(64), nullable=False, unique=True),
    Column("expires_at", BigInteger, nullable=False),
)

# Conversations that are gone here and still have to be erased in the dialogue engine.
erasures = Table(
    "erasures",
    metadata,
    Column("conversation_id", String(64), primary_key=True),
    Column("requested_at", BigInteger, nullable=False),
)
