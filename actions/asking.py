"""Putting the next question, with what must be said before it."""
from __future__ import annotations

from datetime import date
from typing import Any

from actions import papers, telling
from actions.review import summary
from actions.turn import Turn
from triage import Decision
from triage.dates import last_day
from triage.facts import CHANNELS, DELAY, HARDSHIP, OWN_CASE_ROLES
from triage.interview import BY_SLOT, REVIEW

PRIVATE_EXTRA = frozenset({"request_proof"})
# What is handed over when this is answered.
LAST_BEFORE_SENDING = {REVIEW: "request", "feedback_text": "feedback"}
STATUS_EXAMPLE = "CA-2345-6789-ABCD"


def ask(turn: Turn, slot: str, variant: str | None, decision: Decision) -> None:
    """Say the question for ``slot``; a first time with its notes, later explained differently."""
    at = turn.memory.at
    again = at.asking == slot and at.variant == variant
    if not again:
        at.misses = 0
        _notes(turn, slot, decision)
    at.asking, at.variant = slot, variant
    key, values = _wording(turn, slot, variant, decision)
    turn.say(key, **values)


def explain(turn: Turn, slot: str, variant: str | None, decision: Decision) -> None:
    """Say the question in other words."""
    if slot == REVIEW or variant:
        ask(turn, slot, variant, decision)
        return
    _, values = _wording(turn, slot, variant, decision)
    turn.say(f"utter_retry_{slot}", **values)


def _wording(turn: Turn, slot: str, variant: str | None, decision: Decision) -> tuple[str, dict[str, Any]]:
    memory, world = turn.memory, turn.world
    at = memory.at
    if slot == REVIEW:
        key = "utter_ask_review_retry" if at.not_sent else (
            "utter_ask_review" if memory.answers.get("delivery") == "online" else "utter_ask_review_paper")
        return key, {"summary": summary(memory, world)}
    if slot == "grounds" and at.not_received and not memory.answers.get("grounds"):
        return "utter_ask_grounds_not_received", {}
    if slot == "grounds" and variant == "only_waiting" and decision.delay.ask_from:
        return "utter_ask_grounds_only_waiting", {"form": memory.answers["form_type"],
                                                  "ask_from": turn.day(decision.delay.ask_from)}
    if slot == "grounds" and variant in ("disagreement", "concern"):
        return f"utter_ask_grounds_{variant}", {}
    if slot == "full_name" and memory.answers.get("requester_role") == "employer":
        return "utter_ask_full_name_company", {}
    if slot == "problem_description" and at.opening:
        return "utter_ask_problem_description_reuse", {"opening": at.opening}
    values: dict[str, Any] = {}
    if slot == "documents":
        settings = world.content.settings
        values |= {"checklist": papers.lines(turn, decision.grounds), "most": settings.documents_max,
                   "mib": settings.document_max_mib}
    elif slot == "delivery":
        values["mail_delay_days"] = world.content.office.mail_delay_days
    elif slot == "request_number":
        values["example"] = STATUS_EXAMPLE
    return f"utter_ask_{slot}", values


def _notes(turn: Turn, slot: str, decision: Decision) -> None:
    memory, world = turn.memory, turn.world
    answers = memory.answers
    question = BY_SLOT.get(slot)
    if (question and question.section > 2 and DELAY in answers.get("grounds", ()) and "filing_date" in answers
            and turn.told_once(f"delay {answers.get('form_type')} {answers['filing_date']}")):
        _tell_delay(turn, decision)
    if question and question.section > 3:
        if turn.told_once("window"):
            _tell_window(turn, decision)
        if memory.answers.get("requester_role") not in (None, *OWN_CASE_ROLES) and turn.told_once("role_consent"):
            kind = "attorney" if answers["requester_role"] == "attorney" else "other"
            turn.say(f"utter_role_consent_{kind}")
    if ((question and question.personal) or slot in PRIVATE_EXTRA) and turn.told_once("privacy"):
        turn.say("utter_privacy_notice", days=world.content.settings.conversation_days,
                 review_days=world.content.settings.review_queue_days)


def _tell_delay(turn: Turn, decision: Decision) -> None:
    answers, world = turn.memory.answers, turn.world
    check, form = decision.delay, answers.get("form_type")
    if check.verified == "unknown" or check.months is None or check.ask_from is None:
        turn.say("utter_delay_unknown", form=form or turn.label("unknown"))
    elif check.verified:
        turn.say("utter_delay_holds", form=form, months=telling.number(check.months),
                 as_of=turn.day(world.content.posted_times[str(form)].as_of), filed=turn.day(answers["filing_date"]))
    else:
        turn.say("utter_delay_inside", form=form, ask_from=turn.day(check.ask_from))


def _as_told(turn: Turn, contacted: date) -> str:
    """The last contact no more exactly than the person said it: a month stays a month."""
    told = [str(turn.memory.answers.get(f"{channel}_date") or "") for channel in CHANNELS]
    return next((value for value in told if value and last_day(value) == contacted), contacted.isoformat())


def _tell_window(turn: Turn, decision: Decision) -> None:
    world, window = turn.world, decision.window
    days: dict[str, Any] = {"max_age_days": world.policy.contact_max_age_days,
                            "min_wait_days": world.policy.contact_min_wait_days}
    phone = telling.channel(world, "contact_center")["phone"]
    tried = turn.memory.facts().channels_tried()
    if not tried and HARDSHIP in turn.memory.answers.get("grounds", ()):
        turn.say("utter_hardship_channels", phone=phone)
    elif window.kind == "too_recent" and window.contacted and window.answer_until:
        turn.say("utter_window_too_recent", contacted=turn.day(_as_told(turn, window.contacted)),
                 answer_until=turn.day(window.answer_until), **days)
    elif window.kind == "too_old" and window.contacted and window.contact_since:
        turn.say("utter_window_too_old", contacted=turn.day(_as_told(turn, window.contacted)),
                 contact_since=turn.day(window.contact_since), phone=phone, **days)
    elif window.kind == "no_contact" and window.contact_since:
        turn.say("utter_window_no_contact", contact_since=turn.day(window.contact_since), phone=phone, **days)
