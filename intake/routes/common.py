"""What the routes share: who may ask, how bodies are read, and how refusals are described."""

from __future__ import annotations

import hmac
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from fastapi import Depends, Header, Request, Response
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel

from intake import schema
from intake.document import Document
from intake.errors import Refused
from intake.roles import Permission, may
from intake.settings import Settings
from intake.store import Store
from intake.store.base import LegalHold
from intake.store.members import Member
from intake.store.proofs import TooManyTries
from triage.content import Content

REF = "#/components/schemas/{model}"
KEY_PATTERN = "^[!-~]{1,200}$"

# Status → (code, message, what it means). Examples of the description; each code is used by some route.
_PROBLEMS: dict[int, tuple[str, str, str]] = {
    400: ("malformed", "The body is not JSON.", "Malformed body or headers."),
    401: ("unauthorized", "A service token is needed.", "No or wrong token."),
    403: ("forbidden", "Your role does not include this.", "The role of this member of the staff does not allow it."),
    404: ("not_found", "There is no such request.", "There is none, or the proof is wrong."),
    409: ("key_reused", "This key came before with another body.", "Not possible as things stand."),
    410: ("erased", "The request of this key has been erased.", "It was there, and is gone for good."),
    413: ("too_large", "The body is too large.", "The body is too large."),
    415: ("wrong_type", "The body must be application/json.", "The body has the wrong type."),
    422: ("invalid", "Some fields are wrong.", "Some fields are wrong; each is named."),
    429: ("too_many_tries", "Too many tries for this number.", "Too many wrong proofs; try again after Retry-After."),
    503: ("unavailable", "The request could not be stored now.", "Nothing was stored; try again after Retry-After."),
}
_HEADERS: dict[int, str] = {401: "WWW-Authenticate", 429: "Retry-After", 503: "Retry-After"}
Body = (400, 413, 415, 422)


class Problem(BaseModel):
    """A refusal."""

    error: str
    message: str


class FieldProblemOut(BaseModel):
    """A wrong field; its value is never repeated."""

    field: str
    problem: str
    code: Literal["missing", "too_long", "future", "choice", "format"]


class InvalidProblem(Problem):
    """A refusal that names every wrong field."""

    fields: list[FieldProblemOut]


class ConflictProblem(Problem):
    """A refusal because of how things stand."""

    current: str | None = None
    allowed: list[str] | None = None


_MODELS: dict[int, type[Problem]] = {422: InvalidProblem, 409: ConflictProblem}


@dataclass(frozen=True)
class Context:
    """What every route may need.

    Attributes:
        document: Writes requests as PDF.
        clock: The present moment.
    """

    settings: Settings
    content: Content
    store: Store
    document: Document
    clock: Callable[[], datetime]

    async def body(self, request: Request) -> object:
        """Read a JSON body.

        Raises:
            Refused: It is too large, of another type, or no JSON.
        """
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
            raise Refused(415, "wrong_type", "The body must be application/json.")
        most = self.content.settings.intake_body_max_kib * 1024
        data = bytearray()
        size = 0
        # Read to the end in any case: a sender that is cut off does not hear why.
        async for chunk in request.stream():
            size += len(chunk)
            if size <= most:
                data += chunk
        if size > most:
            raise Refused(413, "too_large", "The body is too large.")
        try:
            return json.loads(data)
        except (ValueError, RecursionError):
            raise Refused(400, "malformed", "The body is not JSON.") from None

    async def read[M: BaseModel](self, request: Request, model: type[M]) -> M:
        """Read and check a JSON body.

        Raises:
            Refused: It is no JSON.
            InvalidBody: It is not such a body.
        """
        return schema.read(model, await self.body(request), self.content.settings, self.clock())

    @property
    def only_services(self) -> Any:
        """Dependency: the caller has the service token."""
        token = self.settings.token.get_secret_value().encode()

        async def check(authorization: str = Header(default="", include_in_schema=False)) -> None:
            if not hmac.compare_digest(bearer(authorization).encode(errors="replace"), token):
                raise Refused(401, "unauthorized", "A service token is needed.", {"WWW-Authenticate": "Bearer"})

        return Depends(check)

    def staff(self, permission: Permission | None = None) -> Any:
        """Dependency: the caller is a member of the staff whose role includes a permission."""
        staff = self.store.staff

        async def check(authorization: str = Header(default="", include_in_schema=False)) -> Member:
            token = bearer(authorization)
            member = await run_in_threadpool(staff.member, token) if token else None
            if member is None:
                raise Refused(401, "unauthorized", "A staff token is needed.", {"WWW-Authenticate": "Bearer"})
            if permission is not None and not may(member.role, permission):
                await run_in_threadpool(staff.note_refusal, member, permission)
                raise Refused(403, "forbidden", "Your role does not include this.")
            return member

        return Depends(check)


def bearer(authorization: str) -> str:
    """The token of an Authorization header; empty when it has another form."""
    scheme, _, given = authorization.partition(" ")
    return given.strip() if scheme.lower() == "bearer" else ""


def idempotency_key(value: str) -> str:
    """Check an idempotency key.

    Raises:
        Refused: It is none.
    """
    if not re.fullmatch(KEY_PATTERN[1:-1], value):
        raise Refused(400, "idempotency_key", "An Idempotency-Key of up to 200 printable characters is needed.")
    return value


def found[T](value: T | None) -> T:
    """Something that must be there.

    Raises:
        Refused: It is not.
    """
    if value is None:
        raise Refused(404, "not_found", "There is no such request.")
    return value


def held(_error: LegalHold) -> Refused:
    """The refusal to erase what must be kept."""
    return Refused(409, "held", "This request must be kept: a legal hold is on it.")


def too_many(error: TooManyTries) -> Refused:
    """The refusal of further proofs."""
    return Refused(429, "too_many_tries", "Too many tries for this number.", {"Retry-After": str(error.wait_seconds)})


def json_body(model: type[BaseModel], example: dict[str, Any]) -> dict[str, Any]:
    """Description of a body that is read by hand, so that every wrong field is named at once."""
    content = {"schema": {"$ref": REF.format(model=model.__name__)}, "example": example}
    return {"requestBody": {"required": True, "content": {"application/json": content}}}


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Description of the refusals of a route."""
    described: dict[int | str, dict[str, Any]] = {}
    for status in sorted({*statuses, 503}):
        code, message, meaning = _PROBLEMS[status]
        example: dict[str, Any] = {"error": code, "message": message}
        if status == 422:
            example["fields"] = [{"field": "email", "problem": "or phone is needed", "code": "missing"}]
        described[status] = {
            "model": _MODELS.get(status, Problem),
            "description": meaning,
            "content": {"application/json": {"example": example}},
        }
        if status in _HEADERS:
            described[status]["headers"] = {_HEADERS[status]: {"schema": {"type": "string"}}}
    return described


def good(model: type[BaseModel], description: str, **headers: str) -> dict[str, Any]:
    """Description of a good answer; ``headers`` are name → meaning, with _ for -."""
    described: dict[str, Any] = {"model": model, "description": description}
    if headers:
        described["headers"] = {
            name.replace("_", "-"): {"description": meaning, "schema": {"type": "string"}}
            for name, meaning in headers.items()
        }
    return described


def no_store(response: Response) -> Response:
    """An answer that nobody keeps on the way."""
    response.headers["Cache-Control"] = "no-store"
    return response
