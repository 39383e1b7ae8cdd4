"""The status of a filed request: tracking number and a second fact; wrong and unknown are answered alike."""
from __future__ import annotations

from actions import telling
from actions.asking import STATUS_EXAMPLE
from actions.intake_client import IntakeLocked, IntakeUnavailable
from actions.readers import best_date, has_none, visible_text
from actions.turn import Turn

LIKELY = 0.45


def begins(turn: Turn) -> bool:
    """Whether the message asks about a filed request."""
    message = turn.message
    number = message.first("tracking_number")
    return message.any_sentence("check_request_status", at_least=LIKELY) or number is not None


async def begin(turn: Turn) -> None:
    """Open the status question; what is already in the message is taken."""
    turn.memory.at.status = {"number": None}
    turn.handled = True
    await read(turn)


async def read(turn: Turn) -> bool:
    """Take what the message gives for the open status question.

    Returns:
        ``False`` when the message leaves the subject; the status question is closed then.
    """
    message, at = turn.message, turn.memory.at
    status = at.status or {}
    found = message.first("tracking_number")
    if found:
        if not found.get("valid"):
            turn.say("utter_invalid_number_of_request", value=visible_text(message.text)[:40], example=STATUS_EXAMPLE)
            return True
        status["number"] = found["value"]
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
        at.status = None
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


def _proof(turn: Turn) -> dict[str, str] | None:
    number = turn.message.first("receipt_number")
    if number and not number.get("problem"):
        return {"receipt_number": str(number["value"])}
    born = best_date(turn.message, ("birth", None, "filing"))
    if born and born.get("precision") == "day" and not born.get("approx"):
        return {"date_of_birth": str(born["value"])}
    return None


async def _look_up(turn: Turn, number: str, proof: dict[str, str]) -> None:
    at, world, language = turn.memory.at, turn.world, turn.language
    if at.status_tries >= world.content.settings.status_tries:
        turn.say("utter_status_locked")
        return
    try:
        found = await world.intake.look_up(number, proof)
    except IntakeLocked:
        turn.say("utter_status_locked")
        return
    except IntakeUnavailable:
        turn.say("utter_status_unavailable", phones=telling.office(world)["phones"])
        return
    if found is None:
        at.status_tries += 1
        turn.say("utter_status_not_found")
        return
    history = found.get("history") or []
    lines = "\n".join("• " + turn.label("contact_line", name=world.day(str(item["at"])[:10], language),
                                        contact=turn.label(f"status_{item['status']}")) for item in history)
    last = str(history[-1]["at"])[:10] if history else world.today.isoformat()
    turn.say("utter_status_found", tracking_number=number, status=turn.label(f"status_{found['status']}"),
             date=world.day(last, language), history=lines)
