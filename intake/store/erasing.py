"""Erasing a request with everything that belongs to it, leaving a receipt."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import Connection, Row, delete, insert, select, update

from intake.store.base import Found, LegalHold, Transactions, find, tracking_hash
from intake.store.requests import ERASED
from intake.tables import CaseRequest, ErasureReceipt, IdempotencyKey
from triage import tracking

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

    Attributes:
        erasers: Erase what belongs to a request beyond the rows that go with it by themselves.
    """

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions
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
        for eraser in self.erasers:
            left = eraser(connection, row.id)
            if left is not None:
                after.append(left)
        connection.execute(
            update(IdempotencyKey)
            .where(IdempotencyKey.request_id == row.id)
            .values(request_id=None, body_hash="", state=ERASED, created_at=self._transactions.clock())
        )
        receipt = Receipt(str(uuid.uuid4()), self._transactions.clock(), reason)
        connection.execute(
            insert(ErasureReceipt),
            {
                "receipt": receipt.receipt,
                "tracking_hash": tracking_hash(row.tracking_number),
                "erased_at": receipt.erased_at,
                "reason": reason,
            },
        )
        connection.execute(delete(CaseRequest).where(CaseRequest.id == row.id))
        return receipt

    def finish(self, after: list[Callable[[], None]]) -> None:
        """Do what had to wait for the commit."""
        for step in after:
            step()
        self._transactions.forget_traces()

    def receipt(self, receipt: str) -> Receipt | None:
        """The receipt of an erasure, or None when there is none of this name."""
        query = _RECEIPT.where(ErasureReceipt.receipt == receipt)
        row = self._transactions.read(lambda connection: connection.execute(query).one_or_none())
        return None if row is None else _receipt(row)


def _receipt(row: Row[str, datetime, str]) -> Receipt:
    return Receipt(row.receipt, row.erased_at, row.reason)


_RECEIPT = select(ErasureReceipt.receipt, ErasureReceipt.erased_at, ErasureReceipt.reason)
