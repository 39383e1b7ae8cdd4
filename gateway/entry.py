"""Ways in: the start page, and the script with which an agency puts the guide on a page of its own."""

from __future__ import annotations

import datetime
import hashlib
import json
from collections.abc import Callable

import jinja2
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from gateway.errors import ChatError
from gateway.hours import Hours
from gateway.language import DEFAULT, LANGUAGES, Language, from_header, from_tag
from gateway.settings import WEB, Settings
from gateway.strings import Strings

# In this order on every page, with the one most visitors need first.
LANGUAGE_NAMES: tuple[tuple[Language, str], ...] = (("zh-Hans", "简体中文"), ("zh-Hant", "繁體中文"), ("en", "English"))
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'none'"
    )
}
STYLE = "/start/start.css"
PRINTING = "/start/print.js"
_FILES = {"start.css": "text/css; charset=utf-8", "print.js": "text/javascript; charset=utf-8"}
_FOREVER = "public, max-age=31536000, immutable"
# An agency's page gets a new version of the script within this time.
_EMBED_MAX_AGE = 3600


def templates() -> jinja2.Environment:
    """The pages of `web/start`."""
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(WEB / "start"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def public_address(request: Request, settings: Settings) -> str:
    """The address of the guide as people reach it, without a slash at its end."""
    return settings.public_url.rstrip("/") or str(request.base_url).rstrip("/")


def versioned(path: str) -> str:
    """The address of a file of `web/start` that changes with its content, so that it can be kept for good."""
    content = (WEB / "start" / path.rsplit("/", 1)[-1]).read_bytes()
    return f"{path}?v={hashlib.sha256(content).hexdigest()[:16]}"


class Entry:
    """Reads everything once at start.

    Args:
        clock: what time it is, with a time zone.
    """

    def __init__(self, settings: Settings, hours: Hours, clock: Callable[[], datetime.datetime]) -> None:
        self._settings = settings
        self._hours = hours
        self._clock = clock
        self._words = Strings(WEB / "strings" / "start.yml")
        self._template = templates().get_template("start.html")
        self._files = {name: (WEB / "start" / name).read_bytes() for name in _FILES}
        self._style = versioned(STYLE)
        self._script = _embed_script()

    async def start(self, request: Request) -> Response:
        """`GET /`: `?lang=` (or `?language=`) names the language, else the browser does."""
        asked = from_tag(request.query_params.get("lang") or request.query_params.get("language") or "")
        language = asked or from_header(request.headers.get("accept-language")) or DEFAULT
        page = self._template.render(
            language=language,
            languages=LANGUAGE_NAMES,
            w=self._words.all(language),
            style=self._style,
            icon="/chat/assets/icon.svg",
            base=public_address(request, self._settings),
            official=self._settings.official,
            phone=self._hours.told(language, self._clock()),
        )
        headers = {**HEADERS, "Content-Language": language, "Vary": "Accept-Language", "Cache-Control": "no-cache"}
        return Response(page, media_type="text/html", headers=headers)

    async def start_file(self, request: Request) -> Response:
        """`GET /start/{name}`."""
        name = request.path_params["name"]
        if name not in self._files:
            raise ChatError("not_found")
        caching = _FOREVER if request.url.query else "no-cache"
        return Response(self._files[name], headers={"Content-Type": _FILES[name], "Cache-Control": caching})

    async def embed(self, request: Request) -> Response:
        """`GET /embed.js`: for pages of other origins; holds nothing of anybody."""
        return Response(
            self._script,
            headers={
                "Content-Type": "text/javascript; charset=utf-8",
                "Cache-Control": f"public, max-age={_EMBED_MAX_AGE}",
                "Cross-Origin-Resource-Policy": "cross-origin",
                "Access-Control-Allow-Origin": "*",
            },
        )

    def router(self) -> APIRouter:
        """The routes."""
        router = APIRouter()
        router.add_route("/", self.start, methods=["GET"])
        router.add_route("/start/{name}", self.start_file, methods=["GET"])
        router.add_route("/embed.js", self.embed, methods=["GET"])
        return router


def _embed_script() -> str:
    """The script with its words and its look in it, as it has to do with one request."""
    words = Strings(WEB / "strings" / "embed.yml")
    folder = WEB / "embed"
    parts = {
        '"{{words}}"': json.dumps({language: words.all(language) for language in LANGUAGES}, ensure_ascii=False),
        '"{{style}}"': json.dumps((folder / "embed.css").read_text(encoding="utf-8")),
    }
    script = (folder / "embed.js").read_text(encoding="utf-8")
    for mark, text in parts.items():
        if mark not in script:
            raise ValueError(f"embed.js: {mark} is missing")
        script = script.replace(mark, text)
    return script
