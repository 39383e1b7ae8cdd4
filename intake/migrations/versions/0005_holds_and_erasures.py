"""The clock stands still during a legal hold; an erasure can be asked for again and is told to the office."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from intake.tables import Moment

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_KEY = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Apply. Of holds that are on already nobody knows since when: their clock begins anew when they are lifted."""
    op.add_column("case_requests", sa.Column("held_since", Moment, nullable=True))
    op.add_column("case_requests", sa.Column("clock_since", Moment, nullable=True))
    held = sa.table("case_requests", sa.column("legal_hold", sa.Boolean), sa.column("status_since"))
    held.append_column(sa.column("held_since"))
    op.execute(held.update().where(held.c.legal_hold).values(held_since=held.c.status_since))
    with op.batch_alter_table("outbox") as table:
        table.alter_column("request_id", existing_type=_KEY, nullable=True)
        table.add_column(sa.Column("erased_number", sa.String(32), nullable=True))
        table.add_column(sa.Column("resent", sa.Integer, nullable=False, server_default="0"))
    op.create_table(
        "erasure_proofs",
        sa.Column(
            "receipt",
            sa.String(36),
            sa.ForeignKey("erasure_receipts.receipt", ondelete="CASCADE"),
            primary_key=True,
        ),
        sa.Column("fingerprint", sa.String(64), primary_key=True),
        sa.Column("at", Moment, nullable=False, index=True),
    )


def downgrade() -> None:
    """Take back. Of erasures that wait to be told to the office, it is not told."""
    op.drop_table("erasure_proofs")
    op.execute("DELETE FROM outbox WHERE request_id IS NULL")
    with op.batch_alter_table("outbox") as table:
        table.drop_column("resent")
        table.drop_column("erased_number")
        table.alter_column("request_id", existing_type=_KEY, nullable=False)
    op.drop_column("case_requests", "clock_since")
    op.drop_column("case_requests", "held_since")
