"""What could not be handed over yet, and what has to be taken back before an erasure."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    for column in (
        sa.Column("retry_kind", sa.String(16), nullable=True),
        sa.Column("retry_since", sa.BigInteger(), nullable=True),
        sa.Column("retry_tries", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("retry_error", sa.String(40), nullable=True),
        sa.Column("retry_next", sa.BigInteger(), nullable=True),
        sa.Column("retry_open", sa.String(64), nullable=True),
        sa.Column("retry_dead", sa.BigInteger(), nullable=True),
        sa.Column("unsettled", sa.Boolean(), nullable=False, server_default=sa.false()),
    ):
        op.add_column("conversations", column)
    op.create_index("ix_conversations_retry_next", "conversations", ["retry_next"])
    op.add_column("erasures", sa.Column("unsettled", sa.Boolean(), nullable=False, server_default=sa.false()))


def downgrade() -> None:
    """Take back."""
    op.drop_column("erasures", "unsettled")
    op.drop_index("ix_conversations_retry_next", "conversations")
    for name in ("unsettled", "retry_dead", "retry_open", "retry_next", "retry_error", "retry_tries", "retry_since"):
        op.drop_column("conversations", name)
    op.drop_column("conversations", "retry_kind")
