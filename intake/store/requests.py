"""Requests and feedback: stored once for each key, read again, taken back."""

from __future__ import annotations

import hmac
import secrets
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update

from intake.schema import CaseRequestIn, FeedbackIn, plain_receipt_numbers
from intake.store import adding, outbox
from intake.store.adding import ADD_KEY, KEY, RECEIPT, USED, NewRequest
from intake.store.base import (
    BODY_PURPOSE,
    CLOSED,
    FIRST_STATUS,
    RECEIPT_PURPOSE,
    RECEIVED,
    WITHDRAWN,
    Found,
    Status,
    Transactions,
    birth_purpose,
    canonical,
    feedback_context,
    find,
    pack,
    payload_context,
    set_status,
    status_of,
    unpack,
)
from intake.tables import CaseRequest, Feedback, IdempotencyKey
from triage import tracking
from vault import Vault

ERASED = "erased"
REVOKED = "revoked"

BIRTH = "date_of_birth"


class KeyReused(Exception):
    """The idempotency key belongs to another body."""


class Erased(Exception):
    """What was stored under the key has been erased since, or the key has been revoked."""


@dataclass(frozen=True)
class Similar:
    """Another live request that names the same receipt number; never tells which one it is."""

    receipt_number: str
    received_at: datetime


@dataclass(frozen=True)
class Stored:
    """What was stored under a key.

    Attributes:
        new: Stored by this call, not by an earlier one with the same key.
        similar: Requests for the same receipt numbers that came before, not long ago.
    """

    id: str
    status: str
    received_at: datetime
    new: bool
    similar: tuple[Similar, ...] = field(default=())


def facts(vault: Vault, number: str, payload: Mapping[str, Any]) -> set[tuple[str, str]]:
    """The fingerprints of a request under the current key, as pairs of kind and fingerprint."""
    found = {(RECEIPT, vault.fingerprint(one, RECEIPT_PURPOSE)) for one in plain_receipt_numbers(payload)}
    born = payload.get("date_of_birth")
    if isinstance(born, str) and born != "none":
        found.add((BIRTH, vault.fingerprint(born, birth_purpose(number))))
    return found


class Requests:
    """Everything about requests and feedback that needs no proof.

    Args:
        transactions: The database.
        similar: How far back another request for the same receipt number is told of.
    """

    def __init__(self, transactions: Transactions, similar: timedelta) -> None:
        self._transactions = transactions
        self._vault = transactions.vault
        self._similar_window = similar

    def add(self, key: str, request: CaseRequestIn, body: Mapping[str, Any]) -> Stored:
        """Store a request with its history and outbox, once for each key.

        Args:
            key: Idempotency key.
            request: The checked body.
            body: The same as it came; this is what is kept.

        Raises:
            KeyReused: Another body came under this key.
            Erased: The request of this key has been erased, or the key revoked.
        """
        text_of_body = canonical(body)
        body_hash = self._vault.fingerprint(text_of_body, BODY_PURPOSE)
        receipts = self._receipts(plain_receipt_numbers(body))
        status = FIRST_STATUS[request.outcome]
        # Sealed before the transaction, as others wait for that; anew, under another number, only after a clash.
        ready = [self._sealed(body)]

        def work(connection: Connection) -> Stored:
            known = adding.known_key(connection, key, receipts)
            if known is not None:
                return self._earlier(connection, known, text_of_body, receipts)
            now = self._transactions.clock()
            number, sealed, prints = ready.pop() if ready else self._sealed(body)
            new = NewRequest(number, request.outcome, status, sealed, key, body_hash, prints)
            before = adding.add(connection, new, now, list(receipts), now - self._similar_window)
            return Stored(number, status, now, new=True, similar=_named(before, receipts))

        return self._transactions.write(work)

    def _sealed(self, body: Mapping[str, Any]) -> tuple[str, bytes, list[tuple[str, str]]]:
        """A new tracking number, and what is kept of a body under it: sealed, and as fingerprints."""
        number = _new_tracking_number()
        sealed = self._vault.seal(pack(body), payload_context(number))
        return number, sealed, sorted(facts(self._vault, number, body))

    def _earlier(
        self, connection: Connection, known: Row[*tuple[Any, ...]], text_of_body: str, receipts: Mapping[str, str]
    ) -> Stored:
        if known.state != USED:
            raise Erased
        if known.request_id is None or not self._same_body(known.body_hash, text_of_body):
            raise KeyReused
        row = connection.execute(
            select(CaseRequest.tracking_number, CaseRequest.outcome, CaseRequest.received_at).where(
                CaseRequest.id == known.request_id
            )
        ).one()
        return Stored(
            row.tracking_number,
            FIRST_STATUS[row.outcome],
            row.received_at,
            new=False,
            similar=self._similar(connection, receipts, row.received_at, known.request_id),
        )

    def _same_body(self, stored: str, text_of_body: str) -> bool:
        return any(hmac.compare_digest(stored, one) for one in self._vault.fingerprints(text_of_body, BODY_PURPOSE))

    def add_feedback(self, key: str | None, feedback: FeedbackIn) -> Stored:
        """Store an experience or suggestion; once for each key when there is one.

        Raises:
            KeyReused: Another body came under this key.
            Erased: The feedback of this key is gone, or the key revoked.
        """
        body = feedback.model_dump()
        text_of_body = canonical(body)
        identifier = str(uuid.uuid4())
        sealed = self._vault.seal(pack(body), feedback_context(identifier))
        body_hash = self._vault.fingerprint(text_of_body, BODY_PURPOSE)

        def work(connection: Connection) -> Stored:
            known = connection.execute(KEY, {"key": key}).one_or_none() if key else None
            if known is not None:
                if known.state != USED:
                    raise Erased
                if known.feedback_id is None or not self._same_body(known.body_hash, text_of_body):
                    raise KeyReused
                at = connection.execute(
                    select(Feedback.received_at).where(Feedback.id == known.feedback_id)
                ).scalar_one()
                return Stored(known.feedback_id, RECEIVED, at, new=False)
            now = self._transactions.clock()
            connection.execute(insert(Feedback), {"id": identifier, "received_at": now, "sealed": sealed})
            if key:
                connection.execute(
                    ADD_KEY,
                    {"key": key, "body_hash": body_hash, "feedback_id": identifier, "created_at": now, "state": USED},
                )
            return Stored(identifier, RECEIVED, now, new=True)

        return self._transactions.write(work)

    def revoke(self, key: str) -> bool:
        """Make sure that nothing counts under a key, whether it came already, comes later or is under way now.

        Returns:
            Whether something had been stored: a request is withdrawn then, a feedback deleted.
        """

        def work(connection: Connection) -> bool:
            now = self._transactions.clock()
            known = connection.execute(KEY.with_for_update(), {"key": key}).one_or_none()
            if known is None:
                connection.execute(ADD_KEY, {"key": key, "body_hash": "", "created_at": now, "state": REVOKED})
                return False
            had_something = known.request_id is not None or known.feedback_id is not None or known.state == ERASED
            if known.state == USED:
                connection.execute(
                    update(IdempotencyKey)
                    .where(IdempotencyKey.key == key)
                    .values(state=REVOKED, body_hash="", created_at=now)
                )
                # The key keeps pointing at the withdrawn request, so that asking again gives the same answer.
                if known.request_id is not None:
                    withdraw(connection, found_by_id(connection, known.request_id), now)
                if known.feedback_id is not None:
                    connection.execute(delete(Feedback).where(Feedback.id == known.feedback_id))
                    connection.execute(update(IdempotencyKey).where(IdempotencyKey.key == key).values(state=ERASED))
            return had_something

        return self._transactions.write(work)

    def status(self, number: str) -> Status | None:
        """Where a request stands, or None when there is none of this number."""

        def work(connection: Connection) -> Status | None:
            row = find(connection, number)
            return None if row is None else status_of(connection, row)

        return self._transactions.read(work)

    def payload(self, number: str) -> tuple[Status, dict[str, Any]] | None:
        """A request's status and answers, or None when there is none of this number."""

        def work(connection: Connection) -> tuple[Status, dict[str, Any]] | None:
            row = find(connection, number)
            if row is None:
                return None
            return status_of(connection, row), open_payload(connection, self._vault, row)

        return self._transactions.read(work)

    def similar(self, receipt_numbers: Sequence[str]) -> tuple[Similar, ...]:
        """Live requests for some receipt numbers that came not long ago."""
        receipts = self._receipts(receipt_numbers)
        now = self._transactions.clock()
        return self._transactions.read(lambda connection: self._similar(connection, receipts, now, None))

    def _receipts(self, numbers: Iterable[str]) -> dict[str, str]:
        """Fingerprint under any of the keys → receipt number."""
        return {one: number for number in numbers for one in self._vault.fingerprints(number, RECEIPT_PURPOSE)}

    def _similar(
        self, connection: Connection, receipts: Mapping[str, str], at: datetime, own: int | None
    ) -> tuple[Similar, ...]:
        """As it was at a moment, so that a repeated request hears the same again."""
        since = at - self._similar_window
        return _named(adding.similar(connection, list(receipts), since, at, own), receipts)


def _named(found: Iterable[tuple[str, datetime]], receipts: Mapping[str, str]) -> tuple[Similar, ...]:
    """Fingerprints as the receipt numbers they stand for, the oldest first."""
    once = {(receipts[one], when) for one, when in found}
    return tuple(Similar(number, when) for number, when in sorted(once, key=lambda pair: (pair[1], pair[0])))


def open_payload(connection: Connection, vault: Vault, row: Found) -> dict[str, Any]:
    """The answers of a request."""
    sealed = connection.execute(select(CaseRequest.sealed).where(CaseRequest.id == row.id)).scalar_one()
    return unpack(vault.open(sealed, payload_context(row.tracking_number)))


def found_by_id(connection: Connection, request_id: int) -> Found:
    """The row of a request that is known to be there, locked until the transaction ends."""
    number = connection.execute(select(CaseRequest.tracking_number).where(CaseRequest.id == request_id)).scalar_one()
    row = find(connection, number, lock=True)
    if row is None:
        raise LookupError("the request is gone")
    return row


def withdraw(connection: Connection, row: Found, now: datetime) -> bool:
    """Withdraw a request, and stop its delivery or tell of it, whichever is still possible.

    Returns:
        Whether it is withdrawn now; a closed one can't be.
    """
    if row.status == WITHDRAWN:
        return True
    if row.status == CLOSED:
        return False
    set_status(connection, row, WITHDRAWN, now)
    outbox.take_back(connection, row.id, now)
    return True


def _new_tracking_number() -> str:
    # One draw for all characters: asking the system for each of them alone costs more than all the sealing.
    base = len(tracking.ALPHABET)
    drawn = secrets.randbelow(base**tracking.RANDOM_LENGTH)
    chars = []
    for _ in range(tracking.RANDOM_LENGTH):
        drawn, position = divmod(drawn, base)
        chars.append(tracking.ALPHABET[position])
    return tracking.make("".join(chars))
