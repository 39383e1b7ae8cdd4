"""What somebody may do who knows a tracking number and a second fact: see the status, withdraw, erase.

An unknown number takes the same way and counts the same tries as a wrong fact.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import NoReturn

from sqlalchemy import Connection, delete, insert, select, update

from intake.store import requests
from intake.store.adding import RECEIPT
from intake.store.base import (
    RECEIPT_PURPOSE,
    Found,
    Status,
    Transactions,
    birth_purpose,
    find,
    status_of,
    tracking_hash,
)
from intake.store.erasing import Erasing, Receipt
from intake.tables import FailedLookups, Fingerprint
from triage import tracking


class TooManyTries(Exception):
    """Too many wrong proofs for a tracking number.

    Attributes:
        wait_seconds: Until the next try.
    """

    def __init__(self, wait_seconds: int) -> None:
        super().__init__(wait_seconds)
        self.wait_seconds = wait_seconds


class AlreadyErased(Exception):
    """The person erased the request not long ago, and may not have heard of it.

    Attributes:
        receipt: Of that erasure.
    """

    def __init__(self, receipt: Receipt) -> None:
        super().__init__("already erased")
        self.receipt = receipt


class NotPossible(Exception):
    """The request is closed; there is nothing left to withdraw."""


@dataclass(frozen=True)
class Proven:
    """A second fact; one right one is enough.

    Attributes:
        date_of_birth: ISO date.
        receipt_number: As it is stored.
    """

    date_of_birth: str | None = None
    receipt_number: str | None = None


class Proofs:
    """Access by tracking number and second fact.

    Args:
        transactions: The database.
        erasing: Erases requests.
        tries: Wrong proofs allowed for a tracking number within `window`.
        window: How long wrong proofs are remembered, from the first one on.
    """

    def __init__(self, transactions: Transactions, erasing: Erasing, tries: int, window: timedelta) -> None:
        self._transactions = transactions
        self._erasing = erasing
        self._tries = tries
        self._window = window

    def look_up(self, number: str, proof: Proven) -> Status | None:
        """A request's status; None for a wrong fact and for an unknown number.

        Raises:
            TooManyTries: Nothing was compared.
            AlreadyErased: The same person erased it.
        """
        return self._with(number, proof, status_of, _refused_as_erased)

    def withdraw(self, number: str, proof: Proven) -> Status | None:
        """Withdraw a request and give its status; the same again when it was withdrawn before.

        Raises:
            TooManyTries: Nothing was compared.
            NotPossible: It is closed.
            AlreadyErased: The same person erased it.
        """

        def work(connection: Connection, row: Found) -> Status:
            if not requests.withdraw(connection, row, self._transactions.clock()):
                raise NotPossible
            changed = find(connection, row.tracking_number)
            return status_of(connection, changed or row)

        return self._with(number, proof, work, _refused_as_erased)

    def erase(self, number: str, proof: Proven) -> Receipt | None:
        """Erase a request and give the receipt; for a while the same again, as its first sending may have been lost.

        Raises:
            TooManyTries: Nothing was compared.
            LegalHold: It must be kept.
        """
        after: list[Callable[[], None]] = []

        def work(connection: Connection, row: Found) -> Receipt:
            after.clear()
            return self._erasing.erase(connection, row, "person", after)

        receipt = self._with(number, proof, work, lambda earlier: earlier)
        if receipt is not None:
            self._erasing.finish(after)
        return receipt

    def forget_failures(self) -> int:
        """Drop wrong proofs that don't count any more; returns how many."""

        def work(connection: Connection) -> int:
            old = FailedLookups.since <= self._transactions.clock() - self._window
            return connection.execute(delete(FailedLookups).where(old)).rowcount

        return self._transactions.write(work)

    def _with[T](
        self,
        number: str,
        proof: Proven,
        then: Callable[[Connection, Found], T],
        erased: Callable[[Receipt], T],
    ) -> T | None:
        known = tracking.normalise(number) or number
        name = tracking_hash(known)

        def work(connection: Connection) -> T | None:
            now = self._transactions.clock()
            connection.execute(delete(FailedLookups).where(FailedLookups.since <= now - self._window))
            failed = connection.execute(
                select(FailedLookups.since, FailedLookups.failures)
                .where(FailedLookups.tracking_hash == name)
                .with_for_update()
            ).one_or_none()
            if failed is not None and failed.failures >= self._tries:
                wait = failed.since + self._window - now
                raise TooManyTries(max(1, int(wait.total_seconds())))
            row = find(connection, known, lock=True)
            facts = self._facts(known, proof)
            right = _is_right(connection, row, facts)
            if row is not None and right:
                return then(connection, row)
            receipt = self._erasing.proven(connection, known, facts) if row is None else None
            if receipt is not None:
                return erased(receipt)
            if failed is None:
                connection.execute(insert(FailedLookups), {"tracking_hash": name, "since": now, "failures": 1})
            else:
                connection.execute(
                    update(FailedLookups)
                    .where(FailedLookups.tracking_hash == name)
                    .values(failures=FailedLookups.failures + 1)
                )
            return None

        return self._transactions.write(work)

    def _facts(self, number: str, proof: Proven) -> list[tuple[str, str]]:
        """What the fingerprints of a proof's facts would be, under each of the keys: pairs of kind and fingerprint."""
        return [
            (kind, one)
            for kind, purpose, fact in (
                (requests.BIRTH, birth_purpose(number), proof.date_of_birth),
                (RECEIPT, RECEIPT_PURPOSE, proof.receipt_number),
            )
            if fact
            for one in self._transactions.vault.fingerprints(fact, purpose)
        ]


def _refused_as_erased(receipt: Receipt) -> NoReturn:
    raise AlreadyErased(receipt)


def _is_right(connection: Connection, row: Found | None, facts: Sequence[tuple[str, str]]) -> bool:
    """Whether a fact is among the stored ones; compared without stopping at the first difference."""
    stored = connection.execute(
        select(Fingerprint.kind, Fingerprint.fingerprint).where(Fingerprint.request_id == (row.id if row else 0))
    ).all()
    right = False
    for kind, one in facts:
        for entry in stored:
            right |= entry.kind == kind and hmac.compare_digest(entry.fingerprint, one)
    return right
