"""Who of the staff is in: names, roles and tokens."""

from __future__ import annotations

import hashlib
import secrets
import uuid
from dataclasses import dataclass

from sqlalchemy import Connection, insert, select, update

from intake.roles import Permission, Role
from intake.store import audit
from intake.store.audit import Actor
from intake.store.base import Transactions
from intake.tables import StaffToken

_TOKEN_BYTES = 32


class NameTaken(Exception):
    """Somebody of the staff has this name already."""


@dataclass(frozen=True)
class Member:
    """Somebody of the staff."""

    name: str
    role: Role

    @property
    def actor(self) -> Actor:
        """As the audit trail names them."""
        return Actor(self.name, self.role.value)


def token_hash(token: str) -> str:
    """How a token is kept; it is random and long, so that a plain hash is enough."""
    return hashlib.sha256(token.encode(errors="replace")).hexdigest()


class Members:
    """Lets members of the staff in and out, and knows them by their tokens.

    Args:
        transactions: The database.
    """

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions

    def add_member(self, name: str, role: Role, by: Actor) -> str:
        """Let somebody in.

        Returns:
            Their token; it is not kept and can't be shown again.

        Raises:
            NameTaken: The name belongs to somebody who is still in.
        """
        token = secrets.token_urlsafe(_TOKEN_BYTES)

        def work(connection: Connection) -> None:
            now = self._transactions.clock()
            known = connection.execute(
                select(StaffToken.id, StaffToken.revoked_at).where(StaffToken.name == name).with_for_update()
            ).one_or_none()
            if known is not None and known.revoked_at is None:
                raise NameTaken
            values = {"role": role.value, "token_hash": token_hash(token), "created_at": now, "revoked_at": None}
            if known is None:
                connection.execute(insert(StaffToken), {"id": str(uuid.uuid4()), "name": name, **values})
            else:
                connection.execute(update(StaffToken).where(StaffToken.id == known.id).values(**values))
            audit.write(connection, now, by, "member_added", after={"name": name, "role": role.value})

        self._transactions.write(work)
        return token

    def remove_member(self, name: str, by: Actor) -> bool:
        """Let somebody in no longer; returns whether they were in."""

        def work(connection: Connection) -> bool:
            now = self._transactions.clock()
            changed = connection.execute(
                update(StaffToken)
                .where(StaffToken.name == name, StaffToken.revoked_at.is_(None))
                .values(revoked_at=now)
            ).rowcount
            if changed:
                audit.write(connection, now, by, "member_removed", before={"name": name})
            return bool(changed)

        return self._transactions.write(work)

    def member(self, token: str) -> Member | None:
        """Whose token this is; None when it is nobody's or was taken back."""
        query = select(StaffToken.name, StaffToken.role).where(
            StaffToken.token_hash == token_hash(token), StaffToken.revoked_at.is_(None)
        )
        row = self._transactions.read(lambda connection: connection.execute(query).one_or_none())
        return None if row is None else Member(row.name, Role(row.role))

    def note_identity(self, member: Member) -> None:
        """Record that somebody asked who they are and what they may do."""
        self._transactions.write(
            lambda connection: audit.write(connection, self._transactions.clock(), member.actor, "identified")
        )

    def note_refusal(self, member: Member, permission: Permission) -> None:
        """Put on record that somebody tried what their role does not allow."""
        self._transactions.write(
            lambda connection: audit.write(
                connection, self._transactions.clock(), member.actor, "refused", after={"permission": permission.value}
            )
        )
