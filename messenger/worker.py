"""The worker as a whole: updates in, answers out, each person's in order."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import Any

from sqlalchemy import Row
from telegram import Bot, BotCommandScopeAllPrivateChats, Update
from telegram.constants import ChatAction
from telegram.request import HTTPXRequest

from messenger import keeping, receiving
from messenger.database import Database
from messenger.frontdoor import FrontDoor, NotNow
from messenger.keeping import Out, Plan
from messenger.sealing import Seal
from messenger.sending import Closed, Sender, commands, now_ms
from messenger.settings import Settings
from messenger.talk import Talk
from messenger.updates import Event, event_from
from messenger.words import DEFAULT, Language, Words, as_language

log = logging.getLogger("messenger")

_CONNECTIONS = 32
_CONNECT_SECONDS = 5.0
_ANSWER_SECONDS = 20.0
_FIRST_PAUSE_SECONDS = 0.3
_TRIES = 3
_TIDY_SECONDS = 600.0
_NEWS = "news"
# Telegram's codes of languages have two letters: `zh` cannot say which script.
_MENUS: tuple[tuple[str, Language], ...] = (("", "en"), ("zh", "zh-Hans"))
_TYPING = ("text", "command", "tap")


class Worker:
    """One bot.

    Args:
        settings: Where and with what.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._limits = settings.limits
        self._seal = Seal(settings)
        self._words = Words()
        self._database = Database(settings.database_url)
        self._front = FrontDoor(settings)
        # A proxy of the environment is for the way to Telegram, not for a Bot API on this machine.
        more = {"trust_env": not settings.is_local_api}

        def line(kind: type[HTTPXRequest], connections: int) -> HTTPXRequest:
            return kind(
                connection_pool_size=connections,
                connect_timeout=_CONNECT_SECONDS,
                read_timeout=_ANSWER_SECONDS,
                httpx_kwargs=more,
            )

        self._bot = Bot(
            settings.token,
            base_url=f"{settings.api_base}/bot",
            base_file_url=f"{settings.api_base}/file/bot",
            request=line(HTTPXRequest, _CONNECTIONS),
            get_updates_request=line(receiving.UpdatesRequest, 2),
        )
        self._talk = Talk(settings, self._front, self._database, self._seal, self._words)
        self._sender = Sender(self._bot, self._database, self._seal, self._words, self._limits)
        self._username = ""
        self._lanes: dict[str, asyncio.Task[None]] = {}
        self._again: set[str] = set()
        self._beside: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Work until cancelled."""
        await self._sender.start()
        for person in await self._database.run(keeping.unfinished):
            self._kick(person)
        tasks = [
            asyncio.create_task(self._keep_reading_news()),
            asyncio.create_task(self._keep_tidy()),
            asyncio.create_task(self._meet_telegram()),
        ]
        log.info("worker started", extra={"mode": "webhook" if self._settings.webhook else "polling"})
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in (*tasks, *self._lanes.values(), *self._beside):
                task.cancel()
            await asyncio.gather(*tasks, *self._lanes.values(), *self._beside, return_exceptions=True)
            await self._front.close()
            self._database.close()

    async def _meet_telegram(self) -> None:
        """Learn who we are, say what we can do, and take updates. Everything else goes on meanwhile."""
        meeting = self._introduce_patiently()
        if self._settings.webhook is not None:
            self._spawn(meeting)
            await receiving.listen(self._bot, self.keep, self._settings.webhook, self._limits)
        else:
            await receiving.patiently("starting", self._bot.initialize, self._limits.longest_pause_seconds)
            self._spawn(meeting)
            await receiving.poll(self._bot, self.keep, self._limits)

    async def _introduce_patiently(self) -> None:
        longest = self._limits.longest_pause_seconds
        await receiving.patiently("starting", self._bot.initialize, longest)
        self._username = self._bot.username
        await receiving.patiently("introducing", self._introduce, longest)

    async def _introduce(self) -> None:
        for code, language in _MENUS:
            menu = commands(self._words, language)
            await self._bot.set_my_commands(menu, language_code=code or None)
            await self._bot.set_my_commands(menu, scope=BotCommandScopeAllPrivateChats(), language_code=code or None)
            await self._bot.set_my_description(self._words("description", language), language_code=code or None)
            short = self._words("short_description", language)
            await self._bot.set_my_short_description(short, language_code=code or None)

    def _spawn(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._beside.add(task)
        task.add_done_callback(self._beside.discard)

    # ---- updates

    async def keep(self, update: Update) -> None:
        """Keep an update, and have it dealt with. Once this returns, Telegram may forget it."""
        event = event_from(update, self._username)
        if event is None:
            return
        person = self._seal.person(event.chat_id)
        is_new = await self._database.run(lambda c: keeping.receive(c, event, person, self._seal, now_ms()))
        if event.query_id:
            self._spawn(self._sender.beside(lambda: self._bot.answer_callback_query(event.query_id)))
        if is_new:
            self._sender.saw(event.message_id)
            self._kick(person)

    def _kick(self, person: str) -> None:
        """There is something to do for a person: at once, or after what is being done for them."""
        if person in self._lanes:
            self._again.add(person)
            return
        task = asyncio.create_task(self._lane(person))
        self._lanes[person] = task
        task.add_done_callback(lambda done: self._left(person, done))

    def _left(self, person: str, task: asyncio.Task[None]) -> None:
        del self._lanes[person]
        if task.cancelled():
            return
        error = task.exception()
        if error is not None:
            log.error("a lane broke off", exc_info=error)
        if person in self._again:
            self._again.discard(person)
            self._kick(person)

    async def _lane(self, person: str) -> None:
        """Everything there is to do for one person, in order."""
        tries = 0
        while True:
            try:
                await self._sender.deliver(person)
            except Closed:
                if not await self._is_back(person):
                    return
                continue
            found = await self._database.run(lambda c: keeping.next_update_of(c, person))
            if found is None:
                return
            row, known = found
            try:
                await self._answer(person, row, known)
                tries = 0
            except Exception:
                tries += 1
                log.exception("an update could not be answered", extra={"tries": tries})
                if tries >= _TRIES:
                    await self._give_up(person, row)
                    tries = 0
                await asyncio.sleep(_FIRST_PAUSE_SECONDS * tries)

    async def _is_back(self, person: str) -> bool:
        known = await self._database.run(lambda c: keeping.find_person(c, person))
        return known is not None and known.closed_at is None

    async def _answer(self, person: str, row: Row[Any], known: Row[Any] | None) -> None:
        event = Event(**self._seal.open(row.body))
        if known is None:
            await self._database.run(lambda c: keeping.adopt(c, event, person, self._seal, now_ms()))
            known = await self._database.run(lambda c: keeping.find_person(c, person))
        assert known is not None  # noqa: S101 (it was just stored)
        if event.kind in _TYPING:
            self._spawn(self._type(event.chat_id))
        pause, started, told = _FIRST_PAUSE_SECONDS, time.monotonic(), False
        while True:
            try:
                plan = await self._talk.plan(event, known, now_ms())
                break
            except NotNow as error:
                log.warning("the front door cannot answer now", extra={"reason": str(error)})
                if not told and time.monotonic() - started > self._limits.hold_on_seconds:
                    told = True
                    await self._hold_on(person, row.update_id, known)
                await asyncio.sleep(max(pause, error.pause))
                pause = min(pause * 2, self._limits.longest_pause_seconds)
        await self._database.run(
            lambda c: keeping.keep_plan(c, person, row.update_id, plan, self._seal, now_ms(), done=True)
        )

    async def _type(self, chat_id: int) -> None:
        await self._sender.beside(lambda: self._bot.send_chat_action(chat_id, ChatAction.TYPING))

    async def _hold_on(self, person: str, update_id: int, known: Row[Any]) -> None:
        """Say once that it takes longer; the answer comes all the same."""
        language = as_language(known.language) or DEFAULT
        text = self._words("hold_on", language, {"phone": self._words.phone})
        plan = Plan([Out("send", {"text": text, "protected": False})])

        def tell(connection: Any) -> None:
            if not keeping.was_told(connection, update_id):
                keeping.keep_plan(connection, person, update_id, plan, self._seal, now_ms(), done=False)

        await self._database.run(tell)
        try:
            await self._sender.deliver(person)
        except Closed:
            log.info("nobody to tell")

    async def _give_up(self, person: str, row: Row[Any]) -> None:
        """An update that cannot be answered must not hold up those behind it."""
        log.error("ALARM an update was left unanswered")
        known = await self._database.run(lambda c: keeping.find_person(c, person))
        language = as_language(known.language) or DEFAULT if known is not None else DEFAULT
        text = self._words("hold_on", language, {"phone": self._words.phone})
        plan = Plan([Out("send", {"text": text, "protected": False})])
        await self._database.run(
            lambda c: keeping.keep_plan(c, person, row.update_id, plan, self._seal, now_ms(), done=True)
        )

    # ---- news

    async def _keep_reading_news(self) -> None:
        """Pass on what happened without the messenger: the tracking number came, or somebody erased everything."""
        pause = _FIRST_PAUSE_SECONDS
        while True:
            try:
                after = await self._database.run(lambda c: keeping.note(c, _NEWS))
                for item in await self._front.news(after):
                    await self._pass_on(item)
                pause = _FIRST_PAUSE_SECONDS
                continue
            except NotNow as error:
                log.warning("no news", extra={"reason": str(error)})
            except Exception:
                log.exception("news could not be passed on")
            await asyncio.sleep(pause)
            pause = min(pause * 2, self._limits.longest_pause_seconds)

    async def _pass_on(self, item: dict[str, Any]) -> None:
        person, number = str(item["person"]), int(item["seq"])
        known = await self._database.run(lambda c: keeping.find_person(c, person))
        plan = await self._talk.plan_news(item, known) if known is not None else Plan()

        def keep(connection: Any) -> None:
            # Whoever is just writing erases here themselves, or begins anew: that must not be forgotten under them.
            busy = "erased" in item and keeping.next_update(connection, person) is not None
            if known is not None and not busy and not keeping.was_told(connection, -number):
                keeping.keep_plan(connection, person, -number, plan, self._seal, now_ms(), done=False)
            keeping.set_note(connection, _NEWS, number)

        await self._database.run(keep)
        if known is not None:
            self._kick(person)

    # ---- tidying

    async def _keep_tidy(self) -> None:
        limits = self._limits
        while True:
            try:
                gone = await self._database.run(
                    lambda c: keeping.tidy(
                        c, now_ms(), limits.remember_updates_hours, limits.held_hours, limits.forget_days
                    )
                )
                await self._database.forget_traces()
                if gone:
                    log.info("quiet people forgotten", extra={"count": gone})
            except Exception:
                log.exception("tidying failed")
            await asyncio.sleep(_TIDY_SECONDS)
