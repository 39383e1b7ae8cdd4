"""Conversations, messages, buttons, sessions, resume codes, pending erasures."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _owner(primary_key: bool = False) -> sa.Column[str]:
    return sa.Column(
        "conversation_id",
        sa.String(64),
        sa.ForeignKey("conversations.id", ondelete="CASCADE"),
        nullable=False,
        primary_key=primary_key,
    )


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "conversations",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("active_at", sa.BigInteger(), nullable=False),
        sa.Column("language", sa.String(16), nullable=False),
        sa.Column("state", sa.Text(), nullable=True),
        sa.Column("lease_owner", sa.String(64), nullable=True),
        sa.Column("lease_until", sa.BigInteger(), nullable=False),
    )
    op.create_table(
        "messages",
        sa.Column("seq", _SERIAL, primary_key=True, autoincrement=True),
        _owner(),
        sa.Column("message_id", sa.String(128), nullable=False),
        sa.Column("event", sa.String(16), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("payload", sa.Text(), nullable=True),
        sa.Column("language", sa.String(16), nullable=True),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.Column("answered_at", sa.BigInteger(), nullable=True),
        sa.Column("hidden", sa.Boolean(), nullable=False),
    )
    op.create_index(
        "uq_messages_conversation_id_message_id", "messages", ["conversation_id", "message_id"], unique=True
    )
    op.create_index("ix_messages_conversation_id_received_at", "messages", ["conversation_id", "received_at"])
    op.create_table(
        "buttons",
        _owner(primary_key=True),
        sa.Column("payload_hash", sa.String(64), primary_key=True),
        sa.Column("title", sa.Text(), nullable=False),
    )
    op.create_table(
        "sessions",
        sa.Column("token_hash", sa.String(64), primary_key=True),
        _owner(),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
    )
    op.create_index("ix_sessions_conversation_id", "sessions", ["conversation_id"])
    op.create_table(
        "resume_codes",
        _owner(primary_key=True),
        sa.Column("code_hash", sa.String(64), nullable=False, unique=True),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
    )
    op.create_table(
        "erasures",
        sa.Column("conversation_id", sa.String(64), primary_key=True),
        sa.Column("requested_at", sa.BigInteger(), nullable=False),
    )


def downgrade() -> None:
    """Take back."""
    for table in ("erasures", "resume_codes", "sessions", "buttons", "messages", "conversations"):
        op.drop_table(table)
