"""From an answer of the front door to messages: texts with buttons under the last one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from messenger import texts
from messenger.words import Language, Words, as_language

# The question itself, said again or in other words; what else is said to an answer stays.
_QUESTIONS = ("utter_ask_", "utter_retry_")
_SUMMARIES = ("utter_ask_review", "utter_outcome_submitted", "utter_outcome_prepared")
# They name a button of the page; here it is a command.
NAME_THE_BUTTON = (*("utter_goodbye", "utter_outcome_try_uscis_first", "utter_office_closed_hold"),)
SAVE_HOW = "utter_save_how"
# What the person told at the beginning, said back to them.
_OWN_WORDS = ("utter_ask_problem_description_reuse",)
_PAGE_TEXTS = {"review": "page_review", "documents": "page_documents"}
_OURS = "/chat/files/"
# A calendar entry holds a date and nothing of the person; the other files are the request itself.
_HARMLESS = ".ics"
# Between the parts of one message.
GAP = "\n\n"


@dataclass(frozen=True)
class Button:
    """One choice, in a row of its own.

    Attributes:
        title: What stands on it.
        payload: What pressing it means to the front door, or
        action: to the worker, or
        url: where it leads.
    """

    title: str
    payload: str = ""
    action: str = ""
    url: str = ""

    def content(self) -> dict[str, str]:
        """As it is stored."""
        pairs = (("title", self.title), ("payload", self.payload), ("action", self.action), ("url", self.url))
        return {name: value for name, value in pairs if value}


@dataclass
class Draft:
    """What is to be said: paragraphs and buttons.

    Attributes:
        turn: The front door's name of the turn that the buttons belong to; None: they hold at any time.
        protected: It may not be forwarded or copied.
    """

    paragraphs: list[str] = field(default_factory=list)
    buttons: list[Button] = field(default_factory=list)
    turn: str | None = None
    protected: bool = False

    def add(self, other: Draft) -> None:
        """Say something more; the newer buttons count."""
        self.paragraphs += other.paragraphs
        self.buttons = other.buttons or self.buttons
        self.turn = other.turn if other.buttons else self.turn
        self.protected = self.protected or other.protected


@dataclass(frozen=True)
class Answer:
    """An answer of the front door, as far as it matters here."""

    language: Language
    replies: Sequence[dict[str, Any]]
    asking: str | None
    step: int | None
    steps: int | None
    outcome: str | None
    on_page: bool
    turn: str
    conversation: str
    greeted: str

    @property
    def wants_code(self) -> bool:
        """Whether a code to go on later was asked for."""
        return any(reply["key"] == SAVE_HOW for reply in self.replies)

    @property
    def needs_link(self) -> bool:
        """Whether it can only be said together with a link to the page."""
        return self.on_page or any(_is_private(item["url"]) for item in _attachments(self.replies))


def answer_from(view: dict[str, Any]) -> Answer:
    """Read what the front door answered.

    Raises:
        KeyError: It is no answer.
    """
    state = view["state"]
    replies = view["replies"]
    spoken = replies[-1]["language"] if replies else state.get("language")
    language = as_language(state.get("language")) or as_language(spoken) or "en"
    return Answer(
        language,
        replies,
        state.get("asking"),
        state.get("step"),
        state.get("steps"),
        state.get("outcome"),
        bool(view["on_page"]),
        str(view["turn"]),
        str(view["conversation"]),
        str(view["greeted"]),
    )


def draft_from(answer: Answer, words: Words, public_url: str, link: str | None, minutes: int) -> Draft:
    """What to say.

    Args:
        answer: Of the front door.
        words: The worker's own words.
        public_url: Of the front door.
        link: One-time link to the page; must be there if `answer.needs_link`.
        minutes: For how long the link is good.
    """
    language = answer.language
    shown = [reply for reply in answer.replies if not (answer.on_page and reply["key"].startswith(_QUESTIONS))]
    draft = Draft(turn=answer.turn)
    if answer.asking and answer.step and answer.steps and answer.outcome is None:
        numbers = {"step": str(answer.step), "steps": str(answer.steps)}
        draft.paragraphs.append(words("step", language, numbers))
    for reply in shown:
        if reply["key"] == SAVE_HOW:
            continue  # the code itself comes in its place
        mask = texts.mask_own if reply["key"] in _OWN_WORDS else texts.mask
        draft.paragraphs.append(mask(str(reply["text"])))
        draft.protected = draft.protected or reply["key"].startswith(_SUMMARIES)
    offered = {str(item["payload"]): str(item["title"]) for reply in shown for item in reply.get("buttons") or ()}
    draft.buttons = [Button(texts.mask(title), payload=payload) for payload, title in offered.items()]
    for item in _attachments(shown):
        url = str(item["url"])
        if not _is_private(url):
            full = public_url + url if url.startswith("/") else url
            draft.buttons.append(Button(str(item["title"]), url=full))
    if any(reply["key"] in NAME_THE_BUTTON for reply in shown):
        draft.paragraphs.append(words("save_here", language))
    if answer.asking == "request_proof":
        draft.paragraphs.append(words("proof_hint", language))
    if link is not None and answer.on_page:
        key = _PAGE_TEXTS.get(str(answer.asking), "page_next")
        draft.paragraphs.append(words(key, language, {"minutes": str(minutes)}))
        # What was offered with an answer that has no place here, such as "yes" to a name, is not offered.
        draft.buttons = [button for button in draft.buttons if button.url]
        draft.buttons += page_buttons(words, language, link)
        draft.buttons.append(Button(words("page_back", language), payload="/go_back"))
    elif link is not None:
        draft.paragraphs.append(words("page_files", language))
        draft.buttons += page_buttons(words, language, link)
    return draft


def page_buttons(words: Words, language: Language, link: str) -> list[Button]:
    """The way to the page, and a fresh one for when it has run out."""
    return [Button(words("page_open", language), url=link), Button(words("page_link", language), action="link")]


def _attachments(replies: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    return [item for reply in replies for item in reply.get("attachments") or ()]


def _is_private(url: str) -> bool:
    return urlsplit(url).path.startswith(_OURS) and not urlsplit(url).path.endswith(_HARMLESS)


@dataclass(frozen=True)
class Piece:
    """One message of Telegram. Only the last piece of a draft has buttons."""

    text: str
    buttons: tuple[Button, ...] = ()


def pieces_of(draft: Draft, https: bool) -> list[Piece]:
    """Cut a draft into messages that Telegram takes.

    Args:
        draft: What is to be said.
        https: Whether links may be buttons; Telegram takes none to an address that only this machine knows, so they
            stand in the text then.
    """
    buttons = tuple(button for button in draft.buttons if https or not button.url)
    lines = [f"{button.title}: {button.url}" for button in draft.buttons if not https and button.url]
    text = GAP.join(texts.visible(paragraph) for paragraph in (*draft.paragraphs, *lines) if paragraph.strip())
    parts = texts.split(text)
    return [Piece(part, buttons if number == len(parts) else ()) for number, part in enumerate(parts, 1)]
