"""The console as one ASGI application: `uvicorn console.app:create_app --factory`."""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus

from fastapi import FastAPI
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from console import accounts, audit
from console.assist import Assist
from console.calls import Calls
from console.database import Database, migrate, now
from console.dispositions import Dispositions
from console.routes.call import CallPages
from console.routes.desk import Desk
from console.routes.entrance import Entrance
from console.routes.single import Single
from console.routes.team import Team
from console.settings import CONTENT, WORDS, Limits, Settings, load_limits
from console.sign_on import SignOn
from console.spelling import Spelling
from console.web import Parts, Problem, Web
from console.words import Words
from serving.guard import Guard
from serving.logs import configure_logging

log = logging.getLogger("console")
_requests = logging.getLogger("console.http")

_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    # "same-origin" and not "no-referrer": the latter takes the Origin from our own forms, too.
    "Referrer-Policy": "same-origin",
    "X-Robots-Tag": "noindex",
}

_TIDY_SECONDS = 600
_DAY = 86_400_000


def create_app(settings: Settings | None = None, limits: Limits | None = None) -> FastAPI:
    """Build the console.

    Args:
        settings: Where it runs and its secrets; from the environment if not given.
        limits: Its numbers; from `content/` if not given.

    Raises:
        ValueError: A secret or a text is missing.
        BadKeys: The keys can't be read.
    """
    configure_logging()
    settings = settings or Settings()
    limits = limits or load_limits()
    vault = settings.vault()
    parts = Parts(
        settings=settings,
        limits=limits,
        words=Words(WORDS),
        database=Database(settings.database_url),
        vault=vault,
        assist=Assist(settings, limits),
        calls=Calls(vault),
        dispositions=Dispositions(CONTENT / "dispositions.yml"),
        spelling=Spelling(CONTENT / "spelling.yml"),
    )
    web = Web(parts)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        await asyncio.to_thread(migrate, parts.database.engine)
        if await parts.database.read(accounts.is_empty):
            sys.stderr.write(f"{parts.words('first_account')}\n")
        tidying = asyncio.create_task(_keep_tidy(parts))
        log.info("console open")
        yield
        tidying.cancel()
        await parts.assist.finish()
        parts.database.close()

    app = FastAPI(lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False)

    async def health(_request: Request) -> Response:
        ready = await parts.database.is_ready()
        if not ready:
            return JSONResponse({"status": "unavailable"}, 503)
        empty = await parts.database.read(accounts.is_empty)
        return JSONResponse({"status": "ok", "accounts": not empty})

    async def no_such_route(request: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else HTTPStatus.NOT_FOUND
        return web.problem(request, Problem("not_found", HTTPStatus(status)))

    async def no_database(request: Request, error: Exception) -> Response:
        log.error("the database does not take it", extra={"reason": type(error).__name__})
        problem = Problem("guide_away", HTTPStatus.SERVICE_UNAVAILABLE)
        problem.retry_after = 2
        return web.problem(request, problem)

    async def broken(request: Request) -> Response:
        return web.problem(request, Problem("internal", HTTPStatus.INTERNAL_SERVER_ERROR))

    app.add_exception_handler(HTTPException, no_such_route)
    app.add_exception_handler(SQLAlchemyError, no_database)
    app.add_middleware(Guard, refuse=broken, headers=_HEADERS, log=_requests)
    app.add_route("/health", health, methods=["GET"])
    for part in (Entrance(web), Desk(web), CallPages(web), Team(web), Single(web, SignOn(settings, vault))):
        app.include_router(part.router())
    return app


async def _keep_tidy(parts: Parts) -> None:
    def tidy(connection: Connection) -> None:
        accounts.tidy(connection, parts.limits)
        parts.calls.tidy(connection, parts.limits, parts.dispositions)
        audit.forget(connection, now() - parts.limits.audit_days * _DAY)

    while True:
        try:
            await parts.database.run(tidy)
        except SQLAlchemyError as error:
            log.error("could not tidy up", extra={"reason": type(error).__name__})
        await asyncio.sleep(_TIDY_SECONDS)
