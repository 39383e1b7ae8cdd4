"""What of a turn is kept for review, and when it is taken away again.

Kept is a message that was not understood, that was asked back, or that led to an answer the person took back right
after; redacted (``actions.redacting``), and only when the privacy notice, which says so, has been given. Never kept
are free texts, long messages, what is said where a name or an address is asked for, the proof of a status question and
emergencies. Nothing here may harm a turn: whatever fails is logged without words of the person.
"""
from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from actions import unclear
from actions.message import Message
from actions.redacting import redact
from actions.review_queue import Entry, ReviewQueue
from actions.turn import Turn
from triage.interview import FREE_TEXT

logger = logging.getLogger(__name__)

GUESSES = 3
# What is said here is most likely a name, an address or a proof, whatever it looks like.
PRIVATE = frozenset({"full_name", "representative_name", "signature_name", "mailing_address", "date_of_birth",
                     "request_number", "request_proof"})
EMERGENCIES = ("crisis_self_harm", "crisis_violence", "crisis_detention", "medical_emergency")
CORRECTIONS = frozenset({"utter_changed", "utter_change_to", "utter_going_back"})


@dataclass(frozen=True)
class Start:
    """How a turn began: what must be known of it when it is over.

    Attributes:
        message: The message as it came in.
        asking: The open question.
        status: Whether the status of a filed request was being asked for.
        before: What the message before led to (``Standing.before``).
        noticed: Whether the privacy notice had been given.
        sequence: Number of the request; another one afterwards means that everything was erased.
    """

    message: Message
    asking: str | None
    status: bool
    before: dict[str, Any] | None
    noticed: bool
    sequence: int

    @classmethod
    def of(cls, turn: Turn) -> Start:
        """The beginning of a turn that is not played yet."""
        at = turn.memory.at
        return cls(turn.message, at.asking, at.status is not None, at.before, "privacy" in at.told, at.sequence)


async def keep(queue: ReviewQueue, turn: Turn, conversation: str, start: Start) -> None:
    """Keep, complete or erase entries after a turn."""
    try:
        await asyncio.to_thread(_keep, queue, turn, conversation, start)
    except (SQLAlchemyError, OSError) as problem:
        logger.warning("review queue: nothing kept: %s", type(problem).__name__)


def _keep(queue: ReviewQueue, turn: Turn, conversation: str, start: Start) -> None:
    at = turn.memory.at
    at.before = None
    if at.sequence != start.sequence:
        queue.erase(conversation)
        return
    if turn.meant is not None and turn.meant[0]:
        row, reading = turn.meant
        if turn.message.text in _own_words(turn):
            queue.remove([row])
        else:
            queue.chose(row, reading)
    entry = _entry(queue, turn, conversation, start)
    if start.before and CORRECTIONS & {reply.key for reply in turn.replies} and _takes_back(turn, start.before):
        queue.keep(conversation, _corrected(start.before, turn))
    if entry is None:
        return
    if turn.doubts:
        kept = queue.keep(conversation, entry)
        if kept and at.pending and at.pending.get("kind") == unclear.KIND:
            at.pending["row"] = entry.id
    elif turn.changed:
        at.before = {"id": entry.id, "text": entry.text, "language": entry.language, "asking": entry.asking,
                     "guesses": [list(guess) for guess in entry.guesses], "changed": list(turn.changed)}


def _entry(queue: ReviewQueue, turn: Turn, conversation: str, start: Start) -> Entry | None:
    """The entry that this turn's message would be, if it may be kept at all."""
    message, at, numbers = start.message, turn.memory.at, turn.world.content.settings
    if (message.event != "text" or turn.meant is not None or not start.noticed or start.status
            or at.status is not None or start.asking in FREE_TEXT | PRIVATE or message.cue(*EMERGENCIES)
            or len(message.text) > numbers.review_queue_max_chars or message.text in _own_words(turn)):
        return None
    text = redact(message.text, message.entities, turn.memory.answers)
    if text is None:
        return None
    reason = turn.doubts[-1] if turn.doubts else "corrected"
    guesses = tuple((name, round(confidence, 3)) for name, confidence in message.ranking[:GUESSES])
    return Entry(queue.row_id(conversation, message.message_id), text, turn.memory.language, start.asking, reason,
                 guesses, None, turn.world.today)


def _own_words(turn: Turn) -> set[str]:
    """The person's free texts."""
    answers = turn.memory.answers
    return {str(answers[slot]) for slot in FREE_TEXT if slot in answers} | {str(turn.memory.at.opening)}


def _takes_back(turn: Turn, before: dict[str, Any]) -> bool:
    """Whether this turn changes, or opens again, what the message before led to."""
    return bool({*turn.changed, str(turn.memory.at.forced)} & set(before["changed"]))


def _corrected(before: dict[str, Any], turn: Turn) -> Entry:
    return Entry(before["id"], before["text"], before["language"], before["asking"], "corrected",
                 tuple((str(name), float(confidence)) for name, confidence in before["guesses"]), None,
                 turn.world.today)


async def erase(queue: ReviewQueue, conversation: str) -> None:
    """Take everything of a conversation out of the queue.

    Raises:
        SQLAlchemyError: It could not be done.
    """
    await asyncio.to_thread(queue.erase, conversation)
