"""Tables of the intake backend."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import (
    BigInteger,
    Boolean,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Text,
    TypeDecorator,
)
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

_KEY = BigInteger().with_variant(Integer, "sqlite")


class Moment(TypeDecorator[datetime]):
    """A point in time, kept in UTC; SQLite forgets the zone, so it is put back when read."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """To the database."""
        return value.astimezone(UTC) if value is not None else None

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """From the database."""
        if value is None or value.tzinfo is not None:
            return value
        return value.replace(tzinfo=UTC)


class Base(DeclarativeBase):
    """Common to all tables."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


class CaseRequest(Base):
    """A request for case assistance.

    ``sealed`` is the answers as they came, word for word, encrypted. ``status_since`` starts the retention clock;
    ``clock_since`` does so instead when a legal hold has stopped it for a while. ``held_since``: since when one does.
    """

    __tablename__ = "case_requests"
    __table_args__ = (
        Index("ix_case_requests_status_status_since", "status", "status_since"),
        Index("ix_case_requests_received_at", "received_at"),
    )

    id: Mapped[int] = mapped_column(_KEY, primary_key=True, autoincrement=True)
    tracking_number: Mapped[str] = mapped_column(String(32), unique=True)
    outcome: Mapped[str] = mapped_column(String(16))
    status: Mapped[str] = mapped_column(String(32))
    received_at: Mapped[datetime] = mapped_column(Moment)
    status_since: Mapped[datetime] = mapped_column(Moment)
    legal_hold: Mapped[bool] = mapped_column(Boolean, default=False)
    held_since: Mapped[datetime | None] = mapped_column(Moment)
    clock_since: Mapped[datetime | None] = mapped_column(Moment)
    sealed: Mapped[bytes] = mapped_column(LargeBinary)


class Fingerprint(Base):
    """Keyed hash of a fact about a request, by which it is found and proven without being stored in clear."""

    __tablename__ = "fingerprints"
    __table_args__ = (Index("ix_fingerprints_fingerprint", "fingerprint"),)

    request_id: Mapped[int] = mapped_column(ForeignKey("case_requests.id", ondelete="CASCADE"), primary_key=True)
    kind: Mapped[str] = mapped_column(String(16), primary_key=True)
    fingerprint: Mapped[str] = mapped_column(String(64), primary_key=True)


class HistoryEntry(Base):
    """A status a request has had, and since when; the person sees it."""

    __tablename__ = "history"

    id: Mapped[int] = mapped_column(_KEY, primary_key=True, autoincrement=True)
    request_id: Mapped[int] = mapped_column(ForeignKey("case_requests.id", ondelete="CASCADE"), index=True)
    status: Mapped[str] = mapped_column(String(32))
    at: Mapped[datetime] = mapped_column(Moment)


class StaffNote(Base):
    """What the staff wrote about a request, encrypted; the person never sees it."""

    __tablename__ = "staff_notes"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    request_id: Mapped[int] = mapped_column(ForeignKey("case_requests.id", ondelete="CASCADE"), index=True)
    author: Mapped[str] = mapped_column(String(64))
    at: Mapped[datetime] = mapped_column(Moment)
    sealed: Mapped[bytes] = mapped_column(LargeBinary)


class OutboxEntry(Base):
    """Something that others have to be told about a request; written with it, delivered later.

    ``claim`` names the worker's claim on it, which holds until ``claimed_until``. ``resent`` counts how often it was
    sent again after the office's side had sent it back. ``erased_number`` is the tracking number of a request that is
    erased: of such a notice there is nothing else, and it goes when the office has been told.
    """

    __tablename__ = "outbox"
    __table_args__ = (Index("ix_outbox_state_next_try_at", "state", "next_try_at"),)

    id: Mapped[int] = mapped_column(_KEY, primary_key=True, autoincrement=True)
    request_id: Mapped[int | None] = mapped_column(ForeignKey("case_requests.id", ondelete="CASCADE"), index=True)
    erased_number: Mapped[str | None] = mapped_column(String(32))
    event: Mapped[str] = mapped_column(String(32))
    created_at: Mapped[datetime] = mapped_column(Moment)
    delivered_at: Mapped[datetime | None] = mapped_column(Moment)
    state: Mapped[str] = mapped_column(String(16))
    tries: Mapped[int] = mapped_column(Integer)
    next_try_at: Mapped[datetime] = mapped_column(Moment)
    claim: Mapped[str | None] = mapped_column(String(36))
    claimed_until: Mapped[datetime | None] = mapped_column(Moment)
    last_error: Mapped[str | None] = mapped_column(String(64))
    resent: Mapped[int] = mapped_column(Integer, default=0, server_default="0")


class Feedback(Base):
    """An experience or suggestion, encrypted."""

    __tablename__ = "feedback"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    received_at: Mapped[datetime] = mapped_column(Moment, index=True)
    sealed: Mapped[bytes] = mapped_column(LargeBinary)


class IdempotencyKey(Base):
    """What was sent under a key. ``state`` other than ``used`` means that nothing comes under this key again.

    ``created_at`` is when it came into this state.
    """

    __tablename__ = "idempotency_keys"

    key: Mapped[str] = mapped_column(String(200), primary_key=True)
    body_hash: Mapped[str] = mapped_column(String(64))
    request_id: Mapped[int | None] = mapped_column(ForeignKey("case_requests.id", ondelete="SET NULL"), index=True)
    feedback_id: Mapped[str | None] = mapped_column(ForeignKey("feedback.id", ondelete="SET NULL"), index=True)
    created_at: Mapped[datetime] = mapped_column(Moment)
    state: Mapped[str] = mapped_column(String(16))


class ErasureReceipt(Base):
    """Receipt of an erased request: proves that it happened without telling whose request it was."""

    __tablename__ = "erasure_receipts"

    receipt: Mapped[str] = mapped_column(String(36), primary_key=True)
    tracking_hash: Mapped[str] = mapped_column(String(64), unique=True)
    erased_at: Mapped[datetime] = mapped_column(Moment)
    reason: Mapped[str] = mapped_column(String(16))


class ErasureProof(Base):
    """Keyed hash of a fact of an erased request, made for that request alone.

    It is kept for a short while: who did not hear that the erasure was done can ask again and gets the same receipt.
    """

    __tablename__ = "erasure_proofs"

    receipt: Mapped[str] = mapped_column(ForeignKey("erasure_receipts.receipt", ondelete="CASCADE"), primary_key=True)
    fingerprint: Mapped[str] = mapped_column(String(64), primary_key=True)
    at: Mapped[datetime] = mapped_column(Moment, index=True)


class FailedLookups(Base):
    """Wrong proofs given for a tracking number, whether or not that number exists."""

    __tablename__ = "failed_lookups"

    tracking_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    since: Mapped[datetime] = mapped_column(Moment, index=True)
    failures: Mapped[int] = mapped_column(Integer)


class StaffToken(Base):
    """Somebody of the staff and what they may do; the token itself is only kept as a hash."""

    __tablename__ = "staff_tokens"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    name: Mapped[str] = mapped_column(String(64), unique=True)
    role: Mapped[str] = mapped_column(String(16))
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[datetime] = mapped_column(Moment)
    revoked_at: Mapped[datetime | None] = mapped_column(Moment)


class AuditEntry(Base):
    """What somebody of the staff did. Never changed or deleted; ``hash`` covers the entry and the one before it.

    ``subject`` is the hash of a tracking number; ``before`` and ``after`` are JSON without anything personal.
    """

    __tablename__ = "audit"

    id: Mapped[int] = mapped_column(_KEY, primary_key=True, autoincrement=True)
    at: Mapped[datetime] = mapped_column(Moment)
    actor: Mapped[str] = mapped_column(String(64))
    role: Mapped[str] = mapped_column(String(16))
    action: Mapped[str] = mapped_column(String(32))
    subject: Mapped[str | None] = mapped_column(String(64), index=True)
    before: Mapped[str | None] = mapped_column(Text)
    after: Mapped[str | None] = mapped_column(Text)
    previous: Mapped[str] = mapped_column(String(64), unique=True)
    hash: Mapped[str] = mapped_column(String(64), unique=True)


class VaultCheck(Base):
    """A known word under the present key: tells at start whether the keys fit the data."""

    __tablename__ = "vault_check"

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    sealed: Mapped[bytes] = mapped_column(LargeBinary)


class DocumentRow(Base):
    """A paper that belongs to a request. ``sealed`` is its name, encrypted; the file lies sealed in a store.

    ``outbox_id`` is the outbox entry with which it goes to the office; none when it does not go there.

    ``size`` and ``sha256`` are those of the file as it was sent; the same key sent again means the same document.
    """

    __tablename__ = "documents"

    id: Mapped[int] = mapped_column(_KEY, primary_key=True, autoincrement=True)
    request_id: Mapped[int] = mapped_column(ForeignKey("case_requests.id", ondelete="CASCADE"), index=True)
    document_id: Mapped[str] = mapped_column(String(32), unique=True)
    key: Mapped[str] = mapped_column(String(200), unique=True)
    kind: Mapped[str] = mapped_column(String(64))
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    media_type: Mapped[str] = mapped_column(String(32))
    size: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[str] = mapped_column(String(64))
    pages: Mapped[int] = mapped_column(Integer)
    scan: Mapped[str] = mapped_column(String(16))
    received_at: Mapped[datetime] = mapped_column(Moment)
    outbox_id: Mapped[int | None] = mapped_column(_KEY)
