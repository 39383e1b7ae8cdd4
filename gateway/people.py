"""People who write from a messenger, as single steps in the database. Each function belongs inside one transaction.

A person is known by a keyed hash that the messenger's worker makes; which account it stands for, only the worker knows.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from gateway.tables import conversations, messages, news, people, sessions, transfers

# Begins the ids of messages that came through a messenger.
MESSAGE_PREFIX = "messenger:"
_STORED_PREFIX = f"m:{MESSAGE_PREFIX}"
_NEWS_AT_ONCE = 50


@dataclass(frozen=True)
class Person:
    """Somebody in a messenger; `greeting` is the id of the message whose answer greeted them."""

    person: str
    place: str
    conversation_id: str
    greeting: str


def is_from_messenger(message_id: str) -> bool:
    """Whether a stored message came through a messenger."""
    return message_id.startswith(_STORED_PREFIX)


def said_in_messenger(connection: Connection, conversation_id: str) -> frozenset[str]:
    """What was written in a conversation through a messenger."""
    rows = connection.scalars(
        select(messages.c.text).where(
            messages.c.conversation_id == conversation_id,
            messages.c.event == "text",
            messages.c.message_id.startswith(_STORED_PREFIX, autoescape=True),
        )
    )
    return frozenset(text.strip() for text in rows)


def token_hash(person: str) -> str:
    """Under which the session of a person in a messenger is stored; no token leads there."""
    return f"p:{person}"


def find(connection: Connection, person: str) -> Person | None:
    """The conversation of a person."""
    row = connection.execute(select(people).where(people.c.person == person)).first()
    return Person(row.person, row.place, row.conversation_id, row.greeting) if row else None


def attach(connection: Connection, person: str, place: str, conversation_id: str, greeting: str) -> None:
    """Let a person go on in a conversation; others in it, and the conversation before, stay as they are.

    The conversation may have been another person's: a resume code was given to them, and they are in it now.
    """
    detach(connection, person)
    connection.execute(delete(people).where(people.c.conversation_id == conversation_id))
    connection.execute(
        insert(people).values(person=person, place=place, conversation_id=conversation_id, greeting=greeting)
    )


def detach(connection: Connection, person: str) -> None:
    """A person has no conversation any more."""
    connection.execute(delete(people).where(people.c.person == person))
    connection.execute(delete(sessions).where(sessions.c.token_hash == token_hash(person)))


def refresh(connection: Connection, known: Person, expires_at: int) -> None:
    """Have the session of a person last until a moment (milliseconds); sessions elsewhere stay alive."""
    this = sessions.c.token_hash == token_hash(known.person)
    if not connection.execute(update(sessions).where(this).values(expires_at=expires_at)).rowcount:
        connection.execute(
            insert(sessions).values(
                token_hash=token_hash(known.person), conversation_id=known.conversation_id, expires_at=expires_at
            )
        )


def last_turn(connection: Connection, conversation_id: str) -> str:
    """A name for the last thing said in a conversation: while it is the same, what was offered then still holds."""
    row = connection.execute(
        select(messages.c.seq)
        .where(messages.c.conversation_id == conversation_id, messages.c.answer.is_not(None))
        .order_by(messages.c.answered_at.desc(), messages.c.seq.desc())
        .limit(1)
    ).first()
    return str(row.seq) if row else "0"


# ---- one-time links


def add_transfer(connection: Connection, hashed: str, conversation_id: str, expires_at: int, now: int) -> None:
    """Keep a one-time link; those that have run out go."""
    connection.execute(delete(transfers).where(transfers.c.expires_at < now))
    connection.execute(
        insert(transfers).values(token_hash=hashed, conversation_id=conversation_id, expires_at=expires_at)
    )


def transfer_to(connection: Connection, hashed: str, now: int) -> str | None:
    """The conversation that a link leads to; None: unknown, run out, or used before."""
    good = (transfers.c.token_hash == hashed, transfers.c.expires_at > now)
    conversation_id: str | None = connection.scalar(select(transfers.c.conversation_id).where(*good))
    return conversation_id


def spend_transfer(connection: Connection, hashed: str, now: int) -> str | None:
    """Use a link up; the same answers as `transfer_to`."""
    conversation_id = transfer_to(connection, hashed, now)
    if not connection.execute(delete(transfers).where(transfers.c.token_hash == hashed)).rowcount:
        return None
    return conversation_id


def use_transfer(connection: Connection, hashed: str, now: int, session_hash: str, expires_at: int) -> str | None:
    """Use a link up and open a session with it; every other session stays alive.

    Returns:
        The conversation, or None as `transfer_to`.
    """
    conversation_id = spend_transfer(connection, hashed, now)
    if conversation_id is None:
        return None
    connection.execute(
        insert(sessions).values(token_hash=session_hash, conversation_id=conversation_id, expires_at=expires_at)
    )
    return conversation_id


# ---- news


def note(connection: Connection, conversation_id: str, message_id: str, state: dict[str, Any], always: bool) -> None:
    """Before the state of a conversation is replaced: note whether its person in a messenger has to be told.

    Args:
        state: the state after the turn.
        always: tell what was said in any case; else only when the turn brought another outcome.
    """
    if is_from_messenger(message_id):
        return
    row = connection.execute(
        select(people.c.person, people.c.place, people.c.greeting, conversations.c.state)
        .join(conversations, conversations.c.id == people.c.conversation_id)
        .where(people.c.conversation_id == conversation_id)
    ).first()
    if row is None or row.greeting == message_id:
        return
    before = json.loads(row.state) if row.state else {}
    outcome = state.get("outcome")
    if always or (outcome and outcome != before.get("outcome")):
        _add(connection, row.person, row.place, conversation_id, message_id)


def note_erasure(connection: Connection, conversation_ids: Iterable[str]) -> None:
    """Before conversations are erased: their people in messengers are to be forgotten there, too."""
    for conversation_id in conversation_ids:
        connection.execute(delete(news).where(news.c.conversation_id == conversation_id))
        for row in connection.execute(
            select(people.c.person, people.c.place).where(people.c.conversation_id == conversation_id)
        ).all():
            _add(connection, row.person, row.place, conversation_id, None)


def _add(connection: Connection, person: str, place: str, conversation_id: str, message_id: str | None) -> None:
    connection.execute(
        insert(news).values(person=person, place=place, conversation_id=conversation_id, message_id=message_id)
    )


def read_news(connection: Connection, place: str, after: int) -> list[tuple[int, str, str, str | None]]:
    """`(seq, person, conversation, answer)` of what is to be passed on; what comes before `after` was and goes."""
    connection.execute(delete(news).where(news.c.place == place, news.c.seq <= after))
    said = messages.c.message_id == news.c.message_id
    rows = connection.execute(
        select(news.c.seq, news.c.person, news.c.conversation_id, messages.c.answer)
        .join(messages, said & (messages.c.conversation_id == news.c.conversation_id), isouter=True)
        .where(news.c.place == place, news.c.seq > after)
        .order_by(news.c.seq)
        .limit(_NEWS_AT_ONCE)
    ).all()
    told = [row.conversation_id for row in rows if row.answer is not None]
    if told:
        connection.execute(
            update(conversations)
            .where(conversations.c.id.in_(told), conversations.c.unheard.is_(True))
            .values(unheard=False)
        )
    return [(row.seq, row.person, row.conversation_id, row.answer) for row in rows]
