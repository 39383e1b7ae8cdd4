"""The chat page: plain HTML, CSS and JS from `web/chat`, with the words of `web/strings/page.yml`."""

from __future__ import annotations

import hashlib
import html
import json
import re
from typing import Any

import yaml
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from gateway.errors import ChatError
from gateway.language import DEFAULT, LANGUAGES, Language, from_header, from_tag
from gateway.settings import CONTENT, WEB
from gateway.strings import Strings

_ASSETS = {
    "chat.css": "text/css; charset=utf-8",
    "chat.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
}
_SLOT = re.compile(r"\{\{(\w+)\}\}")
_FOREVER = "public, max-age=31536000, immutable"


class Pages:
    """Reads everything once at start. A word that is missing stops the start, not the person."""

    def __init__(self) -> None:
        folder = WEB / "chat"
        self._assets = {name: (folder / name).read_bytes() for name in _ASSETS}
        self._words = Strings(WEB / "strings" / "page.yml")
        self._office: dict[str, Any] = yaml.safe_load((CONTENT / "office.yml").read_text(encoding="utf-8"))
        template = (folder / "index.html").read_text(encoding="utf-8")
        self._pages = {language: self._render(template, language) for language in LANGUAGES}
        table = {language: self._table(language) for language in LANGUAGES}
        self._strings = json.dumps(table, ensure_ascii=False).encode()

    def _table(self, language: Language) -> dict[str, str]:
        phone = str(self._office["toll_free"])
        return {
            **self._words.all(language),
            "language": language,
            "office_name": str(self._office["name"][language]),
            "phone": phone,
            "phone_link": "tel:+" + re.sub(r"\D", "", phone),
        }

    def _render(self, template: str, language: Language) -> bytes:
        table = self._table(language)
        for name, content in self._assets.items():
            digest = hashlib.sha256(content).hexdigest()[:16]
            table[name.replace(".", "_")] = f"/chat/assets/{name}?v={digest}"
        for other in LANGUAGES:
            table[f"current_{other.replace('-', '_')}"] = "true" if other == language else "false"
        return _SLOT.sub(lambda slot: html.escape(table[slot[1]]), template).encode()

    async def page(self, request: Request) -> Response:
        """`GET /chat/`, in the language of `?language=…` or of the browser."""
        asked = from_tag(request.query_params.get("language", ""))
        language = asked or from_header(request.headers.get("accept-language")) or DEFAULT
        return Response(
            self._pages[language],
            media_type="text/html",
            headers={"Content-Language": language, "Vary": "Accept-Language"},
        )

    async def strings(self, request: Request) -> Response:
        """`GET /chat/strings`: every word of the page in three scripts."""
        return Response(self._strings, media_type="application/json", headers={"Cache-Control": "no-cache"})

    async def asset(self, request: Request) -> Response:
        """`GET /chat/assets/{name}`."""
        name = request.path_params["name"]
        if name not in self._assets:
            raise ChatError("not_found")
        headers = {"Content-Type": _ASSETS[name], "Cache-Control": _FOREVER if request.url.query else "no-cache"}
        return Response(self._assets[name], headers=headers)

    async def to_page(self, request: Request) -> Response:
        """From the bare address to the page."""
        return RedirectResponse("/chat/")

    def router(self) -> APIRouter:
        """The routes."""
        router = APIRouter()
        router.add_route("/", self.to_page, methods=["GET"])
        router.add_route("/chat", self.to_page, methods=["GET"])
        router.add_route("/chat/", self.page, methods=["GET"])
        router.add_route("/chat/strings", self.strings, methods=["GET"])
        router.add_route("/chat/assets/{name}", self.asset, methods=["GET"])
        return router
