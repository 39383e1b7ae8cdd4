"""Answers worded in all languages; where and how a case was begun and answered, and by what it is found again."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.add_column("messages", sa.Column("wording", sa.Text(), nullable=True))
    op.add_column("conversations", sa.Column("origins", sa.Text(), nullable=True))
    op.add_column("conversations", sa.Column("begun_on", sa.String(16), nullable=True))
    op.create_table(
        "case_fingerprints",
        sa.Column(
            "conversation_id",
            sa.String(64),
            sa.ForeignKey("conversations.id", ondelete="CASCADE", name="fk_case_fingerprints_conversation_id"),
            nullable=False,
        ),
        sa.Column("fingerprint", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("conversation_id", "fingerprint", name="pk_case_fingerprints"),
    )
    op.create_index("ix_case_fingerprints_fingerprint", "case_fingerprints", ["fingerprint"])


def downgrade() -> None:
    """Take back."""
    op.drop_table("case_fingerprints")
    op.drop_column("conversations", "begun_on")
    op.drop_column("conversations", "origins")
    op.drop_column("messages", "wording")
