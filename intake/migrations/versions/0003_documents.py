"""Documents of requests: what is known of them; the files are kept sealed in a store of their own."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from intake.tables import Moment

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_KEY = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "documents",
        sa.Column("id", _KEY, primary_key=True, autoincrement=True),
        sa.Column(
            "request_id",
            _KEY,
            sa.ForeignKey("case_requests.id", ondelete="CASCADE"),
            nullable=False,
            index=True,
        ),
        sa.Column("document_id", sa.String(32), nullable=False, unique=True),
        sa.Column("key", sa.String(200), nullable=False, unique=True),
        sa.Column("kind", sa.String(64), nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.Column("media_type", sa.String(32), nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("pages", sa.Integer, nullable=False),
        sa.Column("scan", sa.String(16), nullable=False),
        sa.Column("received_at", Moment, nullable=False),
    )


def downgrade() -> None:
    """Take back. The files stay in their store until they are swept up."""
    op.drop_table("documents")
