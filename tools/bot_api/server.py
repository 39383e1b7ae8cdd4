"""The server: what Telegram refuses, it refuses with the same words; what goes wrong on the way can be ordered.

Rules: https://core.telegram.org/bots/api. Numbers of messages in private chats count through all chats of the bot.
"""

from __future__ import annotations

import asyncio
import json
import re
import threading
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

TOKEN = "123456:a-token-of-nobody"  # noqa: S105 (of this server only)
USERNAME = "case_guide_bot"
LONGEST_TEXT = 4096
LONGEST_DATA_BYTES = 64
LONGEST_BUTTONS = 100
LONGEST_DESCRIPTION, LONGEST_SHORT, LONGEST_COMMAND = 512, 120, 256
_PUBLIC_HOST = re.compile(r"[\w-]+(\.[\w-]+)+")


def units(text: str) -> int:
    """UTF-16 code units."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


class Refusal(Exception):
    """An answer that is not `ok`."""

    def __init__(
        self, code: int, description: str, retry_after: int | None = None, migrated_to: int | None = None
    ) -> None:
        super().__init__(description)
        self.code = code
        self.description = description
        named = {"retry_after": retry_after, "migrate_to_chat_id": migrated_to}
        self.parameters = {name: value for name, value in named.items() if value is not None}


class _Drop(Exception):
    """The line breaks."""


@dataclass(frozen=True)
class Call:
    """A call that came in: `effect` says whether anything was changed, `code` what was answered (0: the line broke)."""

    method: str
    parameters: dict[str, Any]
    code: int
    effect: bool
    at: float


@dataclass
class Sent:
    """A message in a chat, of either side."""

    message_id: int
    chat_id: int
    of_bot: bool
    text: str
    keyboard: list[list[dict[str, Any]]] = field(default_factory=list)
    protected: bool = False
    deleted: bool = False
    at: float = 0.0


class BotApi:
    """The server, in a thread of its own.

    Args:
        port: Where to listen; 0: wherever there is room.
        fault: Asked for each call, by method and parameters: None, `429`, `403`, `500`, `502`, `drop_before` or
            `drop_after` the effect.
        floods: Refuse more than a message a second in a chat, and 30 a second in all.
    """

    def __init__(
        self, port: int = 0, fault: Callable[[str, dict[str, Any]], str | None] | None = None, floods: bool = False
    ) -> None:
        self.fault = fault
        self.floods = floods
        self.calls: list[Call] = []
        self.messages: dict[int, dict[int, Sent]] = {}
        self.order: list[Sent] = []
        self.blocked: set[int] = set()
        self.left: set[int] = set()
        self.migrated: dict[int, int] = {}
        self.typed: list[int] = []
        self.commands: dict[tuple[str, str], list[dict[str, str]]] = {}
        self.texts: dict[tuple[str, str], str] = {}
        self.webhook: dict[str, str] | None = None
        self.answered: dict[str, float] = {}
        self.asked: dict[str, float] = {}
        self.changed = threading.Condition()
        self._updates: dict[int, dict[str, Any]] = {}
        self._next_update = 1000
        self._next_message = 1
        self._kinds: dict[int, str] = {}
        self._loop = asyncio.new_event_loop()
        self._more = asyncio.Event()
        self._connections: set[asyncio.StreamWriter] = set()
        self._ready = threading.Event()
        self.port = port
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._server: asyncio.Server | None = None

    # ---- running

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> BotApi:
        self._thread.start()
        self._ready.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._listen())
        self._ready.set()
        self._loop.run_forever()
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        self._loop.run_until_complete(asyncio.sleep(0))

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._connection, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    def pause(self) -> None:
        """Be away: nobody listens, and every line breaks."""

        async def stop() -> None:
            if self._server is not None:
                self._server.close()
            for writer in list(self._connections):
                writer.transport.abort()

        asyncio.run_coroutine_threadsafe(stop(), self._loop).result(10)

    def go_on(self) -> None:
        """Be there again, at the same address."""
        asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(10)

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._connections.add(writer)
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                first, *lines = head.split("\r\n")
                headers = {
                    name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)
                }
                body = await reader.readexactly(int(headers.get("content-length") or 0))
                _, path, _ = first.split(" ", 2)
                status, answer = await self._answer(path, headers, body)
                content = json.dumps(answer).encode()
                writer.write(
                    f"HTTP/1.1 {status} -\r\nContent-Type: application/json\r\nContent-Length: {len(content)}"
                    f"\r\n\r\n".encode()
                    + content
                )
                await writer.drain()
        except (_Drop, asyncio.IncompleteReadError, asyncio.CancelledError, ConnectionError):
            writer.transport.abort()
        finally:
            self._connections.discard(writer)
            writer.close()

    async def _answer(self, path: str, headers: dict[str, str], body: bytes) -> tuple[int, dict[str, Any]]:
        parts = urlsplit(path)
        found = re.fullmatch(r"/bot([^/]+)/(\w+)", parts.path)
        parameters: dict[str, Any] = dict(parse_qsl(parts.query, keep_blank_values=True))
        kind = headers.get("content-type", "")
        if kind.startswith("application/json"):
            parameters |= json.loads(body)
        elif body:
            parameters |= dict(parse_qsl(body.decode(), keep_blank_values=True))
        method = found[2] if found else ""
        trouble = self.fault(method, parameters) if self.fault is not None and found is not None else None
        code, effect, result = 200, False, None
        try:
            if found is None:
                raise Refusal(404, "Not Found")
            if found[1] != TOKEN:
                raise Refusal(401, "Unauthorized")
            if trouble == "drop_before":
                raise _Drop
            if trouble in ("500", "502"):
                raise Refusal(int(trouble), "Internal Server Error" if trouble == "500" else "Bad Gateway")
            if trouble == "429":
                raise Refusal(429, "Too Many Requests: retry after 1", 1)
            if trouble == "403":
                raise Refusal(403, "Forbidden: bot was blocked by the user")
            handler = getattr(self, f"_do_{method}", None)
            if handler is None:
                raise Refusal(404, "Not Found")
            result = await handler(parameters)
            effect = True
            if trouble == "drop_after":
                raise _Drop
        except _Drop:
            code = 0
            raise
        except Refusal as refusal:
            code = refusal.code
            answer: dict[str, Any] = {"ok": False, "error_code": code, "description": refusal.description}
            if refusal.parameters:
                answer["parameters"] = refusal.parameters
            return code, answer
        finally:
            with self.changed:
                self.calls.append(Call(method, parameters, code, effect, time.monotonic()))
                self.changed.notify_all()
        return 200, {"ok": True, "result": result}

    # ---- methods

    async def _do_getMe(self, _: dict[str, Any]) -> dict[str, Any]:
        return {"id": 123456, "is_bot": True, "first_name": "Guide", "username": USERNAME}

    async def _do_getUpdates(self, given: dict[str, Any]) -> list[dict[str, Any]]:
        if self.webhook is not None:
            raise Refusal(409, "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook")
        offset = int(given.get("offset") or 0)
        deadline = time.monotonic() + float(given.get("timeout") or 0)
        allowed = json.loads(given["allowed_updates"]) if given.get("allowed_updates") else None
        while True:
            self._updates = {number: update for number, update in self._updates.items() if number >= offset}
            ready = [
                self._updates[number]
                for number in sorted(self._updates)
                if allowed is None or set(self._updates[number]) & set(allowed)
            ]
            if ready or time.monotonic() >= deadline:
                return ready[: int(given.get("limit") or 100)]
            self._more.clear()
            try:
                await asyncio.wait_for(self._more.wait(), max(0.01, deadline - time.monotonic()))
            except TimeoutError:
                continue

    async def _do_setWebhook(self, given: dict[str, Any]) -> bool:
        if not given.get("url"):
            self.webhook = None
            return True
        secret = given.get("secret_token", "")
        if secret and not re.fullmatch(r"[A-Za-z0-9_-]{1,256}", secret):
            raise Refusal(400, "Bad Request: secret token contains unallowed characters")
        self.webhook = {"url": given["url"], "secret_token": secret}
        return True

    async def _do_deleteWebhook(self, _: dict[str, Any]) -> bool:
        self.webhook = None
        return True

    async def _do_sendMessage(self, given: dict[str, Any]) -> dict[str, Any]:
        chat = self._chat(given)
        self._check_flood(chat)
        text, keyboard = self._text(given), self._keyboard(given)
        message = self._store(chat, True, text, keyboard, given.get("protect_content") in ("true", "True", True))
        return self._shown(message)

    async def _do_editMessageText(self, given: dict[str, Any]) -> dict[str, Any]:
        message, text, keyboard = self._own(given), self._text(given), self._keyboard(given)
        if (message.text, message.keyboard) == (text, keyboard):
            raise Refusal(
                400,
                "Bad Request: message is not modified: specified new message content and reply markup are exactly the "
                "same as a current content and reply markup of the message",
            )
        message.text, message.keyboard = text, keyboard
        return self._shown(message)

    async def _do_editMessageReplyMarkup(self, given: dict[str, Any]) -> dict[str, Any]:
        message, keyboard = self._own(given), self._keyboard(given)
        if message.keyboard == keyboard:
            raise Refusal(400, "Bad Request: message is not modified")
        message.keyboard = keyboard
        return self._shown(message)

    async def _do_answerCallbackQuery(self, given: dict[str, Any]) -> bool:
        query = given.get("callback_query_id", "")
        if query not in self.asked or query in self.answered:
            raise Refusal(400, "Bad Request: query is too old and response timeout expired or query ID is invalid")
        self.answered[query] = time.monotonic()
        return True

    async def _do_sendChatAction(self, given: dict[str, Any]) -> bool:
        if given.get("action") != "typing":
            raise Refusal(400, "Bad Request: wrong parameter action in request")
        self.typed.append(self._chat(given))
        return True

    async def _do_setMyCommands(self, given: dict[str, Any]) -> bool:
        commands = json.loads(given["commands"])
        for item in commands:
            if not re.fullmatch(r"[a-z0-9_]{1,32}", item["command"]):
                raise Refusal(400, "Bad Request: BOT_COMMAND_INVALID")
            if not 1 <= len(item["description"]) <= LONGEST_COMMAND:
                raise Refusal(400, "Bad Request: BOT_COMMAND_DESCRIPTION_INVALID")
        scope = json.loads(given["scope"]) if given.get("scope") else {"type": "default"}
        if scope["type"] == "chat":
            self._chat(scope)
        name = f"{scope['type']}:{scope['chat_id']}" if "chat_id" in scope else str(scope["type"])
        self.commands[(name, self._language(given))] = commands
        return True

    async def _do_setMyDescription(self, given: dict[str, Any]) -> bool:
        return self._about(given, "description", LONGEST_DESCRIPTION)

    async def _do_setMyShortDescription(self, given: dict[str, Any]) -> bool:
        return self._about(given, "short_description", LONGEST_SHORT)

    async def _do_leaveChat(self, given: dict[str, Any]) -> bool:
        chat = self._chat(given)
        if self._kinds[chat] == "private":
            raise Refusal(400, "Bad Request: chat member status can't be changed in private chats")
        self.left.add(chat)
        return True

    async def _do_deleteMessages(self, given: dict[str, Any]) -> bool:
        chat, ids = self._chat(given), json.loads(given["message_ids"])
        if not 1 <= len(ids) <= 100:
            raise Refusal(400, "Bad Request: too many or no message identifiers")
        for number in ids:
            if number in self.messages.get(chat, {}):
                self.messages[chat][number].deleted = True
        return True

    # ---- rules

    def _language(self, given: dict[str, Any]) -> str:
        code = str(given.get("language_code") or "")
        if code and not re.fullmatch(r"[a-z]{2}", code):
            raise Refusal(400, "Bad Request: invalid language code specified")
        return code

    def _about(self, given: dict[str, Any], name: str, longest: int) -> bool:
        text = given.get(name, "")
        if units(text) > longest:
            raise Refusal(400, f"Bad Request: {name} is too long")
        self.texts[(name, self._language(given))] = text
        return True

    def _chat(self, given: dict[str, Any]) -> int:
        chat = int(given["chat_id"])
        if chat not in self._kinds:
            raise Refusal(400, "Bad Request: chat not found")
        if chat in self.migrated:
            raise Refusal(
                400, "Bad Request: group chat was upgraded to a supergroup chat", migrated_to=self.migrated[chat]
            )
        if chat in self.blocked:
            raise Refusal(403, "Forbidden: bot was blocked by the user")
        if chat in self.left:
            raise Refusal(403, "Forbidden: bot is not a member of the group chat")
        return chat

    def _text(self, given: dict[str, Any]) -> str:
        text = str(given.get("text", "")).strip()
        if not text:
            raise Refusal(400, "Bad Request: message text is empty")
        if units(text) > LONGEST_TEXT:
            raise Refusal(400, "Bad Request: message is too long")
        if given.get("parse_mode"):
            raise Refusal(400, "Bad Request: can't parse entities")
        return text

    def _keyboard(self, given: dict[str, Any]) -> list[list[dict[str, Any]]]:
        if not given.get("reply_markup"):
            return []
        rows: list[list[dict[str, Any]]] = json.loads(given["reply_markup"])["inline_keyboard"]
        if sum(map(len, rows)) > LONGEST_BUTTONS:
            raise Refusal(400, "Bad Request: reply markup is too long")
        for button in (button for row in rows for button in row):
            if not button.get("text", "").strip():
                raise Refusal(400, "Bad Request: text buttons are unallowed in the inline keyboard")
            if set(button) not in ({"text", "callback_data"}, {"text", "url"}):
                raise Refusal(400, "Bad Request: can't parse inline keyboard button")
            if "callback_data" in button and not 1 <= len(button["callback_data"].encode()) <= LONGEST_DATA_BYTES:
                raise Refusal(400, "Bad Request: BUTTON_DATA_INVALID")
            if "url" in button and not _PUBLIC_HOST.fullmatch(urlsplit(button["url"]).hostname or ""):
                raise Refusal(400, "Bad Request: BUTTON_URL_INVALID")
        return rows

    def _own(self, given: dict[str, Any]) -> Sent:
        message = self.messages.get(self._chat(given), {}).get(int(given["message_id"]))
        if message is None or message.deleted:
            raise Refusal(400, "Bad Request: message to edit not found")
        if not message.of_bot:
            raise Refusal(400, "Bad Request: message can't be edited")
        return message

    def _check_flood(self, chat: int) -> None:
        if not self.floods:
            return
        now = time.monotonic()
        recent = [sent for sent in self.order[-1000:] if sent.of_bot and now - sent.at < 1]
        if len(recent) >= 30 or any(sent.chat_id == chat and now - sent.at < 0.95 for sent in recent):
            raise Refusal(429, "Too Many Requests: retry after 1", 1)

    def _store(
        self, chat: int, of_bot: bool, text: str, keyboard: list[list[dict[str, Any]]], protected: bool = False
    ) -> Sent:
        with self.changed:
            message = Sent(self._next_message, chat, of_bot, text, keyboard, protected, at=time.monotonic())
            self._next_message += 1
            self.messages.setdefault(chat, {})[message.message_id] = message
            self.order.append(message)
            self.changed.notify_all()
        return message

    def _shown(self, message: Sent) -> dict[str, Any]:
        chat = message.chat_id
        shown: dict[str, Any] = {
            "message_id": message.message_id,
            "date": int(time.time()),
            "chat": {"id": chat, "type": self._kinds[chat]},
            "text": message.text,
        }
        if message.keyboard:
            shown["reply_markup"] = {"inline_keyboard": message.keyboard}
        return shown

    # ---- what people do

    def meet(self, chat: int, kind: str = "private") -> None:
        """There is such a chat."""
        self._kinds[chat] = kind

    def said(self, chat: int, text: str) -> int:
        """A person's message is in the chat; returns its number."""
        return self._store(chat, False, text, []).message_id

    def new_update_id(self) -> int:
        """The next number of an update."""
        with self.changed:
            self._next_update += 1
            return self._next_update

    def push(self, content: dict[str, Any], update_id: int | None = None, secret: str | None = None) -> int:
        """Something happened: it can be fetched, or is brought to where the webhook says; returns the status of that.

        Args:
            content: The update without its number.
            update_id: Its number; a new one if not given.
            secret: In place of the one that was agreed on.
        """
        update = {"update_id": update_id or self.new_update_id(), **content}
        if content.get("callback_query"):
            self.asked[content["callback_query"]["id"]] = time.monotonic()
        if self.webhook is not None:
            return self._bring(update, self.webhook["secret_token"] if secret is None else secret)
        self._loop.call_soon_threadsafe(self._add, update)
        return 0

    def _add(self, update: dict[str, Any]) -> None:
        self._updates[int(update["update_id"])] = update
        self._more.set()

    def _bring(self, update: dict[str, Any], secret: str) -> int:
        headers = {"Content-Type": "application/json"}
        if secret:
            headers["X-Telegram-Bot-Api-Secret-Token"] = secret
        assert self.webhook is not None  # noqa: S101 (asked before)
        request = urllib.request.Request(  # noqa: S310 (an address of our own)
            self.webhook["url"], json.dumps(update).encode(), headers, method="POST"
        )
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=10) as response:
                return int(response.status)
        except urllib.error.HTTPError as error:
            return error.code

    # ---- what can be seen

    def of(self, method: str) -> list[Call]:
        """The calls of a method."""
        with self.changed:
            return [call for call in self.calls if call.method == method]

    def in_chat(self, chat: int) -> list[Sent]:
        """The bot's messages in a chat, in order."""
        with self.changed:
            return [sent for sent in self.order if sent.chat_id == chat and sent.of_bot]

    def wait(self, condition: Callable[[], bool], seconds: float = 30.0) -> bool:
        """Wait until something holds; returns whether it does."""
        deadline = time.monotonic() + seconds
        with self.changed:
            while not condition():
                if time.monotonic() >= deadline:
                    return False
                self.changed.wait(0.05)
        return True
