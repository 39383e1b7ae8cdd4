"""The audit trail: who did what, and when. Never what a caller said: ids, names of questions, and codes only."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import Connection, delete, insert, select

from console.database import now
from console.tables import audit, staff


class Action(StrEnum):
    """What can stand in the trail."""

    SIGN_IN = "sign_in"
    SIGN_IN_FAILED = "sign_in_failed"
    ACCOUNT_CLOSED = "account_closed"
    SIGN_OUT = "sign_out"
    LOCK = "lock"
    UNLOCK = "unlock"
    UNLOCK_FAILED = "unlock_failed"
    REFUSED = "refused"
    CALL_BEGUN = "call_begun"
    CALL_GONE_ON = "call_gone_on"
    LOOK_UP_CODE = "look_up_code"
    LOOK_UP_RECEIPT = "look_up_receipt"
    LOOK_UP_TRACKING = "look_up_tracking"
    LOOK_UP_REFERENCE = "look_up_reference"
    CASE_OPENED = "case_opened"
    JUMP = "jump"
    EDIT = "edit"
    CODE_GIVEN = "code_given"
    NUMBER_READ = "number_read"
    TRANSCRIPT = "transcript"
    FINISHED = "finished"
    DROPPED = "dropped"
    OVERRIDE = "override"
    ERASED = "erased"
    CALL_BACK_BOOKED = "call_back_booked"
    CALL_BACK_OPENED = "call_back_opened"
    URGENT_SEEN = "urgent_seen"
    STAFF_MADE = "staff_made"
    STAFF_CHANGED = "staff_changed"
    PASSWORD_CHANGED = "password_changed"  # noqa: S105 (the name of an event)
    TOTP_ON = "totp_on"
    TOTP_OFF = "totp_off"
    CALLS_SEEN = "calls_seen"
    AUDIT_SEEN = "audit_seen"
    FIGURES_SEEN = "figures_seen"


@dataclass(frozen=True)
class Entry:
    """One line of the trail.

    Attributes:
        at: Milliseconds since 1970.
        who: Name of the account; None when nobody was signed in, or the account is gone.
        action: What was done.
        call: Id of the call, if it was in one.
        detail: A code, such as the name of a question.
    """

    at: int
    who: str | None
    action: str
    call: str | None
    detail: str | None


def note(
    connection: Connection, action: Action, staff_id: str | None, call: str | None = None, detail: str | None = None
) -> None:
    """Write one line, in the transaction of what it tells about."""
    connection.execute(
        insert(audit).values(at=now(), staff_id=staff_id, action=action.value, call_id=call, detail=detail)
    )


def latest(connection: Connection, count: int, action: str | None = None, name: str | None = None) -> list[Entry]:
    """The newest lines, the newest first, of one action or one account if asked for."""
    query = (
        select(audit.c.at, staff.c.name, audit.c.action, audit.c.call_id, audit.c.detail)
        .select_from(audit.outerjoin(staff, staff.c.id == audit.c.staff_id))
        .order_by(audit.c.seq.desc())
        .limit(count)
    )
    if action:
        query = query.where(audit.c.action == action)
    if name:
        query = query.where(staff.c.name == name)
    return [Entry(*row) for row in connection.execute(query)]


def forget(connection: Connection, before: int) -> None:
    """Remove lines older than a moment, in milliseconds since 1970."""
    connection.execute(delete(audit).where(audit.c.at < before))
