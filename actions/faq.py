"""Questions of the person's own, answered from the leaflet and the content files."""
from __future__ import annotations

from actions import papers, telling
from actions.message import Message
from actions.turn import Turn

# Intent to the topic of its answer.
TOPICS = {
    "ask_who_we_are": "who_we_are", "ask_cost": "cost", "ask_privacy": "privacy", "ask_eligibility": "eligibility",
    "ask_limits": "limits", "ask_process": "process", "ask_timeline": "timeline",
    "ask_processing_time": "processing_time", "ask_contact_center": "contact_center",
    "ask_case_status_online": "case_status_online", "ask_infopass": "infopass",
    "ask_how_to_submit": "how_to_submit", "ask_contact_info": "contact_info", "ask_documents": "documents",
    "ask_form_7001": "form_7001", "ask_receipt_number": "receipt_number", "ask_representation": "representation",
    "ask_recommendations": "recommendations", "check_case_status": "check_case_status",
}
# In the middle of a case these are questions beside it, not a reason to leave.
BESIDE = {"ask_legal_advice": "legal_advice", "report_other_agency": "other_agency",
          "disagree_with_decision": "disagreement", "give_feedback": "feedback_later"}
SMALL_TALK = {"ask_capabilities": "utter_capabilities", "bot_challenge": "utter_bot"}
ASKED = 0.4
SURELY_ASKED = 0.7


def topics_in(message: Message, answered: bool) -> list[str]:
    """The intents of the questions in a message.

    Args:
        message: The message.
        answered: It also answers the open question, so only a clear question counts.
    """
    known = {*TOPICS, *SMALL_TALK}
    if message.segments:
        found = [segment.intent for segment in message.segments
                 if segment.intent in known and segment.confidence >= (SURELY_ASKED if answered else 0.5)]
        if found:
            return list(dict.fromkeys(found))[:3]
    if message.intent not in known:
        # "Why would a lawyer…?": a question whose best reading is no question, but a good second one is.
        second = next(((name, p) for name, p in message.ranking[:3] if name in known), None)
        if message.is_question and not answered and second and second[1] >= 0.2:
            return [second[0]]
        return []
    floor = SURELY_ASKED if answered or not message.is_question else ASKED / 2
    return [message.intent] if message.confidence >= floor else []


def answer(turn: Turn, intent: str) -> None:
    """Answer one question."""
    world, memory = turn.world, turn.memory
    office = telling.office(world)
    if intent in SMALL_TALK:
        turn.say(SMALL_TALK[intent], phones=office["phones"])
        return
    topic = TOPICS.get(intent) or BESIDE[intent]
    values = dict(office)
    if topic in world.content.channels:
        values |= telling.channel(world, topic)
        if topic == "infopass":
            values["phone"] = telling.channel(world, "contact_center")["phone"]
    elif topic == "processing_time":
        found = turn.message.first("form_type")
        form = (found or {}).get("value") or memory.answers.get("form_type")
        values["link"] = telling.link(world, "case_status_online", "processing_times")
        posted = world.content.posted_times.get(str(form))
        if posted:
            topic = "processing_time_form"
            values |= {"form": form, "months": telling.number(float(posted.months)),
                       "as_of": turn.day(posted.as_of)}
    elif topic == "documents":
        values["checklist"] = papers.lines(turn, memory.answers.get("grounds", ()))
    elif topic == "privacy":
        values["review_days"] = world.content.settings.review_queue_days
    elif topic == "check_case_status":
        values |= telling.channel(world, "case_status_online")
        values["phone"] = telling.channel(world, "contact_center")["phone"]
    elif topic in ("legal_advice", "disagreement"):
        values["helpers"] = telling.contacts(world, world.content.legal_help.places)
    elif topic == "other_agency":
        agency = turn.message.first("agency")
        known = telling.agency(world, str(agency["value"]) if agency else None)
        if known is None:
            turn.say("utter_outcome_other_agency_unknown", contact=telling.directory(world))
            return
        values |= known
    turn.say(f"utter_answer_{topic}", **values)
