"""Refusals of the intake backend, and the last net that keeps personal data out of logs and answers."""

from __future__ import annotations

import logging
import re
import sqlite3
import traceback
from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from sqlalchemy.exc import DataError, DBAPIError, TimeoutError
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from intake.schema import FieldProblem, InvalidBody
from vault import BadKeys, VaultError

log = logging.getLogger("intake")

_RETRY_SECONDS = "1"
# Space does not come back within seconds.
_FULL_RETRY_SECONDS = "60"
_NOT_NOW = "The request could not be stored now."
_NAME_CHARS = 100
METHOD_NOT_ALLOWED = 405
# PostgreSQL's "disk full".
_FULL = "53100"


class Refused(Exception):
    """A request that is refused.

    Args:
        status: HTTP status.
        code: Short name for programs.
        message: One sentence.
        headers: Sent along.
        more: Further fields of the answer.
    """

    def __init__(
        self, status: int, code: str, message: str, headers: Mapping[str, str] | None = None, **more: Any
    ) -> None:
        super().__init__(code)
        self.more = more
        self.status = status
        self.code = code
        self.message = message
        self.headers = dict(headers or {})


def answer(status: int, code: str, message: str, headers: Mapping[str, str] | None = None, **more: Any) -> JSONResponse:
    """An error as JSON."""
    return JSONResponse({"error": code, "message": message, **more}, status, dict(headers or {}))


def _fields(problems: list[FieldProblem]) -> list[dict[str, str]]:
    return [{"field": _shown(problem.field), "problem": problem.problem, "code": problem.code} for problem in problems]


def _shown(name: str) -> str:
    """The name of a field, which the sender chose, as it can be sent back."""
    return name[:_NAME_CHARS].encode(errors="replace").decode()


def install(app: FastAPI) -> None:
    """Let every refusal and failure of an app end as JSON."""

    @app.exception_handler(Refused)
    def _refused(_request: Request, error: Refused) -> JSONResponse:
        return answer(error.status, error.code, error.message, error.headers, **error.more)

    @app.exception_handler(InvalidBody)
    def _invalid(_request: Request, error: InvalidBody) -> JSONResponse:
        return answer(422, "invalid", "Some fields are wrong.", fields=_fields(error.problems))

    @app.exception_handler(RequestValidationError)
    def _invalid_parameters(_request: Request, error: RequestValidationError) -> JSONResponse:
        problems = [FieldProblem(str(one["loc"][-1]), str(one["msg"]), "format") for one in error.errors()]
        return answer(422, "invalid", "Some fields are wrong.", fields=_fields(problems))

    @app.exception_handler(HTTPException)
    def _http(request: Request, error: HTTPException) -> JSONResponse:
        code = {404: "not_found", 405: "method_not_allowed"}.get(error.status_code, "refused")
        headers = dict(error.headers or {})
        if error.status_code == METHOD_NOT_ALLOWED:
            headers["Allow"] = ", ".join(_methods(request))
        return answer(error.status_code, code, str(error.detail), headers)

    app.add_middleware(LastNet)


class LastNet:
    """Turns whatever nobody caught into JSON, and logs where it happened but not with which values."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the app inside the net."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = False

        async def watched(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self.app(scope, receive, watched)
        except Exception as error:
            log.error("%s at %s", type(error).__name__, _where(error))
            if started:
                return
            if _is_full(error):
                response = answer(503, "storage_full", _NOT_NOW, {"Retry-After": _FULL_RETRY_SECONDS})
            elif _is_elsewhere(error):
                response = answer(503, "unavailable", _NOT_NOW, {"Retry-After": _RETRY_SECONDS})
            else:
                response = answer(500, "internal", "Something went wrong here.")
            await response(scope, receive, send)


def _methods(request: Request) -> list[str]:
    """Every method that the address of a request takes, by whichever route; the framework names those of one only."""
    paths: Mapping[str, Mapping[str, Any]] = request.app.openapi()["paths"]
    path = request.scope["path"]
    if path not in paths:
        fitting = (one for one in paths if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", one), path))
        path = next(fitting, path)
    return sorted(method.upper() for method in paths.get(path, {}))


def _is_elsewhere(error: BaseException) -> bool:
    """Whether the database or the keys are at fault. A value the database can't take is a fault of this program."""
    return isinstance(error, DBAPIError | TimeoutError | VaultError | BadKeys) and not isinstance(error, DataError)


def _is_full(error: BaseException) -> bool:
    """Whether the database had no room: SQLite's and PostgreSQL's word for it."""
    cause = error.orig if isinstance(error, DBAPIError) else None
    return getattr(cause, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL or getattr(cause, "sqlstate", None) == _FULL


def _where(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    return " < ".join(f"{frame.name}:{frame.lineno}" for frame in reversed(frames[-3:]))
