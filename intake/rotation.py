"""Change of keys: everything that is sealed with another key than the current one is sealed anew.

Each row is done for itself, so that the backend goes on working meanwhile and a broken-off run is simply run again.
"""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import ColumnElement, Connection, LargeBinary, delete, func, insert, literal, select, update
from sqlalchemy.orm import InstrumentedAttribute

from intake.database import reseal_check
from intake.store.adding import USED
from intake.store.base import (
    BODY_PURPOSE,
    Transactions,
    canonical,
    feedback_context,
    note_context,
    payload_context,
    unpack,
)
from intake.store.requests import facts
from intake.tables import CaseRequest, Feedback, Fingerprint, IdempotencyKey, StaffNote, VaultCheck

_BATCH = 100

# Seals anew what is left and says how much that was; 0 when nothing is left. Further ones can be added.
Step = Callable[[Transactions], int]


def pending(transactions: Transactions) -> int:
    """How many rows are sealed with another key than the current one."""

    def work(connection: Connection) -> int:
        columns = (CaseRequest.sealed, Feedback.sealed, StaffNote.sealed, VaultCheck.sealed)
        return sum(connection.scalar(select(func.count()).where(_old(transactions, column))) or 0 for column in columns)

    return transactions.read(work)


def reseal(transactions: Transactions) -> int:
    """Seal everything with the current key; returns how many rows were changed.

    Raises:
        VaultError: Something can't be opened with any of the keys. What was done before stays done.
    """
    done = 0
    for step in STEPS:
        while changed := step(transactions):
            done += changed
    transactions.write(lambda connection: reseal_check(connection, transactions.vault))
    transactions.forget_traces()
    return done


def _old(transactions: Transactions, column: InstrumentedAttribute[bytes]) -> ColumnElement[bool]:
    prefix = transactions.vault.current_prefix
    return func.substr(column, 1, len(prefix), type_=LargeBinary) != literal(prefix, LargeBinary)


def _requests(transactions: Transactions) -> int:
    vault = transactions.vault

    def work(connection: Connection) -> int:
        rows = connection.execute(
            select(CaseRequest.id, CaseRequest.tracking_number, CaseRequest.sealed)
            .where(_old(transactions, CaseRequest.sealed))
            .order_by(CaseRequest.id)
            .limit(_BATCH)
            .with_for_update()
        ).all()
        for row in rows:
            place = payload_context(row.tracking_number)
            data = vault.open(row.sealed, place)
            payload = unpack(data)
            connection.execute(
                update(CaseRequest).where(CaseRequest.id == row.id).values(sealed=vault.seal(data, place))
            )
            connection.execute(delete(Fingerprint).where(Fingerprint.request_id == row.id))
            prints = facts(vault, row.tracking_number, payload)
            if prints:
                connection.execute(
                    insert(Fingerprint),
                    [{"request_id": row.id, "kind": kind, "fingerprint": one} for kind, one in sorted(prints)],
                )
            body_hash = vault.fingerprint(canonical(payload), BODY_PURPOSE)
            _set_hash(connection, IdempotencyKey.request_id == row.id, body_hash)
        return len(rows)

    return transactions.write(work)


def _feedback(transactions: Transactions) -> int:
    vault = transactions.vault

    def work(connection: Connection) -> int:
        rows = connection.execute(
            select(Feedback.id, Feedback.sealed)
            .where(_old(transactions, Feedback.sealed))
            .order_by(Feedback.id)
            .limit(_BATCH)
            .with_for_update()
        ).all()
        for row in rows:
            place = feedback_context(row.id)
            data = vault.open(row.sealed, place)
            connection.execute(update(Feedback).where(Feedback.id == row.id).values(sealed=vault.seal(data, place)))
            body_hash = vault.fingerprint(canonical(unpack(data)), BODY_PURPOSE)
            _set_hash(connection, IdempotencyKey.feedback_id == row.id, body_hash)
        return len(rows)

    return transactions.write(work)


def _notes(transactions: Transactions) -> int:
    vault = transactions.vault

    def work(connection: Connection) -> int:
        rows = connection.execute(
            select(StaffNote.id, StaffNote.sealed)
            .where(_old(transactions, StaffNote.sealed))
            .order_by(StaffNote.id)
            .limit(_BATCH)
            .with_for_update()
        ).all()
        for row in rows:
            place = note_context(row.id)
            sealed = vault.seal(vault.open(row.sealed, place), place)
            connection.execute(update(StaffNote).where(StaffNote.id == row.id).values(sealed=sealed))
        return len(rows)

    return transactions.write(work)


def _set_hash(connection: Connection, which: ColumnElement[bool], body_hash: str) -> None:
    connection.execute(update(IdempotencyKey).where(which, IdempotencyKey.state == USED).values(body_hash=body_hash))


STEPS: list[Step] = [_requests, _feedback, _notes]
