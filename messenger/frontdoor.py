"""The front door, as the worker speaks to it: `/internal/people/…` and `/internal/news`."""

from __future__ import annotations

from typing import Any

import httpx

from messenger.settings import PLACE, Settings

_CONNECT_SECONDS = 3.0
# The front door itself waits for the engine, and for turns before this one.
_ANSWER_SECONDS = 75.0
_IDLE_SECONDS = 4.0
_NEWS_SECONDS = 20
_PASSING = ("no_session", "not_found", "method_not_allowed", "too_many_messages")


class NotNow(Exception):
    """It cannot answer; the same question may be asked again after `pause` seconds."""

    def __init__(self, reason: str, pause: float = 0.0) -> None:
        super().__init__(reason)
        self.pause = pause


class Refused(Exception):
    """It refuses. `code` is the front door's word for why, `sentence` what the person may be told."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(code)
        self.code = code
        self.sentence = sentence


class FrontDoor:
    """One person is named by their keyed hash. Every call may be made again: `id` tells what was done before."""

    def __init__(self, settings: Settings) -> None:
        self._client = httpx.AsyncClient(
            base_url=settings.front_door,
            headers={"Authorization": f"Bearer {settings.secret}"},
            timeout=httpx.Timeout(_ANSWER_SECONDS, connect=_CONNECT_SECONDS),
            limits=httpx.Limits(max_connections=64, keepalive_expiry=_IDLE_SECONDS),
            trust_env=False,
        )

    async def close(self) -> None:
        """Let go of all connections."""
        await self._client.aclose()

    async def open(self, person: str, tag: str) -> dict[str, Any]:
        """Find the conversation of a person, or begin one; the answer is its greeting."""
        return await self._post("open", {"person": person, "place": PLACE, "tag": tag})

    async def welcome(self, person: str, message_id: str) -> dict[str, Any]:
        """The person is back: the open question once more."""
        return await self._post("welcome", {"person": person, "id": message_id})

    async def resume(self, person: str, code: str, language: str) -> dict[str, Any]:
        """Go on in the conversation that a code opens."""
        return await self._post("resume", {"person": person, "place": PLACE, "code": code}, language)

    async def arrive(self, person: str, token: str, language: str) -> dict[str, Any]:
        """Go on here in the conversation that a one-time link from the page leads to."""
        return await self._post("arrive", {"person": person, "place": PLACE, "token": token}, language)

    async def say(self, person: str, message_id: str, **message: str | None) -> dict[str, Any]:
        """Say `text` or press `payload`, with `title` and `after` as the front door has them."""
        given = {name: value for name, value in message.items() if value is not None}
        return await self._post("messages", {"person": person, "id": message_id, **given})

    async def answers(self, person: str) -> dict[str, Any]:
        """The answers in words."""
        return await self._post("answers", {"person": person})

    async def save(self, person: str) -> dict[str, Any]:
        """A code to go on with later."""
        return await self._post("save", {"person": person})

    async def link(self, person: str) -> str:
        """Path of a one-time link to the page."""
        return str((await self._post("link", {"person": person}))["path"])

    async def erase(self, person: str) -> None:
        """Erase the conversation."""
        await self._post("erase", {"person": person})

    async def news(self, after: int) -> list[dict[str, Any]]:
        """What happened without us since; waits for it for a while."""
        query = {"place": PLACE, "after": str(after), "wait": str(_NEWS_SECONDS)}
        return list((await self._ask("GET", "/internal/news", params=query))["news"])

    async def _post(self, name: str, body: dict[str, Any], language: str = "") -> dict[str, Any]:
        headers = {"Accept-Language": language} if language else None
        return await self._ask("POST", f"/internal/people/{name}", json=body, headers=headers)

    async def _ask(self, method: str, path: str, **more: Any) -> dict[str, Any]:
        try:
            answer = await self._client.request(method, path, **more)
        except httpx.HTTPError as error:
            raise NotNow(type(error).__name__) from None
        if answer.status_code < httpx.codes.MULTIPLE_CHOICES:
            return dict(answer.json()) if answer.content else {}
        try:
            refusal = answer.json()
            code, sentence = str(refusal["error"]), str(refusal["message"])
        except (ValueError, KeyError, TypeError):
            raise NotNow(f"status {answer.status_code}") from None
        # Without its secret the front door knows no such route, and with another one it does not let us in: neither is
        # the person's fault, and both can be put right while their message waits.
        if answer.status_code >= httpx.codes.INTERNAL_SERVER_ERROR or code in _PASSING:
            raise NotNow(f"status {answer.status_code}", _seconds(answer.headers.get("Retry-After")))
        raise Refused(code, sentence)


def _seconds(text: str | None) -> float:
    return float(text) if text and text.isdigit() else 0.0
