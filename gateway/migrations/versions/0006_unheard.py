"""Whether somebody has heard yet what came of a try that was made without them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    for table in ("conversations", "erasures"):
        op.add_column(table, sa.Column("unheard", sa.Boolean(), nullable=False, server_default=sa.false()))


def downgrade() -> None:
    """Take back."""
    for table in ("erasures", "conversations"):
        op.drop_column(table, "unheard")
