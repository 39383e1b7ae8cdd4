"""The dialogue engine behind the front door, over its internal channel."""

from __future__ import annotations

import asyncio
import logging
import time
import zlib
from dataclasses import dataclass
from typing import Any, Literal

import httpx

from gateway.language import Language, as_language
from gateway.settings import Limits, Settings

log = logging.getLogger("gateway.rasa")

Event = Literal["open", "resume", "text", "payload", "documents", "retry", "abandon", "undo"]

# Of the front door itself: the engine may have nothing to say to them.
_SILENT_EVENTS = ("retry", "abandon", "undo")

_FIRST_PAUSE_SECONDS = 0.15
_LONGEST_PAUSE_SECONDS = 1.5
_CONNECT_SECONDS = 2.0
_ERASE_SECONDS = 5.0
_HEALTH_SECONDS = 2.0
# Below the five seconds after which the engine's web server closes an idle connection.
_IDLE_CONNECTION_SECONDS = 3.0


class EngineUnavailable(Exception):
    """The dialogue engine gave no usable answer. Its argument says why, without anything a person wrote."""


@dataclass(frozen=True)
class Turn:
    """One event of a conversation, as the engine gets it. `at` is ISO 8601 in UTC: when the front door first had it."""

    conversation_id: str
    message_id: str
    event: Event
    text: str
    at: str
    language: Language | None = None
    elsewhere: bool = False
    """It came through a messenger: what is personal is not taken there, but on the page."""


@dataclass(frozen=True)
class Answer:
    """What the engine said, the state of the conversation after it, and what it could not hand over yet."""

    replies: list[dict[str, Any]]
    state: dict[str, Any]
    language: Language
    pending: dict[str, Any] | None = None
    origins: dict[str, str] | None = None
    """How each answer was got, by slot."""


class Engine:
    """Talks to the Rasa processes. A conversation always goes to the same one.

    The same message may be sent again after any failure: the engine knows the last message it finished.
    """

    def __init__(self, settings: Settings, limits: Limits) -> None:
        self._urls = settings.rasa_urls
        self._limits = limits
        self._client = httpx.AsyncClient(
            headers={"X-Guide-Secret": settings.guide_secret.get_secret_value()},
            timeout=httpx.Timeout(limits.engine_answer_seconds, connect=_CONNECT_SECONDS),
            limits=httpx.Limits(max_connections=200, keepalive_expiry=_IDLE_CONNECTION_SECONDS),
            trust_env=False,
        )

    async def close(self) -> None:
        """Let go of all connections."""
        await self._client.aclose()

    def _url(self, conversation_id: str) -> str:
        return self._urls[zlib.crc32(conversation_id.encode()) % len(self._urls)]

    async def send(self, turn: Turn) -> Answer:
        """Have one turn answered; tries again for some seconds while the engine is away and a person waits.

        Raises:
            EngineUnavailable: it stayed away, refused us, or sent no proper answer.
        """
        patience = 0.0 if turn.event in _SILENT_EVENTS else self._limits.engine_retry_seconds
        deadline = time.monotonic() + patience
        pause = _FIRST_PAUSE_SECONDS
        while True:
            try:
                return await self._send_once(turn)
            except _TryAgain as error:
                if time.monotonic() + pause > deadline:
                    raise EngineUnavailable(str(error)) from None
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)

    async def _send_once(self, turn: Turn) -> Answer:
        body = {
            "conversation_id": turn.conversation_id,
            "message_id": turn.message_id,
            "event": turn.event,
            "text": turn.text,
            "language": turn.language,
            "at": turn.at,
            "elsewhere": turn.elsewhere,
        }
        try:
            response = await self._client.post(
                f"{self._url(turn.conversation_id)}/webhooks/internal/message", json=body
            )
        except httpx.HTTPError as error:
            raise _TryAgain(type(error).__name__) from None
        if response.status_code in (400, 403):
            raise EngineUnavailable(f"status {response.status_code}")
        if response.status_code != httpx.codes.OK:
            raise _TryAgain(f"status {response.status_code}")
        return _read_answer(response, turn.event in _SILENT_EVENTS)

    async def erase(self, conversation_id: str) -> None:
        """Have everything the engine knows of a conversation erased.

        Raises:
            EngineUnavailable: it did not confirm.
        """
        url = f"{self._url(conversation_id)}/webhooks/internal/conversations/{conversation_id}"
        try:
            response = await self._client.delete(url, timeout=_ERASE_SECONDS)
        except httpx.HTTPError as error:
            raise EngineUnavailable(type(error).__name__) from None
        if response.status_code not in (httpx.codes.NO_CONTENT, httpx.codes.NOT_FOUND):
            raise EngineUnavailable(f"status {response.status_code}")

    async def is_ready(self) -> bool:
        """Whether every engine process has its model loaded."""

        async def ready(url: str) -> bool:
            try:
                response = await self._client.get(f"{url}/webhooks/internal/health", timeout=_HEALTH_SECONDS)
            except httpx.HTTPError:
                return False
            return response.status_code == httpx.codes.OK

        return all(await asyncio.gather(*(ready(url) for url in self._urls)))


class _TryAgain(Exception):
    """A failure that may pass."""


def _read_answer(response: httpx.Response, may_be_silent: bool) -> Answer:
    try:
        body = response.json()
    except ValueError:
        raise EngineUnavailable("no JSON") from None
    replies = body.get("replies") if isinstance(body, dict) else None
    state = body.get("state") if isinstance(body, dict) else None
    if not isinstance(replies, list) or not isinstance(state, dict) or not (replies or may_be_silent):
        raise EngineUnavailable("no replies or no state")
    pending = body.get("pending")
    language = as_language(state.get("language"))
    if language is None:
        raise EngineUnavailable("state without a language")
    for reply in replies:
        if not isinstance(reply, dict) or not all(
            isinstance(reply.get(name), str) for name in ("key", "text", "language")
        ):
            raise EngineUnavailable("a reply without key, text or language")
    origins = body.get("origins")
    return Answer(
        replies,
        state,
        language,
        pending if isinstance(pending, dict) else None,
        origins if isinstance(origins, dict) else None,
    )
