"""The channel between the front door and Rasa.

``POST /webhooks/internal/message`` answers one message, ``DELETE /webhooks/internal/conversations/<id>`` forgets a
conversation, ``GET /webhooks/internal/health`` tells whether the model is loaded. All but the last need the shared
secret in ``X-Guide-Secret``. The channel never answers 200 without a reply and a state (the events ``retry``,
``abandon`` and ``undo``, behind which nobody waits, may have nothing to say): whatever fails on the way (Rasa, the
action server, the store) is a 503, nothing is stored, and the same message may be sent again.
"""

from __future__ import annotations

import asyncio
import hmac
import json
import logging
import re
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, NamedTuple
from urllib.parse import quote

import aiohttp
from rasa.core.agent import Agent
from rasa.core.channels.channel import InputChannel, OutputChannel, UserMessage
from sanic import Blueprint, Sanic, response
from sanic.request import Request
from sanic.response import HTTPResponse

from bot import patches
from bot.logs import describe
from bot.tracker_store import snapshot_store
from bot.turn import Turn, current_turn

SECRET_HEADER = "X-Guide-Secret"  # noqa: S105 (a header's name)
MAX_BODY_BYTES = 256 * 1024
MAX_TEXT_CHARS = 20_000
MAX_ID_CHARS = 200
TURN_SECONDS = 45
ERASE_SECONDS = 3
RETRY_SECONDS = 1
LANGUAGES = ("en", "zh-Hans", "zh-Hant")
OPENING_EVENTS = ("open", "resume")
# Without a person: send what waits to be handed over; give it up, because the conversation is about to be erased; the
# same, also with what was sent since the person last heard of it.
SILENT_EVENTS = ("retry", "abandon", "undo")
WITHOUT_TEXT = (*OPENING_EVENTS, *SILENT_EVENTS)
# The person did something beside the talk; the text tells the actions what, as JSON.
DOCUMENTS_EVENT = "documents"
_PAYLOAD = re.compile(r"/([a-z_]+)(\{.*\})?", re.S)

logger = logging.getLogger(__name__)


class BadRequestError(Exception):
    """The request is not what the front door sends."""


class Incoming(NamedTuple):
    """One checked message from the front door.

    Attributes:
        conversation_id: The conversation.
        message_id: The person's own id of the message.
        event: ``open``, ``resume``, ``text``, ``payload``, ``documents``, ``retry``, ``abandon`` or ``undo``.
        text: As typed, or the payload of a button, or what happened to the documents; empty for the other events.
        language: First guess of the language, for ``open``.
        at: When the front door first received it, ISO 8601.
        elsewhere: It came through a messenger, where answers to personal questions are not taken.
    """

    conversation_id: str
    message_id: str
    event: str
    text: str
    language: str | None
    at: str
    elsewhere: bool = False


def read(body: bytes) -> Incoming:
    """Check and read a request body.

    Raises:
        BadRequestError: Not JSON, or a field is missing or wrong.
    """
    try:
        content = json.loads(body)
    except ValueError:
        raise BadRequestError("not JSON") from None
    if not isinstance(content, dict):
        raise BadRequestError("not an object")
    for name in ("conversation_id", "message_id"):
        value = content.get(name)
        if not isinstance(value, str) or not 0 < len(value) <= MAX_ID_CHARS:
            raise BadRequestError(name)
    event, text, language, at = (content.get(name) for name in ("event", "text", "language", "at"))
    if event not in (*WITHOUT_TEXT, DOCUMENTS_EVENT, "text", "payload"):
        raise BadRequestError("event")
    if event in WITHOUT_TEXT:
        text = ""
    elif not isinstance(text, str) or not text.strip() or len(text) > MAX_TEXT_CHARS:
        raise BadRequestError("text")
    if language is not None and language not in LANGUAGES:
        raise BadRequestError("language")
    try:
        moment = datetime.fromisoformat(str(at).replace("Z", "+00:00"))
    except ValueError:
        raise BadRequestError("at") from None
    if moment.tzinfo is None:
        raise BadRequestError("at")
    elsewhere = content.get("elsewhere") is True
    return Incoming(
        content["conversation_id"], content["message_id"], event, text, language, moment.isoformat(), elsewhere
    )


def parse_payload(payload: str, intents: list[str]) -> dict[str, Any]:
    """Read the payload of a button, ``/intent{"name": value}``, as parse data.

    Raises:
        BadRequestError: Not a payload, or an intent that the domain does not have.
    """
    match = _PAYLOAD.fullmatch(payload.strip())
    if not match or match.group(1) not in intents:
        raise BadRequestError("payload")
    try:
        values = json.loads(match.group(2) or "{}")
    except ValueError:
        raise BadRequestError("payload") from None
    intent = {"name": match.group(1), "confidence": 1.0}
    return {
        "text": payload,
        "intent": intent,
        "intent_ranking": [intent],
        "entities": [
            {"entity": name, "value": value, "start": 0, "end": len(payload), "extractor": "payload"}
            for name, value in values.items()
        ],
        "script": {"language": None},
    }


class TurnOutput(OutputChannel):
    """Collects the replies and the state of one turn."""

    def __init__(self, turn: Turn) -> None:
        self._turn = turn

    @classmethod
    def name(cls) -> str:
        """Name of the channel."""
        return InternalChannel.name()

    async def send_response(self, recipient_id: str, message: dict[str, Any]) -> None:
        """Take one message of the bot: a worded reply, the state, or both.

        Raises:
            ValueError: A text without ``key``, ``language`` and ``wording``, or with a button that no wording names:
                no wording can have produced it.
        """
        state = (message.get("custom") or {}).get("state")
        if state is not None:
            self._turn.state = state
            self._turn.pending = message["custom"].get("pending")
            self._turn.origins = message["custom"].get("origins")
        if not message.get("text"):
            return
        if not message.get("key") or not message.get("language") or not message.get("wording"):
            raise ValueError("a reply without key, language or wording")
        reply: dict[str, Any] = {name: message[name] for name in ("key", "text", "language", "wording")}
        titles = reply["wording"][reply["language"]]
        for name, place in (("buttons", "payload"), ("attachments", "url")):
            items = message.get(name) or []
            if len(items) != len(titles[name]):
                raise ValueError(f"{name} without a title")
            if items:
                reply[name] = [
                    {"title": title, place: item[place]} for title, item in zip(titles[name], items, strict=True)
                ]
        self._turn.replies.append(reply)


class InternalChannel(InputChannel):
    """The only way into Rasa.

    Args:
        secret: The secret that the front door sends.
    """

    def __init__(self, secret: str) -> None:
        patches.apply()
        self._secret = secret.encode()

    @classmethod
    def name(cls) -> str:
        """Name of the channel and part of its URL."""
        return "internal"

    @classmethod
    def from_credentials(cls, credentials: dict[str, Any] | None) -> InternalChannel:
        """Create the channel from ``credentials.yml``."""
        secret = (credentials or {}).get("secret")
        if not secret:
            cls.raise_missing_credentials_exception()
        return cls(secret)

    def blueprint(self, on_new_message: Callable[[UserMessage], Awaitable[Any]]) -> Blueprint:
        """Create the routes."""
        routes = Blueprint("internal")

        @routes.listener("before_server_start")
        async def limit_bodies(app: Sanic, _: asyncio.AbstractEventLoop) -> None:
            app.config.REQUEST_MAX_SIZE = MAX_BODY_BYTES

        @routes.get("/health")
        async def health(request: Request) -> HTTPResponse:
            ready = _agent(request) is not None
            return response.json({"status": "ok"}) if ready else _failure(503, "not_ready")

        @routes.post("/message")
        async def message(request: Request) -> HTTPResponse:
            if not self._knows(request):
                return _failure(403, "forbidden")
            if len(request.body) > MAX_BODY_BYTES:
                return _failure(413, "too_large")
            agent = _agent(request)
            if agent is None:
                return _failure(503, "not_ready")
            try:
                incoming = read(request.body)
                answer = await asyncio.wait_for(_answer(agent, incoming), TURN_SECONDS)
            except BadRequestError as error:
                return _failure(400, "malformed", str(error))
            except Exception as error:
                logger.error("turn failed: %s", describe(error))
                return _failure(503, "not_ready")
            return response.json(answer, dumps=_dumps)

        @routes.delete("/conversations/<conversation_id:str>")
        async def erase(request: Request, conversation_id: str) -> HTTPResponse:
            if not self._knows(request):
                return _failure(403, "forbidden")
            agent = _agent(request)
            if agent is None:
                return _failure(503, "not_ready")
            try:
                async with agent.lock_store.lock(conversation_id):
                    await snapshot_store(agent.tracker_store).erase(conversation_id)
                    await _erase_in_actions(agent, conversation_id)
            except Exception as error:
                logger.error("erasing failed: %s", describe(error))
                return _failure(503, "not_ready")
            return response.empty()

        return routes

    def _knows(self, request: Request) -> bool:
        return hmac.compare_digest(request.headers.get(SECRET_HEADER, "").encode(), self._secret)


def _agent(request: Request) -> Agent | None:
    agent: Agent | None = getattr(request.app.ctx, "agent", None)
    return agent if agent is not None and agent.is_ready() else None


async def _erase_in_actions(agent: Agent, conversation_id: str) -> None:
    """Have the action server erase what it keeps of a conversation (its messages in the review queue).

    Raises:
        aiohttp.ClientError: It did not; the front door asks again later.
    """
    if agent.action_endpoint is None:
        return
    url = f"{agent.action_endpoint.url.removesuffix('/webhook')}/conversations/{quote(conversation_id, safe='')}"
    timeout = aiohttp.ClientTimeout(total=ERASE_SECONDS)
    headers = agent.action_endpoint.headers
    async with aiohttp.ClientSession(timeout=timeout, headers=headers) as session, session.delete(url) as answer:
        answer.raise_for_status()


async def _answer(agent: Agent, incoming: Incoming) -> dict[str, Any]:
    """Answer a message, or give the stored answer again if it was the last one answered."""
    store = snapshot_store(agent.tracker_store)
    async with agent.lock_store.lock(incoming.conversation_id):
        stored = await store.answer_to(incoming.conversation_id, incoming.message_id)
        if stored is not None:
            return stored
        turn = Turn(
            incoming.conversation_id, incoming.message_id, may_be_silent=incoming.event in SILENT_EVENTS
        )
        token = current_turn.set(turn)
        try:
            await agent.processor.handle_message(_user_message(agent, incoming, turn))
        finally:
            current_turn.reset(token)
    return turn.answer()


def _user_message(agent: Agent, incoming: Incoming, turn: Turn) -> UserMessage:
    parse_data = None
    text = incoming.text.strip()
    if incoming.event in (*WITHOUT_TEXT, DOCUMENTS_EVENT):
        text = "/greet"
    if incoming.event == "text":
        # Rasa would read a leading "/" as a command; the full-width one has the same length and is no command.
        text = f"／{text[1:]}" if text.startswith("/") else text
    else:
        parse_data = parse_payload(text, agent.domain.intents)
    return UserMessage(
        text=text,
        output_channel=TurnOutput(turn),
        sender_id=incoming.conversation_id,
        input_channel=InternalChannel.name(),
        message_id=incoming.message_id,
        parse_data=parse_data,
        metadata={
            "event": incoming.event,
            "text": incoming.text,
            "at": incoming.at,
            "language": incoming.language,
            "message_id": incoming.message_id,
            "elsewhere": incoming.elsewhere,
        },
    )


def _dumps(content: Any) -> str:
    return json.dumps(content, ensure_ascii=False, separators=(",", ":"))


def _failure(status: int, code: str, detail: str = "") -> HTTPResponse:
    headers = {"Retry-After": str(RETRY_SECONDS)} if status == 503 else {}
    body = {"error": code, **({"detail": detail} if detail else {})}
    return response.json(body, status=status, headers=headers)
