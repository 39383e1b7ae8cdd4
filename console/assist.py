"""The front door's interface for call-takers, `/internal/assist/`: the same guide, one caller at a time."""

from __future__ import annotations

from typing import Any

import httpx
from pydantic import BaseModel, ConfigDict

from console.settings import Limits, Settings

_CONNECTIONS = 64


class _Part(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class Button(_Part):
    """A choice the guide offers."""

    title: str
    payload: str


class Attachment(_Part):
    """A file or page the guide offers."""

    title: str
    url: str


class Beside(_Part):
    """The English of a reply, its parts in the same order."""

    language: str
    text: str
    buttons: list[str] = []
    attachments: list[str] = []


class Reply(_Part):
    """One message of the guide, or of the caller in a transcript."""

    key: str = ""
    text: str
    language: str | None = None
    buttons: list[Button] = []
    attachments: list[Attachment] = []
    beside: Beside | None = None


class Question(_Part):
    """One question of the interview, and what came of it."""

    slot: str
    section: int
    label: str
    label_en: str
    status: str
    needed: bool
    free_text: bool
    how: str | None
    value: str | None
    value_en: str | None
    can: list[str]


class View(_Part):
    """Where a call stands."""

    state: dict[str, Any]
    questions: list[Question]
    needed: list[str]
    next: str | None
    summary: str
    dates: dict[str, str | None]
    replies: list[Reply] = []


class Opened(View):
    """A case that was opened."""

    session: str
    language: str
    reference: str
    case: str
    begun_on: str


class Match(_Part):
    """A case that was found. Nothing in it says whose it is."""

    ref: str
    case: str
    begun_at: str
    active_at: str
    language: str
    step: int | None
    steps: int | None
    asking: str | None
    outcome: str | None
    begun_on: str


class Said(_Part):
    """One line of a transcript."""

    sender: str
    text: str
    language: str | None
    beside: str | None


class Code(_Part):
    """A code to go on with."""

    resume_code: str
    expires_at: str


class AssistError(Exception):
    """The front door says no, or nothing.

    Attributes:
        code: Its code, or `unreachable`.
        retry_after: Seconds to wait before the same is tried again; None: that is of no use.
    """

    def __init__(self, code: str, retry_after: float | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.retry_after = retry_after


class Assist:
    """Speaks to the front door.

    Args:
        settings: Its address and secret.
        limits: How long an answer is waited for.
    """

    def __init__(self, settings: Settings, limits: Limits) -> None:
        self._client = httpx.AsyncClient(
            base_url=f"{settings.guide_url}/internal/assist",
            headers={
                "Authorization": f"Bearer {settings.guide_secret.get_secret_value()}",
                "Accept-Language": "en",
            },
            timeout=limits.guide_answer_seconds,
            limits=httpx.Limits(max_connections=_CONNECTIONS, max_keepalive_connections=_CONNECTIONS),
            trust_env=False,
        )

    async def begin(self, agent: str, language: str) -> Opened:
        """A new case for a caller."""
        return Opened.model_validate(await self._ask("POST", "/conversations", agent, json={"language": language}))

    async def look_up(self, agent: str, asked: dict[str, str]) -> list[Match]:
        """Cases by `resume_code`, or by two of `tracking_number`, `receipt_number` and `date_of_birth`."""
        try:
            found = await self._ask("POST", "/lookup", agent, json=asked)
        except AssistError as error:
            if error.code == "unknown_case":
                return []
            raise
        return [Match.model_validate(match) for match in found["matches"]]

    async def open(self, agent: str, ref: str) -> Opened:
        """Open a case that was found, or one again by its reference."""
        return Opened.model_validate(await self._ask("POST", "/open", agent, json={"ref": ref}))

    async def send(self, agent: str, session: str, message: dict[str, Any]) -> View:
        """Say something for the caller, press a button, or do something else; see the interface."""
        return View.model_validate(await self._ask("POST", "/messages", agent, session, json=message))

    async def look(self, agent: str, session: str) -> View:
        """Where the call stands, with the last replies."""
        return View.model_validate(await self._ask("GET", "/state", agent, session))

    async def transcript(self, agent: str, session: str, language: str) -> list[Said]:
        """All that was said, the guide's words in a language, with the English beside them."""
        found = await self._ask("GET", "/history", agent, session, params={"language": language})
        return [
            Said(
                sender=line["from"],
                text=line["text"],
                language=line.get("language"),
                beside=(line.get("beside") or {}).get("text"),
            )
            for line in found["messages"]
        ]

    async def code(self, agent: str, session: str) -> Code:
        """A code for the caller; an earlier one is good no more."""
        return Code.model_validate(await self._ask("POST", "/code", agent, session))

    async def erase(self, agent: str, session: str) -> None:
        """Erase the case."""
        await self._ask("DELETE", "/conversation", agent, session)

    async def close(self, agent: str, session: str) -> None:
        """The call is over; the case stays."""
        await self._ask("POST", "/close", agent, session)

    async def finish(self) -> None:
        """Close all connections."""
        await self._client.aclose()

    async def _ask(self, method: str, path: str, agent: str, session: str = "", **more: Any) -> dict[str, Any]:
        headers = {"X-Guide-Agent": agent, **({"X-Guide-Session": session} if session else {})}
        try:
            answer = await self._client.request(method, path, headers=headers, **more)
            if answer.status_code == httpx.codes.NO_CONTENT:
                return {}
            body = answer.json()
        except (httpx.HTTPError, ValueError):
            raise AssistError("unreachable", 2.0) from None
        if answer.is_success:
            return dict(body)
        wait = answer.headers.get("Retry-After", "")
        raise AssistError(str(body.get("error", "unreachable")), float(wait) if wait.isdigit() else None)


__all__ = ["Assist", "AssistError", "Match", "Opened", "Question", "Reply", "Said", "View"]
