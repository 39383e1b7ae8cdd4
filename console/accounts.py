"""Staff accounts and their sessions: signing in, locking, unlocking. Every function works in a transaction given."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, select, update

from console import audit, proofs
from console.audit import Action
from console.database import now
from console.roles import Role
from console.settings import Limits
from console.tables import sessions, sign_ons, staff
from vault import Vault

_MINUTE = 60_000
# How exactly the last use of a session is known: a write a request would be too many.
_TICK = 15_000
_NAME = re.compile(r"[a-z0-9][a-z0-9._@-]{0,62}")


class BadAccount(ValueError):
    """An account can't be made or changed; its text is a key of the console's words."""


@dataclass(frozen=True)
class Member:
    """Somebody of the staff.

    Attributes:
        id: Opaque, as it stands in the audit trail.
        name: What is typed at the sign-in.
        role: What the person may do.
        active: Whether the account may be used.
        by_sign_on: Whether the person comes by single sign-on and has no password here.
        has_totp: Whether a second factor is asked for.
        closed_until: Until when the account is closed after wrong tries, in milliseconds since 1970.
    """

    id: str
    name: str
    role: Role
    active: bool = True
    by_sign_on: bool = False
    has_totp: bool = False
    closed_until: int = 0


@dataclass(frozen=True)
class Session:
    """An open console.

    Attributes:
        token_hash: What is stored of the cookie.
        csrf: What every form must carry.
        locked: Whether the password is needed before anything is shown.
        pinyin: Whether the pronunciation is shown.
    """

    token_hash: str
    member: Member
    csrf: str
    locked: bool
    pinyin: bool


class Refusal(StrEnum):
    """Why somebody was not let in; the person hears the same for all."""

    WRONG = "wrong"
    CLOSED = "closed"


_MEMBER = (
    staff.c.id,
    staff.c.name,
    staff.c.role,
    staff.c.active,
    staff.c.password.is_(None),
    staff.c.totp.isnot(None),
    staff.c.closed_until,
)


def _member(row: Row[Any]) -> Member:
    """From a row that begins with `_MEMBER`."""
    identifier, name, role, active, by_sign_on, has_totp, closed_until = tuple(row)[: len(_MEMBER)]
    return Member(identifier, name, Role(role), active, by_sign_on, has_totp, closed_until)


def clean_name(name: str) -> str:
    """The one form of an account's name.

    Raises:
        BadAccount: It has other characters than letters, digits, and . _ @ -
    """
    plain = name.strip().lower()
    if not _NAME.fullmatch(plain):
        raise BadAccount("bad_name")
    return plain


def check_password(password: str, limits: Limits) -> None:
    """Raises BadAccount: It is too short or too long."""
    if not limits.password_min_chars <= len(password) <= limits.password_max_chars:
        raise BadAccount("bad_password")


def is_empty(connection: Connection) -> bool:
    """Whether there is no account yet."""
    return not connection.execute(select(func.count()).select_from(staff)).scalar()


def everyone(connection: Connection) -> list[Member]:
    """All accounts by name."""
    return [_member(row) for row in connection.execute(select(*_MEMBER).order_by(staff.c.name))]


def find(connection: Connection, name: str) -> Member | None:
    """An account by its name."""
    row = connection.execute(select(*_MEMBER).where(staff.c.name == name)).first()
    return _member(row) if row else None


def make(
    connection: Connection,
    name: str,
    role: Role,
    password_hash: str | None,
    subject: str | None = None,
    by: str | None = None,
) -> Member:
    """Make an account, or give one that is there another role and password; an account that was closed opens.

    Args:
        connection: A transaction.
        name: As from `clean_name`.
        role: What the person may do.
        password_hash: None for accounts of the single sign-on.
        subject: Hash of who it is at the single sign-on.
        by: Id of who does it; None for the command line and the single sign-on.
    """
    known = find(connection, name)
    values = {"role": role.value, "password": password_hash, "subject": subject, "active": True}
    if known is None:
        identifier = proofs.new_id("s")
        connection.execute(
            insert(staff).values(
                id=identifier, name=name, failures=0, closed_until=0, totp_step=0, created_at=now(), **values
            )
        )
        audit.note(connection, Action.STAFF_MADE, by, detail=f"{identifier} {role}")
        return Member(identifier, name, role, by_sign_on=password_hash is None)
    connection.execute(update(staff).where(staff.c.id == known.id).values(failures=0, closed_until=0, **values))
    end_all(connection, known.id)
    audit.note(connection, Action.STAFF_CHANGED, by, detail=f"{known.id} {role}")
    return Member(known.id, name, role, by_sign_on=password_hash is None, has_totp=known.has_totp)


def change(
    connection: Connection, identifier: str, by: str, role: Role | None = None, active: bool | None = None
) -> None:
    """Give an account another role, or close or open it. Its sessions end."""
    values: dict[str, object] = {"failures": 0, "closed_until": 0}
    if role is not None:
        values["role"] = role.value
    if active is not None:
        values["active"] = active
    connection.execute(update(staff).where(staff.c.id == identifier).values(**values))
    end_all(connection, identifier)
    said = role.value if role is not None else "open" if active else "closed"
    audit.note(connection, Action.STAFF_CHANGED, by, detail=f"{identifier} {said}")


def change_password(connection: Connection, member: Member, password_hash: str, keep: str) -> None:
    """Set a new password; all sessions but one end."""
    connection.execute(update(staff).where(staff.c.id == member.id).values(password=password_hash))
    connection.execute(delete(sessions).where(sessions.c.staff_id == member.id, sessions.c.token_hash != keep))
    audit.note(connection, Action.PASSWORD_CHANGED, member.id)


def password_of(connection: Connection, name: str) -> str | None:
    """The hash that a password is checked against, outside of any transaction, as that takes a while."""
    return connection.execute(select(staff.c.password).where(staff.c.name == name.strip().lower())).scalar()


def check(
    connection: Connection, vault: Vault, limits: Limits, name: str, password_right: bool, code: str
) -> Member | Refusal:
    """Whether somebody is let in; counts wrong tries.

    Args:
        connection: A transaction.
        vault: Opens the second factor.
        limits: How many tries there are.
        name: As typed.
        password_right: What the password's check said.
        code: Of the second factor, as typed.

    Raises:
        VaultError: The second factor can't be read.
    """
    row = connection.execute(
        select(*_MEMBER, staff.c.failures, staff.c.totp, staff.c.totp_step).where(staff.c.name == name.strip().lower())
    ).first()
    if row is None:
        return Refusal.WRONG
    member = _member(row)
    if member.closed_until > now():
        return Refusal.CLOSED
    right, step = password_right, row.totp_step
    if right and row.totp is not None:
        step = proofs.totp_step(vault.open(row.totp, totp_place(member.id)).decode(), code, row.totp_step)
        right = step is not None
    if not right or not member.active:
        _count_failure(connection, member.id, row.failures + 1, limits)
        return Refusal.WRONG
    connection.execute(update(staff).where(staff.c.id == member.id).values(failures=0, closed_until=0, totp_step=step))
    return member


def _count_failure(connection: Connection, identifier: str, failures: int, limits: Limits) -> None:
    closes = failures >= limits.sign_in_tries
    until = now() + int(limits.sign_in_wait_minutes * _MINUTE) if closes else 0
    connection.execute(
        update(staff).where(staff.c.id == identifier).values(failures=0 if closes else failures, closed_until=until)
    )
    if closes:
        audit.note(connection, Action.ACCOUNT_CLOSED, identifier)


def begin(connection: Connection, member: Member) -> str:
    """Open a session; returns the token for the cookie."""
    token = proofs.new_token()
    moment = now()
    connection.execute(
        insert(sessions).values(
            token_hash=proofs.digest(token),
            staff_id=member.id,
            csrf=proofs.new_token(),
            created_at=moment,
            active_at=moment,
            locked=False,
            pinyin=False,
        )
    )
    audit.note(connection, Action.SIGN_IN, member.id)
    return token


def look(connection: Connection, token: str, limits: Limits) -> tuple[Session, bool] | None:
    """The session of a cookie, and whether its use must be noted with `touch`.

    A session that was not used for too long is locked; one that is too old is none.
    """
    row = connection.execute(
        select(
            *_MEMBER,
            sessions.c.token_hash,
            sessions.c.csrf,
            sessions.c.created_at,
            sessions.c.active_at,
            sessions.c.locked,
            sessions.c.pinyin,
        )
        .select_from(sessions.join(staff, staff.c.id == sessions.c.staff_id))
        .where(sessions.c.token_hash == proofs.digest(token))
    ).first()
    moment = now()
    if row is None or not row.active or moment - row.created_at > limits.session_hours * 60 * _MINUTE:
        return None
    locked = row.locked or moment - row.active_at > limits.idle_lock_minutes * _MINUTE
    member = _member(row)
    found = Session(row.token_hash, member, row.csrf, locked, row.pinyin)
    return found, locked != row.locked or (not locked and moment - row.active_at > _TICK)


def touch(connection: Connection, session: Session) -> None:
    """Note that a session is used, or that it is locked."""
    values: dict[str, object] = {"locked": True} if session.locked else {"active_at": now()}
    connection.execute(update(sessions).where(sessions.c.token_hash == session.token_hash).values(**values))
    if session.locked:
        audit.note(connection, Action.LOCK, session.member.id)


def lock(connection: Connection, session: Session) -> None:
    """Lock a session at once."""
    touch(connection, Session(session.token_hash, session.member, session.csrf, True, session.pinyin))


def unlock(connection: Connection, session: Session) -> None:
    """Unlock a session."""
    connection.execute(
        update(sessions).where(sessions.c.token_hash == session.token_hash).values(locked=False, active_at=now())
    )
    audit.note(connection, Action.UNLOCK, session.member.id)


def show_pinyin(connection: Connection, session: Session, shown: bool) -> None:
    """Remember whether the pronunciation is shown."""
    connection.execute(update(sessions).where(sessions.c.token_hash == session.token_hash).values(pinyin=shown))


def end(connection: Connection, session: Session) -> None:
    """Sign out."""
    connection.execute(delete(sessions).where(sessions.c.token_hash == session.token_hash))
    audit.note(connection, Action.SIGN_OUT, session.member.id)


def end_all(connection: Connection, identifier: str) -> None:
    """End every session of an account."""
    connection.execute(delete(sessions).where(sessions.c.staff_id == identifier))


def tidy(connection: Connection, limits: Limits) -> None:
    """Forget sessions and sign-ons that are over."""
    moment = now()
    connection.execute(delete(sessions).where(sessions.c.created_at < moment - limits.session_hours * 60 * _MINUTE))
    connection.execute(delete(sign_ons).where(sign_ons.c.created_at < moment - limits.sso_minutes * _MINUTE))


# --- second factor ----------------------------------------------------------------------------------------------------


def totp_place(identifier: str) -> str:
    """Where a sealed second factor belongs."""
    return f"console_staff.totp:{identifier}"


def offer_totp(connection: Connection, vault: Vault, member: Member) -> str:
    """A new secret, which counts once a code made with it was typed."""
    secret = proofs.new_totp()
    sealed = vault.seal(secret.encode(), totp_place(member.id))
    connection.execute(update(staff).where(staff.c.id == member.id).values(totp_new=sealed))
    return secret


def confirm_totp(connection: Connection, vault: Vault, member: Member, code: str) -> bool:
    """Ask for a second factor from now on, if the code was made with the secret that was offered."""
    sealed = connection.execute(select(staff.c.totp_new).where(staff.c.id == member.id)).scalar()
    if sealed is None:
        return False
    step = proofs.totp_step(vault.open(sealed, totp_place(member.id)).decode(), code, 0)
    if step is None:
        return False
    connection.execute(update(staff).where(staff.c.id == member.id).values(totp=sealed, totp_new=None, totp_step=step))
    audit.note(connection, Action.TOTP_ON, member.id)
    return True


def drop_totp(connection: Connection, identifier: str, by: str) -> None:
    """Ask for no second factor any more."""
    connection.execute(update(staff).where(staff.c.id == identifier).values(totp=None, totp_new=None))
    audit.note(connection, Action.TOTP_OFF, by, detail=identifier)
