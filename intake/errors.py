"""Refusals of the intake backend, and the last net that keeps personal data out of logs and answers."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from sqlalchemy.exc import OperationalError, TimeoutError
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from intake.schema import FieldProblem, InvalidBody

log = logging.getLogger("intake")

_RETRY_SECONDS = "1"


class Refused(Exception):
    """A request that is refused.

    Args:
        status: HTTP status.
        code: Short name for programs.
        message: One sentence.
        headers: Sent along.
    """

    def __init__(self, status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        self.message = message
        self.headers = dict(headers or {})


def answer(status: int, code: str, message: str, headers: Mapping[str, str] | None = None, **more: Any) -> JSONResponse:
    """An error as JSON."""
    return JSONResponse({"error": code, "message": message, **more}, status, dict(headers or {}))


def _fields(problems: list[FieldProblem]) -> list[dict[str, str]]:
    return [{"field": problem.field, "problem": problem.problem} for problem in problems]


def install(app: FastAPI) -> None:
    """Let every refusal and failure of an app end as JSON."""

    @app.exception_handler(Refused)
    def _refused(_request: Request, error: Refused) -> JSONResponse:
        return answer(error.status, error.code, error.message, error.headers)

    @app.exception_handler(InvalidBody)
    def _invalid(_request: Request, error: InvalidBody) -> JSONResponse:
        return answer(422, "invalid", "Some fields are wrong.", fields=_fields(error.problems))

    @app.exception_handler(HTTPException)
    def _http(_request: Request, error: HTTPException) -> JSONResponse:
        code = {404: "not_found", 405: "method_not_allowed"}.get(error.status_code, "refused")
        return answer(error.status_code, code, str(error.detail), error.headers)

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
            if isinstance(error, OperationalError | TimeoutError):
                response = answer(
                    503, "unavailable", "The request could not be stored now.", {"Retry-After": _RETRY_SECONDS}
                )
            else:
                response = answer(500, "internal", "Something went wrong here.")
            await response(scope, receive, send)


def _where(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    return " < ".join(f"{frame.name}:{frame.lineno}" for frame in reversed(frames[-3:]))
