"""What the worker keeps, as single steps. Each function belongs inside one transaction of `Database.run`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from sqlalchemy import Connection, Row, bindparam, delete, func, insert, select, update

from messenger.database import inbox, keyboards, notes, outbox, people
from messenger.sealing import Seal
from messenger.updates import Event

HOUR = 3_600_000
DAY = 24 * HOUR

OutKind = Literal["send", "edit", "unmark", "menu", "leave", "delete", "forget"]
OPEN = ("waiting", "sending")


@dataclass(frozen=True)
class Out:
    """One thing to do at Telegram.

    Attributes:
        kind: `send` a message, `edit` one, take the buttons from one (`unmark`), list the commands (`menu`), `leave` a
            group, `delete` messages, `forget` the person once all else is done.
        body: What it needs, by kind.
        choices: Buttons of a message, as `render.Button.content` has them.
        turn: To which turn they belong.
    """

    kind: OutKind
    body: dict[str, Any] = field(default_factory=dict)
    choices: tuple[dict[str, str], ...] = ()
    turn: str | None = None


@dataclass(frozen=True)
class Plan:
    """What comes of an update: what to do, what to remember of the person, and which button was used."""

    outs: Sequence[Out] = ()
    remember: dict[str, Any] = field(default_factory=dict)
    used: tuple[int, int] | None = None


@dataclass(frozen=True)
class Keyboard:
    """Buttons that were shown; see `messenger.database.keyboards`."""

    id: int
    turn: str | None
    text: str
    choices: list[dict[str, str]]
    used: int | None


# The statements of every update, built once: building them costs more than running them.
_NEXT_OUT = (
    select(outbox)
    .where(outbox.c.person == bindparam("person"), outbox.c.state.in_(OPEN))
    .order_by(outbox.c.id)
    .limit(1)
)
_NEXT_UPDATE = (
    select(inbox)
    .where(inbox.c.person == bindparam("person"), inbox.c.body.is_not(None))
    .order_by(inbox.c.update_id)
    .limit(1)
)
_FIND_PERSON = select(people).where(people.c.person == bindparam("person"))


# ---- updates


def receive(connection: Connection, event: Event, person: str, seal: Seal, now: int) -> bool:
    """Keep an update; False if it was taken before."""
    if connection.scalar(select(inbox.c.update_id).where(inbox.c.update_id == event.update_id)) is not None:
        return False
    connection.execute(
        insert(inbox).values(
            update_id=event.update_id,
            person=person,
            body=seal.close(event.content()),
            received_at=now,
            message_id=event.message_id if event.kind != "tap" else None,
        )
    )
    adopt(connection, event, person, seal, now)
    return True


def adopt(connection: Connection, event: Event, person: str, seal: Seal, now: int) -> None:
    """Remember where a person can be reached, and that they are there."""
    known = connection.execute(select(people.c.newest).where(people.c.person == person)).first()
    if known is None:
        connection.execute(insert(people).values(person=person, chat=seal.close(event.chat_id), active_at=now))
    newest = max(event.message_id, known.newest if known else 0)
    values: dict[str, Any] = {"newest": newest, "active_at": now}
    if event.kind != "gone":
        values["closed_at"] = None
    connection.execute(update(people).where(people.c.person == person).values(**values))


def next_update(connection: Connection, person: str) -> Row[Any] | None:
    """The oldest update of a person that is not dealt with."""
    return connection.execute(_NEXT_UPDATE, {"person": person}).first()


def unfinished(connection: Connection) -> list[str]:
    """People for whom there is something to do."""
    waiting = select(outbox.c.person).where(outbox.c.state.in_(OPEN))
    came = select(inbox.c.person).where(inbox.c.body.is_not(None))
    return list(connection.scalars(waiting.union(came)))


def find_person(connection: Connection, person: str) -> Row[Any] | None:
    """What is remembered of a person."""
    return connection.execute(_FIND_PERSON, {"person": person}).first()


def find_keyboard(connection: Connection, person: str, number: int, seal: Seal) -> Keyboard | None:
    """Buttons that were shown to this person."""
    row = connection.execute(select(keyboards).where(keyboards.c.id == number, keyboards.c.person == person)).first()
    content = seal.open(row.body) if row is not None else None
    if row is None or content is None:
        return None
    return Keyboard(row.id, row.turn, content["text"], content["choices"], row.used)


def keep_plan(connection: Connection, person: str, source: int, plan: Plan, seal: Seal, now: int, done: bool) -> None:
    """Keep what comes of an update, or of news; nothing of it is kept twice.

    Args:
        source: Number of the update, or the negative number of news.
        done: The update is dealt with.
    """
    first = connection.scalar(select(func.max(outbox.c.part)).where(outbox.c.source == source))
    for part, out in enumerate(plan.outs, 0 if first is None else first + 1):
        keyboard = None
        if out.choices:
            body = seal.close({"text": out.body["text"], "choices": list(out.choices)})
            keyboard = connection.execute(
                insert(keyboards).values(person=person, turn=out.turn, body=body, live=True)
            ).inserted_primary_key[0]  # type: ignore[index]
        connection.execute(
            insert(outbox).values(
                person=person,
                source=source,
                part=part,
                kind=out.kind,
                body=seal.close({**out.body, "choices": list(out.choices)} if out.choices else out.body),
                state="waiting",
                keyboard=keyboard,
                created_at=now,
            )
        )
    if plan.remember:
        connection.execute(update(people).where(people.c.person == person).values(**plan.remember))
    if plan.used is not None:
        number, choice = plan.used
        connection.execute(update(keyboards).where(keyboards.c.id == number).values(used=choice, live=False))
    if done:
        connection.execute(update(inbox).where(inbox.c.update_id == source).values(body=None))


def was_told(connection: Connection, source: int) -> bool:
    """Whether something was said to an update already."""
    return connection.scalar(select(outbox.c.id).where(outbox.c.source == source).limit(1)) is not None


# ---- what is to be done at Telegram


def next_out(connection: Connection, person: str) -> Row[Any] | None:
    """The first thing to do for a person."""
    return connection.execute(_NEXT_OUT, {"person": person}).first()


def next_out_for(connection: Connection, person: str) -> tuple[Row[Any], Row[Any] | None] | None:
    """The first thing to do for a person, and the person; None if there is nothing."""
    out = next_out(connection, person)
    return (out, find_person(connection, person)) if out is not None else None


def next_update_of(connection: Connection, person: str) -> tuple[Row[Any], Row[Any] | None] | None:
    """The oldest update that is not dealt with, and its person; None if there is none."""
    row = next_update(connection, person)
    return (row, find_person(connection, person)) if row is not None else None


def begin(connection: Connection, out_id: int, base: int, base_sent: int) -> None:
    """From now on it may have arrived."""
    connection.execute(
        update(outbox).where(outbox.c.id == out_id).values(state="sending", base=base, base_sent=base_sent)
    )


def put_back(connection: Connection, out_id: int) -> None:
    """It has surely not arrived."""
    connection.execute(update(outbox).where(outbox.c.id == out_id).values(state="waiting"))


def settle(connection: Connection, out: Row[Any], message_id: int | None, dropped: bool = False) -> None:
    """It is done, or cannot be; its contents go."""
    values: dict[str, Any] = {"state": "dropped" if dropped else "sent", "body": None, "message_id": message_id}
    connection.execute(update(outbox).where(outbox.c.id == out.id).values(**values))
    if message_id is None:
        return
    if out.keyboard is not None:
        connection.execute(update(keyboards).where(keyboards.c.id == out.keyboard).values(message_id=message_id))
    newer = (people.c.person == out.person, people.c.newest_sent < message_id)
    connection.execute(update(people).where(*newer).values(newest_sent=message_id))


def replace(connection: Connection, out_id: int, body: bytes) -> None:
    """Do it in another form."""
    connection.execute(update(outbox).where(outbox.c.id == out_id).values(body=body, state="waiting"))


def close(connection: Connection, person: str, now: int) -> bool:
    """The person shut us out: what waits for them stays for a while, in case they come back.

    Who had asked to be forgotten is forgotten at once, with what they wrote after that: nobody is left to answer.

    Returns:
        Whether they were forgotten.
    """
    if not _has_to(connection, person, "forget"):
        connection.execute(update(people).where(people.c.person == person).values(closed_at=now))
        return False
    connection.execute(update(inbox).where(inbox.c.person == person).values(body=None))
    forget(connection, person)
    return True


def stop_talking(connection: Connection, out: Row[Any]) -> bool:
    """Where a group is to be left, what cannot be said there any more is not: the leaving comes next.

    Returns:
        Whether a group is to be left.
    """
    if not _has_to(connection, out.person, "leave"):
        return False
    settle(connection, out, None, dropped=True)
    return True


def moved(connection: Connection, person: str, chat: bytes) -> None:
    """A group has another id now, given sealed."""
    connection.execute(update(people).where(people.c.person == person).values(chat=chat))


def _has_to(connection: Connection, person: str, kind: OutKind) -> bool:
    this = (outbox.c.person == person, outbox.c.kind == kind, outbox.c.state.in_(OPEN))
    return connection.scalar(select(outbox.c.id).where(*this).limit(1)) is not None


def messages_of(connection: Connection, person: str, since: int) -> list[int]:
    """Numbers of the messages in a chat, both sides', that are not older."""
    sent = select(outbox.c.message_id).where(
        outbox.c.person == person, outbox.c.message_id.is_not(None), outbox.c.created_at > since
    )
    came = select(inbox.c.message_id).where(
        inbox.c.person == person, inbox.c.message_id.is_not(None), inbox.c.received_at > since
    )
    return sorted(set(connection.scalars(sent.union(came))))


def numbers_since(connection: Connection, base: int) -> set[int]:
    """Numbers of messages above one that are known to be taken."""
    sent = select(outbox.c.message_id).where(outbox.c.message_id > base)
    came = select(inbox.c.message_id).where(inbox.c.message_id > base)
    return set(connection.scalars(sent.union(came)))


def forget(connection: Connection, person: str) -> None:
    """Nothing of a person stays but the numbers of their updates."""
    connection.execute(delete(keyboards).where(keyboards.c.person == person))
    connection.execute(delete(outbox).where(outbox.c.person == person))
    connection.execute(delete(people).where(people.c.person == person))
    done = (inbox.c.person == person, inbox.c.body.is_(None))
    connection.execute(update(inbox).where(*done).values(person="", message_id=None))


def highest(connection: Connection) -> tuple[int, int]:
    """The highest numbers of messages known anywhere, and of ours among them."""
    row = connection.execute(select(func.max(people.c.newest), func.max(people.c.newest_sent))).one()
    return max(row[0] or 0, row[1] or 0), row[1] or 0


def tidy(connection: Connection, now: int, remember_hours: int, held_hours: int, forget_days: int) -> int:
    """Drop what is no longer needed; returns how many people were forgotten."""
    old = now - remember_hours * HOUR
    connection.execute(delete(inbox).where(inbox.c.body.is_(None), inbox.c.received_at < old))
    connection.execute(delete(outbox).where(outbox.c.state.not_in(OPEN), outbox.c.created_at < old))
    closed = select(people.c.person).where(people.c.closed_at.is_not(None))
    held = (outbox.c.person.in_(closed), outbox.c.state.in_(OPEN), outbox.c.created_at < now - held_hours * HOUR)
    connection.execute(delete(outbox).where(*held))
    quiet = select(people.c.person).where(people.c.active_at < now - forget_days * DAY)
    gone = list(connection.scalars(quiet))
    for person in gone:
        forget(connection, person)
    return len(gone)


# ---- notes


def note(connection: Connection, name: str) -> int:
    """A number that was noted, or 0."""
    return int(connection.scalar(select(notes.c.value).where(notes.c.name == name)) or 0)


def set_note(connection: Connection, name: str, value: int) -> None:
    """Note a number."""
    if not connection.execute(update(notes).where(notes.c.name == name).values(value=value)).rowcount:
        connection.execute(insert(notes).values(name=name, value=value))
