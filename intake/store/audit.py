"""The audit trail: who did what and when, without anything personal. Append-only, each entry sealed to the one before.

The database refuses to change or delete an entry (triggers); whoever gets around that breaks the chain of hashes, which
``verify`` finds. That the end was cut off is only found by comparing with a hash that was noted down elsewhere.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, insert, select, text

from intake.store.base import Transactions, tracking_hash
from intake.tables import AuditEntry
from triage import tracking

BEGINNING = "0" * 64
_BATCH = 500
# Any fixed number: names the lock that lets entries be added one after the other.
_LOCK = 7_001_004


# What an access that found nothing leaves as `after`.
NOT_FOUND: Mapping[str, Any] = {"found": 0}


@dataclass(frozen=True)
class Actor:
    """Somebody who acts: a member of the staff, or a command on this machine."""

    name: str
    role: str


@dataclass(frozen=True)
class Line:
    """An entry of the trail."""

    id: int
    at: datetime
    actor: str
    role: str
    action: str
    subject: str | None
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None


@dataclass(frozen=True)
class Verdict:
    """What a check of the chain found.

    Attributes:
        entries: How many were checked.
        last_hash: Of the last good entry; to be noted down elsewhere.
        broken_at: Id of the first entry that does not follow from the one before, if any.
        has_noted: Whether the hash that was noted down is in the trail; true when none was given.
    """

    entries: int
    last_hash: str
    broken_at: int | None
    has_noted: bool


def subject_of(number: str) -> str | None:
    """How the trail names the request of a tracking number as typed.

    None when it is no tracking number: it may be something personal, whose hash could be guessed back.
    """
    known = tracking.normalise(number)
    return None if known is None else tracking_hash(known)


def write(
    connection: Connection,
    now: datetime,
    actor: Actor,
    action: str,
    subject: str | None = None,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> None:
    """Add an entry, in the transaction of what it tells about.

    Args:
        connection: In a transaction that writes.
        now: The moment.
        actor: Who.
        action: What.
        subject: Hash of the tracking number, if it is about a request.
        before: How it was; nothing personal.
        after: How it is now; nothing personal.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
    previous = connection.scalar(select(AuditEntry.hash).order_by(AuditEntry.id.desc()).limit(1)) or BEGINNING
    values = {
        "at": now,
        "actor": actor.name,
        "role": actor.role,
        "action": action,
        "subject": subject,
        "before": _text(before),
        "after": _text(after),
        "previous": previous,
    }
    connection.execute(insert(AuditEntry), {**values, "hash": _hash(values)})


def lines(connection: Connection, subject: str | None, before_id: int | None, limit: int) -> list[Line]:
    """Entries, the latest first.

    Args:
        connection: In a transaction.
        subject: Only those about this request.
        before_id: Only those before this one, for the next page.
        limit: At most so many.
    """
    query = select(AuditEntry).with_only_columns(*_COLUMNS).order_by(AuditEntry.id.desc()).limit(limit)
    if subject is not None:
        query = query.where(AuditEntry.subject == subject)
    if before_id is not None:
        query = query.where(AuditEntry.id < before_id)
    return [
        Line(row.id, row.at, row.actor, row.role, row.action, row.subject, _parsed(row.before), _parsed(row.after))
        for row in connection.execute(query)
    ]


def verify(transactions: Transactions, noted: str | None = None) -> Verdict:
    """Check every entry against its hash and against the one before.

    Args:
        transactions: The database.
        noted: A last hash that was noted down earlier; it must still be there.
    """

    def work(connection: Connection) -> Verdict:
        previous, number, last = BEGINNING, 0, 0
        seen = noted in (None, BEGINNING)
        while True:
            rows = connection.execute(
                select(*_COLUMNS, AuditEntry.previous, AuditEntry.hash)
                .where(AuditEntry.id > last)
                .order_by(AuditEntry.id)
                .limit(_BATCH)
            ).all()
            if not rows:
                return Verdict(number, previous, None, seen)
            for row in rows:
                if row.previous != previous or row.hash != _hash(row._mapping):
                    return Verdict(number, previous, row.id, seen)
                previous, number, last = row.hash, number + 1, row.id
                seen = seen or row.hash == noted

    return transactions.read(work)


def _hash(values: Mapping[Any, Any]) -> str:
    moment: datetime = values["at"]
    covered = [values[name] for name in ("previous", "actor", "role", "action", "subject", "before", "after")]
    # SQLite and PostgreSQL keep microseconds, so that the moment reads back as it was written.
    covered.append(moment.astimezone(UTC).isoformat(timespec="microseconds"))
    return hashlib.sha256(json.dumps(covered, separators=(",", ":")).encode()).hexdigest()


def _text(value: Mapping[str, Any] | None) -> str | None:
    return None if value is None else json.dumps(value, sort_keys=True, separators=(",", ":"))


def _parsed(value: str | None) -> Mapping[str, Any] | None:
    return None if value is None else dict(json.loads(value))


_COLUMNS = (
    AuditEntry.id,
    AuditEntry.at,
    AuditEntry.actor,
    AuditEntry.role,
    AuditEntry.action,
    AuditEntry.subject,
    AuditEntry.before,
    AuditEntry.after,
)
