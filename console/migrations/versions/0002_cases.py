"""Which case a call was about, what the caller could not answer, and since when somebody looks after an urgent call."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.add_column("console_calls", sa.Column("case_name", sa.String(16), nullable=True))
    op.add_column("console_calls", sa.Column("unsure", sa.Text(), nullable=False, server_default=""))
    op.add_column("console_calls", sa.Column("seen_at", sa.BigInteger(), nullable=True))
    op.create_index("ix_console_calls_case_name", "console_calls", ["case_name"])
    # Whoever took an urgent call before took it when it ended, at the earliest.
    op.execute("UPDATE console_calls SET seen_at = ended_at WHERE seen_by IS NOT NULL")


def downgrade() -> None:
    """Take back."""
    op.drop_index("ix_console_calls_case_name", "console_calls")
    for column in ("seen_at", "unsure", "case_name"):
        op.drop_column("console_calls", column)
