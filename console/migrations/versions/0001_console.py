"""Staff accounts, sessions, sign-ons, calls and the audit trail of the console."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "console_staff",
        sa.Column("id", sa.String(16), primary_key=True),
        sa.Column("name", sa.String(64), nullable=False, unique=True),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("password", sa.Text(), nullable=True),
        sa.Column("subject", sa.String(64), nullable=True, unique=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("closed_until", sa.BigInteger(), nullable=False),
        sa.Column("totp", sa.LargeBinary(), nullable=True),
        sa.Column("totp_new", sa.LargeBinary(), nullable=True),
        sa.Column("totp_step", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
    )
    op.create_table(
        "console_sessions",
        sa.Column("token_hash", sa.String(64), primary_key=True),
        sa.Column("staff_id", sa.String(16), sa.ForeignKey("console_staff.id", ondelete="CASCADE"), nullable=False),
        sa.Column("csrf", sa.String(64), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("active_at", sa.BigInteger(), nullable=False),
        sa.Column("locked", sa.Boolean(), nullable=False),
        sa.Column("pinyin", sa.Boolean(), nullable=False),
    )
    op.create_index("ix_console_sessions_staff_id", "console_sessions", ["staff_id"])
    op.create_table(
        "console_sign_ons",
        sa.Column("state_hash", sa.String(64), primary_key=True),
        sa.Column("browser_hash", sa.String(64), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("session_hash", sa.String(64), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
    )
    op.create_table(
        "console_calls",
        sa.Column("id", sa.String(16), primary_key=True),
        sa.Column("staff_id", sa.String(16), nullable=False),
        sa.Column("begun_at", sa.BigInteger(), nullable=False),
        sa.Column("active_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("begun_on", sa.String(16), nullable=False),
        sa.Column("language", sa.String(16), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.Column("corrected", sa.Text(), nullable=False),
        sa.Column("danger", sa.Boolean(), nullable=False),
        sa.Column("interpreter", sa.String(16), nullable=False),
        sa.Column("times_read", sa.Integer(), nullable=False),
        sa.Column("code_until", sa.BigInteger(), nullable=True),
        sa.Column("outcome", sa.String(32), nullable=True),
        sa.Column("proposed", sa.String(4), nullable=True),
        sa.Column("disposition", sa.String(4), nullable=True),
        sa.Column("reason", sa.String(32), nullable=True),
        sa.Column("call_back_at", sa.BigInteger(), nullable=True),
        sa.Column("call_back_zone", sa.String(40), nullable=True),
        sa.Column("call_back_done", sa.BigInteger(), nullable=True),
        sa.Column("seen_by", sa.String(16), nullable=True),
    )
    op.create_index("ix_console_calls_staff_id_ended_at", "console_calls", ["staff_id", "ended_at"])
    op.create_index("ix_console_calls_ended_at", "console_calls", ["ended_at"])
    op.create_index("ix_console_calls_call_back_at", "console_calls", ["call_back_at"])
    op.create_table(
        "console_audit",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True, autoincrement=True),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("staff_id", sa.String(16), nullable=True),
        sa.Column("action", sa.String(32), nullable=False),
        sa.Column("call_id", sa.String(16), nullable=True),
        sa.Column("detail", sa.String(100), nullable=True),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_console_audit_at", "console_audit", ["at"])
    op.create_index("ix_console_audit_staff_id_at", "console_audit", ["staff_id", "at"])


def downgrade() -> None:
    """Take back."""
    for table in ("console_audit", "console_calls", "console_sign_ons", "console_sessions", "console_staff"):
        op.drop_table(table)
