"""The only way from the dialogue to the intake backend.

A request is sent with an idempotency key that stays the same for every try, so a try whose answer was lost does
no harm. Success means that the backend said it has stored the request.
"""
from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import aiohttp

TIMEOUT = aiohttp.ClientTimeout(total=5)
PAUSES = (0.2, 0.8)
LOCKED = 429


class IntakeError(Exception):
    """Something between the dialogue and the intake backend."""


class IntakeUnavailable(IntakeError):
    """No usable answer after all tries; nothing is known to be stored."""


class IntakeLocked(IntakeError):
    """Too many tries for this tracking number."""


class IntakeRejected(IntakeError):
    """The backend refuses the content.

    Attributes:
        fields: Names of the answers it does not accept.
    """

    def __init__(self, fields: Sequence[str]) -> None:
        super().__init__("rejected: " + ", ".join(fields))
        self.fields = tuple(fields)


@dataclass(frozen=True)
class Receipt:
    """Proof that a request is stored."""

    tracking_number: str
    status: str


class IntakeClient:
    """Talks to the intake backend over HTTP.

    Args:
        base_url: Such as ``http://127.0.0.1:8000``.
        token: Service token.
    """

    def __init__(self, base_url: str, token: str) -> None:
        self._base = base_url.rstrip("/")
        self._headers = {"Authorization": f"Bearer {token}"}

    async def file(self, payload: Mapping[str, Any], key: str) -> Receipt:
        """Hand a case assistance request over.

        Args:
            payload: As the intake schema has it.
            key: Idempotency key, the same for every try of the same request.

        Raises:
            IntakeRejected: The content is not accepted.
            IntakeUnavailable: No proof that it is stored.
        """
        body = await self._post("/v1/case-requests", payload, {"Idempotency-Key": key})
        number = body.get("tracking_number")
        if not isinstance(number, str) or not number:
            raise IntakeUnavailable("an answer without a tracking number")
        return Receipt(number, str(body.get("status")))

    async def give_feedback(self, text: str, language: str, key: str) -> None:
        """Store an experience or suggestion (errors as for ``file``)."""
        await self._post("/v1/feedback", {"feedback_text": text, "language": language}, {"Idempotency-Key": key})

    async def look_up(self, number: str, proof: Mapping[str, str]) -> Mapping[str, Any] | None:
        """Status of a filed request, or ``None`` when number and proof do not belong together.

        Raises:
            IntakeLocked: Too many tries.
            IntakeUnavailable: No answer.
        """
        question = {"tracking_number": number, "proof": dict(proof)}
        status, body = await self._send("/v1/case-requests/lookup", question, {})
        if status == LOCKED:
            raise IntakeLocked
        if status in (404, 422):
            return None
        if status != 200:
            raise IntakeUnavailable(f"status {status}")
        return body

    async def _post(self, path: str, payload: Mapping[str, Any], headers: Mapping[str, str]) -> Mapping[str, Any]:
        for pause in (*PAUSES, None):
            try:
                status, body = await self._send(path, payload, headers)
            except IntakeUnavailable:
                if pause is None:
                    raise
            else:
                if status in (200, 201):
                    return body
                if status == 422:
                    raise IntakeRejected([str(item.get("field")) for item in body.get("fields", [])])
                # 409 means that another content was stored under this key: sending again cannot help.
                if pause is None or status == 409:
                    raise IntakeUnavailable(f"status {status}")
            await asyncio.sleep(pause)
        raise IntakeUnavailable("no try left")

    async def _send(self, path: str, payload: Mapping[str, Any],
                    headers: Mapping[str, str]) -> tuple[int, Mapping[str, Any]]:
        try:
            async with aiohttp.ClientSession(timeout=TIMEOUT, headers=self._headers) as session, session.post(
                    self._base + path, json=dict(payload), headers=dict(headers)) as response:
                body = await response.json(content_type="application/json") if response.status != 204 else {}
                return response.status, body if isinstance(body, dict) else {}
        except (TimeoutError, aiohttp.ClientError, ValueError) as problem:
            raise IntakeUnavailable(type(problem).__name__) from problem
