"""A person's answers in words, as the page shows them: from the wording catalogue, in any of the three scripts."""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from gateway.language import LANGUAGES, Language
from triage.content import Content
from triage.facts import CHANNELS, NONE
from triage.interview import BY_SLOT, QUESTIONS

# The same as yaml.safe_load, written in C where there is one.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_LABEL = "label_"
_WHY = "utter_why_"
_DATES = frozenset({"filing_date", "date_of_birth", *(f"{name}_date" for name in CHANNELS)})
_CHOICES = ("requester_role", "delivery")
# Shown after the answer they go with; they are worked out or belong to no question of the interview.
_AFTER = {"filing_date": ("delay_verified",)}
_LAST = ("feedback_text",)
_ISO = re.compile(r"(\d{4})(?:-(\d{2}))?(?:-(\d{2}))?")


@dataclass(frozen=True)
class Answer:
    """One answer as a person reads it; `changeable` if it can be asked again."""

    slot: str
    label: str
    value: str
    changeable: bool


class Answers:
    """Reads the labels once.

    Args:
        folder: `domain/`.
        content: for the names of papers.

    Raises:
        KeyError: a label that is asked for has no text in a language.
    """

    def __init__(self, folder: Path, content: Content) -> None:
        self._texts: dict[str, dict[Language, str]] = {}
        for path in sorted(folder.glob("*.yml")):
            for key, variations in (
                (yaml.load(path.read_text(encoding="utf-8"), _LOADER) or {}).get("responses", {}).items()  # noqa: S506
            ):
                if key.startswith((_LABEL, _WHY)):
                    self._texts[key] = {_language(variation): variation["text"].strip("\n") for variation in variations}
        self._papers = {item.key: item.name for item in content.documents}

    def label(self, slot: str, language: Language) -> str:
        """What an answer is called."""
        return self._texts[_LABEL + slot][language]

    def is_question(self, slot: str) -> bool:
        """Whether an answer has a question in the interview, and so can be changed."""
        return slot in BY_SLOT

    def why(self, slot: str | None, language: Language) -> str | None:
        """Why something is asked, if there is a question."""
        texts = self._texts.get(f"{_WHY}{slot}")
        return texts[language] if texts else None

    def listed(self, state: Mapping[str, Any], language: Language, months: str, date: str) -> list[Answer]:
        """Every answer, in the order of the interview.

        Args:
            state: the state of the contract.
            months: twelve names, separated by commas.
            date: how a date is written, with `{year}`, `{month}` and `{day}`.
        """
        answers = {name: value for name, value in (state.get("answers") or {}).items() if value not in (None, "", [])}
        order: list[str] = []
        for question in QUESTIONS:
            order += [question.slot, *_AFTER.get(question.slot, ())]
        sent = bool(state.get("tracking_number"))
        return [
            Answer(
                slot,
                self.label(slot, language),
                self._in_words(slot, answers[slot], language, months, date),
                slot in BY_SLOT and not sent,
            )
            for slot in (*order, *_LAST)
            if slot in answers
        ]

    def day(self, milliseconds: int, months: str, date: str) -> str:
        """The day of a moment (milliseconds since 1970, UTC) in words; `months` and `date` as in `listed`."""
        moment = datetime.datetime.fromtimestamp(milliseconds / 1000, datetime.UTC)
        return _day(f"{moment:%Y-%m-%d}", months, date)

    def _in_words(self, slot: str, value: Any, language: Language, months: str, date: str) -> str:
        def label(key: str) -> str:
            return self.label(key, language)

        if slot == "grounds":
            return label("list_separator").join(label(f"grounds_{name}") for name in value)
        if slot == "delay_verified":
            return label(f"delay_{str(value).lower()}")
        if value == NONE:
            return label("none")
        if isinstance(value, bool):
            return label("yes" if value else "no")
        if slot in _DATES:
            return _day(str(value), months, date)
        if slot in CHANNELS:
            return label(str(value))
        if slot in _CHOICES:
            return label(f"{slot}_{value}")
        if slot == "documents":
            value = [self._papers[kind][language] if kind in self._papers else kind for kind in value]
        return label("list_separator").join(map(str, value)) if isinstance(value, list) else str(value)


def _language(variation: Mapping[str, Any]) -> Language:
    named = next(item["value"] for item in variation["condition"] if item["name"] == "language")
    return next(language for language in LANGUAGES if language == named)


def _day(value: str, months: str, date: str) -> str:
    """An ISO date, month or year in words; what is missing in it is missing in the text.

    >>> _day("2023-05", "1月,2月,3月,4月,5月", "{year}年{month}{day}日"), _day("2023", "Jan", "{month} {day}, {year}")
    ('2023年5月', '2023')
    """
    found = _ISO.fullmatch(value)
    if not found:
        return value
    year, month, day = found.groups()
    name = months.split(",")[int(month) - 1] if month else ""
    if day:
        return date.format(year=year, month=name, day=int(day))
    before, _, _ = date.partition("{day}")
    without_day = before + "{year}" if "{year}" not in before else before
    return without_day.format(year=year, month=name).strip() if month else year
