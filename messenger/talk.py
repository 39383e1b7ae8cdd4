"""What to say to an update: everything of the conversation by the front door, the rest in the worker's own words."""

from __future__ import annotations

import datetime
import logging
import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import Row

from messenger import keeping, render, texts
from messenger.database import Database
from messenger.frontdoor import FrontDoor, Refused
from messenger.keeping import HOUR, Out, Plan
from messenger.render import Answer, Button, Draft
from messenger.sealing import Seal
from messenger.settings import Settings
from messenger.updates import COMMANDS, Event
from messenger.words import DEFAULT, LANGUAGES, NAMES, Language, Words, as_language

log = logging.getLogger("messenger.talk")

# What a command means to the front door, if it means something there.
PAYLOADS = {
    "status": "/check_request_status",
    "back": "/go_back",
    "cancel": "/stop",
    "human": "/talk_to_human",
    "help": "/ask_capabilities",
    "privacy": "/ask_privacy",
}
_SWITCH = '/switch_language{"language":"%s"}'
_START = re.compile(r"(en|zh-Hans|zh-Hant|zh)?(?:_?([A-Za-z0-9]{1,12}))?")
# What stands behind /start in a link from the page.
_TOKEN = re.compile(r"[A-Za-z0-9_-]{22}")
_MARK = "✔ "
# A group is told once why we leave, however many updates its adding us makes.
_GROUP_QUIET_MS = 600_000


@dataclass
class _Turn:
    """An update that is being answered."""

    event: Event
    known: Row[Any]
    language: Language
    draft: Draft
    remember: dict[str, Any]

    def tell(self, text: str) -> None:
        """Say something of our own."""
        self.draft.paragraphs.append(text)


class Talk:
    """Makes a plan of each update; does nothing at Telegram itself."""

    def __init__(self, settings: Settings, front: FrontDoor, database: Database, seal: Seal, words: Words) -> None:
        self._settings = settings
        self._front = front
        self._database = database
        self._seal = seal
        self._words = words
        self._https = urlsplit(settings.public_url).scheme == "https"

    async def plan(self, event: Event, known: Row[Any], now: int) -> Plan:
        """What comes of an update.

        Args:
            event: The update.
            known: What is remembered of its person.
            now: Milliseconds since 1970.

        Raises:
            NotNow: The front door cannot answer; the same update may be planned again.
        """
        if event.kind == "group":
            return self._group(known, now)
        if event.kind == "gone":
            return Plan(remember={"closed_at": now})
        if event.kind == "back":
            return Plan()
        turn = _Turn(event, known, as_language(known.language) or DEFAULT, Draft(), {})
        tag, arrives = event.tag, False
        if event.kind == "command" and event.name == "start":
            tag = self._start_language(event) or event.tag
            arrives = _TOKEN.fullmatch(event.text) is not None
        fresh = arrived = arrives and await self._arrive(turn)
        if known.greeted is None and not fresh:
            fresh = await self._greet(turn, tag)
        if arrives and not arrived:
            turn.tell(self._words("arrive_gone", turn.language))
        outs: list[Out] = []
        used = None
        if event.kind == "tap":
            outs, used = await self._tap(turn)
        elif event.kind == "edited":
            turn.tell(self._words("edited", turn.language))
        elif event.kind == "unknown":
            turn.tell(self._words("unknown_command", turn.language))
        elif event.kind == "media":
            await self._media(turn)
        elif event.kind == "command":
            outs = await self._command(turn, fresh, now)
        else:
            await self._say(turn, text=event.text)
        messages = self.messages(turn.draft)
        # What follows an erasure is the very last thing.
        last = [out for out in outs if out.kind == "forget"]
        before = [out for out in outs if out.kind != "forget"]
        return Plan([*before, *messages, *self._menu(turn), *last], turn.remember, used)

    def messages(self, draft: Draft) -> list[Out]:
        """A draft as messages to send."""
        outs = []
        for piece in render.pieces_of(draft, self._https):
            body = {"text": piece.text, "protected": draft.protected}
            choices = tuple(button.content() for button in piece.buttons)
            outs.append(Out("send", body, choices, draft.turn))
        return outs

    # ---- the conversation

    async def _greet(self, turn: _Turn, tag: str) -> bool:
        """Open the conversation; what passes Telegram's servers is said first. Returns whether it is a new one."""
        answer = render.answer_from(await self._front.open(turn.known.person, tag))
        turn.language = answer.language
        turn.remember |= {"greeted": answer.greeted}
        turn.tell(self._words("notice", answer.language))
        await self._take(turn, answer)
        return True

    async def _arrive(self, turn: _Turn) -> bool:
        """Go on here in the conversation that a link from the page leads to; returns whether it leads anywhere."""
        event, known = turn.event, turn.known
        try:
            answer = render.answer_from(await self._front.arrive(known.person, event.text, turn.language))
        except Refused:
            return False
        if known.greeted is None:
            turn.tell(self._words("notice", answer.language))
        turn.remember |= {"greeted": answer.greeted}
        await self._take(turn, answer)
        return True

    async def _take(self, turn: _Turn, answer: Answer) -> None:
        link = await self._link(turn.known.person, answer.language) if answer.needs_link else None
        turn.draft.add(
            render.draft_from(
                answer, self._words, self._settings.public_url, link, self._settings.limits.transfer_minutes
            )
        )
        turn.language = answer.language
        turn.remember |= {"language": answer.language, "conversation": answer.conversation}
        if answer.wants_code:
            await self._save(turn)

    async def _say(self, turn: _Turn, first: bool = False, **message: str | None) -> bool:
        """Have something answered; a conversation that is gone meanwhile begins anew.

        Args:
            turn: The update that says it.
            first: Something else of the same update follows, and only the answer to that counts.
            message: See `FrontDoor.say`.

        Returns:
            Whether it was answered: not if the button belongs to an earlier question.
        """
        person, message_id = turn.known.person, f"{turn.event.update_id}{'.1' if first else ''}"
        try:
            view = await self._front.say(person, message_id, **message)
        except Refused as refused:
            if refused.code == "no_conversation":
                await self._greet(turn, turn.event.tag)
                if "text" not in message and "title" not in message:
                    return True
                view = await self._front.say(person, message_id, **message)
                if not first:
                    await self._take(turn, render.answer_from(view))
                return True
            if refused.code in ("moved_on", "unknown_payload"):
                turn.tell(self._words("stale", turn.language))
                return False
            turn.tell(refused.sentence)
            return True
        if not first:
            await self._take(turn, render.answer_from(view))
        return True

    async def _link(self, person: str, language: Language) -> str:
        return f"{self._settings.public_url}{await self._front.link(person)}?language={language}"

    # ---- buttons

    async def _tap(self, turn: _Turn) -> tuple[list[Out], tuple[int, int] | None]:
        event = turn.event
        number, _, place = event.name.partition(".")
        keyboard = None
        if re.fullmatch(r"[0-9a-f]{1,12}", number) and re.fullmatch(r"\d{1,3}", place):
            keyboard = await self._database.run(
                lambda c: keeping.find_keyboard(c, turn.known.person, int(number, 16), self._seal)
            )
        unmark = [Out("unmark", {"message_id": event.message_id})]
        if keyboard is None or int(place) >= len(keyboard.choices):
            turn.tell(self._words("stale", turn.language))
            return unmark, None
        choice = keyboard.choices[int(place)]
        if keyboard.used is not None:
            if keyboard.used != int(place):  # else: the same one, pressed twice in a hurry
                turn.tell(self._words("stale", turn.language))
            return [], None
        if choice.get("action") == "link":
            await self._new_link(turn)
            return [], None
        if choice.get("action"):
            outs = await self._delete(turn, choice["action"] == "delete")
        else:
            payload = choice["payload"]
            after = None if payload.startswith("/switch_language") else keyboard.turn
            title = choice["title"]
            if not await self._say(turn, payload=payload, after=after, title=title):
                return unmark, (keyboard.id, int(place))
            outs = []
        done = f"{keyboard.text}{render.GAP}{_MARK}{choice['title']}"
        edit = Out("edit", {"message_id": event.message_id, "text": done})
        if texts.units(done) > texts.LONGEST:
            edit = unmark[0]
        forgets = any(out.kind == "forget" for out in outs)
        return [*([] if forgets else [edit]), *outs], None if forgets else (keyboard.id, int(place))

    async def _new_link(self, turn: _Turn, why: str = "media_link") -> None:
        try:
            link = await self._link(turn.known.person, turn.language)
        except Refused:
            await self._greet(turn, turn.event.tag)
            return
        values = {"minutes": str(self._settings.limits.transfer_minutes), "phone": self._words.phone}
        turn.tell(self._words(why, turn.language, values))
        turn.draft.buttons = render.page_buttons(self._words, turn.language, link)

    # ---- what is no text

    async def _media(self, turn: _Turn) -> None:
        event = turn.event
        if event.album and event.album == turn.known.album:
            return
        if event.album:
            turn.remember["album"] = event.album
        turn.tell(self._words("media", turn.language))
        await self._new_link(turn)
        if event.text.strip():
            await self._say(turn, text=event.text)

    def _group(self, known: Row[Any], now: int) -> Plan:
        told = int(known.greeted) if (known.greeted or "").isdigit() else 0
        leave = Out("leave")
        if now // 1000 - told < _GROUP_QUIET_MS // 1000:
            return Plan([leave])
        line = Out("send", {"text": self._words.in_all("group"), "protected": False})
        return Plan([line, leave], {"greeted": str(now // 1000)})

    # ---- commands

    def _start_language(self, event: Event) -> str:
        found = _START.fullmatch(event.text)
        if found is None:
            return ""
        if found[2]:
            log.info("came by a link", extra={"source": found[2]})
        return found[1] or ""

    async def _command(self, turn: _Turn, fresh: bool, now: int) -> list[Out]:
        name, words = turn.event.name, self._words
        if name == "start":
            if not fresh:
                await self._start_again(turn)
        elif name == "language":
            await self._language(turn)
        elif name == "review":
            await self._review(turn)
        elif name == "save":
            await self._save(turn)
        elif name == "resume":
            await self._resume(turn)
        elif name == "delete":
            turn.draft = Draft([*turn.draft.paragraphs, words("delete_ask", turn.language)])
            turn.draft.buttons = [
                Button(words("delete_yes", turn.language), action="delete"),
                Button(words("delete_no", turn.language), action="keep"),
            ]
        else:
            if name == "privacy":
                turn.tell(words("privacy_here", turn.language))
            number = turn.event.text if name == "status" else ""
            await self._say(turn, first=bool(number), payload=PAYLOADS[name], title=f"/{name}")
            if number:
                await self._say(turn, text=number)
            if name == "help":
                lines = [f"/{each} – {words(f'command_{each}', turn.language)}" for each in COMMANDS]
                listed = "\n".join([words("commands_title", turn.language), *lines])
                turn.draft.paragraphs[:0] = [listed, words("help_phone", turn.language, {"phone": words.phone})]
        return []

    async def _start_again(self, turn: _Turn) -> None:
        wanted = as_language(self._start_language(turn.event))
        if wanted is not None and wanted != turn.language:
            await self._say(turn, payload=_SWITCH % wanted, title="/start")
            return
        try:
            view = await self._front.welcome(turn.known.person, str(turn.event.update_id))
        except Refused:
            await self._greet(turn, turn.event.tag)
            return
        await self._take(turn, render.answer_from(view))

    async def _language(self, turn: _Turn) -> None:
        wanted = next(
            (each for each in LANGUAGES if turn.event.text.lower() in (each.lower(), NAMES[each].lower())), None
        )
        if wanted is not None:
            await self._say(turn, payload=_SWITCH % wanted, title=NAMES[wanted])
            return
        turn.draft = Draft([*turn.draft.paragraphs, self._words("choose_language", turn.language)])
        turn.draft.buttons = [Button(NAMES[each], payload=_SWITCH % each) for each in LANGUAGES]

    async def _review(self, turn: _Turn) -> None:
        words, language = self._words, turn.language
        try:
            listed = (await self._front.answers(turn.known.person))["answers"]
        except Refused:
            await self._greet(turn, turn.event.tag)
            return
        lines = []
        for item in listed:
            value = words("summary_hidden", language) if item["value"] is None else texts.mask_own(str(item["value"]))
            lines.append(words("summary_line", language, {"label": str(item["label"]), "value": value}))
        if not lines:
            turn.tell(words("summary_empty", language))
            return
        turn.tell("\n".join([words("summary_title", language), *lines]))
        turn.tell(words("summary_change", language))
        turn.draft.protected = True

    async def _save(self, turn: _Turn) -> None:
        try:
            saved = await self._front.save(turn.known.person)
        except Refused as refused:
            turn.tell(refused.sentence)
            return
        day = datetime.datetime.fromisoformat(saved["expires_at"]).date().isoformat()
        page = f"{self._settings.public_url}/chat/"
        values = {"code": str(saved["resume_code"]), "day": day, "page": page}
        turn.tell(self._words("saved", turn.language, values))
        turn.draft.protected = True

    async def _resume(self, turn: _Turn) -> None:
        if not turn.event.text:
            turn.tell(self._words("resume_how", turn.language))
            return
        try:
            view = await self._front.resume(turn.known.person, turn.event.text[:200], turn.language)
        except Refused as refused:
            if refused.code == "birth_year_needed":
                await self._new_link(turn, "resume_on_page")
            else:
                turn.tell(refused.sentence)
            return
        answer = render.answer_from(view)
        turn.draft = Draft(turn.draft.paragraphs[:1] if turn.known.greeted is None else [])
        turn.remember["greeted"] = answer.greeted
        await self._take(turn, answer)

    # ---- erasing

    async def _delete(self, turn: _Turn, really: bool) -> list[Out]:
        if not really:
            turn.tell(self._words("kept", turn.language))
            return []
        await self._front.erase(turn.known.person)
        since = _now_of(turn) - self._settings.limits.deletable_hours * HOUR
        ids = await self._database.run(lambda c: keeping.messages_of(c, turn.known.person, since))
        turn.draft = Draft([self._words("deleted", turn.language)])
        turn.remember = {"greeted": None, "conversation": None, "album": None}
        return [Out("delete", {"message_ids": ids}), Out("forget")]

    # ---- news

    async def plan_news(self, item: dict[str, Any], known: Row[Any]) -> Plan:
        """What comes of something that happened without the messenger.

        Raises:
            NotNow: The front door cannot answer.
        """
        if "erased" in item:
            return Plan([Out("forget")]) if item["erased"] == known.conversation else Plan()
        answer = render.answer_from(item)
        link = None
        if answer.needs_link:
            try:
                link = await self._link(known.person, answer.language)
            except Refused:
                return Plan()
        minutes = self._settings.limits.transfer_minutes
        draft = render.draft_from(answer, self._words, self._settings.public_url, link, minutes)
        return Plan(self.messages(draft), {"language": answer.language})

    def _menu(self, turn: _Turn) -> list[Out]:
        """The commands in this person's language, where Telegram would list them in another."""
        by_itself: Language = "zh-Hans" if turn.event.tag.lower().startswith("zh") else "en"
        if turn.language == (as_language(turn.known.menu) or by_itself):
            return []
        turn.remember["menu"] = turn.language
        return [Out("menu", {"language": turn.language})]


def _now_of(turn: _Turn) -> int:
    return int(turn.known.active_at)
