"""Correcting an earlier answer: which one, and to what."""
from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from actions import readers
from actions.memory import ANSWER_SLOTS
from actions.message import Message
from actions.review import words_of
from actions.turn import Turn
from actions.words import Words
from triage.interview import BY_SLOT, FREE_TEXT, visible

LIKELY = 0.4
# Two receipt numbers that differ in no more places than this are one number and its correction.
NEAR = 5
MOST_CHOICES = 12
# The values in a message that say by themselves which answer they belong to.
BY_ENTITY = {"receipt_number": "receipt_numbers", "email": "email", "phone": "phone", "a_number": "a_number",
             "form_type": "form_type", "requester_role": "requester_role", "delivery": "delivery",
             "person_name": "full_name"}


def wanted(message: Message) -> bool:
    """Whether the person wants to correct an earlier answer."""
    if message.any_sentence("change_answer", at_least=LIKELY):
        return True
    return message.cue("replace") and (message.first("answer_name") is not None or any(
        message.first(entity) for entity in BY_ENTITY))


def named(turn: Turn) -> list[str]:
    """The answers the person names, that are part of this interview."""
    shown = {question.slot for question in visible(turn.memory.facts())} | set(turn.memory.answers)
    names = [str(item["value"]) for item in turn.message.all("answer_name")]
    return [name for name in dict.fromkeys(names) if name in shown and name in ANSWER_SLOTS]


def apply(turn: Turn) -> bool:
    """Carry a correction out, or open the question it is about.

    Returns:
        Whether the message was a correction.
    """
    message, at = turn.message, turn.memory.at
    names = named(turn)
    if not names:
        names = list(dict.fromkeys(BY_ENTITY[str(item["entity"])] for item in message.entities
                                   if item["entity"] in BY_ENTITY))[:1]
    if not names and message.first("date"):
        role = str(message.first("date").get("role") or "")  # type: ignore[union-attr]
        names = {"filing": ["filing_date"], "birth": ["date_of_birth"]}.get(role, [])
    # What was never answered is no correction; what the page knows is corrected there.
    early = [name for name in names if name not in turn.memory.answers and turn.withhold(name)]
    if early:
        names = [name for name in names if name not in early]
        if not names:
            return False
    if not names:
        if not turn.memory.answers:
            turn.say("utter_nothing_to_change")
            return True
        choose(turn)
        return True
    changed = [name for name in names if name not in FREE_TEXT and _new_value(turn, name)]
    if changed:
        turn.say("utter_changed", items=noted_items(turn, changed))
        turn.noted = [name for name in turn.noted if name not in changed]
        if at.forced in changed:
            at.forced = None
        return True
    at.forced, at.variant = names[0], None
    turn.say("utter_change_to", label=turn.label(names[0]))
    return True


def _new_value(turn: Turn, slot: str) -> bool:
    reader = readers.READERS.get(slot)
    if reader is None or (slot in ("full_name", "representative_name", "signature_name")
                          and not turn.message.first("person_name")):
        return False
    if slot == "mailing_address" or slot == "documents" or turn.withhold(slot):
        return False
    reading = reader(turn.message, turn.world.today, turn.memory.answers)
    if reading is None or reading.problem or reading.pending or slot not in reading.values:
        return False
    value = reading.values[slot]
    if slot == "receipt_numbers":
        value = merged_receipts(turn.memory.answers.get(slot), value, turn.message, replacing=True)
    before = list(turn.changed)
    turn.put(slot, value)
    for other, other_value in reading.values.items():
        if other != slot and not turn.withhold(other):
            turn.put(other, other_value)
    return turn.changed != before or turn.memory.answers.get(slot) == value


def merged_receipts(old: Any, new: list[str], message: Message, replacing: bool) -> list[str]:
    """Receipt numbers after a message: "also" adds, a correction replaces the number it corrects.

    Args:
        old: Numbers so far, ``none`` or ``None``.
        new: Numbers in the message.
        message: For its cues.
        replacing: The person set out to correct.
    """
    if not isinstance(old, list) or not old:
        return new
    fresh = [number for number in new if number not in old]
    if message.cue("add") and not message.cue("replace"):
        return old + fresh
    if not replacing and not message.cue("replace"):
        return old + fresh
    if len(new) > len(fresh) and fresh:
        # "not A, it should be B": A is among the old ones and goes.
        return [number for number in old if number not in new] + fresh
    if len(old) == 1 or len(fresh) != 1:
        return new
    closest = min(old, key=lambda number: _distance(number, fresh[0]))
    if _distance(closest, fresh[0]) > NEAR:
        return new
    return [fresh[0] if number == closest else number for number in old]


def _distance(one: str, other: str) -> int:
    return sum(a != b for a, b in zip(one, other, strict=False))


def choose(turn: Turn) -> None:
    """Ask which answer to change, with a button for each."""
    at = turn.memory.at
    slots = [question.slot for question in visible(turn.memory.facts()) if question.slot in turn.memory.answers]
    at.pending = {"kind": "which_answer"}
    buttons = [{"title": turn.label(slot), "payload": f'/change_answer{{"answer_name": "{slot}"}}'}
               for slot in slots[:MOST_CHOICES]]
    turn.say("utter_ask_which_answer", buttons=buttons)


def noted_items(turn: Turn, slots: list[str]) -> Words:
    """What was understood, as one line a person can check."""
    parts = []
    answers: Mapping[str, Any] = turn.memory.answers
    for slot in slots:
        if slot in answers and slot in BY_SLOT:
            parts.append(turn.label("review_line", label=turn.label(slot),
                                    value=words_of(slot, answers[slot], turn.world)))
    return turn.world.labels.joined(parts)
