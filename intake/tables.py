"""Tables of the intake backend."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, DateTime, ForeignKey, Integer, MetaData, String, TypeDecorator
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

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
    """A request for case assistance. `payload` is the answers as they came, word for word."""

    __tablename__ = "case_requests"

    id: Mapped[int] = mapped_column(_KEY, primary_key=True, autoincrement=True)
    tracking_number: Mapped[str] = mapped_column(String(32), unique=True)
    outcome: Mapped[str] = mapped_column(String(16))
    status: Mapped[str] = mapped_column(String(32))
    received_at: Mapped[datetime] = mapped_column(Moment)
    payload: Mapped[dict[str, Any]] = mapped_column(JSON)
    history: Mapped[list[HistoryEntry]] = relationship(
        order_by="HistoryEntry.id", cascade="all, delete-orphan", passive_deletes=True
    )


class HistoryEntry(Base):
    """A status a request has had, and since when."""

    __tablename__ = "history"

    id: Mapped[int] = mapped_column(_KEY, primary_key=True, autoincrement=True)
    request_id: Mapped[int] = mapped_column(ForeignKey("case_requests.id", ondelete="CASCADE"), index=True)
    status: Mapped[str] = mapped_column(String(32))
    at: Mapped[datetime] = mapped_column(Moment)


class OutboxEntry(Base):
    """Something that others have to be told about a request; written with it, delivered later."""

    __tablename__ = "outbox"

    id: Mapped[int] = mapped_column(_KEY, primary_key=True, autoincrement=True)
    request_id: Mapped[int] = mapped_column(ForeignKey("case_requests.id", ondelete="CASCADE"), index=True)
    event: Mapped[str] = mapped_column(String(32))
    created_at: Mapped[datetime] = mapped_column(Moment)
    delivered_at: Mapped[datetime | None] = mapped_column(Moment)


class Feedback(Base):
    """An experience or suggestion. A JSON column, because it takes every character a person can type."""

    __tablename__ = "feedback"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    received_at: Mapped[datetime] = mapped_column(Moment)
    payload: Mapped[dict[str, Any]] = mapped_column(JSON)


class IdempotencyKey(Base):
    """What was sent under a key. After an erasure `request_id` is null and the hash empty."""

    __tablename__ = "idempotency_keys"

    key: Mapped[str] = mapped_column(String(200), primary_key=True)
    body_hash: Mapped[str] = mapped_column(String(64))
    request_id: Mapped[int | None] = mapped_column(ForeignKey("case_requests.id", ondelete="SET NULL"), index=True)
    feedback_id: Mapped[str | None] = mapped_column(ForeignKey("feedback.id", ondelete="SET NULL"), index=True)
    created_at: Mapped[datetime] = mapped_column(Moment)


class Erasure(Base):
    """Receipt of an erased request: proves that it happened without telling whose request it was."""

    __tablename__ = "erasures"

    receipt: Mapped[str] = mapped_column(String(36), primary_key=True)
    tracking_hash: Mapped[str] = mapped_column(String(64), unique=True)
    erased_at: Mapped[datetime] = mapped_column(Moment)


class FailedLookups(Base):
    """Wrong proofs given for a tracking number, whether or not that number exists."""

    __tablename__ = "failed_lookups"

    tracking_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    since: Mapped[datetime] = mapped_column(Moment, index=True)
    failures: Mapped[int] = mapped_column(Integer)
