"""What has to be told to the office about requests: claimed by workers, delivered, tried again, or given up.

A worker claims entries for a while, works on them without a transaction open, and then says how it went. Nobody else
gets them meanwhile; when the worker dies, its claim runs out and another takes over. So an entry is delivered at least
once; the receiver recognises a repetition by the tracking number and the entry's id.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, and_, delete, func, insert, or_, select, update
from sqlalchemy.orm import aliased

from intake.store.base import RECEIVED, Found, Transactions, find, set_status
from intake.tables import CaseRequest, OutboxEntry

REQUEST_STORED = "request_stored"
PAPERS_ADDED = "papers_added"
REQUEST_WITHDRAWN = "request_withdrawn"
REQUEST_ERASED = "request_erased"

WAITING = "waiting"
DELIVERED = "delivered"
BOUNCED = "bounced"
DEAD = "dead"
CANCELLED = "cancelled"

_ERROR_CHARS = 64
_REPORTED = "reported_by_staff"


class LostClaim(Exception):
    """The claim ran out and somebody else has the entry, or it was taken back."""


@dataclass(frozen=True)
class Claimed:
    """An entry a worker may work on.

    Attributes:
        claim: Names the claim; needed for saying how it went.
        tries: How often it has been tried, this time included.
        resent: How often it was sent again after the office's side had sent it back.
    """

    id: int
    claim: str
    event: str
    tracking_number: str
    created_at: datetime
    tries: int
    resent: int = 0


@dataclass(frozen=True)
class Entry:
    """An entry as the staff sees it."""

    id: int
    tracking_number: str
    event: str
    state: str
    tries: int
    created_at: datetime
    last_error: str | None


def put(connection: Connection, request_id: int, event: str, now: datetime) -> None:
    """Add an entry, in the transaction of what it tells about."""
    connection.execute(
        _ADD,
        {
            "request_id": request_id,
            "event": event,
            "created_at": now,
            "state": WAITING,
            "tries": 0,
            "next_try_at": now,
        },
    )


def entry_for_paper(connection: Connection, request_id: int, now: datetime) -> int | None:
    """The entry with which a new paper goes to the office, in the transaction that adds the paper.

    What goes with an entry is fixed as soon as it is tried: a repetition must not bring anything else under the same
    name. Later papers get an entry of their own, which waits for the request to be delivered.

    Returns:
        None when the request does not go to the office from here.
    """
    rows = connection.execute(
        select(OutboxEntry.id, OutboxEntry.event, OutboxEntry.state, OutboxEntry.tries, OutboxEntry.last_error)
        .where(OutboxEntry.request_id == request_id, OutboxEntry.event.in_((REQUEST_STORED, PAPERS_ADDED)))
        .order_by(OutboxEntry.id)
        .with_for_update()
    ).all()
    if not rows or (rows[0].event == REQUEST_STORED and rows[0].state == CANCELLED):
        return None
    last = rows[-1]
    if last.state == WAITING and last.tries == 0 and last.last_error is None:
        return int(last.id)
    put(connection, request_id, PAPERS_ADDED, now)
    return connection.scalar(
        select(func.max(OutboxEntry.id)).where(OutboxEntry.request_id == request_id, OutboxEntry.event == PAPERS_ADDED)
    )


def report_bounce(connection: Connection, request_id: int) -> None:
    """The staff heard that a request came back after it had been taken over: its entry is stuck from now on."""
    connection.execute(
        update(OutboxEntry)
        .where(
            OutboxEntry.request_id == request_id,
            OutboxEntry.event == REQUEST_STORED,
            OutboxEntry.state == DELIVERED,
        )
        .values(state=BOUNCED, last_error=_REPORTED)
    )


def take_back(connection: Connection, request_id: int, now: datetime) -> None:
    """A request is withdrawn: what nobody has begun to deliver is dropped; of the rest the office is told.

    A try that failed may have arrived all the same.
    """
    rows = connection.execute(_PROGRESS.where(OutboxEntry.request_id == request_id).with_for_update()).all()
    for row in rows:
        if row.event != REQUEST_STORED:
            continue
        if row.state in (WAITING, DEAD) and not _is_claimed(row, now):
            connection.execute(update(OutboxEntry).where(OutboxEntry.id == row.id).values(state=CANCELLED, claim=None))
        if _may_have_arrived(row, now):
            put(connection, request_id, REQUEST_WITHDRAWN, now)


def tell_of_erasure(connection: Connection, request_id: int, number: str, now: datetime) -> None:
    """A request is about to be erased: if the office may have it, leave a notice that outlives it.

    A delivery that is under way loses its entry and cannot be waited for; the notice comes when its claim has run out.

    Args:
        connection: In the transaction that erases.
        request_id: Of the request.
        number: Its tracking number, which is all that the notice holds.
        now: The moment.
    """
    rows = connection.execute(_PROGRESS.where(OutboxEntry.request_id == request_id).with_for_update()).all()
    if not any(
        row.event == REQUEST_WITHDRAWN or (row.event == REQUEST_STORED and _may_have_arrived(row, now)) for row in rows
    ):
        return
    until = max([now, *(row.claimed_until for row in rows if row.claimed_until is not None)])
    connection.execute(
        _ADD,
        {
            "erased_number": number,
            "event": REQUEST_ERASED,
            "created_at": now,
            "state": WAITING,
            "tries": 0,
            "next_try_at": until,
        },
    )


def _is_claimed(row: Any, now: datetime) -> bool:
    return row.claimed_until is not None and row.claimed_until > now


def _may_have_arrived(row: Any, now: datetime) -> bool:
    """Whether the office may have what belongs to an entry; a try that failed may have arrived all the same."""
    tried = row.tries or row.last_error is not None or _is_claimed(row, now)
    return row.state == DELIVERED or bool(row.state in (WAITING, DEAD) and tried)


def stuck(connection: Connection, limit: int) -> list[Entry]:
    """Entries that were given up or refused, the oldest first, within a transaction."""
    query = _ENTRIES.where(OutboxEntry.state.in_((DEAD, BOUNCED))).order_by(OutboxEntry.id).limit(limit)
    return [Entry(*row) for row in connection.execute(query)]


class Outbox:
    """The entries of all requests.

    Args:
        transactions: The database.
    """

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions

    def claim(self, limit: int, lease: timedelta, grace: timedelta = timedelta(0)) -> list[Claimed]:
        """Take entries that are due, the oldest first; no two workers get the same.

        Papers that came later are not taken before their request is delivered, and a withdrawal not while something of
        its request is being delivered, so that it does not arrive first.

        Args:
            limit: At most so many.
            lease: How long nobody else gets them.
            grace: Entries younger than this are left alone.
        """
        name = str(uuid.uuid4())

        def work(connection: Connection) -> list[Claimed]:
            now = self._transactions.clock()
            due = (
                select(OutboxEntry.id)
                .where(
                    OutboxEntry.state == WAITING,
                    OutboxEntry.next_try_at <= now,
                    OutboxEntry.created_at <= now - grace,
                    ~and_(OutboxEntry.event == PAPERS_ADDED, _request_is_outstanding()),
                    ~and_(OutboxEntry.event == REQUEST_WITHDRAWN, _request_is_under_way(now)),
                    or_(OutboxEntry.claimed_until.is_(None), OutboxEntry.claimed_until <= now),
                )
                .order_by(OutboxEntry.next_try_at, OutboxEntry.id)
                .limit(limit)
                .with_for_update(skip_locked=True, of=OutboxEntry)
            )
            ids = connection.scalars(due).all()
            if not ids:
                return []
            connection.execute(
                update(OutboxEntry)
                .where(OutboxEntry.id.in_(ids))
                .values(claim=name, claimed_until=now + lease, tries=OutboxEntry.tries + 1)
            )
            rows = connection.execute(
                select(
                    OutboxEntry.id,
                    OutboxEntry.event,
                    _NUMBER,
                    OutboxEntry.created_at,
                    OutboxEntry.tries,
                    OutboxEntry.resent,
                )
                .outerjoin(CaseRequest, CaseRequest.id == OutboxEntry.request_id)
                .where(OutboxEntry.id.in_(ids))
                .order_by(OutboxEntry.id)
            )
            return [
                Claimed(row.id, name, row.event, row.tracking_number, row.created_at, row.tries, row.resent)
                for row in rows
            ]

        return self._transactions.write(work)

    def mark_delivered(self, entry: Claimed) -> None:
        """It arrived. A request that still waits for it has the status `delivered` from now on.

        Of an erasure nothing is kept once it is told.

        Raises:
            LostClaim: The claim does not hold any more.
        """

        def work(connection: Connection) -> None:
            now = self._transactions.clock()
            self._settle(connection, entry, state=DELIVERED, delivered_at=now, last_error=None)
            if entry.event == REQUEST_ERASED:
                connection.execute(delete(OutboxEntry).where(OutboxEntry.id == entry.id))
            self._follow(connection, entry, (RECEIVED, BOUNCED), DELIVERED, now)

        self._transactions.write(work)
        if entry.event == REQUEST_ERASED:
            self._transactions.forget_traces()

    def mark_bounced(self, entry: Claimed, error: str) -> None:
        """The office's side refused it for good. The request has the status `bounced` from now on.

        Args:
            entry: What was tried.
            error: Kind of the error, without anything personal.

        Raises:
            LostClaim: The claim does not hold any more.
        """

        def work(connection: Connection) -> None:
            now = self._transactions.clock()
            self._settle(connection, entry, state=BOUNCED, last_error=error[:_ERROR_CHARS])
            self._follow(connection, entry, (RECEIVED, DELIVERED), BOUNCED, now)

        self._transactions.write(work)

    def mark_failed(self, entry: Claimed, error: str, retry_at: datetime | None) -> None:
        """It could not be delivered now.

        Args:
            entry: What was tried.
            error: Kind of the error, without anything personal.
            retry_at: When to try again; None gives it up, onto the list for the staff.

        Raises:
            LostClaim: The claim does not hold any more.
        """
        values: dict[str, Any] = {"last_error": error[:_ERROR_CHARS]}
        values |= {"state": DEAD} if retry_at is None else {"next_try_at": retry_at}
        self._transactions.write(lambda connection: self._settle(connection, entry, **values))

    def mark_not_needed(self, entry: Claimed) -> None:
        """Nobody has to be told, such as of a request that is sent on paper.

        Raises:
            LostClaim: The claim does not hold any more.
        """
        self._transactions.write(lambda connection: self._settle(connection, entry, state=CANCELLED))

    def _settle(self, connection: Connection, entry: Claimed, **values: Any) -> None:
        changed = connection.execute(
            update(OutboxEntry)
            .where(OutboxEntry.id == entry.id, OutboxEntry.claim == entry.claim, OutboxEntry.state == WAITING)
            .values(claim=None, claimed_until=None, **values)
        )
        if changed.rowcount != 1:
            raise LostClaim

    def _follow(
        self, connection: Connection, entry: Claimed, before: tuple[str, ...], after: str, now: datetime
    ) -> None:
        if entry.event != REQUEST_STORED:
            return
        row = find(connection, entry.tracking_number, lock=True)
        if row is not None and row.status in before:
            set_status(connection, row, after, now)

    def stuck(self, limit: int) -> list[Entry]:
        """Entries that were given up or refused, the oldest first."""
        return self._transactions.read(lambda connection: stuck(connection, limit))

    def requeue(self, connection: Connection, entry_id: int, now: datetime) -> Entry | None:
        """Try a stuck entry again from the beginning.

        What the office's side had sent back goes under a new name: whoever has seen the old one would drop it.

        Returns:
            The entry as it was; None when there is no stuck one of this id.
        """
        row = connection.execute(
            _ENTRIES.where(OutboxEntry.id == entry_id, OutboxEntry.state.in_((DEAD, BOUNCED))).with_for_update(
                of=OutboxEntry
            )
        ).one_or_none()
        if row is None:
            return None
        entry = Entry(*row)
        connection.execute(
            update(OutboxEntry)
            .where(OutboxEntry.id == entry_id)
            .values(
                state=WAITING,
                tries=0,
                next_try_at=now,
                claim=None,
                claimed_until=None,
                resent=OutboxEntry.resent + (1 if entry.state == BOUNCED else 0),
            )
        )
        request: Found | None = find(connection, entry.tracking_number, lock=True)
        if request is not None and request.status == BOUNCED and entry.event == REQUEST_STORED:
            set_status(connection, request, RECEIVED, now)
        return entry

    def counts(self, connection: Connection) -> dict[str, int]:
        """Number of entries in each state."""
        rows = connection.execute(select(OutboxEntry.state, func.count()).group_by(OutboxEntry.state))
        return {str(state): int(number) for state, number in rows}


def _request_is_outstanding() -> Any:
    """Whether the request that an entry belongs to has not been delivered."""
    request = aliased(OutboxEntry)
    return (
        select(request.id)
        .where(
            request.request_id == OutboxEntry.request_id,
            request.event == REQUEST_STORED,
            request.state.in_((WAITING, DEAD, BOUNCED)),
        )
        .exists()
    )


def _request_is_under_way(now: datetime) -> Any:
    """Whether somebody is delivering something of the request that an entry belongs to."""
    other = aliased(OutboxEntry)
    return (
        select(other.id)
        .where(
            other.request_id == OutboxEntry.request_id,
            other.event.in_((REQUEST_STORED, PAPERS_ADDED)),
            other.state == WAITING,
            other.claimed_until > now,
        )
        .exists()
    )


_ADD = insert(OutboxEntry)
_NUMBER = func.coalesce(CaseRequest.tracking_number, OutboxEntry.erased_number).label("tracking_number")
_PROGRESS = select(
    OutboxEntry.id,
    OutboxEntry.event,
    OutboxEntry.state,
    OutboxEntry.tries,
    OutboxEntry.claimed_until,
    OutboxEntry.last_error,
)
_ENTRIES = select(
    OutboxEntry.id,
    _NUMBER,
    OutboxEntry.event,
    OutboxEntry.state,
    OutboxEntry.tries,
    OutboxEntry.created_at,
    OutboxEntry.last_error,
).outerjoin(CaseRequest, CaseRequest.id == OutboxEntry.request_id)
