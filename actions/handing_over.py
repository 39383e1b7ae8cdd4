"""Handing a finished request, or feedback, to the intake backend.

Nothing is called sent before the backend has said that it is stored. The idempotency key depends on the
conversation and the number of the request in it only, so a turn that is played again sends nothing twice.
"""
from __future__ import annotations

import logging
import uuid
from typing import Any

from actions.intake_client import IntakeRejected, IntakeUnavailable
from actions.review import english_statement
from actions.turn import Turn
from triage.interview import BY_SLOT

logger = logging.getLogger(__name__)

_NAMESPACE = uuid.UUID("6f3e0c52-8a0d-4c39-9d0e-3a3a1e1b6f10")


def idempotency_key(conversation: str, kind: str, sequence: int) -> str:
    """The key of one request: the same in every try."""
    return str(uuid.uuid5(_NAMESPACE, f"{conversation}/{kind}/{sequence}"))


async def send(turn: Turn, conversation: str) -> None:
    """Send the request; failing that, say so and stay at the review."""
    memory, world = turn.memory, turn.world
    state = world.content.office_state(world.today)
    online = memory.answers.get("delivery") == "online"
    if not state.open and online:
        memory.at.reviewed = False
        turn.say("utter_office_closed_hold", notice=state.notice[turn.language] if state.notice else "")
        return
    key = idempotency_key(conversation, "request", memory.at.sequence)
    try:
        receipt = await world.intake.file(payload(turn), key)
    except IntakeRejected as problem:
        _ask_again(turn, problem)
    except IntakeUnavailable as problem:
        logger.warning("request not handed over: %s", problem)
        memory.at.reviewed = False
        memory.at.not_sent = True
        turn.say("utter_not_sent_yet")
    else:
        memory.at.not_sent = False
        memory.at.tracking_number = receipt.tracking_number


async def give_feedback(turn: Turn, conversation: str) -> bool:
    """Store the feedback; failing that, say so and keep asking.

    Returns:
        Whether it is stored.
    """
    memory = turn.memory
    key = idempotency_key(conversation, "feedback", memory.at.sequence)
    try:
        await turn.world.intake.give_feedback(memory.answers["feedback_text"], memory.language, key)
    except (IntakeRejected, IntakeUnavailable) as problem:
        logger.warning("feedback not handed over: %s", problem)
        memory.at.not_sent = True
        turn.say("utter_not_sent_yet")
        return False
    memory.at.feedback_stored, memory.at.not_sent = True, False
    return True


def payload(turn: Turn) -> dict[str, Any]:
    """The request as the intake schema has it."""
    memory = turn.memory
    online = memory.answers.get("delivery") == "online"
    kept = {slot: value for slot, value in memory.answers.items() if slot != "feedback_text"}
    decision = turn.decide()
    return {**kept, "grounds": list(decision.grounds), "language": memory.language,
            "english_statement": english_statement(memory, turn.world),
            "outcome": "submitted" if online else "prepared", "submitted_at": turn.message.at}


def _ask_again(turn: Turn, problem: IntakeRejected) -> None:
    memory = turn.memory
    slots = [name for name in dict.fromkeys(field.split(".")[0] for field in problem.fields) if name in BY_SLOT]
    memory.at.reviewed = False
    logger.warning("request not accepted: %s", problem)
    if not slots:
        memory.at.not_sent = True
        turn.say("utter_not_sent_yet")
        return
    for slot in slots:
        memory.forget(slot)
    turn.say("utter_send_rejected", labels=turn.label("list_separator").join(turn.label(slot) for slot in slots))
