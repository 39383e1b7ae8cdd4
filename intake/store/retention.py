"""How long things are kept, and removing what is due."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import yaml
from sqlalchemy import ColumnElement, Connection, and_, delete, func, or_, select

from intake.store.base import Found, Transactions, find
from intake.store.erasing import Erasing
from intake.tables import CaseRequest, Feedback, IdempotencyKey
from triage.content import ContentError

FILE = "retention.yml"
_BATCH = 200


@dataclass(frozen=True)
class Periods:
    """Days from the last change of the status, and of other things from their making.

    Attributes:
        requests: Outcome → status → days; the status ``other`` stands for every one that is not named.
        feedback: Days a feedback is kept.
        spent_keys: Days a key is remembered that nothing belongs to any more.
        erasure_proofs: Days for which a person who has erased a request gets the same receipt again.
        every_hours: Hours between two removals.
    """

    requests: Mapping[str, Mapping[str, int]]
    feedback: int
    spent_keys: int
    erasure_proofs: int
    every_hours: int

    @classmethod
    def load(cls, folder: Path) -> Periods:
        """Read ``retention.yml``.

        Raises:
            ContentError: It is missing, or a period is no positive number of days.
        """
        try:
            content = yaml.safe_load((folder / FILE).read_text(encoding="utf-8"))
            requests = {
                outcome: {status: _days(entry) for status, entry in by_status.items()}
                for outcome, by_status in content["requests"].items()
            }
            others = content["others"]
            periods = cls(
                requests,
                _days(others["feedback"]),
                _days(others["spent_keys"]),
                _days(others["erasure_proofs"]),
                int(others["removal"]["hours"]),
            )
        except (OSError, yaml.YAMLError, KeyError, TypeError, ValueError, AttributeError) as error:
            raise ContentError(FILE, "", f"not readable: {type(error).__name__}: {error}") from None
        if missing := [name for name in ("submitted", "prepared") if "other" not in requests.get(name, {})]:
            raise ContentError(FILE, f"requests.{missing[0]}.other", "is missing")
        return periods


@dataclass(frozen=True)
class Removed:
    """How much was removed, or would be."""

    requests: int
    held: int
    feedback: int
    keys: int
    failed_lookups: int


class Retention:
    """Removes what is due.

    Args:
        transactions: The database.
        erasing: Erases requests with everything that belongs to them.
        periods: How long things are kept.
        forget_failures: Drops expired wrong proofs and says how many.
    """

    def __init__(
        self, transactions: Transactions, erasing: Erasing, periods: Periods, forget_failures: Callable[[], int]
    ) -> None:
        self._transactions = transactions
        self._erasing = erasing
        self._periods = periods
        self._forget_failures = forget_failures

    def purge(self, dry_run: bool = False) -> Removed:
        """Remove every request, feedback and key that is due. A legal hold keeps a request.

        Args:
            dry_run: Only count.
        """
        held = self._count(CaseRequest.id, and_(self._due(), CaseRequest.legal_hold.is_(True)))
        free = and_(self._due(), CaseRequest.legal_hold.is_(False))
        feedback, keys = self._old_feedback(), self._spent_keys()
        if dry_run:
            return Removed(
                self._count(CaseRequest.id, free),
                held,
                self._count(Feedback.id, feedback),
                self._count(IdempotencyKey.key, keys),
                0,
            )
        requests = 0
        while removed := self._remove_batch(free):
            requests += removed
        count = Removed(
            requests,
            held,
            self._transactions.write(lambda one: one.execute(delete(Feedback).where(feedback)).rowcount),
            self._transactions.write(lambda one: one.execute(delete(IdempotencyKey).where(keys)).rowcount),
            self._forget_failures(),
        )
        self._erasing.forget_proofs()
        self._transactions.forget_traces()
        return count

    def _remove_batch(self, due: ColumnElement[bool]) -> int:
        after: list[Callable[[], None]] = []

        def work(connection: Connection) -> int:
            after.clear()
            numbers = connection.scalars(
                select(CaseRequest.tracking_number).where(due).order_by(CaseRequest.id).limit(_BATCH)
            ).all()
            removed = 0
            for number in numbers:
                row: Found | None = find(connection, number, lock=True)
                # Somebody may have put a hold on it, or another worker have removed it, in between.
                if row is not None and not row.legal_hold:
                    self._erasing.erase(connection, row, "retention", after)
                    removed += 1
            return removed

        removed = self._transactions.write(work)
        self._erasing.finish(after)
        return removed

    def _due(self) -> ColumnElement[bool]:
        now = self._transactions.clock()
        conditions: list[ColumnElement[bool]] = []
        for outcome, by_status in self._periods.requests.items():
            named = [status for status in by_status if status != "other"]
            for status, days in by_status.items():
                is_status = CaseRequest.status.not_in(named) if status == "other" else CaseRequest.status == status
                conditions.append(
                    and_(
                        CaseRequest.outcome == outcome,
                        is_status,
                        CaseRequest.status_since <= now - timedelta(days=days),
                        # Never before `status_since`, which the index knows.
                        func.coalesce(CaseRequest.clock_since, CaseRequest.status_since) <= now - timedelta(days=days),
                    )
                )
        return or_(*conditions)

    def _old_feedback(self) -> ColumnElement[bool]:
        return Feedback.received_at <= self._transactions.clock() - timedelta(days=self._periods.feedback)

    def _spent_keys(self) -> ColumnElement[bool]:
        """Keys of nothing: of what was erased or revoked, and of feedback that is gone."""
        old = IdempotencyKey.created_at <= self._transactions.clock() - timedelta(days=self._periods.spent_keys)
        nothing = and_(IdempotencyKey.request_id.is_(None), IdempotencyKey.feedback_id.is_(None))
        return and_(old, nothing)

    def _count(self, column: Any, condition: ColumnElement[bool]) -> int:
        query = select(func.count(column)).where(condition)
        return self._transactions.read(lambda connection: connection.scalar(query)) or 0


def _days(entry: Mapping[str, Any]) -> int:
    days = entry["days"]
    if not isinstance(days, int) or isinstance(days, bool) or days < 1:
        raise ValueError("days must be a positive whole number")
    return days
