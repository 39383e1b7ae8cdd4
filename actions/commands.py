"""What a person can always say, whatever is being asked: stop, save, back, skip, explain, a person, start over."""
from __future__ import annotations

from actions import telling
from actions.message import Message
from actions.turn import Turn
from triage.facts import CHANNELS, NOT_TRIED
from triage.interview import BY_SLOT

HARD = ("stop", "restart", "save_for_later", "talk_to_human", "go_back", "repeat_question")
SMALL_TALK = {"greet": "utter_greet_again", "thank": "utter_thanks", "goodbye": "utter_goodbye"}
# A command inside a story is seldom meant: it must be short, or the whole message.
SHORT = 14
LIKELY = 0.45
SURE_INSIDE = 0.7


def recognised(turn: Turn, at_least: float = LIKELY) -> str | None:
    """The hard command of the message, if any."""
    message = turn.message
    if _answer_after_all(turn):
        return None
    if message.sure(*HARD, at_least=at_least):
        return message.intent
    if message.length <= 3 * SHORT:
        for segment in message.segments:
            if segment.intent in HARD and segment.confidence >= SURE_INSIDE:
                return segment.intent
    return None


def _answer_after_all(turn: Turn) -> bool:
    """Whether words of the message answer the open question although the sentence looks like a command."""
    message, slot = turn.message, turn.memory.at.asking
    question = BY_SLOT.get(slot or "")
    if message.intent == "go_back":
        told = slot is not None and slot.endswith("_date") and message.first("date") is not None
        return message.ordinal is not None or told
    if message.intent == "repeat_question":
        return any(item["value"] == slot and item.get("role") for item in message.all("service_channel"))
    if message.intent == "save_for_later":
        return (slot == "documents" and message.cue("papers_later")) or (
            slot == "delivery" and message.first("delivery") is not None)
    if message.intent == "talk_to_human":
        return slot == "requester_role" and message.first("requester_role") is not None
    return message.intent == "stop" and question is not None and question.optional and message.cue("pass")


def carry_out(turn: Turn, command: str) -> None:
    """Do what a hard command says."""
    at = turn.memory.at
    if command == "stop":
        at.pending = {"kind": "stop"}
        turn.say("utter_confirm_stop")
    elif command == "restart":
        at.pending = {"kind": "restart"}
        turn.say("utter_confirm_restart")
    elif command == "save_for_later":
        turn.say("utter_save_how", days=turn.world.content.settings.save_days)
    elif command == "talk_to_human":
        at.wants_human = True
        turn.handled = True
    elif command == "go_back":
        go_back(turn)
    elif command == "repeat_question":
        turn.handled = True


def go_back(turn: Turn) -> None:
    """Open the question that was answered last."""
    at = turn.memory.at
    trail = [slot for slot in at.trail if slot in BY_SLOT and BY_SLOT[slot].asked_if(turn.memory.facts())]
    if at.forced and at.forced in trail:
        trail = trail[:trail.index(at.forced)]
    if not trail:
        turn.say("utter_nothing_before")
        return
    at.forced, at.variant = trail[-1], None
    at.trail = at.trail[:at.trail.index(trail[-1])]
    at.reviewed = False
    turn.say("utter_going_back")


def skip(turn: Turn, slot: str) -> None:
    """Pass a question over, or say why that cannot be."""
    question = BY_SLOT.get(slot)
    passed = question is not None and (question.optional or _may_go_without(turn, slot))
    if passed or (slot == turn.memory.at.forced and slot in turn.memory.answers):
        if slot not in turn.memory.answers or (passed and slot != turn.memory.at.forced):
            turn.memory.skip(slot)
        settle(turn, slot)
        turn.say("utter_skipped", label=turn.label(slot))
        return
    turn.memory.at.misses += 1
    turn.say("utter_skip_required")


def _may_go_without(turn: Turn, slot: str) -> bool:
    """Whether the date of filing may be left open: who was helped to find it and still does not know it."""
    return slot == "filing_date" and turn.memory.at.misses > 0


def unsure(turn: Turn, slot: str) -> None:
    """The person does not know: help, and where that is enough go on without."""
    at = turn.memory.at
    question = BY_SLOT.get(slot)
    if slot in CHANNELS:
        if at.misses == 0:
            at.misses += 1
            turn.say(f"utter_channel_unsure_{slot}")
            turn.hold = True
            return
        turn.put(slot, NOT_TRIED)
        settle(turn, slot)
        turn.say("utter_channel_noted_not_tried", channel=turn.label(slot))
    elif question is not None and (question.optional or _may_go_without(turn, slot)):
        turn.memory.skip(slot)
        settle(turn, slot)
        turn.say("utter_unsure_ok")
    else:
        at.misses += 1
        turn.explain = True
        turn.handled = True


def settle(turn: Turn, slot: str) -> None:
    """The open question is done with."""
    at = turn.memory.at
    at.trail = [name for name in at.trail if name != slot] + [slot]
    at.misses = 0
    at.pending = None
    if at.forced == slot:
        at.forced = None
    turn.handled = True


def small_talk(turn: Turn) -> bool:
    """Greeting, thanks, goodbye, anger and things that do not belong here.

    Returns:
        Whether it was one of them.
    """
    message = turn.message
    for intent, key in SMALL_TALK.items():
        if message.sure(intent):
            turn.say(key)
            return True
    if message.sure("frustrated"):
        turn.say("utter_frustrated")
        return True
    if does_not_belong(message):
        turn.say("utter_out_of_scope")
        return True
    return False


def does_not_belong(message: Message) -> bool:
    """Whether the message has nothing to do with a case at USCIS, or with anything."""
    return message.sure("out_of_scope", at_least=0.6)


def offer_a_person(turn: Turn) -> None:
    """Say how to reach a person."""
    turn.say("utter_offer_human", phones=telling.office(turn.world)["phones"])
