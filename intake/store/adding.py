"""The statements that store a request: plain ones for SQLite, and few large ones for PostgreSQL.

On PostgreSQL every statement is a way to the server and back, which is most of what storing costs; so what belongs
together goes in one. SQLite has no such way, and no statement that writes several tables.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, and_, bindparam, insert, or_, select, text

from intake.store import outbox
from intake.store.base import ADD_HISTORY, WITHDRAWN
from intake.tables import CaseRequest, Fingerprint, IdempotencyKey

USED = "used"
RECEIPT = "receipt_number"

# No request has this id.
_NONE_YET = 2**62
_LOCK_DIGITS = 15


@dataclass(frozen=True)
class NewRequest:
    """The rows of a new request.

    Attributes:
        prints: Its fingerprints, as pairs of kind and fingerprint.
    """

    tracking_number: str
    outcome: str
    status: str
    sealed: bytes
    key: str
    body_hash: str
    prints: Sequence[tuple[str, str]]


def known_key(connection: Connection, key: str, receipts: Iterable[str] = ()) -> Row[*tuple[Any, ...]] | None:
    """What is known of an idempotency key.

    On PostgreSQL, requests with the same receipt numbers wait here for one another, so that each sees the one before;
    in a fixed order, so that no two wait for each other. SQLite has one writer anyway.

    Args:
        connection: In a transaction that writes.
        key: The key.
        receipts: Fingerprints of receipt numbers.
    """
    if connection.dialect.name != "postgresql":
        return connection.execute(KEY, {"key": key}).one_or_none()
    locks = sorted(int(one[:_LOCK_DIGITS], 16) for one in receipts)
    row = connection.execute(_KEY_AND_LOCKS, {"key": key, "locks": locks}).one()
    return None if row.key is None else row


def similar(
    connection: Connection, receipts: Sequence[str], since: datetime, at: datetime, own: int | None
) -> list[tuple[str, datetime]]:
    """Requests with some receipt numbers, as it was at a moment: fingerprint, and when each came.

    Args:
        connection: In a transaction.
        receipts: Fingerprints of receipt numbers.
        since: No older ones.
        at: What was withdrawn after this moment counts still.
        own: Only those before this one.
    """
    if not receipts:
        return []
    values = {"receipts": list(receipts), "since": since, "at": at, "own": own or _NONE_YET}
    return [(row.fingerprint, row.received_at) for row in connection.execute(_SIMILAR, values)]


def add(
    connection: Connection, new: NewRequest, now: datetime, receipts: Sequence[str], since: datetime
) -> list[tuple[str, datetime]]:
    """Store a request with its key, history, outbox entry and fingerprints.

    Returns:
        As ``similar``: those that were there before.
    """
    if connection.dialect.name == "postgresql":
        return _add_in_one(connection, new, now, receipts, since)
    found = similar(connection, receipts, since, now, None)
    request_id: int = connection.execute(
        _ADD_REQUEST,
        {
            "tracking_number": new.tracking_number,
            "outcome": new.outcome,
            "status": new.status,
            "received_at": now,
            "status_since": now,
            "legal_hold": False,
            "sealed": new.sealed,
        },
    ).scalar_one()
    key = {"key": new.key, "body_hash": new.body_hash, "state": USED}
    connection.execute(ADD_KEY, {**key, "request_id": request_id, "created_at": now})
    connection.execute(ADD_HISTORY, {"request_id": request_id, "status": new.status, "at": now})
    outbox.put(connection, request_id, outbox.REQUEST_STORED, now)
    if new.prints:
        prints = [{"request_id": request_id, "kind": kind, "fingerprint": one} for kind, one in new.prints]
        connection.execute(_ADD_FINGERPRINTS, prints)
    return found


def _add_in_one(
    connection: Connection, new: NewRequest, now: datetime, receipts: Sequence[str], since: datetime
) -> list[tuple[str, datetime]]:
    values: Mapping[str, Any] = {
        "tracking_number": new.tracking_number,
        "outcome": new.outcome,
        "status": new.status,
        "sealed": new.sealed,
        "key": new.key,
        "body_hash": new.body_hash,
        "now": now,
        "kinds": [kind for kind, _ in new.prints],
        "prints": [one for _, one in new.prints],
        "receipts": list(receipts),
        "since": since,
    }
    return [(row.fingerprint, row.received_at) for row in connection.execute(_ADD_ALL, values)]


KEY = select(
    IdempotencyKey.key,
    IdempotencyKey.body_hash,
    IdempotencyKey.request_id,
    IdempotencyKey.feedback_id,
    IdempotencyKey.state,
).where(IdempotencyKey.key == bindparam("key"))
ADD_KEY = insert(IdempotencyKey)
_ADD_REQUEST = insert(CaseRequest).returning(CaseRequest.id)
_ADD_FINGERPRINTS = insert(Fingerprint)
_SIMILAR = (
    select(Fingerprint.fingerprint, CaseRequest.received_at)
    .join(CaseRequest, CaseRequest.id == Fingerprint.request_id)
    .where(
        Fingerprint.fingerprint.in_(bindparam("receipts", expanding=True)),
        Fingerprint.kind == RECEIPT,
        CaseRequest.received_at >= bindparam("since"),
        CaseRequest.id < bindparam("own"),
        or_(
            CaseRequest.status != WITHDRAWN,
            and_(CaseRequest.status == WITHDRAWN, CaseRequest.status_since > bindparam("at")),
        ),
    )
)
_KEY_AND_LOCKS = text(
    """
    SELECT known.key, known.body_hash, known.request_id, known.feedback_id, known.state
    FROM (SELECT count(pg_advisory_xact_lock(one)) FROM unnest(CAST(:locks AS bigint[])) AS one) AS locked
    LEFT JOIN idempotency_keys AS known ON known.key = :key
    """
)
# The last part sees the tables as they were before the others: without the new request.
_ADD_ALL = text(
    f"""
    WITH request AS (
        INSERT INTO case_requests
            (tracking_number, outcome, status, received_at, status_since, legal_hold, sealed)
        VALUES (:tracking_number, :outcome, :status, :now, :now, false, :sealed)
        RETURNING id
    ), used AS (
        INSERT INTO idempotency_keys (key, body_hash, request_id, created_at, state)
        SELECT :key, :body_hash, id, :now, '{USED}' FROM request
    ), entry AS (
        INSERT INTO history (request_id, status, at) SELECT id, :status, :now FROM request
    ), told AS (
        INSERT INTO outbox (request_id, event, created_at, state, tries, next_try_at)
        SELECT id, '{outbox.REQUEST_STORED}', :now, '{outbox.WAITING}', 0, :now FROM request
    ), facts AS (
        INSERT INTO fingerprints (request_id, kind, fingerprint)
        SELECT id, kind, print
        FROM request, unnest(CAST(:kinds AS varchar[]), CAST(:prints AS varchar[])) AS one (kind, print)
    )
    SELECT earlier.fingerprint, live.received_at
    FROM fingerprints AS earlier JOIN case_requests AS live ON live.id = earlier.request_id
    WHERE earlier.fingerprint = ANY(CAST(:receipts AS varchar[])) AND earlier.kind = '{RECEIPT}'
        AND live.received_at >= :since
        AND (live.status <> '{WITHDRAWN}' OR live.status_since > :now)
    """  # noqa: S608 (only names of this program are filled in)
)
