"""What every part of the store needs: transactions, sealed columns, and the names of things."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, insert, select, text, update
from sqlalchemy.exc import DBAPIError, IntegrityError

from intake.store.batches import Batches
from intake.tables import CaseRequest, HistoryEntry
from serving.database import READ_ONLY
from triage import tracking
from vault import Vault

RECEIVED = "received"
PREPARED = "prepared"
WITHDRAWN = "withdrawn"
CLOSED = "closed"
SUBMITTED = "submitted"
FIRST_STATUS = {SUBMITTED: RECEIVED, PREPARED: PREPARED}

# A clash needs another writer in the same moment; more than this in a row means something else is wrong.
_MOST_CLASHES = 5
# PostgreSQL's "serialization failure" and "deadlock detected": the transaction is to be done again.
_AGAIN = ("40001", "40P01")


class LegalHold(Exception):
    """The request must be kept: a legal hold is on it."""


@dataclass(frozen=True)
class Status:
    """Where a request stands; nothing personal."""

    tracking_number: str
    status: str
    outcome: str
    received_at: datetime
    history: tuple[tuple[str, datetime], ...]


@dataclass(frozen=True)
class Found:
    """The row of a request, without its answers."""

    id: int
    tracking_number: str
    outcome: str
    status: str
    received_at: datetime
    status_since: datetime
    legal_hold: bool
    held_since: datetime | None
    clock_since: datetime | None


class Transactions:
    """Runs units of work, each in one transaction.

    Args:
        engine: The database.
        vault: Seals and opens what is personal.
        clock: The present moment.
    """

    def __init__(self, engine: Engine, vault: Vault, clock: Callable[[], datetime]) -> None:
        self.engine = engine
        self.vault = vault
        self.clock = clock
        self._readable = engine.execution_options(**{READ_ONLY: True})
        self._batches = Batches(engine) if engine.dialect.name == "sqlite" else None

    @property
    def is_sqlite(self) -> bool:
        """Whether the database is an SQLite file."""
        return self.engine.dialect.name == "sqlite"

    def read[T](self, work: Callable[[Connection], T]) -> T:
        """Do `work` on one unchanging view of the database."""
        try:
            with self._readable.begin() as connection:
                return work(connection)
        except DBAPIError as error:
            if not error.connection_invalidated:
                raise
        # The line was dead, as after a restart of the database; all others of that time are given up with it.
        with self._readable.begin() as connection:
            return work(connection)

    def write[T](self, work: Callable[[Connection], T]) -> T:
        """Do `work` in one transaction; again when another writer was first, or the line was dead before the commit."""
        for _ in range(_MOST_CLASHES):
            committing = False
            try:
                if self._batches is not None:
                    return self._batches.run(work)
                with self.engine.begin() as connection:
                    result = work(connection)
                    committing = True
                return result
            except IntegrityError as error:
                clash: DBAPIError = error
            except DBAPIError as error:
                # A commit without an answer may have been done; the caller must find out.
                was_dead = error.connection_invalidated and not committing
                if not was_dead and getattr(error.orig, "sqlstate", None) not in _AGAIN:
                    raise
                clash = error
        raise clash

    def ping(self) -> None:
        """Raise when the database does not answer."""
        self.read(lambda connection: connection.execute(text("SELECT 1")))

    def forget_traces(self) -> None:
        """Take what was erased out of SQLite's write-ahead log, too."""
        if self._batches is not None:
            with self._batches.alone():
                connection = self.engine.raw_connection()
                try:
                    connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")
                finally:
                    connection.close()


def pack(body: Mapping[str, Any]) -> bytes:
    """A JSON object as bytes; halves of characters, which people can send, survive."""
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")


def unpack(data: bytes) -> dict[str, Any]:
    """Take back `pack`."""
    result: dict[str, Any] = json.loads(data.decode("utf-8", "surrogatepass"))
    return result


def canonical(body: Mapping[str, Any]) -> str:
    """The text whose fingerprint recognises a repetition.

    When the sender submitted is left out: it may stamp each try anew.
    """
    kept = {key: value for key, value in body.items() if key != "submitted_at"}
    return json.dumps(kept, sort_keys=True, separators=(",", ":"))


def tracking_hash(number: str) -> str:
    """Hash under which a tracking number is remembered after its request is gone; it can't be guessed back."""
    return hashlib.sha256(number.encode(errors="replace")).hexdigest()


def payload_context(number: str) -> str:
    """Where the answers of a request are sealed for."""
    return f"case_requests.sealed:{number}"


def feedback_context(identifier: str) -> str:
    """Where a feedback is sealed for."""
    return f"feedback.sealed:{identifier}"


def note_context(identifier: str) -> str:
    """Where a staff note is sealed for."""
    return f"staff_notes.sealed:{identifier}"


def birth_purpose(number: str) -> str:
    """Purpose of the fingerprint of a date of birth: one for each request, so that equal dates don't look equal."""
    return f"date_of_birth:{number}"


RECEIPT_PURPOSE = "receipt_number"
BODY_PURPOSE = "body"

_FOUND = select(
    CaseRequest.id,
    CaseRequest.tracking_number,
    CaseRequest.outcome,
    CaseRequest.status,
    CaseRequest.received_at,
    CaseRequest.status_since,
    CaseRequest.legal_hold,
    CaseRequest.held_since,
    CaseRequest.clock_since,
)


def find(connection: Connection, number: str, *, lock: bool = False) -> Found | None:
    """The request of a tracking number, as typed.

    Args:
        connection: In a transaction.
        number: In any spelling.
        lock: Nobody else may change it until the transaction ends.
    """
    known = tracking.normalise(number)
    if known is None:
        return None
    query = _FOUND.where(CaseRequest.tracking_number == known)
    row = connection.execute(query.with_for_update() if lock else query).one_or_none()
    return None if row is None else Found(*row)


def status_of(connection: Connection, row: Found) -> Status:
    """What a person sees of a request."""
    entries = connection.execute(
        select(HistoryEntry.status, HistoryEntry.at).where(HistoryEntry.request_id == row.id).order_by(HistoryEntry.id)
    )
    return Status(
        tracking_number=row.tracking_number,
        status=row.status,
        outcome=row.outcome,
        received_at=row.received_at,
        history=tuple((entry.status, entry.at) for entry in entries),
    )


def set_status(connection: Connection, row: Found, status: str, now: datetime) -> None:
    """Give a request another status, with its history and retention clock."""
    connection.execute(
        update(CaseRequest).where(CaseRequest.id == row.id).values(status=status, status_since=now, clock_since=None)
    )
    connection.execute(ADD_HISTORY, {"request_id": row.id, "status": status, "at": now})


ADD_HISTORY = insert(HistoryEntry)
