"""People, updates, what is to be sent, buttons and notes of the worker.

Databases from before there were migrations have these tables already, in this form; they keep what is in them.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "messenger_people",
        sa.Column("person", sa.String(62), primary_key=True),
        sa.Column("chat", sa.LargeBinary(), nullable=False),
        sa.Column("language", sa.String(16), nullable=True),
        sa.Column("menu", sa.String(16), nullable=True),
        sa.Column("greeted", sa.String(16), nullable=True),
        sa.Column("conversation", sa.String(16), nullable=True),
        sa.Column("album", sa.String(64), nullable=True),
        sa.Column("closed_at", sa.BigInteger(), nullable=True),
        sa.Column("active_at", sa.BigInteger(), nullable=False),
        sa.Column("newest", sa.BigInteger(), nullable=False),
        sa.Column("newest_sent", sa.BigInteger(), nullable=False),
        if_not_exists=True,
    )
    op.create_table(
        "messenger_inbox",
        sa.Column("update_id", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("person", sa.String(62), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=True),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column("message_id", sa.BigInteger(), nullable=True),
        if_not_exists=True,
    )
    op.create_index("ix_messenger_inbox_person", "messenger_inbox", ["person", "update_id"], if_not_exists=True)
    op.create_table(
        "messenger_outbox",
        sa.Column("id", _SERIAL, primary_key=True, autoincrement=True),
        sa.Column("person", sa.String(62), nullable=False),
        sa.Column("source", sa.BigInteger(), nullable=False),
        sa.Column("part", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=True),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("base", sa.BigInteger(), nullable=False),
        sa.Column("base_sent", sa.BigInteger(), nullable=False),
        sa.Column("message_id", sa.BigInteger(), nullable=True),
        sa.Column("keyboard", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        if_not_exists=True,
    )
    op.create_index(
        "uq_messenger_outbox_source", "messenger_outbox", ["source", "part"], unique=True, if_not_exists=True
    )
    op.create_index("ix_messenger_outbox_person", "messenger_outbox", ["person", "state", "id"], if_not_exists=True)
    op.create_table(
        "messenger_keyboards",
        sa.Column("id", _SERIAL, primary_key=True, autoincrement=True),
        sa.Column("person", sa.String(62), nullable=False),
        sa.Column("turn", sa.String(24), nullable=True),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("used", sa.Integer(), nullable=True),
        sa.Column("live", sa.Boolean(), nullable=False),
        sa.Column("message_id", sa.BigInteger(), nullable=True),
        if_not_exists=True,
    )
    op.create_index("ix_messenger_keyboards_person", "messenger_keyboards", ["person"], if_not_exists=True)
    op.create_table(
        "messenger_notes",
        sa.Column("name", sa.String(32), primary_key=True),
        sa.Column("value", sa.BigInteger(), nullable=False),
        if_not_exists=True,
    )


def downgrade() -> None:
    """Take back."""
    for table in ("notes", "keyboards", "outbox", "inbox", "people"):
        op.drop_table(f"messenger_{table}")
