"""The year of birth that a resume code may need besides, as a keyed hash, and how often a wrong one was tried."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.add_column("resume_codes", sa.Column("birth_hash", sa.String(64), nullable=True))
    op.add_column("resume_codes", sa.Column("wrong_tries", sa.Integer(), nullable=False, server_default="0"))


def downgrade() -> None:
    """Take back."""
    # Without the second factor, the code alone would open what was saved with one.
    op.execute(sa.text("DELETE FROM resume_codes WHERE birth_hash IS NOT NULL"))
    op.drop_column("resume_codes", "wrong_tries")
    op.drop_column("resume_codes", "birth_hash")
