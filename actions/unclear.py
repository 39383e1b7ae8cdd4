"""Asking back when a message can be read in more than one way and a wrong guess would cost something.

A guess that leads to an answer of a question costs nothing and is made. One that would change an answer, claim a
ground, lead to an outcome or stop, restart or hand over is not made while another reading is close, or while it is
weak itself: the readings are named as buttons, with "something else". What is chosen is played as if the person had
said it, with everything else of the message. Numbers: ``ask_back_*`` in ``content/settings.yml``.
"""
from __future__ import annotations

import dataclasses
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

from actions import commands, faq, volunteered
from actions.claims import BY_INTENT, CONCERNS
from actions.message import Message
from actions.readers import yes_or_no
from actions.turn import Turn
from actions.words import Words
from triage.facts import CHANNELS
from triage.interview import BY_SLOT, REVIEW

KIND = "meant"
OTHER = "other"
MOST_READINGS = 3
# Longer than this, a "no" tells something new and is not only "none of these".
SHORT_NO = 6
REPEATED = 0.35

CLAIMS = frozenset({*BY_INTENT, *CONCERNS, "report_not_received"})
COMMANDS = frozenset({"stop", "restart", "talk_to_human", "go_back", "change_answer", "check_request_status"})
# Without a question that they answer, these say nothing.
ANSWERS = frozenset({"affirm", "deny", "unsure", "skip", "inform", "tried_channel", "not_tried_channel"})
STORED = ("submitted", "prepared")
SHARING = ("consent", REVIEW)
_YES, _NO = ("affirm", "tried_channel", "report_unresolved"), ("deny", "not_tried_channel")
_CHANNEL_READINGS = frozenset({"tried_channel", "not_tried_channel"})
_GROUND_READINGS = {**{ground: intent for intent, ground in BY_INTENT.items()}, "not_received": "report_not_received",
                    "disagreement": "disagree_with_decision", "legal_only": "ask_legal_advice"}


def weigh(message: Message, slot: str | None) -> list[tuple[str, float]]:
    """The readings of a message with their weights, likeliest first.

    Intents that answer a yes/no question alike ("yes", "I called them") are one reading.
    """
    alike: dict[str, str] = {}
    if slot in CHANNELS:
        alike = {**dict.fromkeys(_YES, "affirm"), **dict.fromkeys(_NO, "deny")}
    elif slot in SHARING:
        alike = {"skip": "deny"}
    weights: dict[str, float] = {}
    for name, confidence in message.ranking:
        reading = alike.get(name, name)
        weights[reading] = weights.get(reading, 0.0) + confidence
    return sorted(weights.items(), key=lambda item: -item[1])


def backed(message: Message) -> frozenset[str]:
    """The readings that words of the message speak for, whatever the sentence as a whole looks like."""
    found = {_GROUND_READINGS[str(item["value"])] for item in message.all("ground", "claimed")
             if item["value"] in _GROUND_READINGS}
    if message.first("answer_name"):
        found.add("change_answer")
    found |= {f"{item['role']}_channel" for item in message.all("service_channel") if item.get("role")}
    if message.first("tracking_number"):
        found.add("check_request_status")
    agency = message.first("agency")
    if agency and agency.get("primary"):
        found.add("report_other_agency")
    return frozenset(found)


def take_both(turn: Turn, slot: str | None) -> None:
    """Claim two grounds that a story may both be about, where a word of it speaks for one of them at least.

    "Since February, and I lost my job because of it" is a delay and a hardship; asking which would lose the other.
    """
    message, numbers = turn.message, turn.world.content.settings
    if slot != "grounds" or turn.memory.at.variant or message.segments:
        return
    (first, weight), (second, other) = [*weigh(message, slot), ("", 0.0), ("", 0.0)][:2]
    near = weight - other < numbers.ask_back_margin_percent / 100 and other >= numbers.ask_back_plausible_percent / 100
    denied = {str(item["value"]) for item in message.all("ground", "denied")}
    told = {first, second} & backed(message)
    named = [BY_INTENT[name] for name in (first, second) if name in BY_INTENT]
    if near and told and len(named) == 2 and denied.isdisjoint(named):
        claimed = tuple({"entity": "ground", "value": name, "role": "claimed", "text": ""} for name in named)
        turn.message = dataclasses.replace(message, entities=(*message.entities, *claimed))


def doubt(turn: Turn, slot: str | None, fits: bool) -> tuple[str, ...]:
    """The readings to ask about before anything is done; none when the likeliest may be acted on.

    Args:
        turn: The turn.
        slot: The open question.
        fits: The message gives an answer to the open question.
    """
    message, numbers = turn.message, turn.world.content.settings
    if not _may_ask(turn) or message.length > numbers.ask_back_max_words or message.segments:
        return ()
    margin, sure, plausible = (getattr(numbers, f"ask_back_{name}_percent") / 100
                               for name in ("margin", "sure", "plausible"))
    weights = weigh(message, slot)
    (first, weight), (second, other) = [*weights, ("", 0.0), ("", 0.0)][:2]
    if (first, second) == ("report_unresolved", "tried_channel"):
        weight, other = weight + other, 0.0  # both say that USCIS was asked
    near = weight - other < margin and other >= plausible
    if near and {first, second} == {"affirm", "deny"}:
        return (first, second) if _polar(turn, slot) else ()
    if fits or (slot == "grounds" and turn.memory.at.variant) or not _costs(turn, slot, first):
        return ()
    words = backed(message)
    if not near and (weight >= sure or first in words):
        return ()
    if near and first in words and (second not in words or {first, second} <= set(BY_INTENT)):
        return ()  # two grounds that words speak for are both taken
    against = _CHANNEL_READINGS - words if len(words & _CHANNEL_READINGS) == 1 else frozenset()
    return _offered(turn, [name for name, found in weights
                           if found >= plausible and name not in against and _answers(slot, name)])


def guesses(turn: Turn, slot: str | None) -> tuple[str, ...]:
    """The readings to offer for a message that was not understood."""
    numbers = turn.world.content.settings
    if not _may_ask(turn) or turn.message.length > numbers.ask_back_max_words:
        return ()
    plausible = numbers.ask_back_plausible_percent / 100
    weights = weigh(turn.message, slot)
    first, weight = weights[0]
    if not _leads_on(turn, slot, first) and (first in CLAIMS or weight >= numbers.ask_back_sure_percent / 100):
        return ()  # understood, but it says nothing here
    floor = max(plausible, weights[0][1] / 2)
    return _offered(turn, [name for name, found in weights if found >= floor and _leads_on(turn, slot, name)])


def answer_harmless(turn: Turn, slot: str | None) -> bool:
    """Answer a question of the person's own that was recognised less than surely: a wrong answer costs nothing."""
    numbers = turn.world.content.settings
    weights = [*weigh(turn.message, slot), ("", 0.0)]
    (first, weight), (_, other) = weights[0], weights[1] if len(weights) > 1 else ("", 0.0)
    if (first not in faq.TOPICS or weight < numbers.ask_back_sure_percent / 100
            or weight - other < numbers.ask_back_margin_percent / 100):
        return False
    faq.answer(turn, first)
    return True


def ask(turn: Turn, readings: Sequence[str]) -> None:
    """Name the readings and ask which is meant; nothing is done before the answer."""
    at, message = turn.memory.at, turn.message
    at.doubted = at.turns
    at.pending = {"kind": KIND, "readings": list(readings), "message": {
        "text": message.text, "script": message.script, "entities": [dict(item) for item in message.entities]}}
    key = "utter_did_you_mean"
    if set(readings) == {"affirm", "deny"}:
        key = "utter_yes_or_no"
    elif len(readings) == 1:
        key = "utter_did_you_mean_one"
    _say(turn, key, readings)
    turn.doubts.append("asked_back")


def resolve(turn: Turn, pending: Mapping[str, Any]) -> bool:
    """Take a typed message as the answer to "did you mean".

    Returns:
        ``False`` when the talk goes on with ``turn.message``: the first message as it was meant, or a new one that
        is about something else.
    """
    readings, at = [str(name) for name in pending["readings"]], turn.memory.at
    chosen = _by_place(turn, readings)
    if chosen is None and "stop" in readings and turn.message.cue("end_it"):
        chosen = "stop"
    if chosen is None and (repeated := _by_words(turn, readings)):
        if repeated == OTHER:
            return _something_else(turn, pending)
        said = turn.message
        turn.message = as_meant(turn.message, pending, repeated)
        if len(said.text) > len(turn.message.text):
            turn.message = dataclasses.replace(turn.message, text=said.text)
        turn.message = dataclasses.replace(turn.message, entities=(*turn.message.entities, *said.entities))
        _note_choice(turn, pending, repeated)
        return False
    if chosen == OTHER:
        return _something_else(turn, pending)
    if chosen is not None:
        turn.message = as_meant(turn.message, pending, chosen)
        _note_choice(turn, pending, chosen)
        return False
    if not pending.get("again") and turn.message.length <= SHORT_NO and turn.message.sure("affirm"):
        at.pending = {**pending, "again": True}
        _say(turn, "utter_did_you_mean_which", readings)
        return True
    return False


def press(turn: Turn, value: str) -> bool:
    """Take a pressed reading.

    A button of an older question is no more than the same wish in words, so it can do nothing that typing cannot.

    Returns:
        Whether the turn is done; else the talk goes on with ``turn.message``.
    """
    pending = turn.memory.at.pending or {}
    turn.memory.at.pending = None
    if pending.get("kind") == KIND and value in (*pending["readings"], OTHER):
        if value == OTHER:
            return _something_else(turn, pending)
        turn.message = as_meant(turn.message, pending, value)
        _note_choice(turn, pending, value)
        return False
    if value != OTHER and turn.world.labels.has(f"reading_{value}"):
        said = turn.world.labels.get(f"reading_{value}", turn.language)
        turn.message = dataclasses.replace(turn.message, event="text", text=said, ranking=((value, 1.0),), entities=())
        return False
    turn.explain = turn.handled = True
    return True


def as_meant(now: Message, pending: Mapping[str, Any], reading: str) -> Message:
    """The first message with the reading that the person chose, and everything else that was in it."""
    first = pending["message"]
    entities = tuple(item for item in first["entities"] if not _against(item, reading))
    return dataclasses.replace(now, event="text", text=str(first["text"]), ranking=((reading, 1.0),), segments=(),
                               entities=entities, script=first["script"])


def _against(item: Mapping[str, Any], reading: str) -> bool:
    """Whether words were taken for a denial of what the person now says was meant."""
    return bool(item["entity"] == "ground" and item.get("role") == "denied"
                and _GROUND_READINGS.get(str(item["value"])) == reading)


def take_facts(turn: Turn, slot: str | None) -> None:
    """Keep what the message tells in any reading of it."""
    readings = (turn.memory.at.pending or {}).get("readings", ())
    if "change_answer" not in readings:
        volunteered.take_all(turn, slot)
    if slot == "grounds" and turn.memory.at.opening is None and CLAIMS & set(readings) and (
            turn.message.length >= volunteered.STORY_WORDS):
        turn.memory.at.opening = turn.message.text


def _may_ask(turn: Turn) -> bool:
    """Never twice in a row, and never about a message without words."""
    at, message = turn.memory.at, turn.message
    return (message.event == "text" and bool(message.ranking) and at.turns > at.doubted + 1
            and at.outcome not in STORED and message.ranking[0][1] < 1.0)


def _costs(turn: Turn, slot: str | None, intent: str) -> bool:
    """Whether acting on a wrong guess would change something."""
    if intent in COMMANDS:
        return True
    return intent in CLAIMS and (slot == "grounds" or turn.memory.at.outcome is not None)


def _polar(turn: Turn, slot: str | None) -> bool:
    """Whether "yes" and "no" to the open question differ in what follows, and no word of the message decides."""
    message = turn.message
    if turn.memory.at.misses or message.is_question or message.cue("none", "yes", "no"):
        return False
    if slot in CHANNELS:
        return not message.first("service_channel") and not message.first("date")
    return slot in SHARING and not message.first("delivery")


def _leads_on(turn: Turn, slot: str | None, intent: str) -> bool:
    """Whether choosing this reading would lead anywhere at this point of the talk."""
    if intent in CLAIMS:
        return _costs(turn, slot, intent) or (intent in faq.BESIDE and bool(turn.memory.answers.get("grounds")))
    if intent == "change_answer":
        return bool(turn.memory.answers)
    return _answers(slot, intent)


def _answers(slot: str | None, intent: str) -> bool:
    """Whether an intent says something under this question: "yes" alone does so only where yes or no is asked."""
    if intent in ("affirm", "deny"):
        return slot in CHANNELS or slot in SHARING
    if intent == "skip":
        return slot in BY_SLOT and BY_SLOT[str(slot)].optional
    return intent not in ANSWERS


def _offered(turn: Turn, names: Sequence[str]) -> tuple[str, ...]:
    return tuple(name for name in names if turn.world.labels.has(f"reading_{name}"))[:MOST_READINGS]


def _say(turn: Turn, key: str, readings: Sequence[str]) -> None:
    titles = [turn.label(f"reading_{name}") for name in (*readings, OTHER)]
    lines = [turn.label("choice_line", number=number, reading=title) for number, title in enumerate(titles, 1)]
    choices = Words.by(lambda language: "\n".join(line[language] for line in lines))
    buttons = [{"title": title, "payload": f'/inform{{"{KIND}": "{name}"}}'}
               for title, name in zip(titles, (*readings, OTHER), strict=True)]
    turn.say(key, choices=choices, buttons=buttons)
    turn.hold = True


def _by_place(turn: Turn, readings: Sequence[str]) -> str | None:
    """The choice named by its number, or by the words on its button."""
    choices, message = [*readings, OTHER], turn.message
    number = message.ordinal
    if number and -1 <= number <= len(choices):
        return choices[number - 1 if number > 0 else -1]
    said = _plain(message.text)
    labels = turn.world.labels
    return next((name for name in choices if said in {_plain(text) for text in labels.all(f"reading_{name}")}), None)


def _by_words(turn: Turn, readings: Sequence[str]) -> str | None:
    """The choice that the message repeats in other words, or turns down."""
    message = turn.message
    polar = set(readings) == {"affirm", "deny"}
    weights = [(name, found) for name, found in weigh(message, turn.memory.at.asking if polar else None)]
    best, weight = weights[0] if weights else ("", 0.0)
    words = backed(message) & set(readings)
    if best in readings and weight >= REPEATED:
        return best
    if len(words) == 1 and best not in COMMANDS:
        return next(iter(words))
    if polar or message.length > SHORT_NO:
        return None
    agreed = yes_or_no(message)
    if agreed is True and len(readings) == 1:
        return readings[0]
    return OTHER if agreed is False else None


def _something_else(turn: Turn, pending: Mapping[str, Any]) -> bool:
    """None of them: a second try with choices, and after some of these the way to a person."""
    at = turn.memory.at
    at.pending = None
    at.misses += 1
    turn.say("utter_meant_other")
    if at.misses > turn.world.content.settings.misunderstood_tries:
        commands.offer_a_person(turn)
    turn.explain = at.misses % 2 == 1
    _note_choice(turn, pending, OTHER)
    return True


def _note_choice(turn: Turn, pending: Mapping[str, Any], reading: str) -> None:
    turn.memory.at.pending = None
    turn.meant = (str(pending.get("row") or ""), reading)


def _plain(text: str) -> str:
    """Letters and digits only, whatever their case and width."""
    return "".join(char for char in unicodedata.normalize("NFKC", text).casefold() if char.isalnum())


