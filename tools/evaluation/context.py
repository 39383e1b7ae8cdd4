"""Answers in context: an open question, an utterance, and what the guide then knows.

The interview is brought to the question by the answers of ``sets.yml``, the utterance is parsed by the real model and
played by the real actions, and the memory is compared. Nothing is sent anywhere.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import date
from typing import Any, NamedTuple

from actions.intake_client import Backend, IntakeClient, Receipt
from actions.labels import Labels
from actions.memory import Memory, Standing
from actions.message import message_from
from actions.status import STATUS
from actions.turn import Turn
from actions.understanding import play
from actions.world import World
from tools.evaluation.engine import Parsed, metadata_of
from tools.evaluation.sets import ROOT, ContextCase, Settings
from triage import decide
from triage.content import Content
from triage.interview import QUESTIONS, REVIEW

# Slots of contextual.tsv that are no answers.
SKIPPED = "skipped"
NUMBER = "CA-2345-6789-ABCD"
_LANGUAGES = {"en": "en", "zh-Hans": "zh-Hans", "zh-Hant-TW": "zh-Hant", "zh-Hant-HK": "zh-Hant", "mixed": "zh-Hans"}
_STATUS = ("request_number", "request_proof")
_FEEDBACK = "feedback_text"


class Played(NamedTuple):
    """One answer in context.

    Attributes:
        case: Open question, utterance, wanted value.
        found: What the slot holds afterwards.
        right: Whether that is the wanted value.
        asked_back: Whether the guide asked what was meant instead of taking anything.
    """

    case: ContextCase
    found: Any
    right: bool
    asked_back: bool


class NoIntake(IntakeClient):
    """Takes everything and keeps nothing, so that a last yes has somewhere to go."""

    def __init__(self) -> None:
        super().__init__(Backend("", ""))

    async def file(self, *_: Any, **__: Any) -> Receipt:
        """Say that it is stored."""
        return Receipt(NUMBER, "submitted")

    async def give_feedback(self, *_: Any, **__: Any) -> None:
        """Say nothing, which means stored."""

    async def look_up(self, *_: Any, **__: Any) -> None:
        """Know no request."""


def world(as_of: date) -> World:
    """What a turn needs: the real content and wording, no intake."""
    content = Content.load(ROOT / "content")
    return World(content, content.policy(), Labels.load(ROOT / "domain"), NoIntake(), as_of)


def standing_at(case: ContextCase, settings: Settings, surroundings: World) -> Memory:
    """Bring an interview to the open question of a case.

    Raises:
        ValueError: With the answers of ``sets.yml`` the interview never asks it.
    """
    language = _LANGUAGES[case.lang]
    memory = Memory({}, Standing(script=language if language != "en" else None), language)
    if case.asking in _STATUS:
        memory.at.status = {"number": NUMBER if case.asking == "request_proof" else None, "purpose": STATUS}
        memory.at.asking = case.asking
        return memory
    if case.asking == _FEEDBACK:
        memory.at.concern = "feedback"
    answers = {**settings.answers, **settings.before.get(case.asking, {})}
    for _ in range(len(QUESTIONS) + 1):
        decision = decide(memory.facts(), surroundings.policy, surroundings.today)
        memory.at.grounds = list(decision.grounds)
        slot = decision.question
        if slot == case.asking:
            memory.at.asking, memory.at.variant = slot, decision.variant
            return memory
        if slot is None or slot not in answers:
            break
        if answers[slot] is None:
            memory.skip(slot)
        else:
            memory.put(slot, answers[slot])
            memory.at.trail.append(slot)
            if slot == "phone":
                memory.put("phone_e164", answers[slot])
    raise ValueError(f"{case.id}: the interview does not get to {case.asking}")


def play_all(cases: Sequence[ContextCase], parsed: Sequence[Parsed], settings: Settings) -> list[Played]:
    """Play each utterance at its open question.

    Args:
        cases: The answers in context.
        parsed: The parsed utterances, in the same order.
        settings: Day and prior answers.

    Raises:
        ValueError: A question cannot be got to.
    """
    surroundings = world(settings.as_of)
    return asyncio.run(_play_all(cases, parsed, settings, surroundings))


async def _play_all(
    cases: Sequence[ContextCase], parsed: Sequence[Parsed], settings: Settings, surroundings: World
) -> list[Played]:
    played = []
    for case, item in zip(cases, parsed, strict=True):
        memory = standing_at(case, settings, surroundings)
        message = message_from({**item.data, "metadata": metadata_of(case.text, settings.as_of)})
        try:
            await play(Turn(message, memory, surroundings), case.id)
        except Exception as problem:  # as in the action itself: such a turn says so and changes nothing
            played.append(Played(case, f"failed: {type(problem).__name__}", False, False))
            continue
        found = slot_value(memory, case)
        right = _same(case.value, found)
        played.append(Played(case, found, right, not right and memory.at.pending is not None))
    return played


def slot_value(memory: Memory, case: ContextCase) -> Any:
    """Read what a slot of ``contextual.tsv`` holds.

    ``skipped`` is ``None`` when the open question was passed over, else what stands there; ``review`` is true when the
    request was approved, false when the guide was told that something is to be changed or not to be sent; ``consent``
    is false as well while the guide, having been told no, asks whether paper would be preferred.
    """
    at = memory.at
    if case.slot == SKIPPED:
        passed = case.asking in at.skipped
        return None if passed else memory.answers.get(case.asking, "not passed over")
    if case.slot == REVIEW:
        if at.reviewed:
            return True
        return False if at.pending or at.forced or at.stopped else None
    if case.slot == "consent" and (at.pending or {}).get("kind") == "consent_back":
        return False
    if case.slot in _STATUS:
        return (at.status or {}).get("number")
    if case.slot == "phone":
        return memory.answers.get("phone_e164", memory.answers.get("phone"))
    return memory.answers.get(case.slot)


def _same(wanted: Any, found: Any) -> bool:
    if isinstance(wanted, list) and isinstance(found, list):
        return sorted(map(str, wanted)) == sorted(map(str, found))
    return bool(wanted == found) and isinstance(wanted, bool) == isinstance(found, bool)
