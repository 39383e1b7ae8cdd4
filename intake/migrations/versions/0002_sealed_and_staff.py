"""Personal data sealed, found by keyed hashes; outbox with tries and claims; staff, notes, audit trail, legal hold.

What was stored in clear before is sealed here, and unsealed again on the way down. Both need the keys of the data.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

import sqlalchemy as sa
from alembic import context, op

from intake.tables import Moment
from vault import Vault

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_KEY = sa.BigInteger().with_variant(sa.Integer, "sqlite")
_BATCH = 200
_NEVER = "1970-01-01 00:00:00.000000"

_requests = sa.table(
    "case_requests",
    sa.column("id", _KEY),
    sa.column("tracking_number", sa.String),
    sa.column("received_at", Moment),
    sa.column("status_since", Moment),
    sa.column("payload", sa.JSON),
    sa.column("sealed", sa.LargeBinary),
)
_feedback = sa.table(
    "feedback", sa.column("id", sa.String), sa.column("payload", sa.JSON), sa.column("sealed", sa.LargeBinary)
)
_history = sa.table("history", sa.column("request_id", _KEY), sa.column("at", Moment))
_keys = sa.table(
    "idempotency_keys",
    sa.column("request_id", _KEY),
    sa.column("feedback_id", sa.String),
    sa.column("body_hash", sa.String),
    sa.column("state", sa.String),
)
_fingerprints = sa.table(
    "fingerprints", sa.column("request_id", _KEY), sa.column("kind", sa.String), sa.column("fingerprint", sa.String)
)


def _vault() -> Vault:
    vault: Vault = context.config.attributes["vault"]
    return vault


def _canonical(body: Mapping[str, Any]) -> str:
    kept = {key: value for key, value in body.items() if key != "submitted_at"}
    return json.dumps(kept, sort_keys=True, separators=(",", ":"))


def _pack(body: Mapping[str, Any]) -> bytes:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")


def _unpack(data: bytes) -> Any:
    return json.loads(data.decode("utf-8", "surrogatepass"))


def _all(table: Any, *columns: Any) -> Iterator[Any]:
    """Every row, in batches, so that a large table does not have to fit into memory."""
    connection = op.get_bind()
    last = None
    while True:
        query = sa.select(table.c.id, *columns).order_by(table.c.id).limit(_BATCH)
        rows = connection.execute(query if last is None else query.where(table.c.id > last)).all()
        if not rows:
            return
        yield from rows
        last = rows[-1].id


def _facts(vault: Vault, number: str, payload: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    receipts = payload.get("receipt_numbers")
    for receipt in receipts if isinstance(receipts, list) else []:
        yield "receipt_number", vault.fingerprint(receipt, "receipt_number")
    born = payload.get("date_of_birth")
    if isinstance(born, str) and born != "none":
        yield "date_of_birth", vault.fingerprint(born, f"date_of_birth:{number}")


def upgrade() -> None:
    """Apply."""
    _new_tables()
    for table in ("case_requests", "feedback"):
        op.add_column(table, sa.Column("sealed", sa.LargeBinary, nullable=False, server_default=sa.text("''")))
    op.add_column("case_requests", sa.Column("status_since", Moment, nullable=False, server_default=_NEVER))
    op.add_column("case_requests", sa.Column("legal_hold", sa.Boolean, nullable=False, server_default=sa.false()))
    op.add_column("idempotency_keys", sa.Column("state", sa.String(16), nullable=False, server_default="used"))
    op.add_column("outbox", sa.Column("state", sa.String(16), nullable=False, server_default="waiting"))
    op.add_column("outbox", sa.Column("tries", sa.Integer, nullable=False, server_default="0"))
    op.add_column("outbox", sa.Column("next_try_at", Moment, nullable=False, server_default=_NEVER))
    op.add_column("outbox", sa.Column("claim", sa.String(36), nullable=True))
    op.add_column("outbox", sa.Column("claimed_until", Moment, nullable=True))
    op.add_column("outbox", sa.Column("last_error", sa.String(64), nullable=True))
    op.execute("UPDATE outbox SET next_try_at = created_at")
    op.execute("UPDATE outbox SET state = 'delivered' WHERE delivered_at IS NOT NULL")
    op.execute("UPDATE idempotency_keys SET state = 'erased' WHERE body_hash = ''")
    _seal_everything()
    for table in ("case_requests", "feedback"):
        op.drop_column(table, "payload")
    op.create_index("ix_case_requests_status_status_since", "case_requests", ["status", "status_since"])
    op.create_index("ix_case_requests_received_at", "case_requests", ["received_at"])
    op.create_index("ix_outbox_state_next_try_at", "outbox", ["state", "next_try_at"])
    op.create_index("ix_feedback_received_at", "feedback", ["received_at"])
    _receipts_with_reason()
    _protect_audit()


def _new_tables() -> None:
    op.create_table(
        "fingerprints",
        sa.Column("request_id", _KEY, sa.ForeignKey("case_requests.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("kind", sa.String(16), primary_key=True),
        sa.Column("fingerprint", sa.String(64), primary_key=True),
    )
    op.create_index("ix_fingerprints_fingerprint", "fingerprints", ["fingerprint"])
    op.create_table(
        "staff_notes",
        sa.Column("id", sa.String(36), primary_key=True),
        sa.Column(
            "request_id", _KEY, sa.ForeignKey("case_requests.id", ondelete="CASCADE"), nullable=False, index=True
        ),
        sa.Column("author", sa.String(64), nullable=False),
        sa.Column("at", Moment, nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "staff_tokens",
        sa.Column("id", sa.String(36), primary_key=True),
        sa.Column("name", sa.String(64), nullable=False, unique=True),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("token_hash", sa.String(64), nullable=False, unique=True),
        sa.Column("created_at", Moment, nullable=False),
        sa.Column("revoked_at", Moment, nullable=True),
    )
    op.create_table(
        "audit",
        sa.Column("id", _KEY, primary_key=True, autoincrement=True),
        sa.Column("at", Moment, nullable=False),
        sa.Column("actor", sa.String(64), nullable=False),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("action", sa.String(32), nullable=False),
        sa.Column("subject", sa.String(64), nullable=True, index=True),
        sa.Column("before", sa.Text, nullable=True),
        sa.Column("after", sa.Text, nullable=True),
        sa.Column("previous", sa.String(64), nullable=False, unique=True),
        sa.Column("hash", sa.String(64), nullable=False, unique=True),
    )
    op.create_table(
        "vault_check",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
    )


def _receipts_with_reason() -> None:
    if sa.inspect(op.get_bind()).has_table("erasure_receipts"):
        op.add_column("erasure_receipts", sa.Column("reason", sa.String(16), nullable=False, server_default="service"))
        return
    # Made by an early form of the first revision.
    op.create_table(
        "erasure_receipts",
        sa.Column("receipt", sa.String(36), primary_key=True),
        sa.Column("tracking_hash", sa.String(64), nullable=False, unique=True),
        sa.Column("erased_at", Moment, nullable=False),
        sa.Column("reason", sa.String(16), nullable=False),
    )
    op.execute(
        "INSERT INTO erasure_receipts (receipt, tracking_hash, erased_at, reason) "
        "SELECT receipt, tracking_hash, erased_at, 'service' FROM erasures"
    )
    op.drop_table("erasures")


def _seal_everything() -> None:
    connection, vault = op.get_bind(), _vault()
    for row in _all(_requests, _requests.c.tracking_number, _requests.c.received_at, _requests.c.payload):
        sealed = vault.seal(_pack(row.payload), f"case_requests.sealed:{row.tracking_number}")
        latest = connection.scalar(
            sa.select(_history.c.at).where(_history.c.request_id == row.id).order_by(_history.c.at.desc()).limit(1)
        )
        connection.execute(
            _requests.update()
            .where(_requests.c.id == row.id)
            .values(sealed=sealed, payload=None, status_since=latest or row.received_at)
        )
        for kind, fingerprint in set(_facts(vault, row.tracking_number, row.payload)):
            connection.execute(_fingerprints.insert().values(request_id=row.id, kind=kind, fingerprint=fingerprint))
        _set_hash(_keys.c.request_id == row.id, vault.fingerprint(_canonical(row.payload), "body"))
    for row in _all(_feedback, _feedback.c.payload):
        sealed = vault.seal(_pack(row.payload), f"feedback.sealed:{row.id}")
        connection.execute(_feedback.update().where(_feedback.c.id == row.id).values(sealed=sealed, payload=None))
        _set_hash(_keys.c.feedback_id == row.id, vault.fingerprint(_canonical(row.payload), "body"))


def _set_hash(which: sa.ColumnElement[bool], value: str) -> None:
    op.get_bind().execute(_keys.update().where(which, _keys.c.body_hash != "").values(body_hash=value))


def _protect_audit() -> None:
    if op.get_bind().dialect.name == "sqlite":
        for verb in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER audit_no_{verb.lower()} BEFORE {verb} ON audit "
                "BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END"
            )
        return
    op.execute(
        "CREATE FUNCTION audit_is_append_only() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'the audit trail is append-only'; END $$"
    )
    op.execute(
        "CREATE TRIGGER audit_no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON audit "
        "FOR EACH STATEMENT EXECUTE FUNCTION audit_is_append_only()"
    )


def downgrade() -> None:
    """Take back. Staff, notes, the audit trail and holds are lost."""
    op.drop_column("erasure_receipts", "reason")
    op.drop_index("ix_feedback_received_at", "feedback")
    op.drop_index("ix_outbox_state_next_try_at", "outbox")
    op.drop_index("ix_case_requests_received_at", "case_requests")
    op.drop_index("ix_case_requests_status_status_since", "case_requests")
    for table in ("case_requests", "feedback"):
        op.add_column(table, sa.Column("payload", sa.JSON, nullable=False, server_default="{}"))
    _unseal_everything()
    op.execute("UPDATE idempotency_keys SET body_hash = '' WHERE state <> 'used'")
    for column in ("last_error", "claimed_until", "claim", "next_try_at", "tries", "state"):
        op.drop_column("outbox", column)
    op.drop_column("idempotency_keys", "state")
    for column in ("legal_hold", "status_since", "sealed"):
        op.drop_column("case_requests", column)
    op.drop_column("feedback", "sealed")
    for table in ("vault_check", "audit", "staff_tokens", "staff_notes", "fingerprints"):
        op.drop_table(table)
    if op.get_bind().dialect.name != "sqlite":
        op.execute("DROP FUNCTION audit_is_append_only()")


def _unseal_everything() -> None:
    connection, vault = op.get_bind(), _vault()
    for row in _all(_requests, _requests.c.tracking_number, _requests.c.sealed):
        payload = _unpack(vault.open(row.sealed, f"case_requests.sealed:{row.tracking_number}"))
        connection.execute(_requests.update().where(_requests.c.id == row.id).values(payload=payload))
        _set_hash(_keys.c.request_id == row.id, hashlib.sha256(_canonical(payload).encode()).hexdigest())
    for row in _all(_feedback, _feedback.c.sealed):
        payload = _unpack(vault.open(row.sealed, f"feedback.sealed:{row.id}"))
        connection.execute(_feedback.update().where(_feedback.c.id == row.id).values(payload=payload))
        _set_hash(_keys.c.feedback_id == row.id, hashlib.sha256(_canonical(payload).encode()).hexdigest())
