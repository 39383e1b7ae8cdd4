"""An open yes/no or choice: stopping, starting over, a doubtful number, an ambiguous form, which answer to change."""
from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from actions import changing, commands, unclear
from actions.readers import yes_or_no
from actions.turn import Turn
from triage.facts import NONE

LIKELY = 0.45
# "Really?" was just asked: a faint yes is a yes.
FAINT = 0.2


def resolve(turn: Turn) -> bool:
    """Take the message as the answer to what is pending.

    Returns:
        ``False`` when the message is about something else; the pending question is then given up.
    """
    pending = turn.memory.at.pending or {}
    if _RESOLVE[str(pending["kind"])](turn, pending):
        return True
    turn.memory.at.pending = None
    return False


def _stop(turn: Turn, pending: Mapping[str, Any]) -> bool:
    turn.memory.at.pending = None
    message = turn.message
    wanted, refused = message.p("stop", "affirm", "goodbye"), message.p("deny", "repeat_question", "skip")
    said_again = message.cue("end_it") and not message.is_question and refused < LIKELY
    if message.any_sentence("stop", at_least=LIKELY) or said_again or (wanted > refused and wanted >= FAINT):
        turn.memory.at.stopped = True
        turn.handled = True
        return True
    turn.say("utter_stop_kept")
    return yes_or_no(turn.message) is False


def _restart(turn: Turn, pending: Mapping[str, Any]) -> bool:
    turn.memory.at.pending = None
    if turn.message.any_sentence("restart", at_least=LIKELY) or yes_or_no(turn.message) is True:
        turn.memory.erase()
        turn.say("utter_restarted")
        return True
    turn.say("utter_restart_kept")
    return yes_or_no(turn.message) is False


def _receipt(turn: Turn, pending: Mapping[str, Any]) -> bool:
    message, memory = turn.message, turn.memory
    if any(not item.get("problem") for item in message.all("receipt_number")):
        return False
    again = message.first("receipt_number")
    agreed = yes_or_no(message)
    if agreed is True or (again and again["value"] == pending["value"]):
        memory.at.pending = None
        new = changing.merged_receipts(memory.answers.get("receipt_numbers"), [str(pending["value"])], message,
                                       replacing=memory.at.forced == "receipt_numbers")
        turn.put("receipt_numbers", new)
        commands.settle(turn, "receipt_numbers")
        return True
    if agreed is False and not again:
        memory.at.pending = None
        turn.say("utter_confirm_receipt_no")
        turn.hold = True
        return True
    return False


def _receipt_none(turn: Turn, pending: Mapping[str, Any]) -> bool:
    message = turn.message
    if message.first("receipt_number") or message.is_question:
        return False
    if message.cue("cannot_find") or message.sure("unsure"):
        turn.memory.at.pending = {"kind": "receipt_where"}
        turn.say("utter_receipt_where")
        turn.hold = True
        return True
    if commands.recognised(turn):
        return False
    return _without_receipt(turn, message.text if message.event == "text" else str(pending.get("reason") or ""))


def _receipt_where(turn: Turn, pending: Mapping[str, Any]) -> bool:
    message = turn.message
    if message.first("receipt_number") or message.is_question or commands.recognised(turn):
        return False
    if message.cue("none", "never_issued", "cannot_find") or message.sure("affirm", "skip", "unsure", "deny"):
        said = message.text if message.event == "text" else turn.world.labels.get("unknown", turn.language)
        return _without_receipt(turn, said)
    return False


def _without_receipt(turn: Turn, reason: str) -> bool:
    turn.put("receipt_numbers", NONE)
    turn.put("receipt_numbers_reason", reason)
    commands.settle(turn, "receipt_numbers")
    turn.say("utter_noted_receipt_none")
    return True


def _form_choice(turn: Turn, pending: Mapping[str, Any]) -> bool:
    message, candidates = turn.message, list(pending["candidates"])
    number = message.ordinal
    chosen = None
    if number and -1 <= number <= len(candidates):
        chosen = candidates[number - 1 if number > 0 else -1]
    for item in message.all("form_type"):
        for candidate in candidates:
            if (item.get("variant") == candidate.get("variant") and item.get("variant")) or (
                    not item.get("candidates") and item["value"] == candidate["form"]):
                chosen = candidate
        if chosen is None and item["value"] and not item.get("candidates"):
            chosen = {"form": item["value"]}
    forms = {candidate["form"] for candidate in candidates}
    if chosen is None and len(forms) == 1 and (message.sure("unsure", "affirm") or turn.memory.at.misses > 0):
        chosen = candidates[0]
    if chosen is None:
        return False
    turn.put("form_type", chosen["form"])
    commands.settle(turn, "form_type")
    return True


def _form_unknown(turn: Turn, pending: Mapping[str, Any]) -> bool:
    agreed = yes_or_no(turn.message)
    again = turn.message.first("form_type")
    if agreed is True or (again and again["value"] == pending["value"]):
        turn.put("form_type", pending["value"])
        commands.settle(turn, "form_type")
        return True
    return False


def _which_answer(turn: Turn, pending: Mapping[str, Any]) -> bool:
    message, at = turn.message, turn.memory.at
    if message.first("answer_name") or any(message.first(entity) for entity in changing.BY_ENTITY):
        at.pending = None
        return changing.apply(turn)
    return False


def _consent_back(turn: Turn, pending: Mapping[str, Any]) -> bool:
    message = turn.message
    way = message.first("delivery")
    if way and not message.is_question:
        turn.put("delivery", way["value"])
        if way["value"] == "online" and yes_or_no(message) is not False:
            turn.put("consent", True)
        commands.settle(turn, "consent")
        return True
    agreed = yes_or_no(message, no=("deny", "skip", "stop"))
    if agreed is None:
        return False
    turn.put("consent", agreed)
    commands.settle(turn, "consent")
    return True


_RESOLVE: Mapping[str, Callable[[Turn, Mapping[str, Any]], bool]] = {
    "stop": _stop,
    "restart": _restart,
    "receipt": _receipt,
    "receipt_none": _receipt_none,
    "receipt_where": _receipt_where,
    "form_choice": _form_choice,
    "form_unknown": _form_unknown,
    "which_answer": _which_answer,
    "consent_back": _consent_back,
    unclear.KIND: unclear.resolve,
}
