"""A filed request: where it stands, withdrawing it, having it erased.

Each needs the tracking number and a second fact; wrong and unknown are answered alike. Withdrawing and erasing are
confirmed first; somebody who has just filed the request in this conversation has given both facts already.
"""
from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from actions import telling
from actions.asking import STATUS_EXAMPLE
from actions.intake_client import IntakeConflict, IntakeErased, IntakeLocked, IntakeUnavailable, IntakeUnsupported
from actions.readers import best_date, has_none, visible_text, yes_or_no
from actions.turn import Turn
from actions.words import Words
from triage.facts import NONE

LIKELY = 0.45
# A wish, not a story: as many words at most.
SHORT = 25
STATUS, WITHDRAW, ERASE = "status", "withdraw", "erase"
# What the cue in the words asks for; without one it is the status.
CUES = {"withdraw_request": WITHDRAW, "erase_request": ERASE}


def begins(turn: Turn) -> bool:
    """Whether the message asks about a filed request."""
    message = turn.message
    number = message.first("tracking_number")
    return message.any_sentence("check_request_status", at_least=LIKELY) or number is not None


def wants_back(turn: Turn) -> bool:
    """Whether the message asks to withdraw or erase a filed request.

    In the middle of a request that is not filed yet the same words mean to stop it.
    """
    message, at = turn.message, turn.memory.at
    if _purpose(turn) == STATUS:
        return False
    if at.tracking_number is not None or message.first("tracking_number") is not None:
        return True
    # A story of a case may speak of a withdrawn petition.
    return not turn.memory.answers and message.length <= SHORT and message.first("form_type") is None


async def begin(turn: Turn) -> None:
    """Open the question; what is already in the message, or known of the request just filed, is taken."""
    at = turn.memory.at
    turn.handled = True
    purpose = _purpose(turn)
    number = at.tracking_number if purpose != STATUS else None
    if at.waiting and not number and turn.message.first("tracking_number") is None:
        turn.say("utter_still_waiting")
        return
    at.status = {"number": number, "purpose": purpose}
    await read(turn)


async def read(turn: Turn) -> bool:
    """Take what the message gives for the open question about a filed request.

    Returns:
        ``False`` when the message leaves the subject; the question is closed then.
    """
    message, at = turn.message, turn.memory.at
    status = at.status or {}
    found = message.first("tracking_number")
    if found:
        if not found.get("valid"):
            turn.say("utter_invalid_number_of_request", value=visible_text(message.text)[:40], example=STATUS_EXAMPLE)
            return True
        status["number"] = found["value"]
    elif at.asking == "request_number" and turn.world.intake.is_agency_number(message.text.strip()):
        # A number of an agency's own intake, which no rule of ours finds.
        status["number"] = message.text.strip()
    if status.get("number") is None:
        if at.asking == "request_number" and at.status and not found and not begins(turn):
            if has_none(message) or message.any_sentence("stop", "go_back", "skip", "talk_to_human"):
                at.status = None
                return False
            status["misses"] = status.get("misses", 0) + 1
            if status["misses"] > 1 or message.p("report_delay", "report_uscis_error", "report_hardship") > 0.5:
                at.status = None
                return False
            turn.say("utter_invalid_number_of_request", value=visible_text(message.text)[:40], example=STATUS_EXAMPLE)
        return True
    proof = _proof(turn)
    if proof:
        await _look_up(turn, status["number"], proof)
        return True
    if at.asking == "request_proof":
        if has_none(message) or message.any_sentence("stop", "go_back", "skip", "talk_to_human"):
            at.status = None
            return False
        status["misses"] = status.get("misses", 0) + 1
        if status["misses"] > 2:
            at.status = None
            return False
    return True


def confirming(turn: Turn) -> bool:
    """Whether "really withdraw it?" (or "erase it?") is open."""
    return bool((turn.memory.at.status or {}).get("proof"))


def ask_to_confirm(turn: Turn) -> None:
    """Say that question, unless it was just said."""
    at = turn.memory.at
    status = at.status or {}
    at.asking = at.variant = None
    key = f"utter_confirm_{status['purpose']}_request"
    if not turn.replies or turn.replies[-1].key != key:
        turn.say(key, tracking_number=status["number"])


async def confirmed(turn: Turn) -> bool:
    """Take the answer to it.

    Returns:
        ``False`` when the message is about something else; nothing is done to the request then.
    """
    at, status = turn.memory.at, turn.memory.at.status or {}
    at.status = None
    agreed = yes_or_no(turn.message)
    if agreed is True or _purpose(turn) == status["purpose"]:
        await _carry_out(turn, status)
        turn.handled = True
        return True
    turn.say("utter_request_kept", tracking_number=status["number"])
    return agreed is False


def _purpose(turn: Turn) -> str:
    return next((purpose for cue, purpose in CUES.items() if turn.message.cue(cue)), STATUS)


def _proof(turn: Turn) -> dict[str, str] | None:
    number = turn.message.first("receipt_number")
    if number and not number.get("problem"):
        return {"receipt_number": str(number["value"])}
    born = best_date(turn.message, ("birth", None, "filing"))
    if born and born.get("precision") == "day" and not born.get("approx"):
        return {"date_of_birth": str(born["value"])}
    at, answers = turn.memory.at, turn.memory.answers
    status = at.status or {}
    if status.get("purpose") != STATUS and at.tracking_number and status.get("number") == at.tracking_number:
        if isinstance(answers.get("receipt_numbers"), list):
            return {"receipt_number": str(answers["receipt_numbers"][0])}
        if answers.get("date_of_birth") not in (None, NONE):
            return {"date_of_birth": str(answers["date_of_birth"])}
    return None


async def _look_up(turn: Turn, number: str, proof: dict[str, str]) -> None:
    at, world = turn.memory.at, turn.world
    purpose = (at.status or {}).get("purpose", STATUS)
    at.status = None
    if at.status_tries >= world.content.settings.status_tries:
        turn.say("utter_status_locked")
        return
    try:
        found = await world.intake.look_up(number, proof)
    except IntakeErased as erased:
        turn.say("utter_request_erased", tracking_number=number, receipt=erased.receipt)
    except IntakeLocked:
        turn.say("utter_status_locked")
    except (IntakeUnavailable, IntakeConflict, IntakeUnsupported):
        turn.say("utter_status_unavailable", phones=telling.office(world)["phones"])
    else:
        if found is None:
            at.status_tries += 1
            turn.say("utter_status_not_found")
        elif purpose == STATUS:
            _tell(turn, number, found)
        elif purpose == WITHDRAW and found.get("status") == "withdrawn":
            turn.say("utter_request_withdrawn", tracking_number=number)
        else:
            at.status = {"number": number, "purpose": purpose, "proof": proof}


def _tell(turn: Turn, number: str, found: Mapping[str, Any]) -> None:
    world = turn.world
    history = [item for item in found.get("history") or [] if isinstance(item, Mapping) and item.get("at")]
    lines = [turn.label("contact_line", name=turn.day(str(item["at"])[:10]), contact=_named(turn, item.get("status")))
             for item in history]
    last = str(history[-1]["at"])[:10] if history else world.today.isoformat()
    turn.say("utter_status_found", tracking_number=number, status=_named(turn, found.get("status")),
             date=turn.day(last),
             history=Words.by(lambda language: "\n".join(f"• {line[language]}" for line in lines)))
    if found.get("status") == "bounced":
        turn.say("utter_status_bounced", phones=telling.office(world)["phones"])


def _named(turn: Turn, status: object) -> Words:
    """A status in words; the backend may have states that we do not know."""
    key = f"status_{status}"
    return turn.label(key) if turn.world.labels.has(key) else turn.label("status_other")


async def _carry_out(turn: Turn, status: Mapping[str, Any]) -> None:
    intake, number, proof = turn.world.intake, status["number"], status["proof"]
    phones = telling.office(turn.world)["phones"]
    try:
        if status["purpose"] == WITHDRAW:
            done: object = await intake.withdraw(number, proof)
            receipt = ""
        else:
            done = receipt = await intake.erase(number, proof) or ""
    except IntakeErased as erased:
        turn.say("utter_request_erased", tracking_number=number, receipt=erased.receipt)
    except IntakeLocked:
        turn.say("utter_status_locked")
    except (IntakeConflict, IntakeUnsupported):
        turn.say("utter_request_not_changed", tracking_number=number, phones=phones)
    except IntakeUnavailable:
        turn.say("utter_request_change_unknown", tracking_number=number, phones=phones)
    else:
        if not done:
            turn.say("utter_status_not_found")
        elif status["purpose"] == WITHDRAW:
            turn.say("utter_request_withdrawn", tracking_number=number)
        else:
            turn.say("utter_request_erased", tracking_number=number, receipt=receipt)
