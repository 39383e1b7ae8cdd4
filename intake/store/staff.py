"""What the staff does with requests. Every access leaves an entry in the audit trail, in the same transaction."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, Final

from sqlalchemy import Connection, func, insert, select, update

from intake.roles import Permission, may
from intake.store import audit
from intake.store import outbox as outbox_of
from intake.store.adding import RECEIPT
from intake.store.audit import Actor, Line
from intake.store.base import (
    CLOSED,
    PREPARED,
    RECEIPT_PURPOSE,
    RECEIVED,
    WITHDRAWN,
    Found,
    Status,
    Transactions,
    find,
    note_context,
    set_status,
    status_of,
    tracking_hash,
)
from intake.store.members import Member, Members
from intake.store.outbox import BOUNCED, DELIVERED, Entry, Outbox
from intake.store.requests import open_payload
from intake.tables import CaseRequest, Fingerprint, OutboxEntry, StaffNote
from triage import tracking

IN_REVIEW = "in_review"
CONTACTED_USCIS = "contacted_uscis"

# Status → what the staff may make of it. `received` and `delivered` are set by the delivery, `withdrawn` by the person,
# `bounced` by the delivery, or by the staff when the office's side sent it back later.
TRANSITIONS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        PREPARED: (RECEIVED, IN_REVIEW, CLOSED),
        RECEIVED: (IN_REVIEW, CONTACTED_USCIS, CLOSED),
        DELIVERED: (BOUNCED, IN_REVIEW, CONTACTED_USCIS, CLOSED),
        BOUNCED: (IN_REVIEW, CONTACTED_USCIS, CLOSED),
        IN_REVIEW: (CONTACTED_USCIS, CLOSED),
        CONTACTED_USCIS: (IN_REVIEW, CLOSED),
        CLOSED: (IN_REVIEW,),
        WITHDRAWN: (),
    }
)
STATUSES: Final = tuple(TRANSITIONS)

_FIGURE_DAYS = 30


class NotAllowed(Exception):
    """A status that can't follow on the present one.

    Attributes:
        allowed: Those that can, for this role.
    """

    def __init__(self, allowed: Sequence[str]) -> None:
        super().__init__("not allowed")
        self.allowed = tuple(allowed)


class Stale(Exception):
    """The request has another status by now than the one that was looked at.

    Attributes:
        status: The present one.
    """

    def __init__(self, status: str) -> None:
        super().__init__("stale")
        self.status = status


@dataclass(frozen=True)
class Note:
    """What somebody of the staff wrote about a request."""

    author: str
    at: datetime
    text: str


@dataclass(frozen=True)
class Case:
    """A request as the staff sees it."""

    status: Status
    legal_hold: bool
    payload: Mapping[str, Any]
    notes: tuple[Note, ...]
    deliveries: tuple[tuple[str, str, int], ...]


@dataclass(frozen=True)
class Summary:
    """A request in a list."""

    id: int
    tracking_number: str
    status: str
    outcome: str
    received_at: datetime
    status_since: datetime
    legal_hold: bool


class Staff(Members):
    """Requests, notes, holds, outbox and audit trail, for the staff.

    Args:
        transactions: The database.
        outbox: The outbox.
    """

    def __init__(self, transactions: Transactions, outbox: Outbox) -> None:
        super().__init__(transactions)
        self._vault = transactions.vault
        self._outbox = outbox

    # --- Requests -----------------------------------------------------------------------------------------------------

    def search(
        self,
        member: Member,
        *,
        number: str | None = None,
        receipt_number: str | None = None,
        status: str | None = None,
        before_id: int | None = None,
        limit: int,
    ) -> list[Summary]:
        """Requests, the latest first.

        Args:
            member: Who asks.
            number: Only the one with this tracking number.
            receipt_number: Only those that name this receipt number, as it is stored.
            status: Only those with this status.
            before_id: Only those stored before this one, for the next page.
            limit: At most so many.
        """
        query = select(
            CaseRequest.id,
            CaseRequest.tracking_number,
            CaseRequest.status,
            CaseRequest.outcome,
            CaseRequest.received_at,
            CaseRequest.status_since,
            CaseRequest.legal_hold,
        ).order_by(CaseRequest.id.desc())
        if number is not None:
            query = query.where(CaseRequest.tracking_number == (tracking.normalise(number) or ""))
        if receipt_number is not None:
            prints = self._vault.fingerprints(receipt_number, RECEIPT_PURPOSE)
            query = query.where(
                CaseRequest.id.in_(
                    select(Fingerprint.request_id).where(
                        Fingerprint.kind == RECEIPT, Fingerprint.fingerprint.in_(prints)
                    )
                )
            )
        if status is not None:
            query = query.where(CaseRequest.status == status)
        if before_id is not None:
            query = query.where(CaseRequest.id < before_id)

        def work(connection: Connection) -> list[Summary]:
            found = [Summary(*row) for row in connection.execute(query.limit(limit))]
            by = [
                name
                for name, given in (("tracking_number", number), ("receipt_number", receipt_number), ("status", status))
                if given is not None
            ]
            self._note(connection, member, "searched", after={"by": by, "found": len(found)})
            return found

        return self._transactions.write(work)

    def read(self, member: Member, number: str) -> Case | None:
        """A request with everything about it; None when there is none of this number."""

        def work(connection: Connection) -> Case | None:
            row = find(connection, number)
            if row is None:
                self._note_unknown(connection, member, "read", number)
                return None
            self._note(connection, member, "read", row)
            return self._case(connection, row)

        return self._transactions.write(work)

    def set_status(
        self, member: Member, number: str, status: str, note: str | None, expected: str | None
    ) -> Case | None:
        """Give a request another status.

        Args:
            member: Who does it.
            number: Tracking number.
            status: The new one.
            note: Goes with it, for the staff only.
            expected: The status that was looked at, if the change is to fail when it is another one by now.

        Raises:
            NotAllowed: It can't follow on the present one.
            Stale: The present one is not the expected one.
        """

        def work(connection: Connection) -> Case | NotAllowed | Stale | None:
            row = find(connection, number, lock=True)
            if row is None:
                self._note_unknown(connection, member, "status_set", number)
                return None
            refused = self._refusal(member, row, status, expected)
            if refused is not None:
                # Not raised here, which would take the line back, too.
                self._note(connection, member, "status_refused", row, {"status": row.status}, {"status": status})
                return refused
            now = self._transactions.clock()
            set_status(connection, row, status, now)
            if status == BOUNCED:
                outbox_of.report_bounce(connection, row.id)
            if note:
                self._add_note(connection, row, member, note, now)
            self._note(connection, member, "status_set", row, {"status": row.status}, {"status": status})
            return self._case(connection, find(connection, number) or row)

        done = self._transactions.write(work)
        if isinstance(done, NotAllowed | Stale):
            raise done
        return done

    def add_note(self, member: Member, number: str, note: str) -> Case | None:
        """Write something about a request, for the staff only."""

        def work(connection: Connection) -> Case | None:
            row = find(connection, number, lock=True)
            if row is None:
                self._note_unknown(connection, member, "note_added", number)
                return None
            self._add_note(connection, row, member, note, self._transactions.clock())
            self._note(connection, member, "note_added", row)
            return self._case(connection, row)

        return self._transactions.write(work)

    def set_hold(self, member: Member, number: str, hold: bool, note: str | None) -> Case | None:
        """Put a legal hold on a request, or take it off: while it is on, nothing erases the request.

        The retention clock stands still meanwhile and then goes on where it stood.
        """

        def work(connection: Connection) -> Case | None:
            row = find(connection, number, lock=True)
            if row is None:
                self._note_unknown(connection, member, "hold_set", number)
                return None
            now = self._transactions.clock()
            connection.execute(
                update(CaseRequest).where(CaseRequest.id == row.id).values(legal_hold=hold, **_clock(row, hold, now))
            )
            if note:
                self._add_note(connection, row, member, note, now)
            self._note(connection, member, "hold_set", row, {"hold": row.legal_hold}, {"hold": hold})
            return self._case(connection, find(connection, number) or row)

        return self._transactions.write(work)

    def _refusal(self, member: Member, row: Found, status: str, expected: str | None) -> NotAllowed | Stale | None:
        if expected is not None and expected != row.status:
            return Stale(row.status)
        may_go_on = row.status != CLOSED or may(member.role, Permission.REOPEN_REQUESTS)
        allowed = TRANSITIONS[row.status] if may_go_on else ()
        return None if status in allowed else NotAllowed(allowed)

    def _add_note(self, connection: Connection, row: Found, member: Member, note: str, now: datetime) -> None:
        identifier = str(uuid.uuid4())
        sealed = self._vault.seal(note.encode("utf-8", "surrogatepass"), note_context(identifier))
        connection.execute(
            insert(StaffNote),
            {"id": identifier, "request_id": row.id, "author": member.name, "at": now, "sealed": sealed},
        )

    def _case(self, connection: Connection, row: Found) -> Case:
        notes = connection.execute(
            select(StaffNote.id, StaffNote.author, StaffNote.at, StaffNote.sealed)
            .where(StaffNote.request_id == row.id)
            .order_by(StaffNote.at, StaffNote.id)
        )
        deliveries = connection.execute(
            select(OutboxEntry.event, OutboxEntry.state, OutboxEntry.tries)
            .where(OutboxEntry.request_id == row.id)
            .order_by(OutboxEntry.id)
        )
        return Case(
            status=status_of(connection, row),
            legal_hold=row.legal_hold,
            payload=open_payload(connection, self._vault, row),
            notes=tuple(
                Note(
                    note.author,
                    note.at,
                    self._vault.open(note.sealed, note_context(note.id)).decode("utf-8", "surrogatepass"),
                )
                for note in notes
            ),
            deliveries=tuple((one.event, one.state, one.tries) for one in deliveries),
        )

    # --- Outbox, audit trail, figures ---------------------------------------------------------------------------------

    def stuck(self, member: Member, limit: int) -> list[Entry]:
        """Outbox entries that were given up or refused."""

        def work(connection: Connection) -> list[Entry]:
            entries = outbox_of.stuck(connection, limit)
            self._note(connection, member, "outbox_listed", after={"found": len(entries)})
            return entries

        return self._transactions.write(work)

    def requeue(self, member: Member, entry_id: int) -> bool:
        """Let a stuck outbox entry be tried again; returns whether there was one of this id."""
        return self.requeue_as(member.actor, entry_id)

    def requeue_as(self, by: Actor, entry_id: int) -> bool:
        """As `requeue`, for whoever may use the commands."""

        def work(connection: Connection) -> bool:
            now = self._transactions.clock()
            entry = self._outbox.requeue(connection, entry_id, now)
            if entry is None:
                audit.write(connection, now, by, "outbox_requeued", after={"entry": entry_id, "found": 0})
                return False
            audit.write(
                connection,
                now,
                by,
                "outbox_requeued",
                tracking_hash(entry.tracking_number),
                {"state": entry.state, "tries": entry.tries},
                {"entry": entry.id},
            )
            return True

        return self._transactions.write(work)

    def trail(self, member: Member, number: str | None, before_id: int | None, limit: int) -> list[Line]:
        """The audit trail, the latest first; also of a request that has been erased."""
        subject = None if number is None else audit.subject_of(number)

        def work(connection: Connection) -> list[Line]:
            found = [] if number and subject is None else audit.lines(connection, subject, before_id, limit)
            audit.write(
                connection, self._transactions.clock(), member.actor, "audit_read", subject, after={"found": len(found)}
            )
            return found

        return self._transactions.write(work)

    def figures(self, member: Member) -> dict[str, Any]:
        """How many requests there are, by status and outcome, and how many came lately; nobody's in particular."""

        def work(connection: Connection) -> dict[str, Any]:
            now = self._transactions.clock()

            def counted(column: Any) -> dict[str, int]:
                rows = connection.execute(select(column, func.count()).group_by(column))
                return {str(name): number for name, number in rows}

            lately = CaseRequest.received_at > now - timedelta(days=_FIGURE_DAYS)
            self._note(connection, member, "figures_read")
            return {
                "by_status": counted(CaseRequest.status),
                "by_outcome": counted(CaseRequest.outcome),
                "last_30_days": connection.scalar(select(func.count()).select_from(CaseRequest).where(lately)) or 0,
                "on_hold": connection.scalar(
                    select(func.count()).select_from(CaseRequest).where(CaseRequest.legal_hold.is_(True))
                )
                or 0,
                "outbox": self._outbox.counts(connection),
            }

        return self._transactions.write(work)

    def _note_unknown(self, connection: Connection, member: Member, action: str, number: str) -> None:
        """An access to a request that is not there."""
        now, subject = self._transactions.clock(), audit.subject_of(number)
        audit.write(connection, now, member.actor, action, subject, after=audit.NOT_FOUND)

    def _note(
        self,
        connection: Connection,
        member: Member,
        action: str,
        row: Found | None = None,
        before: Mapping[str, Any] | None = None,
        after: Mapping[str, Any] | None = None,
    ) -> None:
        subject = None if row is None else tracking_hash(row.tracking_number)
        audit.write(connection, self._transactions.clock(), member.actor, action, subject, before, after)


def _clock(row: Found, hold: bool, now: datetime) -> dict[str, datetime | None]:
    """The columns of the retention clock when a hold is put on, kept on, or lifted."""
    if hold:
        return {"held_since": row.held_since or now}
    if row.held_since is None:
        return {}
    begun = row.clock_since or row.status_since
    # A status set during the hold has started the clock anew, and it has not moved since.
    ran = max(row.held_since - begun, timedelta(0))
    return {"held_since": None, "clock_since": now - ran}
