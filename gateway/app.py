"""The front door as one ASGI application."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import yaml
from fastapi import FastAPI
from sqlalchemy.exc import OperationalError
from starlette.exceptions import HTTPException
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import Response

from gateway.answers import Answers
from gateway.assist import Assist
from gateway.assist_view import Views
from gateway.channels import Channels
from gateway.chat import Chat, json_response
from gateway.database import Database
from gateway.documents import Documents
from gateway.downloads import Downloads
from gateway.entry import Entry
from gateway.errors import ChatError
from gateway.files import Files
from gateway.handover import Handover
from gateway.hours import Hours, HoursRoute, utc_now
from gateway.housekeeping import keep_tidy
from gateway.language import DEFAULT, Language, as_language, from_header
from gateway.links import Links
from gateway.pages import Pages
from gateway.rasa import Engine
from gateway.relay import Relay
from gateway.settings import CONTENT, ROOT, WEB, Limits, Settings, load_limits
from gateway.strings import Strings
from gateway.tokens import Tokens
from gateway.transfer import Transfer
from gateway.turnstile import Turnstile
from papers.sandbox import Sandbox
from papers.settings import PaperSettings
from serving.guard import Guard
from triage.content import Content

log = logging.getLogger("gateway")
_requests = logging.getLogger("gateway.http")

# Of every answer; pages say more (`page_headers`).
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
}

_HEALTH_CACHE_SECONDS = 1.0
_COMPRESS_FROM_BYTES = 600
_COMPRESSION = 6


def create_app(settings: Settings | None = None, limits: Limits | None = None) -> FastAPI:
    """Build the front door.

    Args:
        settings: where it runs and its secrets; from the environment if not given.
        limits: its numbers; from `content/` if not given.

    Raises:
        ValueError: a secret or a text is missing.
    """
    settings = settings or Settings()
    limits = limits or load_limits(settings)
    words = Strings(WEB / "strings" / "errors.yml")
    tokens = Tokens(settings.session_key.get_secret_value())
    links = Links(tokens, bool(settings.intake_pdf_path))
    database = Database(settings.database_url)
    engine = Engine(settings, limits)
    office = yaml.safe_load((CONTENT / "office.yml").read_text(encoding="utf-8"))
    chat = Chat(database, engine, Turnstile(database, limits), tokens, links, limits, str(office["toll_free"]))
    files = Files(settings, limits, database, tokens, links)
    documents = _documents(chat, settings)
    handover = Handover(documents, settings)
    hours = Hours.load()
    downloads = Downloads(chat, settings, hours)
    transfer = Transfer(chat, settings.telegram_bot)
    pages = Pages(chat, documents, downloads, transfer, words, settings.frame_ancestors)
    chat.standing = pages.standing
    health = Health(database, engine)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        await database.start()
        tidying = asyncio.create_task(keep_tidy(chat, handover))
        handing_over = asyncio.create_task(handover.keep_going())
        sending = asyncio.create_task(Relay(chat).keep_sending())
        log.info("front door open")
        yield
        tidying.cancel()
        handing_over.cancel()
        sending.cancel()
        await chat.turnstile.finish_all()
        await files.close()
        await handover.close()
        await engine.close()
        database.close()

    app = FastAPI(lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False)

    async def refuse(request: Request, error: ChatError) -> Response:
        if "text/html" in request.headers.get("accept", ""):
            return await pages.refused(request, error)
        language = _language(request)
        body = {"error": error.code, "message": words(error.code, language, error.values)}
        response = json_response(body, error.status)
        response.headers.update({"Content-Language": language, **error.headers})
        return response

    async def refused(request: Request, error: Exception) -> Response:
        assert isinstance(error, ChatError)  # noqa: S101 - registered for this class only
        return await refuse(request, error)

    async def no_such_route(request: Request, error: Exception) -> Response:
        code = "method_not_allowed" if isinstance(error, HTTPException) and error.status_code == 405 else "not_found"
        response = await refuse(request, ChatError(code))
        if isinstance(error, HTTPException) and error.headers and "Allow" in error.headers:
            response.headers["Allow"] = error.headers["Allow"]
        return response

    async def broken(request: Request) -> Response:
        return await refuse(request, ChatError("internal"))

    async def no_database(request: Request, error: Exception) -> Response:
        # A full disk, or a server that is away: the same message can be sent again.
        log.error("the database does not take it", extra={"reason": type(error).__name__})
        return await refuse(request, ChatError("not_ready", retry_after=limits.retry_after_seconds))

    app.add_exception_handler(ChatError, refused)
    app.add_exception_handler(OperationalError, no_database)
    app.add_exception_handler(sqlite3.OperationalError, no_database)
    app.add_exception_handler(HTTPException, no_such_route)
    app.add_middleware(GZipMiddleware, minimum_size=_COMPRESS_FROM_BYTES, compresslevel=_COMPRESSION)
    app.add_middleware(Guard, refuse=broken, headers=_HEADERS, log=_requests, noted=("conversation",))
    app.include_router(chat.router())
    app.include_router(documents.router())
    app.include_router(files.router())
    app.include_router(transfer.router())
    content = Content.load(CONTENT)
    answers = Answers(ROOT / "domain", content)
    app.include_router(_channels(chat, settings, transfer, answers).router())
    app.include_router(_assist(chat, settings, content, answers).router())
    app.include_router(Entry(settings, hours, utc_now).router())
    app.include_router(HoursRoute(hours, utc_now).router())
    app.include_router(downloads.router())
    app.include_router(pages.router())
    app.add_route("/health", health.answer, methods=["GET"])
    return app


def _documents(chat: Chat, settings: Settings) -> Documents:
    paper_settings = PaperSettings(data_dir=settings.data_dir)
    limits = paper_settings.limits()
    return Documents(
        chat,
        limits,
        paper_settings.files(),
        Sandbox(limits),
        paper_settings.scanner(limits),
        paper_settings.clamd_down == "wait",
        Content.load(CONTENT),
    )


def _channels(chat: Chat, settings: Settings, transfer: Transfer, answers: Answers) -> Channels:
    return Channels(chat, settings, transfer, answers, Strings(WEB / "strings" / "page.yml"))


def _assist(chat: Chat, settings: Settings, content: Content, answers: Answers) -> Assist:
    views = Views(content, answers, Strings(WEB / "strings" / "page.yml"))
    return Assist(chat, settings, views, Strings(WEB / "strings" / "assist.yml"))


def _language(request: Request) -> Language:
    chosen = as_language(getattr(request.state, "language", None))
    return chosen or from_header(request.headers.get("accept-language")) or DEFAULT


class Health:
    """`GET /health`: 200 when a person can be answered, else 503. Asks the engine at most once a second."""

    def __init__(self, database: Database, engine: Engine) -> None:
        self._database = database
        self._engine = engine
        self._lock = asyncio.Lock()
        self._looked_at = float("-inf")
        self._parts: dict[str, str] = {}

    async def answer(self, request: Request) -> Response:
        """The route."""
        async with self._lock:
            if time.monotonic() - self._looked_at > _HEALTH_CACHE_SECONDS:
                checks = {"database": self._database.is_ready(), "engine": self._engine.is_ready()}
                ready = await asyncio.gather(*checks.values())
                self._parts = {name: "ok" if good else "unavailable" for name, good in zip(checks, ready, strict=True)}
                self._looked_at = time.monotonic()
        ok = all(part == "ok" for part in self._parts.values())
        response = json_response({"status": "ok" if ok else "unavailable", "parts": self._parts}, 200 if ok else 503)
        if not ok:
            response.headers["Retry-After"] = "1"
        return response
