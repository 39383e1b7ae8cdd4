"""What the intake backend keeps: every change is one transaction, and holds also when two arrive at once."""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Engine, delete, select, text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, joinedload

from intake.database import READ_ONLY, migrate, open_engine
from intake.schema import CaseRequestIn, FeedbackIn, plain_receipt_numbers
from intake.tables import CaseRequest, Erasure, FailedLookups, Feedback, HistoryEntry, IdempotencyKey, OutboxEntry
from triage import tracking

RECEIVED = "received"
PREPARED = "prepared"
_FIRST_STATUS = {"submitted": RECEIVED, "prepared": PREPARED}

# A clash needs another writer in the same moment; more than this in a row means something else is wrong.
_MOST_CLASHES = 5


class KeyReused(Exception):
    """The idempotency key belongs to another body."""


class Erased(Exception):
    """What was stored under the key has been erased since."""


class TooManyTries(Exception):
    """Too many wrong proofs for a tracking number.

    Attributes:
        wait_seconds: Until the next try.
    """

    def __init__(self, wait_seconds: int) -> None:
        super().__init__(wait_seconds)
        self.wait_seconds = wait_seconds


@dataclass(frozen=True)
class Stored:
    """What was stored under a key.

    Attributes:
        new: Stored by this call, not by an earlier one with the same key.
    """

    id: str
    status: str
    received_at: datetime
    new: bool


@dataclass(frozen=True)
class Status:
    """Where a request stands; nothing personal."""

    tracking_number: str
    status: str
    outcome: str
    received_at: datetime
    history: tuple[tuple[str, datetime], ...]


def canonical_hash(body: Mapping[str, Any]) -> str:
    """Hash of a body by which a repetition is recognised.

    When the sender submitted is left out: it may stamp each try anew.
    """
    kept = {key: value for key, value in body.items() if key != "submitted_at"}
    return hashlib.sha256(json.dumps(kept, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _hashed(number: str) -> str:
    return hashlib.sha256(number.encode(errors="replace")).hexdigest()


def _new_tracking_number() -> str:
    return tracking.make("".join(secrets.choice(tracking.ALPHABET) for _ in range(tracking.RANDOM_LENGTH)))


class Store:
    """Everything the routes may do with the database.

    Args:
        url: SQLAlchemy address of the database.
        tries: Wrong proofs allowed for a tracking number within `window`.
        window: How long wrong proofs are remembered, from the first one on.
        clock: The present moment; another one for tests.
    """

    def __init__(
        self, url: str, tries: int, window: timedelta, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self.engine: Engine = open_engine(url)
        self._readable = self.engine.execution_options(**{READ_ONLY: True})
        self._tries = tries
        self._window = window
        self._clock = clock

    def migrate(self) -> None:
        """Bring the tables up to date."""
        migrate(self.engine)

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()

    def ping(self) -> None:
        """Raise when the database does not answer."""
        with Session(self._readable) as session:
            session.execute(text("SELECT 1"))

    def add_request(self, key: str, request: CaseRequestIn, body: Mapping[str, Any]) -> Stored:
        """Store a request with its history and outbox, once for each key.

        Args:
            key: Idempotency key.
            request: The checked body.
            body: The same as it came; this is what is kept.

        Raises:
            KeyReused: Another body came under this key.
            Erased: The request of this key has been erased.
        """
        body_hash = canonical_hash(body)

        def work(session: Session) -> Stored:
            known = session.get(IdempotencyKey, key)
            if known is not None:
                return _earlier_request(session, known, body_hash)
            now = self._clock()
            status = _FIRST_STATUS[request.outcome]
            row = CaseRequest(
                tracking_number=_new_tracking_number(),
                outcome=request.outcome,
                status=status,
                received_at=now,
                payload=dict(body),
                history=[HistoryEntry(status=status, at=now)],
            )
            session.add(row)
            session.flush()
            session.add(OutboxEntry(request_id=row.id, event="request_stored", created_at=now))
            session.add(IdempotencyKey(key=key, body_hash=body_hash, request_id=row.id, created_at=now))
            session.flush()
            return Stored(row.tracking_number, status, now, new=True)

        return self._write(work)

    def add_feedback(self, key: str | None, feedback: FeedbackIn) -> Stored:
        """Store an experience or suggestion; once for each key when there is one.

        Raises:
            KeyReused: Another body came under this key.
        """
        body = feedback.model_dump()
        body_hash = canonical_hash(body)

        def work(session: Session) -> Stored:
            known = session.get(IdempotencyKey, key) if key else None
            if known is not None:
                if known.feedback_id is None or not hmac.compare_digest(known.body_hash, body_hash):
                    raise KeyReused
                earlier = session.get_one(Feedback, known.feedback_id)
                return Stored(earlier.id, RECEIVED, earlier.received_at, new=False)
            now = self._clock()
            row = Feedback(id=str(uuid.uuid4()), received_at=now, payload=body)
            session.add(row)
            session.flush()
            if key:
                session.add(IdempotencyKey(key=key, body_hash=body_hash, feedback_id=row.id, created_at=now))
                session.flush()
            return Stored(row.id, RECEIVED, now, new=True)

        return self._write(work)

    def status(self, number: str) -> Status | None:
        """Where a request stands, or None when there is none of this number."""
        with Session(self._readable) as session:
            row = _find(session, number)
            return None if row is None else _status(row)

    def payload(self, number: str) -> tuple[Status, dict[str, Any]] | None:
        """A request's status and answers, or None when there is none of this number."""
        with Session(self._readable) as session:
            row = _find(session, number)
            return None if row is None else (_status(row), row.payload)

    def look_up(self, number: str, date_of_birth: str | None, receipt_number: str | None) -> Status | None:
        """A request's status for somebody who knows its number and a second fact.

        An unknown number takes the same way and counts the same tries as a wrong fact.

        Args:
            number: The tracking number, as typed.
            date_of_birth: ISO date, if this is the second fact.
            receipt_number: A receipt number, if this is the second fact.

        Raises:
            TooManyTries: Nothing was compared.
        """
        number = tracking.normalise(number) or number
        number_hash = _hashed(number)

        def work(session: Session) -> Status | None:
            now = self._clock()
            session.execute(delete(FailedLookups).where(FailedLookups.since <= now - self._window))
            failed = session.get(FailedLookups, number_hash, with_for_update=True)
            if failed is not None and failed.failures >= self._tries:
                wait = failed.since + self._window - now
                raise TooManyTries(max(1, int(wait.total_seconds())))
            row = _find(session, number)
            payload = row.payload if row is not None else {}
            right = _same(date_of_birth, [payload.get("date_of_birth")]) | _same(
                receipt_number, plain_receipt_numbers(payload)
            )
            if row is not None and right:
                return _status(row)
            if failed is None:
                session.add(FailedLookups(tracking_hash=number_hash, since=now, failures=1))
            else:
                failed.failures += 1
            session.flush()
            return None

        return self._write(work)

    def erase(self, number: str) -> str | None:
        """Erase a request with everything that belongs to it.

        Returns:
            The receipt; the same one when it was erased before. None when there never was such a request.
        """
        number = tracking.normalise(number) or number

        def work(session: Session) -> str | None:
            before = session.scalar(select(Erasure).where(Erasure.tracking_hash == _hashed(number)))
            if before is not None:
                return before.receipt
            row = _find(session, number)
            if row is None:
                return None
            session.execute(
                update(IdempotencyKey).where(IdempotencyKey.request_id == row.id).values(request_id=None, body_hash="")
            )
            receipt = Erasure(receipt=str(uuid.uuid4()), tracking_hash=_hashed(number), erased_at=self._clock())
            session.add(receipt)
            session.delete(row)
            session.flush()
            return receipt.receipt

        return self._write(work)

    def _write[T](self, work: Callable[[Session], T]) -> T:
        """Do `work` in one transaction; again when another writer was first with the same key or number."""
        for _ in range(_MOST_CLASHES):
            try:
                with Session(self.engine) as session, session.begin():
                    return work(session)
            except IntegrityError as error:
                clash = error
        raise clash


def _earlier_request(session: Session, known: IdempotencyKey, body_hash: str) -> Stored:
    if not known.body_hash:
        raise Erased
    if known.request_id is None or not hmac.compare_digest(known.body_hash, body_hash):
        raise KeyReused
    row = session.get_one(CaseRequest, known.request_id)
    return Stored(row.tracking_number, _FIRST_STATUS[row.outcome], row.received_at, new=False)


def _find(session: Session, number: str) -> CaseRequest | None:
    number = tracking.normalise(number) or number
    return session.scalar(
        select(CaseRequest).where(CaseRequest.tracking_number == number).options(joinedload(CaseRequest.history))
    )


def _status(row: CaseRequest) -> Status:
    return Status(
        tracking_number=row.tracking_number,
        status=row.status,
        outcome=row.outcome,
        received_at=row.received_at,
        history=tuple((entry.status, entry.at) for entry in row.history),
    )


def _same(given: str | None, stored: Iterable[object]) -> bool:
    """Whether a fact is among the stored ones; compared without stopping at the first difference."""
    found = False
    for value in stored:
        found |= hmac.compare_digest((given or "").encode(), str(value or "").encode())
    return found and bool(given)
