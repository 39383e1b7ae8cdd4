"""Deliveries that the office's side had taken over and that came back later, as a mail server reports."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum

from sqlalchemy import Connection, select, update

from intake.store import audit
from intake.store.audit import Actor
from intake.store.base import Transactions, find, set_status, tracking_hash
from intake.store.outbox import BOUNCED, DELIVERED, REQUEST_STORED, WAITING, Claimed
from intake.tables import CaseRequest, OutboxEntry


class Verdict(StrEnum):
    """What came of a report.

    Attributes:
        BOUNCED: The delivery is on the list for the staff; a request that waited at the office has the status
            `bounced`.
        UNKNOWN: There is no such delivery, or none under this name.
        UNCHANGED: It is known already, or somebody works on the request by now.
        EARLY: It is being delivered this moment; to be reported again later.
    """

    BOUNCED = "bounced"
    UNKNOWN = "unknown"
    UNCHANGED = "unchanged"
    EARLY = "early"


def report(
    transactions: Transactions, entry_id: int, is_it: Callable[[Claimed], bool], kind: str, by: Actor
) -> Verdict:
    """Take down that a delivery came back, with the same effect as when the staff reports it.

    Args:
        transactions: The database.
        entry_id: Of the outbox entry.
        is_it: Whether an entry has the name that the report gives; an id alone may belong to another by now.
        kind: What the mail server said, without anything personal.
        by: Who reports.
    """

    def work(connection: Connection) -> Verdict:
        row = connection.execute(_ENTRY.where(OutboxEntry.id == entry_id).with_for_update(of=OutboxEntry)).one_or_none()
        if row is None:
            return Verdict.UNKNOWN
        entry = Claimed(row.id, "", row.event, row.tracking_number, row.created_at, row.tries, row.resent)
        if not is_it(entry):
            return Verdict.UNKNOWN
        now = transactions.clock()
        if row.state == WAITING and row.claimed_until is not None and row.claimed_until > now:
            return Verdict.EARLY
        request = find(connection, entry.tracking_number, lock=True)
        is_request = entry.event == REQUEST_STORED
        if row.state != DELIVERED or request is None or (is_request and request.status != DELIVERED):
            return Verdict.UNCHANGED
        connection.execute(update(OutboxEntry).where(OutboxEntry.id == entry.id).values(state=BOUNCED, last_error=kind))
        subject = tracking_hash(request.tracking_number)
        if is_request:
            set_status(connection, request, BOUNCED, now)
            audit.write(connection, now, by, "status_set", subject, {"status": request.status}, {"status": BOUNCED})
        else:
            audit.write(
                connection,
                now,
                by,
                "delivery_bounced",
                subject,
                {"state": row.state},
                {"entry": entry.id, "state": BOUNCED},
            )
        return Verdict.BOUNCED

    return transactions.write(work)


_ENTRY = select(
    OutboxEntry.id,
    OutboxEntry.event,
    OutboxEntry.state,
    OutboxEntry.tries,
    OutboxEntry.resent,
    OutboxEntry.created_at,
    OutboxEntry.claimed_until,
    CaseRequest.tracking_number,
).join(CaseRequest, CaseRequest.id == OutboxEntry.request_id)
