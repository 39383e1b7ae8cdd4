"""What a call-taker sees beside the script: the whole interview with what came of each question, and a summary."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping
from typing import Any

from gateway.answers import Answers
from gateway.language import Language
from gateway.strings import Strings
from triage import decide
from triage.content import Content
from triage.facts import NONE, Facts, facts_from
from triage.interview import FREE_TEXT, QUESTIONS, REVIEW, SITUATION, Question
from triage.statement import Statement

STAFF: Language = "en"
# Worked out from other answers.
_NOT_TOLD = frozenset({"delay_verified"})
# Nothing can be asked or changed any more.
_OVER = ("submitted", "prepared", "cancelled")


class Views:
    """Makes the views.

    Args:
        content: Dated facts.
        answers: Answers in words.
        words: `web/strings/page.yml`: how dates are written.
    """

    def __init__(self, content: Content, answers: Answers, words: Strings) -> None:
        self._policy = content.policy()
        self._statement = Statement(content)
        self._answers = answers
        self._words = words

    def view(self, state: Mapping[str, Any], origins: Mapping[str, str], language: Language) -> dict[str, Any]:
        """Where a conversation stands.

        Args:
            state: the state of the contract.
            origins: how each answer was got, by slot.
            language: of the caller.
        """
        facts = _facts(state)
        values = {name: self._values(state, name) for name in (language, STAFF)}
        questions = list(self._questions(state, origins, language, facts, values))
        needed = [item["slot"] for item in questions if item["needed"] and item["value"] is None]
        return {
            "state": state,
            "questions": questions,
            "needed": [] if state["outcome"] else needed,
            "next": state["asking"],
            "summary": self._summary(state, language, values[STAFF]),
            "dates": self._dates(facts),
        }

    def _summary(self, state: Mapping[str, Any], language: Language, values: Mapping[str, str]) -> str:
        """What is known, in English: facts only, each from one answer; a story is pointed to, or quoted if English."""
        answers = state["answers"]
        known = {**answers, "grounds": answers.get("grounds") or state["grounds"], "language": language}
        told = {slot for sentence in self._statement.compose(known, STAFF) for slot in sentence.slots}
        # What stands in no sentence of the statement (yet): short answers by their names.
        lines = [f"{self.label(slot, STAFF)}: {value}" for slot, value in values.items()
                 if slot not in told | FREE_TEXT | _NOT_TOLD]  # fmt: skip
        return "\n".join(filter(None, [self._statement.text(known, STAFF), *lines]))

    def can(self, state: Mapping[str, Any], slot: str) -> str | None:
        """What a call-taker may do with a question: `jump` to it while it is open, `change` its answer, or nothing."""
        facts = _facts(state)
        return _can(state, facts, slot) if any(one.slot == slot for one in _shown(state, facts)) else None

    def label(self, slot: str, language: Language) -> str:
        """What an answer is called."""
        return self._answers.label(slot, language)

    def _questions(
        self,
        state: Mapping[str, Any],
        origins: Mapping[str, str],
        language: Language,
        facts: Facts,
        values: Mapping[Language, Mapping[str, str]],
    ) -> Iterator[dict[str, Any]]:
        for question in _shown(state, facts):
            slot = question.slot
            can = _can(state, facts, slot)
            status = "answered" if facts.known(slot) else "skipped" if slot in facts.skipped else "open"
            yield {
                "slot": slot,
                "section": question.section,
                "label": self.label(slot, language),
                "label_en": self.label(slot, STAFF),
                "status": "asking" if slot == state["asking"] else status,
                "needed": not question.optional,
                "free_text": slot in FREE_TEXT,
                "how": origins.get(slot) if facts.known(slot) else None,
                "value": values[language].get(slot),
                "value_en": values[STAFF].get(slot),
                "can": [can] if can else [],
            }

    def _values(self, state: Mapping[str, Any], language: Language) -> dict[str, str]:
        listed = self._answers.listed(state, language, self._words("months", language), self._words("date", language))
        return {item.slot: item.value for item in listed}

    def _dates(self, facts: Facts) -> dict[str, str | None]:
        decision = decide(facts, self._policy, datetime.datetime.now().astimezone().date())
        found = {
            "ask_from": decision.delay.ask_from,
            "contact_since": decision.window.contact_since,
            "answer_until": decision.window.answer_until,
        }
        return {name: day.isoformat() if day else None for name, day in found.items()}


def _facts(state: Mapping[str, Any]) -> Facts:
    return facts_from({**state["answers"], "skipped": state["skipped"]})


def _can(state: Mapping[str, Any], facts: Facts, slot: str) -> str | None:
    """What may be done with a question that is shown."""
    if state["outcome"] in _OVER or slot == state["asking"]:
        return None
    return "change" if facts.known(slot) else "jump"


def _shown(state: Mapping[str, Any], facts: Facts) -> list[Question]:
    """The questions of this interview in their order, and one beside it if that is asked now."""
    shown = [one for one in QUESTIONS if one.asked_if(facts) or _answered(state, one.slot)]
    asking = state["asking"]
    if asking and asking != REVIEW and all(one.slot != asking for one in shown):
        shown.append(Question(asking, SITUATION))
    return shown


def _answered(state: Mapping[str, Any], slot: str) -> bool:
    """Whether a person has answered it; a company has no date of birth, and was not asked."""
    return state["answers"].get(slot) not in (None, "", [], NONE)
