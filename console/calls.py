"""The calls: one row each, from the first word to the disposition. What belongs to the caller is sealed."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from typing import Any

from sqlalchemy import Connection, delete, func, insert, or_, select, update

from console import proofs
from console.database import now
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
        code: With which the case is opened for the call-back.
        note: What the call-taker wrote down.
    """

    session: str = ""
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
    corrected: frozenset[str]
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
    private: Private
    who: str | None = None


class Calls:
    """Reads and writes calls, each time in a transaction given.

    Args:
        vault: Seals what belongs to the caller.
    """

    def __init__(self, vault: Vault) -> None:
        self._vault = vault

    def begin(self, connection: Connection, staff_id: str, session: str, language: str, begun_on: str) -> Call:
        """Note that a call has begun."""
        identifier = proofs.new_id("c")
        moment = now()
        connection.execute(
            insert(calls).values(
                id=identifier,
                staff_id=staff_id,
                begun_at=moment,
                active_at=moment,
                begun_on=begun_on,
                language=language,
                sealed=self._seal(identifier, Private(session)),
                corrected="",
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
        connection.execute(update(calls).where(calls.c.id == call.id).values(active_at=now(), **values))

    def open_ones(self, connection: Connection, staff_id: str, limits: Limits) -> list[Call]:
        """Calls of somebody that have no end yet, the newest first."""
        since = now() - int(limits.open_call_hours * _HOUR)
        query = _WITH_NAME.where(
            calls.c.staff_id == staff_id, calls.c.ended_at.is_(None), calls.c.active_at > since
        ).order_by(calls.c.active_at.desc())
        return [self._call(row) for row in connection.execute(query)]

    def call_backs(self, connection: Connection, staff_id: str | None) -> list[Call]:
        """Call-backs that are due or will be, the earliest first; of everybody, or of one."""
        query = _WITH_NAME.where(calls.c.call_back_at.isnot(None), calls.c.call_back_done.is_(None))
        if staff_id is not None:
            query = query.where(calls.c.staff_id == staff_id)
        return [self._call(row) for row in connection.execute(query.order_by(calls.c.call_back_at))]

    def urgent(self, connection: Connection, code: str) -> list[Call]:
        """Calls that ended as urgent and that nobody has looked at."""
        query = _WITH_NAME.where(calls.c.disposition == code, calls.c.seen_by.is_(None)).order_by(calls.c.ended_at)
        return [self._call(row) for row in connection.execute(query)]

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

    def tidy(self, connection: Connection, limits: Limits) -> None:
        """Forget old calls, and what belongs to the caller as soon as nothing needs it."""
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

    def _seal(self, identifier: str, private: Private) -> bytes:
        return self._vault.seal(json.dumps(asdict(private)).encode(), f"console_calls.sealed:{identifier}")

    def _call(self, row: Any) -> Call:
        values = dict(row._mapping)
        sealed = values.pop("sealed")
        opened = self._vault.open(sealed, f"console_calls.sealed:{values['id']}") if sealed is not None else b"{}"
        values["corrected"] = frozenset(values["corrected"].split())
        return Call(**values, private=Private(**json.loads(opened)))


def over(private: Private) -> Private:
    """What is kept of a call that has ended: not the caller's session."""
    return replace(private, session="")


_WITH_NAME = select(calls, staff.c.name.label("who")).select_from(
    calls.outerjoin(staff, staff.c.id == calls.c.staff_id)
)
