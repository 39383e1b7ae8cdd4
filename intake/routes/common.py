"""What the routes share: who may ask, how bodies are read, and how refusals are described."""

from __future__ import annotations

import hmac
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import Depends, Header, Request, Response
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel, Field

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

# Code → status, message, when it is given. Each is an example of the description; each is used by some route.
PROBLEMS: Mapping[str, tuple[int, str, str]] = {
    "malformed": (400, "The body is not JSON.", "The body can't be read."),
    "idempotency_key": (
        400,
        "An Idempotency-Key of up to 200 printable characters is needed.",
        "No key, or one that is none.",
    ),
    "no_file": (400, "The form has no field `file`.", "A form without a file."),
    "empty_file": (400, "The file is empty.", "A file without content."),
    "bad_kind": (400, "The field `kind` must be a short name.", "No kind, or one that is none."),
    "unauthorized": (401, "A service token is needed.", "No or a wrong token."),
    "forbidden": (403, "Your role does not include this.", "The role of this member of the staff does not allow it."),
    "not_found": (404, "There is no such request.", "There is none, or the proof is wrong."),
    "no_official_form": (404, "The official form is not installed here.", "This installation lacks the form."),
    "key_reused": (409, "This key came before with another body.", "The key stands for something else."),
    "held": (409, "This request must be kept: a legal hold is on it.", "It can't be erased now."),
    "closed": (409, "This request is closed; it can't be withdrawn any more.", "There is nothing left to withdraw."),
    "not_allowed": (409, "This status can't follow on the present one.", "`allowed` names those that can."),
    "stale": (409, "Somebody else has changed the status meanwhile.", "`current` is what it is now."),
    "erased": (410, "It was erased or withdrawn.", "It was there, and is gone for good."),
    "too_large": (413, "The body is too large.", "More than is read."),
    "too_many_documents": (413, "The request has as many documents as it may have.", "No more are taken."),
    "too_many_pixels": (413, "This file can't be taken as it is.", "A picture that is too large unpacked."),
    "too_many_pages": (413, "This file can't be taken as it is.", "A PDF file with too many pages."),
    "too_complex": (413, "This file can't be taken as it is.", "Opening it takes too much time or memory."),
    "wrong_type": (415, "The body has the wrong type.", "Another Content-Type than the described one."),
    "wrong_file_type": (415, "Only PDF, JPEG, PNG and HEIC files are taken.", "By its content, whatever its name."),
    "infected": (415, "The malware scan found something in this file; nothing of it was kept.", "It is not taken."),
    "damaged": (415, "This file can't be taken as it is.", "It can't be read to its end."),
    "encrypted": (415, "This file can't be taken as it is.", "It needs a password."),
    "dynamic": (415, "This file can't be taken as it is.", "Only one program can show it."),
    "invalid": (422, "Some fields are wrong.", "Each is named."),
    "too_many_tries": (429, "Too many tries for this number.", "Try again after Retry-After."),
    "unavailable": (503, "The request could not be stored now.", "Nothing was stored; try again after Retry-After."),
    "storage_full": (503, "The request could not be stored now.", "Nothing was stored; there is no room."),
    "scanner_away": (503, "The file can't be scanned for malware now.", "Nothing was stored; send it again later."),
}
_MORE: Mapping[str, Mapping[str, Any]] = {
    "invalid": {"fields": [{"field": "email", "problem": "or phone is needed", "code": "missing"}]},
    "not_allowed": {"allowed": ["contacted_uscis", "closed"]},
    "stale": {"current": "in_review"},
}
_HEADERS: dict[int, str] = {401: "WWW-Authenticate", 429: "Retry-After", 503: "Retry-After"}
BODY = ("malformed", "too_large", "wrong_type", "invalid")
STAFF = ("unauthorized", "forbidden")


class Problem(BaseModel):
    """A refusal. `error` is for programs; each answer of a route names those it may hold."""

    error: Annotated[str, Field(json_schema_extra={"enum": [*PROBLEMS]})]
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


class GoneProblem(Problem):
    """A refusal because it is gone; with the receipt for whoever erased it."""

    receipt: str | None = None


_MODELS: dict[int, type[Problem]] = {409: ConflictProblem, 410: GoneProblem, 422: InvalidProblem}
REFUSALS: tuple[type[Problem], ...] = (Problem, *_MODELS.values())


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


def problems(*codes: str, reads: bool = False) -> dict[int | str, dict[str, Any]]:
    """Description of the refusals of a route, each with an example under its code.

    Args:
        codes: Those of `PROBLEMS` that it gives, besides those of every route.
        reads: It writes nothing, so that there need be no room.
    """
    by_status: dict[int, list[str]] = {}
    for code in (*codes, "unavailable", *(() if reads else ("storage_full",))):
        by_status.setdefault(PROBLEMS[code][0], []).append(code)
    return {status: _described(status, some) for status, some in sorted(by_status.items())}


def _described(status: int, codes: list[str]) -> dict[str, Any]:
    examples = {
        code: {
            "summary": PROBLEMS[code][2],
            "value": {"error": code, "message": PROBLEMS[code][1], **_MORE.get(code, {})},
        }
        for code in codes
    }
    model = REF.format(model=_MODELS.get(status, Problem).__name__)
    narrowed = {"allOf": [{"$ref": model}, {"properties": {"error": {"enum": codes}}}]}
    described: dict[str, Any] = {
        "description": " ".join(f"`{code}`: {PROBLEMS[code][2]}" for code in codes),
        "content": {"application/json": {"schema": narrowed, "examples": examples}},
    }
    if status in _HEADERS:
        described["headers"] = {_HEADERS[status]: {"schema": {"type": "string"}}}
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
