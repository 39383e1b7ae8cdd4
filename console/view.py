"""What stands on the page of a call, made from what the front door says about it."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import Any

from console.assist import Question, Reply, View
from console.calls import Call
from console.dispositions import Disposition, Dispositions
from console.pinyin import pronounce
from console.proofs import new_token
from console.spelling import Group, Spelling

ENGLISH = "en"
DIGITS = 9


@dataclass(frozen=True)
class Choice:
    """A button of the guide.

    Attributes:
        digit: The key that presses it; none beyond nine.
        title: In the caller's language.
        english: In English.
        payload: What is sent.
    """

    digit: int | None
    title: str
    english: str
    payload: str
    pinyin: tuple[str, ...]


@dataclass(frozen=True)
class Aloud:
    """One message to read aloud.

    Attributes:
        text: In the caller's language, word for word as on the page.
        english: Beside it; empty when that is the caller's language.
        pinyin: Line by line, if it is shown.
    """

    text: str
    english: str
    pinyin: tuple[str, ...]
    links: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True)
class Number:
    """A number to read out.

    Attributes:
        text: As written.
        english: Its groups with English spelling words.
        own: The same in the caller's language; none when that is English.
    """

    text: str
    english: tuple[Group, ...]
    own: tuple[Group, ...]


@dataclass(frozen=True)
class Page:
    """Everything the page of a call shows."""

    call: Call
    language: str
    turn: str
    step: int | None
    steps: int | None
    asking: str | None
    aloud: tuple[Aloud, ...]
    choices: tuple[Choice, ...]
    answered: tuple[Question, ...]
    needed: tuple[Question, ...]
    optional: tuple[Question, ...]
    summary: tuple[str, ...]
    receipts: tuple[Number, ...]
    tracking: Number | None
    code: Number | None
    outcome: str | None
    proposed: Disposition
    time_frame: str
    dates: dict[str, str | None]


class Viewer:
    """Makes pages.

    Args:
        dispositions: What is proposed.
        spelling: How numbers are read.
        guide_url: Address of the front door for people; its links are relative.
    """

    def __init__(self, dispositions: Dispositions, spelling: Spelling, guide_url: str) -> None:
        self._dispositions = dispositions
        self._spelling = spelling
        self._guide_url = guide_url

    def page(self, call: Call, view: View, with_pinyin: bool) -> Page:
        """The page of a call.

        Args:
            call: Its record.
            view: Where it stands.
            with_pinyin: Whether the pronunciation is shown.
        """
        state = view.state
        language = str(state["language"])
        spoken = with_pinyin and language != ENGLISH
        outcome = state.get("outcome")
        answered = tuple(question for question in view.questions if question.value_en is not None)
        proposed = self._dispositions.all[self._dispositions.propose(outcome, bool(answered), call.danger)]
        open_ones = [question for question in view.questions if question.value_en is None]
        answers: dict[str, Any] = state.get("answers") or {}
        receipts = answers.get("receipt_numbers")
        tracking = state.get("tracking_number")
        dates = {**view.dates, "code_until": day(call.code_until)}
        return Page(
            call=call,
            language=language,
            turn=new_token(),
            step=state.get("step"),
            steps=state.get("steps"),
            asking=view.next,
            aloud=tuple(self._aloud(reply, language, spoken) for reply in view.replies),
            choices=self._choices(view.replies, spoken),
            answered=answered,
            needed=tuple(question for question in open_ones if question.slot in view.needed),
            optional=tuple(question for question in open_ones if question.slot not in view.needed),
            summary=tuple(line for line in view.summary.splitlines() if line.strip()),
            receipts=tuple(self._number(each, language) for each in receipts) if isinstance(receipts, list) else (),
            tracking=self._number(str(tracking), language) if tracking else None,
            code=self._number(call.private.code, language) if call.private.code else None,
            outcome=outcome,
            proposed=proposed,
            time_frame=proposed.time_frame(dates),
            dates=dates,
        )

    def _aloud(self, reply: Reply, language: str, spoken: bool) -> Aloud:
        english = reply.beside.text if reply.beside is not None and language != ENGLISH else ""
        names = reply.beside.attachments if reply.beside is not None else []
        links = tuple(
            (self._address(file.url), file.title, names[number] if number < len(names) else "")
            for number, file in enumerate(reply.attachments)
        )
        return Aloud(reply.text, english, pronounce(reply.text) if spoken else (), links)

    def _address(self, url: str) -> str:
        if url.startswith("/"):
            return f"{self._guide_url}{url}"
        return url if url.startswith(("https://", "http://", "mailto:", "tel:")) else ""

    @staticmethod
    def _choices(replies: list[Reply], spoken: bool) -> tuple[Choice, ...]:
        made: list[Choice] = []
        for reply in replies:
            titles = reply.beside.buttons if reply.beside is not None else []
            for number, button in enumerate(reply.buttons):
                digit = len(made) + 1
                english = titles[number] if number < len(titles) and titles[number] != button.title else ""
                pinyin = pronounce(button.title) if spoken else ()
                made.append(Choice(digit if digit <= DIGITS else None, button.title, english, button.payload, pinyin))
        return tuple(made)

    def _number(self, number: str, language: str) -> Number:
        own = () if language == ENGLISH else self._spelling.read(number, language)
        return Number(number, self._spelling.read(number, ENGLISH), own)


def day(moment: int | None) -> str | None:
    """The day of a moment, in UTC."""
    if moment is None:
        return None
    return datetime.datetime.fromtimestamp(moment / 1000, datetime.UTC).date().isoformat()
