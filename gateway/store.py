"""What the front door keeps, as single steps. Each function belongs inside one transaction of `Database.run`."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Connection, Row, and_, bindparam, case, delete, exists, func, insert, not_, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from gateway import drafts, fingerprints, people, waiting
from gateway.bodies import Message
from gateway.language import LANGUAGES, Language
from gateway.tables import buttons, conversations, erasures, messages, resume_codes, sessions

MINUTE = 60_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR

# Before the stored id of a client's message; keeps it apart from our own names such as `open`.
OWN_PREFIX = "m:"
PERSON_EVENTS = ("text", "payload")

CodeRefusal = Literal["unknown_code", "birth_year_needed", "code_locked"]
"""Why a resume code opens nothing; a wrong year of birth is told like an unknown code."""


@dataclass(frozen=True)
class Session:
    """An open session: its conversation and the language of that.

    `open_retry` is the id of a try to send what waits whose answer is not stored yet.
    """

    conversation_id: str
    language: Language
    open_retry: str | None = None


@dataclass(frozen=True)
class Lease:
    """The right to run a turn of a conversation: whose it is, and for how many milliseconds at a time."""

    owner: str
    length: int


@dataclass(frozen=True)
class Received:
    """A message that is stored. `answer` is set if it was answered before; `leased` if its turn may begin at once."""

    session: Session
    message_id: str
    event: str
    text: str
    received_at: int
    answer: str | None
    leased: bool


@dataclass(frozen=True)
class Refused:
    """A message that was not stored; `code` as in `errors.STATUS`, `retry_after` in seconds."""

    session: Session
    code: str
    retry_after: int | None = None


@dataclass(frozen=True)
class Finished:
    """A turn that was answered: what to keep of it."""

    conversation_id: str
    message_id: str
    answer: str
    state: dict[str, Any]
    language: Language
    offered: dict[str, str]
    """Title by payload of the buttons now shown."""
    pending: waiting.Pending | None = None
    wording: str | None = None
    """The words of each reply in every language, as JSON."""
    origins: dict[str, str] | None = None
    """How each answer was got, by slot."""
    fingerprints: frozenset[str] = frozenset()
    """By what staff find the conversation again."""


@dataclass(frozen=True)
class Beside:
    """Something that happened beside the talk; the engine is told in a turn of its own, and its reply is shown."""

    message_id: str
    event: str
    text: str


# The statements of every turn, built once: building them costs more than running them.
_FIND_SESSION = (
    select(conversations.c.id, conversations.c.language, conversations.c.retry_open)
    .join(sessions, sessions.c.conversation_id == conversations.c.id)
    .where(sessions.c.token_hash == bindparam("token_hash"), sessions.c.expires_at > bindparam("now"))
)
_THIS_MESSAGE = and_(
    messages.c.conversation_id == bindparam("conversation"), messages.c.message_id == bindparam("message")
)
_FIND_MESSAGE = select(
    messages.c.event, messages.c.text, messages.c.payload, messages.c.received_at, messages.c.answer
).where(_THIS_MESSAGE)
_FIND_ANSWER = select(messages.c.answer).where(_THIS_MESSAGE)
_COUNT_RECENT = select(func.count(), func.min(messages.c.received_at)).where(
    messages.c.conversation_id == bindparam("conversation"),
    messages.c.received_at > bindparam("since"),
    messages.c.event.in_(PERSON_EVENTS),
)
_ADD_MESSAGE = insert(messages)
_TAKE_LEASE = (
    update(conversations)
    .where(
        conversations.c.id == bindparam("conversation"),
        or_(conversations.c.lease_owner.is_(None), conversations.c.lease_until < bindparam("now")),
    )
    .values(lease_owner=bindparam("owner"), lease_until=bindparam("until"))
)
_ANSWER_MESSAGE = (
    update(messages)
    .where(_THIS_MESSAGE, messages.c.answer.is_(None))
    .values(
        answer=bindparam("new_answer"),
        wording=bindparam("new_wording"),
        answered_at=bindparam("now"),
        language=bindparam("new_language"),
    )
)
_MOVE_ON = (
    update(conversations)
    .where(conversations.c.id == bindparam("conversation"))
    .values(
        active_at=bindparam("now"),
        language=bindparam("new_language"),
        state=bindparam("new_state"),
        origins=bindparam("new_origins"),
        lease_owner=None,
        lease_until=0,
    )
)


def _language(value: str) -> Language:
    return next((language for language in LANGUAGES if language == value), LANGUAGES[0])


def _payload_hash(payload: str) -> str:
    return hashlib.sha256(payload.encode("utf-8", "replace")).hexdigest()


def find_session(connection: Connection, token_hash: str, now: int) -> Session | None:
    """The session stored under a hash, unless it has ended."""
    row = connection.execute(_FIND_SESSION, {"token_hash": token_hash, "now": now}).first()
    return Session(row.id, _language(row.language), row.retry_open) if row else None


def receive(
    connection: Connection,
    token_hash: str,
    message: Message,
    now: int,
    per_minute: int,
    lease: Lease,
    may_lease: Callable[[str], bool],
    standing: Callable[[str, Language], str | None],
) -> Received | Refused | None:
    """Store a message before anything is done with it.

    A message that is known keeps its first text. Only buttons that were shown may be pressed, and standing ones.

    Args:
        per_minute: so many new messages a conversation may send in a minute.
        lease: taken along if nobody has the right to run a turn and `may_lease` allows it for this conversation.
        standing: title of a button that is always there, by payload and language; None for any other.

    Returns:
        None if there is no such session.
    """
    session = find_session(connection, token_hash, now)
    if session is None:
        return None
    message_id = OWN_PREFIX + message.id
    free = may_lease(session.conversation_id)
    known = connection.execute(_FIND_MESSAGE, {"conversation": session.conversation_id, "message": message_id}).first()
    if known is not None:
        leased = known.answer is None and free and take_lease(connection, session.conversation_id, lease, now)
        said = known.payload if known.event == "payload" else known.text
        return Received(session, message_id, known.event, said, known.received_at, known.answer, leased)
    text = message.text
    if message.payload is not None:
        title = connection.scalar(
            select(buttons.c.title).where(
                buttons.c.conversation_id == session.conversation_id,
                buttons.c.payload_hash == _payload_hash(message.payload),
            )
        )
        title = title or standing(message.payload, session.language)
        if title is None:
            return Refused(session, "unknown_payload")
        text = title
    count, oldest = connection.execute(
        _COUNT_RECENT, {"conversation": session.conversation_id, "since": now - MINUTE}
    ).one()
    if count >= per_minute:
        return Refused(session, "too_many_messages", max(1, -(-(oldest + MINUTE - now) // 1000)))
    connection.execute(
        _ADD_MESSAGE,
        {
            "conversation_id": session.conversation_id,
            "message_id": message_id,
            "event": message.event,
            "text": text,
            "payload": message.payload,
            "received_at": now,
            "hidden": False,
        },
    )
    leased = free and take_lease(connection, session.conversation_id, lease, now)
    return Received(session, message_id, message.event, message.payload or text, now, None, leased)


def take_lease(connection: Connection, conversation_id: str, lease: Lease, now: int) -> bool:
    """Take the right to run turns of a conversation; False while somebody else has it."""
    values = {"conversation": conversation_id, "now": now, "owner": lease.owner, "until": now + lease.length}
    return connection.execute(_TAKE_LEASE, values).rowcount == 1


def renew_lease(connection: Connection, conversation_id: str, lease: Lease, now: int) -> None:
    """Prolong the right, if it has not been given back."""
    connection.execute(
        update(conversations)
        .where(conversations.c.id == conversation_id, conversations.c.lease_owner == lease.owner)
        .values(lease_until=now + lease.length)
    )


def release_lease(connection: Connection, conversation_id: str, lease: Lease) -> None:
    """Give the right back."""
    connection.execute(
        update(conversations)
        .where(conversations.c.id == conversation_id, conversations.c.lease_owner == lease.owner)
        .values(lease_owner=None, lease_until=0)
    )


def conversation_exists(connection: Connection, conversation_id: str) -> bool:
    """Whether it was not erased."""
    return connection.scalar(select(conversations.c.id).where(conversations.c.id == conversation_id)) is not None


def answer_of(connection: Connection, conversation_id: str, message_id: str) -> str | None:
    """The answer that was sent to a message, if there is one."""
    return connection.scalar(_FIND_ANSWER, {"conversation": conversation_id, "message": message_id})


def wording_of(connection: Connection, token_hash: str, message_id: str) -> str | None:
    """The words, in every language, of the answer to a client's message of a session."""
    return connection.scalar(
        select(messages.c.wording)
        .join(sessions, sessions.c.conversation_id == messages.c.conversation_id)
        .where(sessions.c.token_hash == token_hash, messages.c.message_id == OWN_PREFIX + message_id)
    )


def is_stored(connection: Connection, conversation_id: str, message_id: str) -> bool:
    """Whether a message came in before, answered or not."""
    values = {"conversation": conversation_id, "message": message_id}
    return connection.execute(_FIND_MESSAGE, values).first() is not None


def standing_of(connection: Connection, conversation_id: str) -> tuple[str | None, str | None]:
    """The state of a conversation, and how each answer was got, both as JSON."""
    row = connection.execute(
        select(conversations.c.state, conversations.c.origins).where(conversations.c.id == conversation_id)
    ).first()
    return (row.state, row.origins) if row else (None, None)


def open_retry_of(connection: Connection, conversation_id: str) -> str | None:
    """The id of a try to send what waits whose answer is not stored yet."""
    return connection.scalar(select(conversations.c.retry_open).where(conversations.c.id == conversation_id))


def create_conversation(
    connection: Connection, conversation_id: str, language: Language, now: int, begun_on: str | None = None
) -> None:
    """A conversation in which nothing has been said yet; `begun_on` names another place than the page."""
    connection.execute(
        insert(conversations).values(
            id=conversation_id, created_at=now, active_at=now, language=language, lease_until=0, begun_on=begun_on
        )
    )


def add_greeting(connection: Connection, finished: Finished, event: str, now: int) -> None:
    """Keep a greeting that was given: the first one, or the one after resuming."""
    connection.execute(
        _ADD_MESSAGE,
        {
            "conversation_id": finished.conversation_id,
            "message_id": finished.message_id,
            "event": event,
            "text": "",
            "payload": None,
            "received_at": now,
            "hidden": False,
        },
    )
    finish(connection, finished, now)


def add_beside(connection: Connection, conversation_id: str, beside: Beside, now: int) -> int:
    """Store a turn that begins here, unless it is stored already; returns when it was (milliseconds)."""
    known = connection.execute(_FIND_MESSAGE, {"conversation": conversation_id, "message": beside.message_id}).first()
    if known is not None:
        return int(known.received_at)
    connection.execute(
        _ADD_MESSAGE,
        {
            "conversation_id": conversation_id,
            "message_id": beside.message_id,
            "event": beside.event,
            "text": "",
            "payload": None,
            "received_at": now,
            "hidden": False,
        },
    )
    return now


def add_session(connection: Connection, conversation_id: str, token_hash: str, expires_at: int) -> None:
    """Open a session; every other one of the conversation ends. How long it is kept (`retain`) stays as it is."""
    this = sessions.c.conversation_id == conversation_id
    connection.execute(delete(sessions).where(this, sessions.c.token_hash != _kept(conversation_id)))
    connection.execute(
        insert(sessions).values(token_hash=token_hash, conversation_id=conversation_id, expires_at=expires_at)
    )


def add_another_session(connection: Connection, conversation_id: str, token_hash: str, expires_at: int) -> None:
    """Open a session beside those that there are."""
    connection.execute(
        insert(sessions).values(token_hash=token_hash, conversation_id=conversation_id, expires_at=expires_at)
    )


def retain(connection: Connection, conversation_id: str, until: int) -> None:
    """Keep a conversation until a moment (milliseconds) as a session would; no token leads there."""
    name = _kept(conversation_id)
    connection.execute(delete(sessions).where(sessions.c.token_hash == name))
    connection.execute(insert(sessions).values(token_hash=name, conversation_id=conversation_id, expires_at=until))


def _kept(conversation_id: str) -> str:
    return f"kept:{conversation_id}"


def renew_session(
    connection: Connection, conversation_id: str, token_hash: str, new_hash: str, expires_at: int, old_until: int
) -> None:
    """Open a session in place of one, which ends at `old_until` (milliseconds)."""
    this = and_(sessions.c.token_hash == token_hash, sessions.c.expires_at > old_until)
    connection.execute(update(sessions).where(this).values(expires_at=old_until))
    connection.execute(
        insert(sessions).values(token_hash=new_hash, conversation_id=conversation_id, expires_at=expires_at)
    )


def end_session(connection: Connection, token_hash: str) -> None:
    """End one session; its conversation stays for who has a code."""
    connection.execute(delete(sessions).where(sessions.c.token_hash == token_hash))


def finish(connection: Connection, finished: Finished, now: int, heard: bool = True) -> str | None:
    """Keep the answer to a stored message, give the lease back and so let the next message in.

    Args:
        heard: the person gets it now, with the state, and so hears what came of earlier tries, too.

    Returns:
        The answer that counts: the one given before, if there was one. None if the conversation is gone.
    """
    values = {
        "conversation": finished.conversation_id,
        "message": finished.message_id,
        "now": now,
        "new_answer": finished.answer,
        "new_wording": finished.wording,
        "new_language": finished.language,
        "new_state": json.dumps(finished.state, ensure_ascii=False),
        "new_origins": json.dumps(finished.origins) if finished.origins else None,
    }
    if not connection.execute(_ANSWER_MESSAGE, values).rowcount:
        return answer_of(connection, finished.conversation_id, finished.message_id)
    if finished.state.get("outcome") == "cancelled":
        _forget_what_was_said(connection, finished)
    people.note(connection, finished.conversation_id, finished.message_id, finished.state, always=False)
    connection.execute(_MOVE_ON, values)
    waiting.keep(connection, finished.conversation_id, finished.pending, now)
    if heard:
        waiting.heard(connection, finished.conversation_id)
    drafts.follow(connection, finished.conversation_id, finished.state, now)
    fingerprints.keep(connection, finished.conversation_id, finished.fingerprints)
    if finished.offered:
        _add_buttons(connection, finished)
    return finished.answer


def finish_retry(
    connection: Connection, finished: Finished, spoke: bool, backoff: Callable[[int], int], give_up: int, now: int
) -> None:
    """Keep what a try to send what waits came to. Whoever has the lease keeps it.

    Args:
        spoke: the engine said something; else nothing of the try is shown, and the conversation counts as untouched.
        backoff: milliseconds until the next try, by the number of tries so far.
        give_up: milliseconds after which what waits is left to staff.
    """
    state = json.dumps(finished.state, ensure_ascii=False)
    touched = {"active_at": now, "unheard": True} if spoke else {}
    if spoke:
        people.note(connection, finished.conversation_id, finished.message_id, finished.state, always=True)
    moved = connection.execute(
        update(conversations)
        .where(conversations.c.id == finished.conversation_id)
        .values(
            state=state,
            language=finished.language,
            origins=json.dumps(finished.origins) if finished.origins else None,
            retry_open=None,
            **touched,
        )
    )
    if not moved.rowcount:
        return
    this = and_(messages.c.conversation_id == finished.conversation_id, messages.c.message_id == finished.message_id)
    if spoke:
        answered = {
            "answer": finished.answer,
            "wording": finished.wording,
            "answered_at": now,
            "language": finished.language,
        }
        connection.execute(update(messages).where(this).values(**answered))
    else:
        connection.execute(delete(messages).where(this))
    drafts.follow(connection, finished.conversation_id, finished.state, now)
    fingerprints.keep(connection, finished.conversation_id, finished.fingerprints)
    if finished.offered:
        _add_buttons(connection, finished)
    waiting.keep(connection, finished.conversation_id, finished.pending, now)
    waiting.count(connection, finished.conversation_id, finished.pending, backoff, give_up, now)


def _add_buttons(connection: Connection, finished: Finished) -> None:
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    statement = dialect.insert(buttons)
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["conversation_id", "payload_hash"], set_={"title": statement.excluded.title}
        ),
        [
            {"conversation_id": finished.conversation_id, "payload_hash": _payload_hash(payload), "title": title}
            for payload, title in finished.offered.items()
        ],
    )


def _forget_what_was_said(connection: Connection, finished: Finished) -> None:
    """The person stopped: what was said before is no longer shown, and no longer kept."""
    state = connection.scalar(select(conversations.c.state).where(conversations.c.id == finished.conversation_id))
    if state and json.loads(state).get("outcome") == "cancelled":
        return
    earlier = and_(messages.c.conversation_id == finished.conversation_id, messages.c.message_id != finished.message_id)
    connection.execute(delete(messages).where(earlier, messages.c.answer.is_(None)))
    connection.execute(update(messages).where(earlier).values(hidden=True, text="", payload=None, wording=None))


def history(
    connection: Connection, conversation_id: str
) -> tuple[Sequence[Row[Any, Any, Any, Any, Any, Any, Any]], str | None]:
    """The answered messages in order, and the state, as JSON."""
    rows = connection.execute(
        select(
            messages.c.event,
            messages.c.text,
            messages.c.language,
            messages.c.received_at,
            messages.c.answer,
            messages.c.answered_at,
            messages.c.wording,
        )
        .where(
            messages.c.conversation_id == conversation_id,
            messages.c.answer.is_not(None),
            messages.c.hidden.is_(False),
        )
        .order_by(messages.c.answered_at, messages.c.seq)
    ).all()
    state = connection.scalar(select(conversations.c.state).where(conversations.c.id == conversation_id))
    return rows, state


def save_code(
    connection: Connection, conversation_id: str, code_hash: str, expires_at: int, birth_hash: str | None = None
) -> None:
    """Keep a resume code, with the year of birth it needs; an earlier one no longer works."""
    connection.execute(delete(resume_codes).where(resume_codes.c.conversation_id == conversation_id))
    connection.execute(
        insert(resume_codes).values(
            conversation_id=conversation_id, code_hash=code_hash, expires_at=expires_at, birth_hash=birth_hash
        )
    )


def find_code(connection: Connection, code_hash: str, now: int) -> Session | None:
    """The conversation a valid resume code belongs to, whatever else is needed to open it."""
    row = connection.execute(
        select(conversations.c.id, conversations.c.language, conversations.c.retry_open)
        .join(resume_codes, resume_codes.c.conversation_id == conversations.c.id)
        .where(resume_codes.c.code_hash == code_hash, resume_codes.c.expires_at > now)
    ).first()
    return Session(row.id, _language(row.language), row.retry_open) if row else None


def try_code(
    connection: Connection, code_hash: str, birth_hash: str | None, now: int, most_tries: int
) -> Session | CodeRefusal:
    """The conversation that a resume code opens together with a year of birth; a wrong year is counted.

    Args:
        birth_hash: of the year that was given; None: none was.
        most_tries: after so many wrong years the code is locked, for the right one, too.
    """
    this = and_(resume_codes.c.code_hash == code_hash, resume_codes.c.expires_at > now)
    needs_year, needed = resume_codes.c.birth_hash.is_not(None), resume_codes.c.birth_hash
    if birth_hash is not None:
        # Compared and counted in one statement: of several tries at once, also in other processes, none goes uncounted.
        right = connection.execute(
            update(resume_codes)
            .where(this, needs_year, resume_codes.c.wrong_tries < most_tries)
            .values(wrong_tries=resume_codes.c.wrong_tries + case((needed == birth_hash, 0), else_=1))
            .returning(needed == birth_hash)
        ).scalar()
        if right is not None:
            session = find_code(connection, code_hash, now) if right else None
            return session or "unknown_code"
    saved = connection.execute(select(needed, resume_codes.c.wrong_tries).where(this)).first()
    if saved is not None and saved.birth_hash is not None:
        return "code_locked" if saved.wrong_tries >= most_tries else "birth_year_needed"
    return find_code(connection, code_hash, now) or "unknown_code"


def present_code(connection: Connection, conversation_id: str, code_hash: str, now: int) -> tuple[int, bool] | None:
    """Until when a conversation can be gone on with under a code (milliseconds), and whether that needs the year.

    None if it can't.
    """
    row = connection.execute(
        select(resume_codes.c.expires_at, resume_codes.c.birth_hash).where(
            resume_codes.c.conversation_id == conversation_id,
            resume_codes.c.code_hash == code_hash,
            resume_codes.c.expires_at > now,
        )
    ).first()
    return (row.expires_at, row.birth_hash is not None) if row else None


def use_code(connection: Connection, code_hash: str, now: int) -> bool:
    """Use a resume code up; False if it is not valid (any more)."""
    return (
        connection.execute(
            delete(resume_codes).where(resume_codes.c.code_hash == code_hash, resume_codes.c.expires_at > now)
        ).rowcount
        == 1
    )


def erase(connection: Connection, conversation_ids: Iterable[str], now: int, by_person: bool = False) -> None:
    """Erase conversations with all that belongs to them, and note that the engine has to follow.

    Args:
        by_person: the person wants it. Who has not heard that a request was sent takes it for unsent, and means that
            one, too. Whoever just stayed away agreed to it, so it stays in force.
    """
    for conversation_id in conversation_ids:
        drafts.drop_all(connection, [conversation_id], now)
        people.note_erasure(connection, [conversation_id])
        this = conversations.c.id == conversation_id
        row = connection.execute(
            select(conversations.c.unsettled, conversations.c.unheard, conversations.c.state).where(this)
        ).first()
        if row is None:
            continue
        connection.execute(delete(conversations).where(this))
        # The engine may know a number that never came through to here.
        knows_none = not (row.state and json.loads(row.state).get("tracking_number"))
        unheard = by_person and (row.unheard or (row.unsettled and knows_none))
        connection.execute(
            insert(erasures).values(
                conversation_id=conversation_id,
                requested_at=now,
                unsettled=row.unsettled or unheard,
                unheard=unheard,
            )
        )


def pending_erasures(connection: Connection, limit: int) -> list[str]:
    """Conversations the engine still has to erase: first those that need nobody else, each oldest first."""
    order = (erasures.c.unsettled, erasures.c.requested_at)
    return list(connection.scalars(select(erasures.c.conversation_id).order_by(*order).limit(limit)))


def unsettled_since(connection: Connection, conversation_id: str) -> tuple[int, bool] | None:
    """When a conversation was to be erased in which something has to be taken back before; else None.

    The second value: also what there is a receipt for, as the person never heard of it.
    """
    row = connection.execute(
        select(erasures.c.requested_at, erasures.c.unheard).where(
            erasures.c.conversation_id == conversation_id, erasures.c.unsettled.is_(True)
        )
    ).first()
    return (row.requested_at, row.unheard) if row else None


def erased(connection: Connection, conversation_id: str) -> None:
    """The engine has erased it, too."""
    connection.execute(delete(erasures).where(erasures.c.conversation_id == conversation_id))


def expired_conversations(connection: Connection, now: int, keep_days: int, limit: int) -> list[str]:
    """Conversations nobody can open any more (no session, no resume code), or unused for `keep_days`.

    One that still has documents to hand over to the intake backend is kept until that is done, or `keep_days` are over;
    one whose request is not sent yet, until it is, or was left to staff and `keep_days` are over.
    """
    session_lives = exists().where(sessions.c.conversation_id == conversations.c.id, sessions.c.expires_at > now)
    code_lives = exists().where(resume_codes.c.conversation_id == conversations.c.id, resume_codes.c.expires_at > now)
    return list(
        connection.scalars(
            select(conversations.c.id)
            .where(
                or_(
                    and_(
                        conversations.c.created_at < now - HOUR,
                        ~session_lives,
                        ~code_lives,
                        ~drafts.waits_for_handover(conversations.c.id),
                        not_(waiting.somewhere()),
                    ),
                    and_(conversations.c.active_at < now - keep_days * DAY, not_(waiting.alive())),
                )
            )
            .limit(limit)
        )
    )


def drop_cancelled(connection: Connection, now: int, after_minutes: int) -> None:
    """Delete the answers of cancelled requests, once no client sends those messages again."""
    connection.execute(
        delete(messages).where(messages.c.hidden.is_(True), messages.c.received_at < now - after_minutes * MINUTE)
    )
