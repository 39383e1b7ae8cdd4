"""What could not be handed over yet, in the database, as single steps. Each function belongs inside one transaction."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, and_, exists, insert, or_, select, update

from gateway.tables import conversations, messages

# How a try is named among the messages of a conversation; it is shown only if something came of it.
EVENT = "retry"
# Nothing is lost by erasing a conversation in which only this waits: erasing takes the key back as well.
REVOCATION = "revocation"
_C = conversations.c
_NOTHING = {
    "retry_kind": None,
    "retry_since": None,
    "retry_tries": 0,
    "retry_error": None,
    "retry_next": None,
    "retry_dead": None,
    "unsettled": False,
}


@dataclass(frozen=True)
class Pending:
    """What the engine could not hand over.

    Attributes:
        kind: `request`, `feedback`, `revocation`, or None if there is nothing to try again.
        error: why, in one word.
        pause: milliseconds until it is tried again.
        unsettled: the engine has to take something back before the conversation may be erased.
    """

    kind: str | None
    error: str | None
    pause: int
    unsettled: bool


@dataclass(frozen=True)
class Retry:
    """A try to send what waits: its id and when it began."""

    message_id: str
    at: int


@dataclass(frozen=True)
class Unsent:
    """What waits in one conversation, for staff; times in milliseconds since 1970, UTC."""

    conversation_id: str
    kind: str
    since: int
    tries: int
    error: str | None
    given_up: int | None


def keep(connection: Connection, conversation_id: str, pending: Pending | None, now: int) -> None:
    """Keep what a turn left to be handed over later; with None, nothing is."""
    this = _C.id == conversation_id
    if pending is None:
        some = or_(_C.retry_kind.is_not(None), _C.unsettled.is_(True))
        connection.execute(update(conversations).where(this, some).values(**_NOTHING))
        return
    if pending.kind is None:
        connection.execute(update(conversations).where(this).values(**_NOTHING | {"unsettled": pending.unsettled}))
        return
    before = connection.execute(
        select(_C.retry_since, _C.retry_tries).where(this, _C.retry_dead.is_(None), _C.retry_kind == pending.kind)
    ).first()
    connection.execute(
        update(conversations)
        .where(this)
        .values(
            retry_kind=pending.kind,
            retry_since=before.retry_since if before else now,
            retry_tries=before.retry_tries if before else 0,
            retry_error=pending.error,
            retry_next=now + pending.pause,
            retry_dead=None,
            unsettled=pending.unsettled,
        )
    )


def due(connection: Connection, now: int, quiet: int, limit: int) -> list[str]:
    """Conversations in which something waits and is to be tried now.

    One with a message that came less than `quiet` milliseconds ago and is not answered yet is left alone: its client
    sends it again, and it comes first.
    """
    return list(connection.scalars(select(_C.id).where(_due(now, quiet)).order_by(_C.retry_next).limit(limit)))


def _due(now: int, quiet: int) -> ColumnElement[bool]:
    unanswered = exists().where(
        messages.c.conversation_id == _C.id,
        messages.c.answer.is_(None),
        messages.c.event != EVENT,
        messages.c.received_at > now - quiet,
    )
    return and_(_C.retry_next <= now, _C.retry_kind.is_not(None), _C.retry_dead.is_(None), ~unanswered)


def begin(connection: Connection, conversation_id: str, fresh_id: str, now: int, quiet: int) -> Retry | None:
    """Store a try before it is made; one that was begun before and not finished is gone on with.

    Returns:
        None if nothing is due any more.
    """
    row = connection.execute(select(_C.retry_open).where(_C.id == conversation_id, _due(now, quiet))).first()
    if row is None:
        return None
    if row.retry_open is not None:
        return begun(connection, conversation_id)
    connection.execute(
        insert(messages).values(
            conversation_id=conversation_id,
            message_id=fresh_id,
            event=EVENT,
            text="",
            payload=None,
            received_at=now,
            hidden=False,
        )
    )
    connection.execute(update(conversations).where(_C.id == conversation_id).values(retry_open=fresh_id))
    return Retry(fresh_id, now)


def begun(connection: Connection, conversation_id: str) -> Retry | None:
    """The try of a conversation whose answer is not stored yet."""
    row = connection.execute(
        select(messages.c.message_id, messages.c.received_at)
        .join(conversations, _C.retry_open == messages.c.message_id)
        .where(_C.id == conversation_id, messages.c.conversation_id == conversation_id)
    ).first()
    return Retry(row.message_id, row.received_at) if row else None


def count(
    connection: Connection, conversation_id: str, pending: Pending | None, backoff: Callable[[int], int], give_up: int,
    now: int,
) -> None:  # fmt: skip
    """Count a try that did not get it through, and set when the next one comes.

    Args:
        pending: what the try left; nothing is counted if nothing waits any more.
        backoff: milliseconds until the next try, by the number of tries so far.
        give_up: milliseconds after which what waits is left to staff.
    """
    if pending is None or pending.kind is None:
        return
    this = _C.id == conversation_id
    row = connection.execute(select(_C.retry_since, _C.retry_tries).where(this)).one()
    tries = row.retry_tries + 1
    pause = max(backoff(tries), pending.pause)
    dead = now if now - row.retry_since > give_up else None
    connection.execute(
        update(conversations).where(this).values(retry_tries=tries, retry_next=now + pause, retry_dead=dead)
    )


def heard(connection: Connection, conversation_id: str) -> None:
    """The person is shown what came of the tries that were made without them."""
    this = and_(_C.id == conversation_id, _C.unheard.is_(True))
    connection.execute(update(conversations).where(this).values(unheard=False))


def is_on_its_way(connection: Connection, conversation_id: str) -> bool:
    """Whether something of a conversation is still to be handed over, without the person having to do anything."""
    this = and_(_C.id == conversation_id, _C.retry_kind.is_not(None), _C.retry_dead.is_(None))
    return connection.scalar(select(_C.id).where(this)) is not None


def put_off(connection: Connection, conversation_id: str, until: int) -> None:
    """Try again later, without counting this as a try: the engine was away."""
    connection.execute(update(conversations).where(_C.id == conversation_id).values(retry_next=until))


def listed(connection: Connection) -> list[Unsent]:
    """Everything that waits, oldest first."""
    rows = connection.execute(
        select(_C.id, _C.retry_kind, _C.retry_since, _C.retry_tries, _C.retry_error, _C.retry_dead)
        .where(_C.retry_kind.is_not(None))
        .order_by(_C.retry_since)
    )
    return [Unsent(*row) for row in rows]


def take_up_again(connection: Connection, now: int) -> int:
    """Try again what was left to staff; returns how many."""
    values = {"retry_dead": None, "retry_since": now, "retry_next": now}
    return connection.execute(update(conversations).where(_C.retry_dead.is_not(None)).values(**values)).rowcount


def somewhere() -> ColumnElement[bool]:
    """Condition on conversations: a request or feedback of a person waits, or was left to staff."""
    return and_(_C.retry_kind.is_not(None), _C.retry_kind != REVOCATION)


def alive() -> ColumnElement[bool]:
    """Condition on conversations: it waits and is still tried."""
    return and_(somewhere(), _C.retry_dead.is_(None))
