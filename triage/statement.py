"""The statement of a request, composed from the answers: facts only, each traceable to its answer.

The office accepts requests in English only, and people must know what they sign; so the same sentences exist in every
language of the guide (``content/statement.yml``). Nothing is translated: what a person wrote is quoted when it is
short and English, and pointed to otherwise.
"""
from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from triage.content import Content
from triage.facts import CHANNELS, DELAY, GROUNDS, HARDSHIP, NONE, TRIED

_RECEIPT_NUMBER = re.compile(r"[A-Z]{3}(\d{10}|\*\d{9})")
# The agency publishes no format for numbers of service requests; anything with enough digits after a cue word is one.
# Either stands after the cue word, or the cue word is the beginning of the number itself ("SR12345678").
_SERVICE_REQUEST = (
    r"(?<![A-Za-z0-9])(?:(?:{cues}){end}(?:[\s:：#＃()（）]*(?:{cues}|{joiners}){end}){{0,4}}[\s:：#＃()（）]*"
    r"((?=(?:[A-Za-z-]*\d){{4}})[A-Za-z0-9-]{{5,25}})|((?:{cues})-?\d{{5,20}}))(?![A-Za-z0-9])"
)
_WORD_END = r"(?:(?<![A-Za-z])|(?![A-Za-z0-9]))"
_PRECISION = {1: "year", 2: "month", 3: "day"}


@dataclass(frozen=True)
class Fact:
    """One value in a sentence.

    Attributes:
        source: The answer it comes from (slot name), or ``file: key`` of a content file.
        value: The value as it stands in the sentence.
    """

    source: str
    value: str


@dataclass(frozen=True)
class Sentence:
    """One sentence of the statement.

    Attributes:
        key: Name in ``content/statement.yml``.
        paragraph: Sentences with the same number stand together.
        slots: Answers that make the sentence true.
        facts: The values it holds.
    """

    key: str
    paragraph: int
    text: str
    slots: tuple[str, ...]
    facts: tuple[Fact, ...] = ()


class Statement:
    """Composes statements.

    Args:
        content: Sentences, names of forms and documents, and posted times.
    """

    def __init__(self, content: Content) -> None:
        self._content = content
        self._words = content.statement
        cues, joiners = (_any_of(self._words[f"service_request_{name}"]) for name in ("cues", "joiners"))
        pattern = _SERVICE_REQUEST.format(cues=cues, joiners=joiners, end=_WORD_END)
        self._service_request = re.compile(pattern, re.IGNORECASE)

    def text(self, answers: Mapping[str, Any], language: str = "en") -> str:
        """The statement as paragraphs, one a line; empty without answers."""
        paragraphs: dict[int, list[str]] = {}
        for sentence in self.compose(answers, language):
            paragraphs.setdefault(sentence.paragraph, []).append(sentence.text)
        space = " " if language == "en" else ""
        return "\n".join(space.join(texts) for texts in paragraphs.values())

    def compose(self, answers: Mapping[str, Any], language: str = "en") -> tuple[Sentence, ...]:
        """The sentences, with where each value comes from.

        Args:
            answers: Slot values; ``language`` is the language of the conversation.
            language: In which the statement is written.
        """
        return tuple(self._sentences(_Writer(self, answers, language)))

    def date(self, value: str, language: str) -> str:
        """A date as it is written in a language, in English the American way.

        Args:
            value: ``YYYY-MM-DD``, ``YYYY-MM`` or ``YYYY``.
        """
        parts = [int(part) for part in value.split("-")]
        year, month, day = [*parts, 1, 1][:3]
        pattern: str = self._words["dates"][_PRECISION[len(parts)]][language]
        return pattern.format(year=year, month=month, day=day, month_name=self._words["month_names"][month - 1])

    def service_requests(self, text: str) -> tuple[str, ...]:
        """Numbers of service requests a person tells of, as typed, each once."""
        found = ((match.group(1) or match.group(2)).strip("-") for match in self._service_request.finditer(text))
        return tuple(dict.fromkeys(one for one in found if not _RECEIPT_NUMBER.fullmatch(one.upper())))

    def separator(self, language: str) -> str:
        """What stands between the parts of a list."""
        separator: str = self._words["list_separator"][language]
        return separator

    def quotable(self, text: str, spoken: object) -> bool:
        """Whether own words can stand in the English statement: short, and English."""
        letters = [sign for sign in text if sign.isalpha()]
        return (
            spoken == "en"
            and len(text) <= self._words["quote_max_chars"]
            and "\n" not in text
            and bool(letters)
            and all(sign.isascii() for sign in letters)
        )

    def _sentences(self, write: _Writer) -> Iterator[Sentence]:
        yield from self._case(write)
        write.paragraph += 1
        yield from self._grounds(write)
        write.paragraph += 1
        for channel in CHANNELS:
            yield from self._channel(write, channel)
        write.paragraph += 1
        yield from self._rest(write)

    def _case(self, write: _Writer) -> Iterator[Sentence]:
        answers = write.answers
        name, form = answers.get("full_name"), answers.get("form_type")
        if name and form:
            known = self._content.forms.get(form)
            facts = {"full_name": name, "form_type": form}
            if known is None:
                yield write("about_unlisted_form", facts)
            else:
                form_name = (f"forms.yml: {form}", known.name[write.language])
                yield write("about_form", facts, content={"form_name": form_name})
        if name and (answers.get("date_of_birth") == NONE or answers.get("requester_role") == "employer"):
            yield write("company", {"full_name": name}, slots=("requester_role", "date_of_birth"))
        if filed := answers.get("filing_date"):
            yield write(f"filed_{_precision(filed)}", {"filing_date": self.date(filed, write.language)})
        numbers = answers.get("receipt_numbers")
        if numbers == NONE:
            yield write("receipt_none", {}, slots=("receipt_numbers",))
            if reason := answers.get("receipt_numbers_reason"):
                yield self._own(write, "receipt_none", "receipt_numbers_reason", reason)
        elif numbers:
            key = "receipt_one" if len(numbers) == 1 else "receipt_many"
            yield write(key, {"receipt_numbers": self.separator(write.language).join(numbers)})

    def _grounds(self, write: _Writer) -> Iterator[Sentence]:
        answers = write.answers
        for ground in (name for name in GROUNDS if name in (answers.get("grounds") or ())):
            yield write(f"ground_{ground}", {}, slots=("grounds",))
            if ground == HARDSHIP and (detail := answers.get("hardship_detail")):
                yield self._own(write, "hardship", "hardship_detail", detail)
            if ground == DELAY:
                yield from self._delay(write)

    def _delay(self, write: _Writer) -> Iterator[Sentence]:
        answers = write.answers
        slots = ("delay_verified", "form_type", "filing_date")
        if answers.get("delay_verified") == "unknown":
            yield write("delay_unknown", {}, slots=("delay_verified",))
        elif answers.get("delay_verified") is True:
            posted = self._content.posted_times.get(answers.get("form_type", ""))
            # A figure that only stands in for the posted one must not reach the office.
            if posted is None or posted.example:
                yield write("delay_verified", {}, slots=slots)
            else:
                source = f"processing_times.yml: {posted.form}"
                yield write("delay_verified_months", {}, slots=slots, content={
                    "months": (source, _number(posted.months)),
                    "as_of": (source, self.date(posted.as_of.isoformat(), write.language)),
                })

    def _channel(self, write: _Writer, channel: str) -> Iterator[Sentence]:
        answers = write.answers
        state, on, detail = (answers.get(f"{channel}{end}") for end in ("", "_date", "_detail"))
        if not state:
            return
        if state == TRIED and on:
            yield write(f"{channel}_{state}_{_precision(on)}", {f"{channel}_date": self.date(on, write.language)},
                        slots=(channel,))
        else:
            yield write(f"{channel}_{state}", {}, slots=(channel,))
        if detail:
            if numbers := self.service_requests(detail):
                listed = self.separator(write.language).join(numbers)
                yield write("service_request", {}, slots=(f"{channel}_detail",),
                            content={"service_request": (f"{channel}_detail", listed)})
            yield self._own(write, "detail", f"{channel}_detail", detail, "detail")

    def _rest(self, write: _Writer) -> Iterator[Sentence]:
        answers = write.answers
        role, helper = answers.get("requester_role"), answers.get("representative_name")
        if helper and f"helper_{role}" in self._words["sentences"]:
            yield write(f"helper_{role}", {"representative_name": helper}, slots=("requester_role",))
        if documents := answers.get("documents"):
            labels = {item.key: item.name[write.language] for item in self._content.documents}
            listed = self.separator(write.language).join(labels.get(one, one) for one in documents)
            yield write("documents", {"documents": listed})
        if answers.get("problem_description"):
            yield write("own_words", {}, slots=("problem_description",))

    def _own(self, write: _Writer, key: str, slot: str, text: str, name: str | None = None) -> Sentence:
        if self.quotable(text, write.answers.get("language")):
            return write(f"{key}_quoted", {}, slots=(slot,), content={name or slot: (slot, text.strip())})
        return write(f"{key}_own_words", {}, slots=(slot,))


class _Writer:
    """Fills the sentences of one statement."""

    def __init__(self, statement: Statement, answers: Mapping[str, Any], language: str) -> None:
        self.answers = answers
        self.language = language
        self.paragraph = 0
        self._sentences: Mapping[str, Mapping[str, str]] = statement._words["sentences"]

    def __call__(
        self,
        key: str,
        facts: Mapping[str, str],
        slots: tuple[str, ...] = (),
        content: Mapping[str, tuple[str, str]] | None = None,
    ) -> Sentence:
        """One sentence.

        Args:
            key: Its name in the file.
            facts: Slot to value as shown.
            slots: Further answers it rests on.
            content: Placeholder to (source, value as shown), where the two names differ.
        """
        filled = {name: Fact(name, value) for name, value in facts.items()}
        filled |= {name: Fact(source, value) for name, (source, value) in (content or {}).items()}
        # In one pass: a value may hold braces itself.
        text = re.sub(r"\{(\w+)\}", lambda match: filled[match.group(1)].value, self._sentences[key][self.language])
        return Sentence(key, self.paragraph, text, tuple(dict.fromkeys((*facts, *slots))), tuple(filled.values()))


def _any_of(words: Iterable[str]) -> str:
    return "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))


def _precision(value: str) -> str:
    return _PRECISION[value.count("-") + 1]


def _number(value: Decimal) -> str:
    return f"{value.normalize():f}"
