"""With which outbox entry a document goes to the office."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply. Documents that are there already go with the entry of their request."""
    op.add_column(
        "documents", sa.Column("outbox_id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), nullable=True)
    )
    op.execute(
        "UPDATE documents SET outbox_id = (SELECT min(outbox.id) FROM outbox "
        "WHERE outbox.request_id = documents.request_id AND outbox.event = 'request_stored')"
    )


def downgrade() -> None:
    """Take back."""
    with op.batch_alter_table("documents") as table:
        table.drop_column("outbox_id")
