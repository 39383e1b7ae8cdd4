"""Files a person may take along. The engine names them (`guide:…`); the person gets links for one conversation.

`guide:request/{tracking number}` is the pre-filled request with its reading copy, `guide:english/{tracking number}`
only what is signed and sent, `guide:official/{tracking number}` the same with the official form filled in, where the
intake backend has that form. Calendar entries: `guide:calendar/{YYYY-MM-DD}` for the day from which the case is late,
`guide:comeback/{YYYY-MM-DD}` for the day by which USCIS should have answered.
"""

from __future__ import annotations

import datetime
import logging
from typing import Any

from icalendar import Calendar, Event

from gateway.language import LANGUAGES, Language
from gateway.strings import Strings
from gateway.tokens import Tokens

log = logging.getLogger("gateway.links")

SCHEME = "guide:"
CALENDARS = {"calendar": "ask-again.ics", "comeback": "come-back.ics"}
REQUESTS = {"request": "request.pdf", "english": "request-english.pdf", "official": "dhs-7001.pdf"}
FILE_NAMES = {**REQUESTS, **CALENDARS}
PREFIX = "/chat/files"


class Links:
    """Turns the engine's own addresses into sealed links, and back.

    Args:
        tokens: seals them.
        with_requests: whether the intake backend makes PDFs of requests.
    """

    def __init__(self, tokens: Tokens, with_requests: bool = True) -> None:
        self._tokens = tokens
        self._with_requests = with_requests

    def public_reply(self, reply: dict[str, Any], conversation_id: str) -> dict[str, Any]:
        """The reply as the contract has it, with links in place of the engine's own addresses."""
        public: dict[str, Any] = {name: reply[name] for name in ("key", "text", "language")}
        buttons = [
            {"title": str(button["title"]), "payload": str(button["payload"])}
            for button in reply.get("buttons") or []
            if "title" in button and "payload" in button
        ]
        if buttons:
            public["buttons"] = buttons
        attachments = []
        for attachment in reply.get("attachments") or []:
            url = self.public_url(str(attachment["url"]), conversation_id, str(reply["language"]))
            if url:
                attachments.append({"title": str(attachment["title"]), "url": url})
        if attachments:
            public["attachments"] = attachments
        return public

    def public_url(self, url: str, conversation_id: str, language: str) -> str | None:
        """The link for one of the engine's own addresses; others stay as they are; None for what can't be had."""
        if not url.startswith(SCHEME):
            return url
        kind, _, value = url.removeprefix(SCHEME).partition("/")
        if kind not in FILE_NAMES or not value:
            log.error("unknown attachment", extra={"kind": kind[:40]})
            return None
        if kind in REQUESTS and not self._with_requests:
            return None
        sealed = self._tokens.seal(
            {"kind": kind, "value": value, "conversation": conversation_id, "language": language}
        )
        return f"{PREFIX}/{sealed}/{FILE_NAMES[kind]}"

    def in_language(self, url: str, language: str) -> str:
        """The same link for a reader of another language; others than ours stay as they are."""
        rest = url.removeprefix(f"{PREFIX}/")
        sealed, _, name = rest.partition("/")
        content = self._tokens.unseal(sealed) if rest != url else None
        return url if content is None else f"{PREFIX}/{self._tokens.seal({**content, 'language': language})}/{name}"

    def open(self, sealed: str, file_name: str) -> dict[str, str] | None:
        """`{kind, value, conversation, language}` of a link, or None if it is not one of ours."""
        content = self._tokens.unseal(sealed)
        if content is None or FILE_NAMES.get(content.get("kind", "")) != file_name:
            return None
        return content


def calendar_file(
    kind: str, day: datetime.date, language: Language, strings: Strings, conversation_label: str
) -> bytes:
    """An iCalendar file with one all-day entry.

    Args:
        kind: one of `CALENDARS`.
        day: the day from which the person may ask again.
        strings: `web/strings/calendar.yml`.
        conversation_label: makes the entry's UID the same each time, so that a second download does not double it.
    """
    entry = Event()
    entry.add("uid", f"{conversation_label}-{kind}-{day:%Y%m%d}@case-assistance-guide")
    entry.add("dtstamp", datetime.datetime.combine(day, datetime.time(), datetime.UTC))
    entry.add("dtstart", day)
    entry.add("dtend", day + datetime.timedelta(days=1))
    entry.add("summary", strings(f"{kind}_summary", language), parameters={"LANGUAGE": language})
    entry.add("description", strings(f"{kind}_description", language), parameters={"LANGUAGE": language})
    entry.add("transp", "TRANSPARENT")
    calendar = Calendar()
    calendar.add("version", "2.0")
    calendar.add("prodid", "-//case-assistance-guide//chat//EN")
    calendar.add_component(entry)
    return bytes(calendar.to_ical())


def language_of(content: dict[str, str]) -> Language:
    """The language in which a link was made."""
    return next((language for language in LANGUAGES if language == content.get("language")), LANGUAGES[0])
