"""The HTTP interface of the intake backend, below ``/v1``."""

from __future__ import annotations

import hmac
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from fastapi import APIRouter, Depends, FastAPI, Header, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.openapi.utils import get_openapi
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from intake import errors, schema
from intake.document import Document
from intake.errors import Refused
from intake.settings import Settings
from intake.store import Erased, KeyReused, Status, Store, TooManyTries
from triage.content import Content

_KEY = re.compile(r"[\x21-\x7e]{1,200}")
_REF = "#/components/schemas/{model}"


def create_app(settings: Settings, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> FastAPI:
    """Build the app and bring its database up to date.

    The database is made ready here, not at ASGI start-up, because an app that is mounted into another one gets no
    start-up call. Call ``app.state.close()`` at the end.

    Args:
        settings: Database, token and content folder.
        clock: The present moment; another one for tests.

    Raises:
        ContentError: The content files are broken.
    """
    content = Content.load(settings.content_dir)
    store = Store(
        settings.database_url,
        content.settings.status_tries,
        timedelta(minutes=content.settings.status_tries_minutes),
        clock,
    )
    store.migrate()
    app = FastAPI(title="Intake", version="1", docs_url=None, redoc_url=None, openapi_url="/v1/openapi.json")
    app.state.store = store
    app.state.close = store.close
    errors.install(app)
    app.include_router(_routes(settings, content, store, clock))
    _describe_bodies(app)
    return app


def _routes(settings: Settings, content: Content, store: Store, clock: Callable[[], datetime]) -> APIRouter:
    limits = content.settings
    document = Document(content)
    token = settings.token.get_secret_value().encode()

    def only_services(authorization: str = Header(default="")) -> None:
        scheme, _, given = authorization.partition(" ")
        right = hmac.compare_digest(given.strip().encode(errors="replace"), token)
        if not right or scheme.lower() != "bearer":
            raise Refused(401, "unauthorized", "A service token is needed.", {"WWW-Authenticate": "Bearer"})

    async def body_of(request: Request) -> object:
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
            raise Refused(415, "wrong_type", "The body must be application/json.")
        most = limits.intake_body_max_kib * 1024
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

    def idempotency_key(value: str) -> str:
        if not _KEY.fullmatch(value):
            raise Refused(400, "idempotency_key", "An Idempotency-Key of up to 200 printable characters is needed.")
        return value

    def found[T](value: T | None) -> T:
        if value is None:
            raise Refused(404, "not_found", "There is no such request.")
        return value

    public = APIRouter()
    routes = APIRouter(prefix="/v1", dependencies=[Depends(only_services)])

    @public.get("/v1/health")
    def health() -> dict[str, str]:
        """Whether the database answers."""
        store.ping()
        return {"status": "ok"}

    @routes.post("/case-requests", status_code=201, openapi_extra=_body(schema.CaseRequestIn))
    async def add_request(request: Request, idempotency_key_header: str = _key_header(required=True)) -> JSONResponse:
        """Store a request for case assistance; 200 instead of 201 when it came before under the same key."""
        key = idempotency_key(idempotency_key_header)
        body = await body_of(request)
        checked = schema.read(schema.CaseRequestIn, body, limits, clock())
        assert isinstance(body, dict)  # noqa: S101 (a checked body is an object)
        try:
            stored = await run_in_threadpool(store.add_request, key, checked, body)
        except KeyReused:
            raise Refused(409, "key_reused", "This key came before with another body.") from None
        except Erased:
            raise Refused(410, "erased", "The request of this key has been erased.") from None
        answer = {
            "tracking_number": stored.id,
            "status": stored.status,
            "received_at": _iso(stored.received_at),
            "links": _links(stored.id),
        }
        return JSONResponse(answer, 201 if stored.new else 200, {"Location": _links(stored.id)["self"]})

    @routes.post("/case-requests/lookup", openapi_extra=_body(schema.Lookup))
    async def look_up(request: Request) -> JSONResponse:
        """Status for somebody with a second fact; a wrong fact and an unknown number are answered alike."""
        asked = schema.read(schema.Lookup, await body_of(request), limits)
        born = asked.proof.date_of_birth
        try:
            status = await run_in_threadpool(
                store.look_up,
                asked.tracking_number,
                born.isoformat() if born else None,
                asked.proof.receipt_number,
            )
        except TooManyTries as error:
            raise Refused(
                429, "too_many_tries", "Too many tries for this number.", {"Retry-After": str(error.wait_seconds)}
            ) from None
        return JSONResponse(_shown(found(status)))

    @routes.get("/case-requests/{tracking_number}")
    def status(tracking_number: str) -> JSONResponse:
        """Status of a request, with its dated history."""
        return JSONResponse(_shown(found(store.status(tracking_number))))

    @routes.get("/case-requests/{tracking_number}/form.pdf")
    def form(tracking_number: str) -> Response:
        """The filled-in request as a PDF."""
        request_status, payload = found(store.payload(tracking_number))
        return Response(
            document.pdf(request_status, payload),
            media_type="application/pdf",
            headers={
                "Content-Disposition": f'inline; filename="{request_status.tracking_number}.pdf"',
                "Cache-Control": "no-store",
            },
        )

    @routes.delete("/case-requests/{tracking_number}", status_code=204)
    def erase(tracking_number: str) -> Response:
        """Erase a request; the header Erasure-Receipt proves that it was done."""
        return Response(status_code=204, headers={"Erasure-Receipt": found(store.erase(tracking_number))})

    @routes.post("/feedback", status_code=201, openapi_extra=_body(schema.FeedbackIn))
    async def add_feedback(
        request: Request, idempotency_key_header: str = _key_header(required=False)
    ) -> JSONResponse:
        """Store an experience or suggestion; the key is optional here."""
        key = idempotency_key(idempotency_key_header) if idempotency_key_header else None
        checked = schema.read(schema.FeedbackIn, await body_of(request), limits)
        try:
            stored = await run_in_threadpool(store.add_feedback, key, checked)
        except KeyReused:
            raise Refused(409, "key_reused", "This key came before with another body.") from None
        return JSONResponse(
            {"id": stored.id, "received_at": _iso(stored.received_at)}, 201 if stored.new else 200
        )

    public.include_router(routes)
    return public


def _key_header(required: bool) -> Any:
    return Header(
        default="",
        alias="Idempotency-Key",
        description="Required." if required else None,
    )


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _links(number: str) -> dict[str, str]:
    return {"self": f"/v1/case-requests/{number}", "pdf": f"/v1/case-requests/{number}/form.pdf"}


def _shown(status: Status) -> dict[str, Any]:
    return {
        "tracking_number": status.tracking_number,
        "status": status.status,
        "outcome": status.outcome,
        "received_at": _iso(status.received_at),
        "history": [{"status": name, "at": _iso(at)} for name, at in status.history],
        "links": _links(status.tracking_number),
    }


def _body(model: type[BaseModel]) -> dict[str, Any]:
    content = {"application/json": {"schema": {"$ref": _REF.format(model=model.__name__)}}}
    return {"requestBody": {"required": True, "content": content}}


def _describe_bodies(app: FastAPI) -> None:
    """Put the schemas of the bodies, which are read by hand here, into the OpenAPI description."""

    def described() -> dict[str, Any]:
        if app.openapi_schema is None:
            description = get_openapi(title=app.title, version=app.version, routes=app.routes)
            schemas = description.setdefault("components", {}).setdefault("schemas", {})
            for model in (schema.CaseRequestIn, schema.Lookup, schema.FeedbackIn):
                one = model.model_json_schema(ref_template=_REF)
                schemas.update(one.pop("$defs", {}))
                schemas[model.__name__] = one
            app.openapi_schema = description
        return app.openapi_schema

    app.openapi = described  # type: ignore[method-assign]
