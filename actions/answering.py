"""Storing the answer to the open question, or saying what is wrong with it."""
from __future__ import annotations

from typing import Any

from actions import changing, commands, volunteered
from actions.readers import Reading
from actions.review import words_of
from actions.turn import Turn
from actions.words import Words


def take_reading(turn: Turn, slot: str, reading: Reading) -> bool:
    """Store what a reader found, or say what is wrong with it."""
    at, memory = turn.memory.at, turn.memory
    for name, value in reading.values.items():
        if turn.withhold(name):
            continue
        if name == "receipt_numbers" and isinstance(value, list):
            value = changing.merged_receipts(memory.answers.get(name), value, turn.message, replacing=at.forced == name)
        turn.put(name, value)
        if name == "signature_name":
            turn.put("signed_at", turn.message.at)
        if name == "requester_role":
            volunteered.move_name_to_typist(turn)
    if reading.pending is not None:
        return pend(turn, dict(reading.pending))
    if reading.problem is not None:
        at.misses += 1
        details = dict(reading.details)
        if "filed" in details:
            details["filed"] = words_of("filing_date", details["filed"], turn.world)
        turn.say(reading.problem, **details)
        turn.hold = True
        return True
    if slot == "consent" and memory.answers.get("consent") is False and "consent_back" not in at.told:
        memory.forget("consent")
        at.told.append("consent_back")
        at.pending = {"kind": "consent_back"}
        turn.say("utter_consent_back")
        turn.hold = True
        return True
    if reading.skip:
        memory.skip(slot)
    commands.settle(turn, slot)
    return True


def pend(turn: Turn, pending: dict[str, Any]) -> bool:
    at = turn.memory.at
    at.pending = pending
    turn.hold = True
    kind = pending["kind"]
    if kind == "receipt":
        value = str(pending["value"])
        turn.say(f"utter_confirm_receipt_{pending['problem']}", value=value, prefix=value[:3])
    elif kind == "receipt_where":
        turn.say("utter_receipt_where")
    elif kind == "receipt_none":
        turn.say("utter_ask_receipt_none_reason")
    elif kind == "form_unknown":
        turn.say("utter_form_unknown", value=pending["value"])
    else:
        candidates: list[Any] = list(pending["candidates"])
        buttons = [{"title": Words(item["label"]), "payload": f'/inform{{"ordinal": {number}}}'}
                   for number, item in enumerate(candidates, 1)]
        turn.say("utter_form_ambiguous", term=pending["term"], buttons=buttons)
    return True
