"""Requests, their history and outbox, idempotency keys, feedback, erasures, failed look-ups."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from intake.tables import Moment

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_KEY = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def _request_reference(ondelete: str, nullable: bool) -> sa.Column[int]:
    return sa.Column(
        "request_id", _KEY, sa.ForeignKey("case_requests.id", ondelete=ondelete), nullable=nullable, index=True
    )


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "case_requests",
        sa.Column("id", _KEY, primary_key=True, autoincrement=True),
        sa.Column("tracking_number", sa.String(32), nullable=False, unique=True),
        sa.Column("outcome", sa.String(16), nullable=False),
        sa.Column("status", sa.String(32), nullable=False),
        sa.Column("received_at", Moment, nullable=False),
        sa.Column("payload", sa.JSON, nullable=False),
    )
    op.create_table(
        "history",
        sa.Column("id", _KEY, primary_key=True, autoincrement=True),
        _request_reference("CASCADE", nullable=False),
        sa.Column("status", sa.String(32), nullable=False),
        sa.Column("at", Moment, nullable=False),
    )
    op.create_table(
        "outbox",
        sa.Column("id", _KEY, primary_key=True, autoincrement=True),
        _request_reference("CASCADE", nullable=False),
        sa.Column("event", sa.String(32), nullable=False),
        sa.Column("created_at", Moment, nullable=False),
        sa.Column("delivered_at", Moment, nullable=True),
    )
    op.create_table(
        "feedback",
        sa.Column("id", sa.String(36), primary_key=True),
        sa.Column("received_at", Moment, nullable=False),
        sa.Column("payload", sa.JSON, nullable=False),
    )
    op.create_table(
        "idempotency_keys",
        sa.Column("key", sa.String(200), primary_key=True),
        sa.Column("body_hash", sa.String(64), nullable=False),
        _request_reference("SET NULL", nullable=True),
        sa.Column(
            "feedback_id", sa.String(36), sa.ForeignKey("feedback.id", ondelete="SET NULL"), nullable=True, index=True
        ),
        sa.Column("created_at", Moment, nullable=False),
    )
    # Not "erasures", as it was first: the front door has a table of this name, and both may share a database.
    op.create_table(
        "erasure_receipts",
        sa.Column("receipt", sa.String(36), primary_key=True),
        sa.Column("tracking_hash", sa.String(64), nullable=False, unique=True),
        sa.Column("erased_at", Moment, nullable=False),
    )
    op.create_table(
        "failed_lookups",
        sa.Column("tracking_hash", sa.String(64), primary_key=True),
        sa.Column("since", Moment, nullable=False, index=True),
        sa.Column("failures", sa.Integer, nullable=False),
    )


def downgrade() -> None:
    """Take back."""
    for table in (
        "failed_lookups",
        "erasure_receipts",
        "idempotency_keys",
        "feedback",
        "outbox",
        "history",
        "case_requests",
    ):
        op.drop_table(table)
