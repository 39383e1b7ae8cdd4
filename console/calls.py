"""The calls: one row each, from the first word to the disposition. What belongs to the caller is sealed."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from typing import Any

from sqlalchemy import Connection, delete, func, insert, or_, select, update

from console import audit, proofs
from console.assist import Opened
from console.audit import Action
from console.database import now
from console.dispositions import DROPPED_REASON, Dispositions
from console.settings import Limits
from console.tables import calls, staff
from vault import Vault

_HOUR = 3_600_000
_DAY = 24 * _HOUR


@dataclass(frozen=True)
class Private:
    """What is sealed in a call.

    Attributes:
        session: The caller's session at the front door.
        reference: Opens the case again for a call-back or a supervisor; no code is used up by it.
        code: The one the caller was given.
        note: What the call-taker wrote down.
    """

    session: str = ""
    reference: str = ""
    code: str = ""
    note: str = ""


@dataclass(frozen=True)
class Call:
    """One call; see the table for the columns."""

    id: str
    staff_id: str
    begun_at: int
    active_at: int
    ended_at: int | None
    begun_on: str
    language: str
    case_name: str | None
    corrected: frozenset[str]
    unsure: tuple[str, ...]
    danger: bool
    interpreter: str
    times_read: int
    code_until: int | None
    outcome: str | None
    proposed: str | None
    disposition: str | None
    reason: str | None
    call_back_at: int | None
    call_back_zone: str | None
    call_back_done: int | None
    seen_by: str | None
    seen_at: int | None
    private: Private
    who: str | None = None
    seen_name: str | None = None

    @property
    def left(self) -> frozenset[str]:
        """Questions the caller could not answer twice: they stay open, and others are asked first."""
        return frozenset(slot for slot in self.unsure if self.unsure.count(slot) > 1)


class Calls:
    """Reads and writes calls, each time in a transaction given.

    Args:
        vault: Seals what belongs to the caller.
    """

    def __init__(self, vault: Vault) -> None:
        self._vault = vault

    def begin(self, connection: Connection, staff_id: str, opened: Opened) -> Call:
        """Note that a call has begun, about a case that was opened for it."""
        identifier = proofs.new_id("c")
        moment = now()
        connection.execute(
            insert(calls).values(
                id=identifier,
                staff_id=staff_id,
                begun_at=moment,
                active_at=moment,
                begun_on=opened.begun_on,
                language=opened.language,
                sealed=self._seal(identifier, Private(opened.session, opened.reference)),
                case_name=opened.case,
                corrected="",
                unsure="",
                danger=False,
                interpreter="none",
                times_read=0,
            )
        )
        found = self.find(connection, identifier)
        assert found is not None  # noqa: S101 - written a moment ago, in the same transaction
        return found

    def find(self, connection: Connection, identifier: str) -> Call | None:
        """A call by its id."""
        row = connection.execute(_WITH_NAME.where(calls.c.id == identifier)).first()
        return self._call(row) if row else None

    def change(self, connection: Connection, call: Call, **values: Any) -> None:
        """Change columns of a call; `private` as it shall be."""
        if "private" in values:
            values["sealed"] = self._seal(call.id, values.pop("private"))
        if "corrected" in values:
            values["corrected"] = " ".join(sorted(values["corrected"]))
        if "unsure" in values:
            values["unsure"] = " ".join(values["unsure"])
        connection.execute(update(calls).where(calls.c.id == call.id).values(active_at=now(), **values))

    def open_ones(self, connection: Connection, staff_id: str) -> list[Call]:
        """Calls of somebody that have no end yet, the newest first."""
        query = _WITH_NAME.where(calls.c.staff_id == staff_id, calls.c.ended_at.is_(None))
        return [self._call(row) for row in connection.execute(query.order_by(calls.c.active_at.desc()))]

    def call_backs(self, connection: Connection, staff_id: str | None) -> list[Call]:
        """Call-backs that are due or will be, the earliest first; of everybody, or of one."""
        query = _WITH_NAME.where(calls.c.call_back_at.isnot(None), calls.c.call_back_done.is_(None))
        if staff_id is not None:
            query = query.where(calls.c.staff_id == staff_id)
        return [self._call(row) for row in connection.execute(query.order_by(calls.c.call_back_at))]

    def urgent(self, connection: Connection, code: str, limits: Limits) -> list[Call]:
        """Calls that ended as urgent, or in which words of danger were said, also while they go on; the oldest first.

        Those that somebody looks after stay for a while, so that everybody sees who.
        """
        since = now() - int(limits.urgent_taken_hours * _HOUR)
        query = _WITH_NAME.where(
            or_(calls.c.disposition == code, calls.c.danger), or_(calls.c.seen_at.is_(None), calls.c.seen_at > since)
        )
        return [self._call(row) for row in connection.execute(query.order_by(calls.c.begun_at))]

    def take_urgent(self, connection: Connection, call: Call, staff_id: str) -> None:
        """Somebody looks after an urgent call from now on. That is no use of the call: it may still be going on."""
        connection.execute(update(calls).where(calls.c.id == call.id).values(seen_by=staff_id, seen_at=now()))

    def last_ends(self, connection: Connection, cases: Iterable[str]) -> dict[str, str]:
        """How the last finished call about each of some cases ended."""
        query = select(calls.c.case_name, calls.c.disposition).where(
            calls.c.case_name.in_(list(cases)), calls.c.disposition.isnot(None)
        )
        rows = connection.execute(query.order_by(calls.c.ended_at))
        return {str(row.case_name): str(row.disposition) for row in rows}

    def forget_case(self, connection: Connection, call: Call) -> None:
        """The case is erased: no call leads to it any more."""
        if call.case_name is not None:
            connection.execute(update(calls).where(calls.c.case_name == call.case_name).values(case_name=None))

    def latest(self, connection: Connection, count: int) -> list[Call]:
        """The newest calls of everybody."""
        return [
            self._call(row) for row in connection.execute(_WITH_NAME.order_by(calls.c.begun_at.desc()).limit(count))
        ]

    def figures(self, connection: Connection, since: int) -> dict[str, list[tuple[str, int]]]:
        """How many calls ended how, and how many had which language, since a moment."""
        made: dict[str, list[tuple[str, int]]] = {}
        for name in ("disposition", "language", "begun_on", "reason"):
            column = calls.c[name]
            rows = connection.execute(
                select(column, func.count())
                .where(calls.c.ended_at >= since, column.isnot(None))
                .group_by(column)
                .order_by(column)
            )
            made[name] = [(str(value), int(count)) for value, count in rows]
        return made

    def tidy(self, connection: Connection, limits: Limits, dispositions: Dispositions) -> None:
        """End calls that nobody finished, forget old ones, and what belongs to callers as soon as nothing needs it."""
        self._drop(connection, limits, dispositions)
        connection.execute(delete(calls).where(calls.c.begun_at < now() - limits.call_days * _DAY))
        stale = now() - limits.call_back_max_days * _DAY
        connection.execute(
            update(calls)
            .where(
                calls.c.sealed.isnot(None),
                calls.c.active_at < stale,
                or_(calls.c.call_back_at.is_(None), calls.c.call_back_at < stale),
            )
            .values(sealed=None)
        )

    def _drop(self, connection: Connection, limits: Limits, dispositions: Dispositions) -> None:
        before = now() - int(limits.open_call_hours * _HOUR)
        query = _WITH_NAME.where(calls.c.ended_at.is_(None), calls.c.active_at < before)
        for call in [self._call(row) for row in connection.execute(query)]:
            proposed = call.proposed or dispositions.empty
            self.change(
                connection,
                call,
                private=over(call.private, again=call.danger),
                ended_at=now(),
                proposed=proposed,
                disposition=dispositions.dropped,
                reason=DROPPED_REASON if proposed != dispositions.dropped else None,
            )
            audit.note(connection, Action.DROPPED, None, call.id, f"{proposed} {dispositions.dropped}")

    def _seal(self, identifier: str, private: Private) -> bytes:
        return self._vault.seal(json.dumps(asdict(private)).encode(), call_place(identifier))

    def _call(self, row: Any) -> Call:
        values = dict(row._mapping)
        sealed = values.pop("sealed")
        opened = self._vault.open(sealed, call_place(values["id"])) if sealed is not None else b"{}"
        values["corrected"] = frozenset(values["corrected"].split())
        values["unsure"] = tuple(values["unsure"].split())
        return Call(**values, private=Private(**json.loads(opened)))


def call_place(identifier: str) -> str:
    """Where what is sealed in a call belongs."""
    return f"console_calls.sealed:{identifier}"


def over(private: Private, again: bool) -> Private:
    """What is kept of a call that has ended: the note, and the reference if the case must be opened again."""
    return replace(private, session="", code="", reference=private.reference if again else "")


_SEEN = staff.alias("seen")
_WITH_NAME = select(calls, staff.c.name.label("who"), _SEEN.c.name.label("seen_name")).select_from(
    calls.outerjoin(staff, staff.c.id == calls.c.staff_id).outerjoin(_SEEN, _SEEN.c.id == calls.c.seen_by)
)
