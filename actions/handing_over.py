"""Handing a finished request, or feedback, to the intake backend: once, or said so.

Nothing is called sent before the backend has given a tracking number. A key belongs to one content: it is made from
the conversation, the number of the request in it and a generation, so a turn that is played again sends nothing
twice. When a content may be stored without our knowing and the person then changes it, its key is taken back before
the new content is sent under the next one. What could not be sent waits and is sent later without being asked for
(the front door sends the event ``retry``), as long as the person changes nothing.
"""
from __future__ import annotations

import hashlib
import json
import logging
import uuid
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

from actions import telling
from actions.intake_client import (
    Budget,
    IntakeConflict,
    IntakeGone,
    IntakeRejected,
    IntakeUnavailable,
    IntakeUnsupported,
)
from actions.memory import MOST_GENERATIONS
from actions.review import english_statement, words_of
from actions.turn import Turn
from actions.words import Words
from triage.interview import BY_SLOT

logger = logging.getLogger(__name__)

REQUEST, FEEDBACK = "request", "feedback"
# Not part of what the person agrees to at the review: what is worked out from the answers, and papers, which may come
# later and go to the backend by themselves.
_NOT_CONTENT = frozenset({"feedback_text", "delay_verified", "documents"})
# A field of the request to the question that fills it.
_ASKED_AS = {"phone_e164": "phone", "signed_at": "signature_name", "receipt_numbers_reason": "receipt_numbers"}
_REASONS = ("missing", "too_long", "future", "choice", "format")
_MOST_REFUSALS = 2
_SHOWN_CHARS = 120
_NAMESPACE = uuid.UUID("6f3e0c52-8a0d-4c39-9d0e-3a3a1e1b6f10")
_T = TypeVar("_T")


def idempotency_key(conversation: str, kind: str, sequence: int, generation: int = 1) -> str:
    """The key of one content: the same in every try.

    Args:
        conversation: Id of the conversation.
        kind: ``request`` or ``feedback``.
        sequence: Number of the request within the conversation.
        generation: Which content of it, counted from 1.
    """
    name = f"{conversation}/{kind}/{sequence}"
    return str(uuid.uuid5(_NAMESPACE, name if generation == 1 else f"{name}/{generation}"))


async def send(turn: Turn, conversation: str) -> bool:
    """Send the request; failing that, say so and stay at the review.

    Returns:
        Whether there is a tracking number.
    """
    memory, world = turn.memory, turn.world
    at = memory.at
    if _office_closed(turn):
        at.reviewed = False
        state = world.content.office_state(world.today)
        turn.say("utter_office_closed_hold", notice=Words(state.notice) if state.notice else "")
        return False
    budget = world.intake.budget()
    try:
        receipt = await _deliver(turn, conversation, REQUEST, lambda: payload(turn),
                                 lambda body, key: world.intake.file(body, key, budget), budget)
    except IntakeRejected as problem:
        _ask_again(turn, problem)
        return False
    except IntakeUnavailable as problem:
        at.reviewed = False
        _wait(turn, REQUEST, problem)
        return False
    _settled(turn, REQUEST)
    at.tracking_number, at.official = receipt.tracking_number, receipt.official
    turn.similar = receipt.similar
    return True


async def give_feedback(turn: Turn, conversation: str) -> bool:
    """Store the feedback; failing that, say so and keep it.

    Returns:
        Whether it is stored.
    """
    memory, intake = turn.memory, turn.world.intake
    budget = intake.budget()
    text = {"feedback_text": memory.answers["feedback_text"], "language": memory.language}
    try:
        await _deliver(turn, conversation, FEEDBACK, lambda: text,
                       lambda body, key: intake.give_feedback(body["feedback_text"], body["language"], key, budget),
                       budget)
    except IntakeRejected as problem:
        logger.warning("feedback not accepted: %s", problem)
        memory.forget("feedback_text")
        memory.at.waiting = None
        turn.say("utter_send_rejected", labels=turn.label("feedback_text"))
        return False
    except IntakeUnavailable as problem:
        _wait(turn, FEEDBACK, problem)
        return False
    _settled(turn, FEEDBACK)
    memory.at.feedback_stored = True
    # A receipt belongs to this content alone; other feedback in this conversation goes under another key.
    memory.at.generation += 1
    return True


async def retry(turn: Turn, conversation: str, proceed: Callable[[], Awaitable[None]]) -> None:
    """Play the event by which the front door has what is waiting sent.

    Nothing is said unless something came of it. Nothing is sent while the person is being asked whether to stop,
    or has begun to change an answer.

    Args:
        turn: Without words of the person.
        conversation: Its id.
        proceed: Decides and says what follows, as after a message.
    """
    at = turn.memory.at
    try:
        await take_back(turn, conversation)
    except IntakeUnsupported:
        at.revoking = []
    waiting = at.waiting
    if waiting is None or at.pending or at.forced or _office_closed(turn):
        return
    if waiting["digest"] != _digest(turn, waiting["kind"]):
        at.waiting = None
        return
    if waiting["kind"] == REQUEST:
        at.reviewed = True
    # Somebody who asked for a person meanwhile was promised before that it would be sent.
    wanted, at.wants_human = at.wants_human, False
    if not turn.decide().ready:
        at.reviewed, at.wants_human = False, wanted
        return
    at.status = None
    asking, variant = at.asking, at.variant
    await proceed()
    if at.tracking_number or at.feedback_stored:
        turn.replies.insert(0, turn.reply("utter_sent_meanwhile"))
    elif at.waiting:
        turn.replies.clear()
        at.asking, at.variant, at.wants_human = asking, variant, wanted


async def abandon(turn: Turn, conversation: str, also_stored: bool = False) -> str:
    """Give the request up: whatever may be stored of it is withdrawn, and nothing of it is sent any more.

    Args:
        turn: Of a person, or without one.
        conversation: Its id.
        also_stored: Also what there is a receipt for; the person has not heard of it.

    Returns:
        ``nothing`` when certainly nothing was stored, ``withdrawn`` when something was, ``unknown`` when the backend
        could not be asked; it is then asked later.
    """
    at = turn.memory.at
    stored = at.stored() if also_stored else []
    tried = at.open_try is not None or bool(stored)
    at.revoking = [*at.revoking, *at.unsettled(), *stored]
    at.offered, at.open_try, at.waiting, at.not_sent = [], None, None, False
    if not at.revoking:
        return "nothing"
    try:
        withdrawn = await take_back(turn, conversation)
    except IntakeUnsupported:
        at.revoking = []
        if tried:
            logger.error("ALARM a given-up request may be stored at an intake backend that cannot take it back")
        return "unknown" if tried else "nothing"
    if at.revoking and tried:
        return "unknown"
    return "withdrawn" if withdrawn else "nothing"


async def take_back(turn: Turn, conversation: str) -> bool:
    """Take the keys back that are due; those that fail stay due.

    Returns:
        Whether something had been stored under one of them.

    Raises:
        IntakeUnsupported: The backend cannot do that.
    """
    at, intake = turn.memory.at, turn.world.intake
    withdrawn = False
    budget = intake.budget()
    while at.revoking:
        kind, sequence, generation = at.revoking[0]
        try:
            withdrawn |= await intake.revoke(idempotency_key(conversation, kind, sequence, generation), budget)
        except IntakeUnavailable as problem:
            logger.warning("key not taken back: %s", problem)
            break
        at.revoking = at.revoking[1:]
    return withdrawn


def settle_waiting(turn: Turn) -> None:
    """An answer that changed ends the waiting: the person has to see and agree to it again."""
    at = turn.memory.at
    if at.waiting and at.waiting["digest"] != _digest(turn, at.waiting["kind"]):
        at.waiting, at.not_sent = None, False


def payload(turn: Turn) -> dict[str, Any]:
    """The request as the intake schema has it."""
    memory = turn.memory
    online = memory.answers.get("delivery") == "online"
    kept = {slot: value for slot, value in memory.answers.items() if slot != "feedback_text"}
    decision = turn.decide()
    return {**kept, "grounds": list(decision.grounds), "language": memory.language,
            "english_statement": english_statement(memory, turn.world),
            "outcome": "submitted" if online else "prepared", "submitted_at": turn.message.at}


async def _deliver(turn: Turn, conversation: str, kind: str, compose: Callable[[], dict[str, Any]],
                   post: Callable[[Mapping[str, Any], str], Awaitable[_T]], budget: Budget) -> _T:
    """Post one content under a key that holds no other.

    Raises:
        IntakeRejected: The content is not accepted.
        IntakeUnavailable: No proof; what is to be remembered for the next try is remembered.
    """
    at = turn.memory.at
    digest = _digest(turn, kind)
    before = at.open_try if at.open_try and at.open_try["kind"] == kind else None
    if before is not None and before["digest"] != digest:
        await _next_key(turn, conversation, kind, budget)
        before = None
    body = before["body"] if before is not None else compose()
    for _ in range(MOST_GENERATIONS):
        key = idempotency_key(conversation, kind, at.sequence, at.generation)
        try:
            return await post(body, key)
        except (IntakeConflict, IntakeGone):
            # Another content came under this key, or we took it back before, in a turn that broke off. Whoever
            # answers may also be wrong, so that the content of an earlier try lives: the key is taken back in any case.
            await _next_key(turn, conversation, kind, budget)
        except IntakeUnavailable as problem:
            if problem.uncertain:
                at.open_try = {"kind": kind, "digest": digest, "body": body}
            raise
    raise IntakeUnavailable("keys_used_up")


async def _next_key(turn: Turn, conversation: str, kind: str, budget: Budget) -> None:
    """Take the present key back, with what may be stored under it, and go to the next.

    Raises:
        IntakeUnavailable: That could not be done; sending now could make two requests.
    """
    at = turn.memory.at
    key = idempotency_key(conversation, kind, at.sequence, at.generation)
    try:
        withdrawn = await turn.world.intake.revoke(key, budget)
    except IntakeUnsupported:
        logger.error("ALARM an earlier version of a request may be stored, and this intake backend cannot take it "
                     "back: nothing more is sent, staff has to settle it")
        raise IntakeUnavailable("earlier_version") from None
    logger.info("key taken back before a changed content is sent (%s)", "withdrawn" if withdrawn else "unused")
    at.generation += 1
    at.open_try = None


def _digest(turn: Turn, kind: str) -> str:
    answers = turn.memory.answers
    content: Any = answers.get("feedback_text")
    if kind == REQUEST:
        content = {slot: value for slot, value in answers.items() if slot not in _NOT_CONTENT}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _office_closed(turn: Turn) -> bool:
    online = turn.memory.answers.get("delivery") == "online"
    return online and not turn.world.content.office_state(turn.world.today).open


def _settled(turn: Turn, kind: str) -> None:
    at = turn.memory.at
    at.not_sent, at.waiting, at.open_try = False, None, None
    at.offered = [name for name in at.offered if name != kind]


def _wait(turn: Turn, kind: str, problem: IntakeUnavailable) -> None:
    """Remember that this content waits, and say so."""
    at = turn.memory.at
    logger.warning("%s not handed over: %s", kind, problem)
    at.not_sent = True
    at.waiting = {"kind": kind, "digest": _digest(turn, kind), "error": problem.kind, "after": problem.after}
    if problem.kind == "earlier_version":
        turn.say("utter_not_sent_staff", phones=telling.office(turn.world)["phones"])
    else:
        turn.say("utter_not_sent_yet")


def _ask_again(turn: Turn, problem: IntakeRejected) -> None:
    memory = turn.memory
    at = memory.at
    at.reviewed, at.waiting = False, None
    logger.warning("request not accepted: %s", problem)
    codes = {_ASKED_AS.get(name, name): code for name, code in problem.fields.items()}
    slots = [name for name in codes if name in BY_SLOT]
    if not slots:
        logger.error("ALARM the intake backend refuses a request for fields that nobody can be asked for")
        _wait(turn, REQUEST, IntakeUnavailable("status_422"))
        return
    lines = [turn.label("rejected_line", label=turn.label(slot), value=_shown(turn, slot),
                        reason=_reason(turn, codes[slot])) for slot in slots]
    labels = Words.by(lambda language: "\n".join(f"• {line[language]}" for line in lines))
    for slot in slots:
        at.refused[slot] = at.refused.get(slot, 0) + 1
        memory.forget(slot)
        if slot in at.skipped:
            at.skipped.remove(slot)
    turn.say("utter_send_rejected", labels=labels)
    if any(at.refused[slot] >= _MOST_REFUSALS for slot in slots):
        turn.say("utter_offer_human", phones=telling.office(turn.world)["phones"])


def _reason(turn: Turn, code: str) -> Words:
    known = code if code in _REASONS else "format"
    return turn.label(f"rejected_{known}")


def _shown(turn: Turn, slot: str) -> Words:
    """The refused answer, so that it is not lost to the person; the beginning of a long one."""
    if slot not in turn.memory.answers:
        return turn.label("none")
    whole = words_of(slot, turn.memory.answers[slot], turn.world)
    return Words({language: text if len(text) <= _SHOWN_CHARS else text[:_SHOWN_CHARS] + "…"
                  for language, text in whole.items()})
