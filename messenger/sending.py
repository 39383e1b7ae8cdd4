"""Doing at Telegram what stands in the outbox: each thing once and in order, whatever happens to the line.

All but sending a message may safely be done twice. Sending is marked as begun before it is, and done when Telegram says
so. Where the line breaks between the two (or the worker is stopped), nobody has said whether the message arrived, and
Telegram has no key to send it under again without doubling it. So the worker looks: numbers of messages only grow, and
changing a message into what it already is makes Telegram say "message is not modified". If one of the numbers given
out since is that message, it has arrived; if none is, it is sent again.
"""

from __future__ import annotations

import asyncio
import datetime
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any, NoReturn

import httpx
from sqlalchemy import Row
from telegram import (
    Bot,
    BotCommand,
    BotCommandScopeChat,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    LinkPreviewOptions,
)
from telegram.error import BadRequest, ChatMigrated, Forbidden, InvalidToken, NetworkError, RetryAfter, TelegramError

from messenger import keeping
from messenger.database import Database
from messenger.pace import Pace, Pauses
from messenger.sealing import Seal
from messenger.settings import Limits
from messenger.updates import COMMANDS
from messenger.words import Language, Words

log = logging.getLogger("messenger.sending")

_FIRST_PAUSE_SECONDS = 0.25
_REFUSED_PAUSE_SECONDS = 30.0
_TRIES_BESIDE = 4
# How far beyond the numbers known to be given out a message is looked for, and how many numbers are looked at.
_LOOK_BEYOND = 4
_LOOK_AT_MOST = 40
_DELETE_AT_ONCE = 100
# It cannot have arrived: there was no line yet.
_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
_NO_PREVIEW = LinkPreviewOptions(is_disabled=True)
_GONE = ("chat not found", "user is deactivated", "peer_id_invalid", "bot was blocked", "bot can't initiate")
_THE_SAME = "message is not modified"
_NO_SUCH_BUTTON = ("button_url_invalid", "wrong http url", "url host is empty")


def now_ms() -> int:
    """Milliseconds since 1970, UTC."""
    return time.time_ns() // 1_000_000


def markup(body: dict[str, Any], keyboard: int | None) -> InlineKeyboardMarkup | None:
    """One choice per row; what a choice means stays here, Telegram gets a short name of it (64 bytes at most)."""
    rows = []
    for place, choice in enumerate(body.get("choices") or ()):
        if choice.get("url"):
            if body.get("links_in_text"):
                continue
            rows.append([InlineKeyboardButton(choice["title"], url=choice["url"])])
        else:
            rows.append([InlineKeyboardButton(choice["title"], callback_data=f"{keyboard or 0:x}.{place}")])
    return InlineKeyboardMarkup(rows) if rows else None


class Closed(Exception):
    """The person shut us out, or is gone."""


class _InDoubt(Exception):
    """Nobody has said whether a message arrived."""


class Sender:
    """Brings people what is in the outbox for them.

    Args:
        bot: Of Telegram's library.
        database: With the outbox.
        seal: Opens what is in it.
        words: For the list of commands.
        limits: How fast, and how long pauses may become.
    """

    def __init__(self, bot: Bot, database: Database, seal: Seal, words: Words, limits: Limits) -> None:
        self._bot = bot
        self._database = database
        self._seal = seal
        self._words = words
        self._longest_pause = limits.longest_pause_seconds
        self._pace = Pace(limits.messages_per_second)
        self._pauses = Pauses(limits.chat_pause_seconds)
        self._newest = 0
        self._newest_sent = 0

    async def start(self) -> None:
        """Learn which numbers of messages are known."""
        self._newest, self._newest_sent = await self._database.run(keeping.highest)

    def saw(self, message_id: int) -> None:
        """Somebody's message came in with this number."""
        self._newest = max(self._newest, message_id)

    async def deliver(self, person: str) -> None:
        """Do everything that is to be done for a person.

        Raises:
            Closed: Nothing can be brought to them now.
        """
        while True:
            found = await self._database.run(lambda c: keeping.next_out_for(c, person))
            if found is None:
                return
            out, known = found
            chat = self._seal.open(known.chat) if known is not None else None
            body = self._seal.open(out.body)
            if known is None or chat is None or body is None:
                log.error("cannot be opened any more: was the secret changed?")
                await self._settle(out, None, dropped=True)
                continue
            if known.closed_at is not None and out.kind != "forget":
                await self._close(out.person)
            await self._do(out, known, int(chat), body)

    async def _do(self, out: Row[Any], known: Row[Any], chat: int, body: dict[str, Any]) -> None:
        """Do one thing until it is done, or cannot be."""
        if out.kind == "forget":
            await self._database.run(lambda c: keeping.forget(c, out.person))
            await self._database.forget_traces()
            return
        pause = _FIRST_PAUSE_SECONDS
        doubt = out.state == "sending"
        top = (max(self._newest, self._newest_sent), self._newest_sent)
        while True:
            try:
                if out.kind == "send":
                    found = await self._look_for(out, known, chat, body, top) if doubt else None
                    doubt = False
                    await self._settle(out, found or await self._send(out, chat, body))
                else:
                    async with self._pace.one():
                        await self._change(out.kind, chat, body)
                    await self._settle(out, None)
                return
            except _InDoubt as error:
                doubt = True
                top = (max(self._newest, self._newest_sent), self._newest_sent)
                out = await self._again(out)
                log.warning("Telegram has not said whether it arrived", extra={"reason": str(error)})
            except RetryAfter as error:
                await asyncio.sleep(_seconds(error.retry_after))
                continue
            except ChatMigrated as error:
                chat = await self._follow(out.person, error.new_chat_id)
                continue
            except (Forbidden, BadRequest, InvalidToken) as error:
                changed = await self._refused(out, body, error)
                if changed is None:
                    return
                body = changed
                continue
            except TelegramError as error:
                log.warning("Telegram is not reached", extra={"kind": out.kind, "reason": _reason(error)})
            await asyncio.sleep(pause)
            pause = min(pause * 2, self._longest_pause)

    async def _refused(self, out: Row[Any], body: dict[str, Any], error: TelegramError) -> dict[str, Any] | None:
        """What is to be done instead, or None if nothing is.

        Raises:
            Closed: The person shut us out.
        """
        said = str(error).lower()
        if out.kind == "send":
            if isinstance(error, InvalidToken):
                log.error("Telegram does not know the token")
                await asyncio.sleep(min(_REFUSED_PAUSE_SECONDS, self._longest_pause))
                return body
            if isinstance(error, Forbidden) or any(sign in said for sign in _GONE):
                if await self._database.run(lambda c: keeping.stop_talking(c, out)):
                    return None
                await self._close(out.person)
            if any(sign in said for sign in _NO_SUCH_BUTTON) and _has_links(body):
                changed = _links_in_text(body)
                await self._database.run(lambda c: keeping.replace(c, out.id, self._seal.close(changed)))
                return changed
            log.error("ALARM a message is refused by Telegram", extra={"reason": type(error).__name__})
        elif _THE_SAME not in said:
            log.info("nothing to change any more", extra={"kind": out.kind, "reason": type(error).__name__})
        await self._settle(out, None, dropped=True)
        return None

    async def _follow(self, person: str, chat: int) -> int:
        """A group has got another id: go on there."""
        await self._database.run(lambda c: keeping.moved(c, person, self._seal.close(chat)))
        log.info("a group has moved")
        return chat

    async def _close(self, person: str) -> NoReturn:
        """Nothing can be brought to a person now.

        Raises:
            Closed: Always.
        """
        if await self._database.run(lambda c: keeping.close(c, person, now_ms())):
            await self._database.forget_traces()
            log.info("somebody who had asked for it is forgotten")
        else:
            log.info("a chat is closed to us")
        raise Closed

    async def _again(self, out: Row[Any]) -> Row[Any]:
        row = await self._database.run(lambda c: keeping.next_out(c, out.person))
        return row if row is not None else out

    async def _settle(self, out: Row[Any], message_id: int | None, dropped: bool = False) -> None:
        await self._database.run(lambda c: keeping.settle(c, out, message_id, dropped))

    # ---- one thing each

    async def _send(self, out: Row[Any], chat: int, body: dict[str, Any]) -> int:
        """Send a message; returns its number.

        Raises:
            _InDoubt: It may have arrived.
            TelegramError: It has not.
        """
        try:
            async with self._pauses.one(out.person), self._pace.one():
                base, base_sent = max(self._newest, self._newest_sent), self._newest_sent
                await self._database.run(lambda c: keeping.begin(c, out.id, base, base_sent))
                message = await self._bot.send_message(
                    chat,
                    body["text"],
                    reply_markup=markup(body, out.keyboard),
                    protect_content=True if body.get("protected") else None,
                    link_preview_options=_NO_PREVIEW,
                )
        except TelegramError as error:
            unsaid = isinstance(error, NetworkError) and not isinstance(error, BadRequest)
            if unsaid and not isinstance(error.__cause__, _NOT_SENT):
                raise _InDoubt(_reason(error)) from None
            await self._database.run(lambda c: keeping.put_back(c, out.id))
            raise
        self._newest_sent = max(self._newest_sent, message.message_id)
        return int(message.message_id)

    async def _change(self, kind: str, chat: int, body: dict[str, Any]) -> None:
        if kind == "edit":
            await self._edit(chat, body["message_id"], body["text"])
        elif kind == "unmark":
            await self._bot.edit_message_reply_markup(chat, body["message_id"])
        elif kind == "menu":
            await self._bot.set_my_commands(commands(self._words, body["language"]), scope=BotCommandScopeChat(chat))
        elif kind == "leave":
            await self._bot.leave_chat(chat)
        elif kind == "delete":
            ids = body["message_ids"]
            for start in range(0, len(ids), _DELETE_AT_ONCE):
                await self._bot.delete_messages(chat, ids[start : start + _DELETE_AT_ONCE])

    async def _edit(self, chat: int, message_id: int, text: str, keys: InlineKeyboardMarkup | None = None) -> None:
        await self._bot.edit_message_text(text, chat, message_id, reply_markup=keys, link_preview_options=_NO_PREVIEW)

    async def _look_for(
        self, out: Row[Any], known: Row[Any], chat: int, body: dict[str, Any], top: tuple[int, int]
    ) -> int | None:
        """The number of a message if it has arrived."""
        keys = markup(body, out.keyboard)
        for message_id in await self._candidates(out, known, top):
            if await self._is_there(chat, message_id, body["text"], keys):
                self._newest_sent = max(self._newest_sent, message_id)
                log.info("a message had arrived")
                return message_id
        return None

    async def _is_there(self, chat: int, message_id: int, text: str, keys: InlineKeyboardMarkup | None) -> bool:
        """Whether a message is there and says exactly that; asks until there is an answer.

        Raises:
            TelegramError: There will be none: we are shut out.
        """
        pause = _FIRST_PAUSE_SECONDS
        while True:
            try:
                async with self._pace.one():
                    await self._edit(chat, message_id, text, keys)
            except RetryAfter as error:
                await asyncio.sleep(_seconds(error.retry_after))
            except BadRequest as error:
                return _THE_SAME in str(error).lower()
            except NetworkError:
                await asyncio.sleep(pause)
                pause = min(pause * 2, self._longest_pause)
            else:
                return True

    async def _candidates(self, out: Row[Any], known: Row[Any], top: tuple[int, int]) -> list[int]:
        """Numbers that the message can have: given out since the sending began, and not known to be another's.

        In private chats Telegram counts through all chats of a bot; where it counts in each chat, the next numbers of
        this one come first.

        Args:
            out: What was being sent.
            known: The person.
            top: The highest numbers known when nobody said whether it arrived: of any message, and of ours.
        """
        next_here = [known.newest_sent + 1, known.newest + 1]
        since = [*range(out.base_sent + 1, top[1] + 1 + _LOOK_BEYOND), *range(out.base + 1, top[0] + 1 + _LOOK_BEYOND)]
        taken = await self._database.run(lambda c: keeping.numbers_since(c, out.base_sent))
        likely = [number for number in dict.fromkeys(next_here + since) if number > 0 and number not in taken]
        return likely[:_LOOK_AT_MOST]

    # ---- beside the outbox: no harm if it gets lost

    async def beside(self, what: Callable[[], Awaitable[object]]) -> None:
        """Try something a few times, and let it be."""
        pause = _FIRST_PAUSE_SECONDS
        for _ in range(_TRIES_BESIDE):
            try:
                await what()
                return
            except RetryAfter as error:
                await asyncio.sleep(_seconds(error.retry_after))
            except (BadRequest, Forbidden, InvalidToken):
                return  # too late, or nothing to do with it any more
            except TelegramError:
                await asyncio.sleep(pause)
                pause *= 2


def commands(words: Words, language: Language) -> list[BotCommand]:
    """The list of commands in one language."""
    return [BotCommand(name, words(f"command_{name}", language)) for name in COMMANDS]


def _has_links(body: dict[str, Any]) -> bool:
    return not body.get("links_in_text") and any(choice.get("url") for choice in body.get("choices") or ())


def _links_in_text(body: dict[str, Any]) -> dict[str, Any]:
    """The same message with its links in the text; the places of the other buttons stay the same."""
    links = [choice for choice in body["choices"] if choice.get("url")]
    lines = "\n\n".join(f"{choice['title']}: {choice['url']}" for choice in links)
    return {**body, "text": f"{body['text']}\n\n{lines}", "links_in_text": True}


def _seconds(retry_after: int | datetime.timedelta) -> float:
    return retry_after.total_seconds() if isinstance(retry_after, datetime.timedelta) else float(retry_after)


def _reason(error: TelegramError) -> str:
    return type(error.__cause__ or error).__name__
