"""Uploaded documents, and stored files that are to be removed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "draft_documents",
        sa.Column("seq", _SERIAL, primary_key=True, autoincrement=True),
        sa.Column("document_id", sa.String(32), nullable=False, unique=True),
        sa.Column(
            "conversation_id", sa.String(64), sa.ForeignKey("conversations.id", ondelete="CASCADE"), nullable=False
        ),
        sa.Column("request", sa.String(32), nullable=False),
        sa.Column("kind", sa.String(64), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("file_type", sa.String(8), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("pages", sa.Integer(), nullable=False),
        sa.Column("scan", sa.String(16), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("file_name", sa.String(100), nullable=True),
        sa.Column("note", sa.String(16), nullable=True),
        sa.Column("parcel", sa.String(32), nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("next_try_at", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
    )
    op.create_index(
        "uq_draft_documents_conversation_id_sha256_request",
        "draft_documents",
        ["conversation_id", "sha256", "request"],
        unique=True,
    )
    op.create_index("ix_draft_documents_state_next_try_at", "draft_documents", ["state", "next_try_at"])
    op.create_table(
        "dropped_files",
        sa.Column("name", sa.String(100), primary_key=True),
        sa.Column("dropped_at", sa.BigInteger(), nullable=False),
    )


def downgrade() -> None:
    """Take back."""
    op.drop_table("dropped_files")
    op.drop_table("draft_documents")
