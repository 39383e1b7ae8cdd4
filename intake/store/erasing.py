"""Erasing a request with everything that belongs to it, leaving a receipt."""

from __future__ import annotations

import hmac
import re
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import Connection, Row, delete, insert, select, update

from intake.store import outbox
from intake.store.base import SUBMITTED, Found, LegalHold, Transactions, find, tracking_hash
from intake.store.requests import ERASED
from intake.tables import CaseRequest, ErasureProof, ErasureReceipt, Fingerprint, IdempotencyKey
from triage import tracking

_NAME = re.compile(r"[0-9a-z-]{1,36}")

Reason = Literal["person", "service", "retention"]

# Called in the erasing transaction with the request's id. What it returns is called after the commit: the place for
# removing files, which no transaction can bring back.
Eraser = Callable[[Connection, int], Callable[[], None] | None]


@dataclass(frozen=True)
class Receipt:
    """Proof of an erasure; tells nothing of what was erased."""

    receipt: str
    erased_at: datetime
    reason: str


class Erasing:
    """Erases requests.

    Args:
        transactions: The database.
        provable: How long a proof of an erased request still leads to the receipt.

    Attributes:
        erasers: Erase what belongs to a request beyond the rows that go with it by themselves.
    """

    def __init__(self, transactions: Transactions, provable: timedelta) -> None:
        self._transactions = transactions
        self._provable = provable
        self.erasers: list[Eraser] = []

    def by_number(self, number: str, reason: Reason) -> Receipt | None:
        """Erase a request.

        Returns:
            The receipt; the same one when it was erased before. None when there never was such a request.

        Raises:
            LegalHold: It must be kept.
        """
        known = tracking.normalise(number)
        if known is None:
            return None
        after: list[Callable[[], None]] = []

        def work(connection: Connection) -> Receipt | None:
            after.clear()
            row = find(connection, known, lock=True)
            if row is None:
                before = connection.execute(
                    _RECEIPT.where(ErasureReceipt.tracking_hash == tracking_hash(known))
                ).one_or_none()
                return None if before is None else _receipt(before)
            return self.erase(connection, row, reason, after)

        receipt = self._transactions.write(work)
        self.finish(after)
        return receipt

    def erase(self, connection: Connection, row: Found, reason: Reason, after: list[Callable[[], None]]) -> Receipt:
        """Erase a request within a transaction; call `finish` with `after` when it is committed.

        Raises:
            LegalHold: It must be kept.
        """
        if row.legal_hold:
            raise LegalHold
        now = self._transactions.clock()
        if reason != "retention" and row.outcome == SUBMITTED:
            outbox.tell_of_erasure(connection, row.id, row.tracking_number, now)
        for eraser in self.erasers:
            left = eraser(connection, row.id)
            if left is not None:
                after.append(left)
        connection.execute(
            update(IdempotencyKey)
            .where(IdempotencyKey.request_id == row.id)
            .values(request_id=None, body_hash="", state=ERASED, created_at=now)
        )
        receipt = Receipt(str(uuid.uuid4()), now, reason)
        connection.execute(
            insert(ErasureReceipt),
            {
                "receipt": receipt.receipt,
                "tracking_hash": tracking_hash(row.tracking_number),
                "erased_at": receipt.erased_at,
                "reason": reason,
            },
        )
        if reason == "person":
            self._keep_proofs(connection, row, receipt)
        connection.execute(delete(CaseRequest).where(CaseRequest.id == row.id))
        return receipt

    def _keep_proofs(self, connection: Connection, row: Found, receipt: Receipt) -> None:
        """Whoever erases may not hear that it was done: the same proof gives the same receipt for a while."""
        facts = connection.execute(
            select(Fingerprint.kind, Fingerprint.fingerprint).where(Fingerprint.request_id == row.id)
        ).all()
        vault, purpose = self._transactions.vault, _purpose(row.tracking_number)
        # Hashed once more for this number: as they are they would show that other requests name the same fact.
        proofs = {vault.fingerprint(_fact(fact.kind, fact.fingerprint), purpose) for fact in facts}
        if proofs:
            rows = [{"receipt": receipt.receipt, "fingerprint": one, "at": receipt.erased_at} for one in sorted(proofs)]
            connection.execute(insert(ErasureProof), rows)

    def proven(self, connection: Connection, number: str, facts: Iterable[tuple[str, str]]) -> Receipt | None:
        """The receipt of a request that its person erased not long ago, for one of its facts.

        Args:
            connection: In a transaction.
            number: Tracking number, as it was stored.
            facts: What may be one of its fingerprints, as pairs of kind and fingerprint.
        """
        kept = connection.execute(
            select(ErasureProof.fingerprint, ErasureReceipt.receipt, ErasureReceipt.erased_at, ErasureReceipt.reason)
            .join(ErasureReceipt, ErasureReceipt.receipt == ErasureProof.receipt)
            .where(
                ErasureReceipt.tracking_hash == tracking_hash(number),
                ErasureProof.at > self._transactions.clock() - self._provable,
            )
        ).all()
        vault, right = self._transactions.vault, False
        for kind, fingerprint in facts:
            for one in vault.fingerprints(_fact(kind, fingerprint), _purpose(number)):
                for row in kept:
                    right |= hmac.compare_digest(row.fingerprint, one)
        return Receipt(kept[0].receipt, kept[0].erased_at, kept[0].reason) if right else None

    def forget_proofs(self) -> None:
        """Drop proofs that lead nowhere any more."""
        old = ErasureProof.at <= self._transactions.clock() - self._provable
        self._transactions.write(lambda connection: connection.execute(delete(ErasureProof).where(old)))

    def finish(self, after: list[Callable[[], None]]) -> None:
        """Do what had to wait for the commit."""
        for step in after:
            step()
        self._transactions.forget_traces()

    def receipt(self, receipt: str) -> Receipt | None:
        """The receipt of an erasure, or None when there is none of this name."""
        # Everything else, such as a NUL, is no name that the database has to be asked for.
        if not _NAME.fullmatch(receipt):
            return None
        query = _RECEIPT.where(ErasureReceipt.receipt == receipt)
        row = self._transactions.read(lambda connection: connection.execute(query).one_or_none())
        return None if row is None else _receipt(row)


def _fact(kind: str, fingerprint: str) -> str:
    return f"{kind}/{fingerprint}"


def _purpose(number: str) -> str:
    return f"erased:{number}"


def _receipt(row: Row[str, datetime, str]) -> Receipt:
    return Receipt(row.receipt, row.erased_at, row.reason)


_RECEIPT = select(ErasureReceipt.receipt, ErasureReceipt.erased_at, ErasureReceipt.reason)
