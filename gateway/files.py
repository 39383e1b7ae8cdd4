"""Downloads: the pre-filled request and the calendar file, for the person who holds the link."""

from __future__ import annotations

import datetime
import logging
import re
from dataclasses import dataclass

import httpx
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from gateway import store
from gateway.database import Database
from gateway.errors import ChatError
from gateway.language import Language
from gateway.limits import SlidingWindow
from gateway.links import CALENDARS, PREFIX, REQUESTS, Links, calendar_file, language_of
from gateway.settings import WEB, Limits, Settings
from gateway.strings import Strings
from gateway.tokens import Tokens

log = logging.getLogger("gateway.files")

_TRACKING_NUMBER = re.compile(r"[A-Z0-9-]{4,40}")
_EXTENSIONS = {"application/pdf": "pdf", "text/plain": "txt"}
_FETCH_SECONDS = 15.0
# Kind of link to the part of the document.
_PARTS = {"request": "all", "english": "request", "official": "office"}


@dataclass
class Files:
    """The download routes."""

    settings: Settings
    limits: Limits
    database: Database
    tokens: Tokens
    links: Links

    def __post_init__(self) -> None:
        self._words = Strings(WEB / "strings" / "calendar.yml")
        self._downloads = SlidingWindow(self.limits.downloads_per_minute)
        self._client = httpx.AsyncClient(timeout=_FETCH_SECONDS, trust_env=False)

    async def close(self) -> None:
        """Let go of all connections."""
        await self._client.aclose()

    async def download(self, request: Request) -> Response:
        """`GET /chat/files/{sealed}/{file_name}`."""
        content = self.links.open(request.path_params["sealed"], request.path_params["file_name"])
        if content is None:
            raise ChatError("link_expired")
        request.state.language = language_of(content)
        conversation_id = content["conversation"]
        request.state.conversation = self.tokens.label(conversation_id)
        if not await self.database.run(lambda c: store.conversation_exists(c, conversation_id)):
            raise ChatError("link_expired")
        seconds = self._downloads.take(conversation_id)
        if seconds:
            raise ChatError("too_many_requests", retry_after=seconds)
        if content["kind"] in CALENDARS:
            return self._calendar(content)
        return await self._request(content["value"], content["kind"], language_of(content))

    def _calendar(self, content: dict[str, str]) -> Response:
        try:
            day = datetime.date.fromisoformat(content["value"])
        except ValueError:
            raise ChatError("link_expired") from None
        label = self.tokens.label(content["conversation"])
        body = calendar_file(content["kind"], day, language_of(content), self._words, label)
        return _file(body, "text/calendar; charset=utf-8", CALENDARS[content["kind"]])

    async def _request(self, tracking_number: str, kind: str, language: Language) -> Response:
        if not _TRACKING_NUMBER.fullmatch(tracking_number) or not self.settings.intake_pdf_path:
            raise ChatError("link_expired")
        path = self.settings.intake_pdf_path.replace("{tracking_number}", tracking_number)
        url = httpx.URL(self.settings.intake_url + path).copy_merge_params({"language": language, "part": _PARTS[kind]})
        try:
            response = await self._client.get(url, headers=self.settings.intake_headers)
        except httpx.HTTPError as error:
            log.warning("intake unavailable", extra={"reason": type(error).__name__})
            raise ChatError("not_ready", retry_after=self.limits.retry_after_seconds) from None
        if response.status_code in (httpx.codes.NOT_FOUND, httpx.codes.GONE):
            raise ChatError("link_expired")
        media_type = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        if response.status_code != httpx.codes.OK or media_type not in _EXTENSIONS:
            log.warning("intake unavailable", extra={"reason": f"status {response.status_code}"})
            raise ChatError("not_ready", retry_after=self.limits.retry_after_seconds)
        full_type = "text/plain; charset=utf-8" if media_type == "text/plain" else media_type
        stem = REQUESTS[kind].partition(".")[0]
        return _file(response.content, full_type, f"{stem}-{tracking_number}.{_EXTENSIONS[media_type]}")

    def router(self) -> APIRouter:
        """The routes."""
        router = APIRouter()
        router.add_route(f"{PREFIX}/{{sealed}}/{{file_name}}", self.download, methods=["GET"])
        return router


def _file(body: bytes, media_type: str, name: str) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Content-Type": media_type}
    return Response(body, headers=headers)
