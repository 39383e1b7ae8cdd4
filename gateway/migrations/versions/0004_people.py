"""People who write from a messenger, one-time links from there to the page, and what they are to be told."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "people",
        sa.Column("person", sa.String(62), primary_key=True),
        sa.Column("place", sa.String(16), nullable=False),
        sa.Column(
            "conversation_id", sa.String(64), sa.ForeignKey("conversations.id", ondelete="CASCADE"), nullable=False
        ),
        sa.Column("greeting", sa.String(128), nullable=False),
    )
    op.create_index("uq_people_conversation_id", "people", ["conversation_id"], unique=True)
    op.create_table(
        "transfers",
        sa.Column("token_hash", sa.String(64), primary_key=True),
        sa.Column(
            "conversation_id", sa.String(64), sa.ForeignKey("conversations.id", ondelete="CASCADE"), nullable=False
        ),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
    )
    op.create_table(
        "news",
        sa.Column(
            "seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True, autoincrement=True
        ),
        sa.Column("person", sa.String(62), nullable=False),
        sa.Column("place", sa.String(16), nullable=False),
        sa.Column("conversation_id", sa.String(64), nullable=False),
        sa.Column("message_id", sa.String(128), nullable=True),
        # Numbers are never used again: the worker remembers how far it has read.
        sqlite_autoincrement=True,
    )
    op.create_index("ix_news_place_seq", "news", ["place", "seq"])


def downgrade() -> None:
    """Take back."""
    op.drop_table("news")
    op.drop_table("transfers")
    op.drop_table("people")
