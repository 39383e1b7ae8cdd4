"""Pressed buttons: their payload names the answer, so nothing has to be guessed."""
from __future__ import annotations

from typing import Any

from actions import changing, commands, unclear, volunteered
from actions.answering import take_reading
from actions.readers import Reading
from actions.turn import Turn
from triage.facts import CHANNELS, DELIVERIES, GROUNDS, NONE, NOT_TRIED, ROLES, TRIED
from triage.interview import REVIEW, visible

# What a call-taker presses: a question out of order, and why the open one is asked.
JUMP, ASK, WHY = "jump", "ask", "why"
# What a button may set; anything else in a payload is ignored.
ALLOWED: dict[str, tuple[Any, ...]] = {
    "requester_role": ROLES, "delivery": DELIVERIES, **dict.fromkeys(CHANNELS, (TRIED, NOT_TRIED))}


def take(turn: Turn) -> bool:
    """Take a button that sets an answer.

    Returns:
        ``False`` when the button is a plain intent such as yes or skip, which is understood like words.
    """
    message, at = turn.message, turn.memory.at
    for item in message.entities:
        slot, value = str(item["entity"]), item["value"]
        if slot == "grounds":
            _ground(turn, str(value))
            return True
        if slot == JUMP:
            return _jump(turn, str(value))
        if slot == ASK and value == WHY and at.asking:
            turn.say(f"utter_why_{at.asking if at.asking != REVIEW else 'consent'}")
            return True
        if slot == unclear.KIND:
            return unclear.press(turn, str(value))
        if slot == "answer_name" and changing.named(turn):
            at.pending = None
            return changing.apply(turn)
        if slot == "form_type" and value in turn.world.content.forms:
            return take_reading(turn, slot, Reading({slot: value}))
        if slot in ALLOWED and value in ALLOWED[slot]:
            if slot == "delivery" and at.pending and at.pending.get("kind") == "consent_back":
                turn.put(slot, value)
                commands.settle(turn, "consent")
                return True
            return take_reading(turn, slot, Reading({slot: value}))
        if slot == "a_number" and value == NONE:
            return take_reading(turn, slot, Reading(skip=True))
        if slot == "documents":
            return take_reading(turn, slot, Reading(skip=True))
        if slot == "receipt_numbers" and value == NONE:
            turn.put(slot, NONE)
            turn.put("receipt_numbers_reason", turn.label("receipt_never_issued")[turn.language])
            commands.settle(turn, slot)
            turn.say("utter_noted_receipt_none")
            return True
    if message.intent == "change_answer" and not message.entities:
        changing.choose(turn)
        turn.hold = True
        return True
    return False


def _jump(turn: Turn, slot: str) -> bool:
    """Ask an open question out of order; the others come after it in theirs. Without one, the first that is open."""
    at, facts = turn.memory.at, turn.memory.facts()
    open_ones = [question.slot for question in visible(facts) if not facts.known(question.slot)]
    turn.handled = True
    if at.outcome in unclear.STORED or (slot and slot not in open_ones):
        return True
    at.pending = at.status = at.variant = None
    at.forced, at.reviewed = slot or None, False
    if slot in at.skipped:
        at.skipped.remove(slot)
    return True


def _ground(turn: Turn, value: str) -> None:
    at = turn.memory.at
    if value not in GROUNDS:
        turn.say("utter_answer_eligibility")
        turn.explain = True
        return
    if at.variant == "only_waiting":
        at.waiting_only = value == "delay"
    volunteered.add_grounds(turn, (value,))
    commands.settle(turn, "grounds")
