"""Requests and feedback of people, sent by services."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Header, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse

from intake import answers, schema
from intake.document import NoOfficialForm, Which
from intake.errors import Refused
from intake.routes.common import BODY, Context, found, good, held, idempotency_key, json_body, problems
from intake.store.base import LegalHold
from intake.store.requests import Erased, KeyReused


def _reused() -> Refused:
    return Refused(409, "key_reused", "This key came before with another body.")


def _gone() -> Refused:
    return Refused(410, "erased", "What came under this key is gone, or the key was revoked.")


def routes(context: Context) -> APIRouter:
    """The routes of the requests."""
    store, document = context.store, context.document
    router = APIRouter(prefix="/v1", dependencies=[context.only_services], tags=["requests"])

    @router.post(
        "/case-requests",
        status_code=201,
        openapi_extra=json_body(schema.CaseRequestIn, schema.EXAMPLE),
        responses={
            200: good(answers.StoredOut, "It came before under the same key.", Location="Where its status is found."),
            201: good(answers.StoredOut, "Stored.", Location="Where its status is found."),
            **problems(*BODY, "idempotency_key", "unauthorized", "key_reused", "erased"),
        },
    )
    async def add_request(request: Request, key: str | None = _key(required=True)) -> JSONResponse:
        """Store a request for case assistance; 200 instead of 201 when it came before under the same key."""
        checked_key = idempotency_key(key or "")
        body = await context.body(request)
        checked = schema.read(schema.CaseRequestIn, body, context.content.settings, context.clock())
        assert isinstance(body, dict)  # noqa: S101 (a checked body is an object)
        try:
            stored = await run_in_threadpool(store.requests.add, checked_key, checked, body)
        except KeyReused:
            raise _reused() from None
        except Erased:
            raise _gone() from None
        answer = answers.stored(stored, document.has_official)
        return JSONResponse(answer, 201 if stored.new else 200, {"Location": answer["links"]["self"]})

    @router.post(
        "/case-requests/similar",
        openapi_extra=json_body(schema.ReceiptNumbers, {"receipt_numbers": ["LIN9999106498"]}),
        responses={
            200: good(answers.SimilarList, "Those there are; often none."),
            **problems(*BODY, "unauthorized", reads=True),
        },
    )
    async def similar(request: Request) -> JSONResponse:
        """Live requests for some receipt numbers that came not long ago; tells when, never which."""
        asked = await context.read(request, schema.ReceiptNumbers)
        similar = await run_in_threadpool(store.requests.similar, asked.receipt_numbers)
        return JSONResponse({"similar": answers.similar(similar)})

    @router.get(
        "/case-requests/{tracking_number}",
        responses={200: good(answers.StatusOut, "Its status."), **problems("unauthorized", "not_found", reads=True)},
    )
    def status(tracking_number: str) -> JSONResponse:
        """Status of a request, with its dated history."""
        return JSONResponse(answers.status(found(store.requests.status(tracking_number))))

    @router.get(
        "/case-requests/{tracking_number}/form.pdf",
        response_class=Response,
        responses={
            200: {
                "description": "The document.",
                "content": {
                    "application/pdf": {"schema": {"type": "string", "format": "binary"}, "example": "%PDF-1.7 …"}
                },
                "headers": {"Content-Disposition": {"schema": {"type": "string"}}},
            },
            **problems("unauthorized", "not_found", "no_official_form", "invalid", reads=True),
        },
    )
    def form(tracking_number: str, language: schema.Language | None = None, part: Which = "all") -> Response:
        """The request as a PDF.

        `part=request` is what goes to the office, in English; `part=reading` the reading copy in `language` (that of
        the conversation when left out); `part=all` both, one after the other; `part=official` the official form filled
        in, with the request attached, where this installation has the form; `part=office` that form where there is one,
        else as `part=request`.
        """
        request_status, payload = found(store.requests.payload(tracking_number))
        try:
            pdf = document.pdf(request_status, payload, language, part)
        except NoOfficialForm:
            raise Refused(404, "no_official_form", "The official form is not installed here.") from None
        name = request_status.tracking_number if part == "all" else f"{request_status.tracking_number}-{part}"
        return Response(
            pdf,
            media_type="application/pdf",
            headers={
                "Content-Disposition": f'inline; filename="{name}.pdf"',
                "Cache-Control": "no-store",
            },
        )

    @router.delete(
        "/case-requests/{tracking_number}",
        status_code=204,
        responses={
            204: {
                "description": "Erased, now or before.",
                "headers": {"Erasure-Receipt": {"schema": {"type": "string"}}},
            },
            **problems("unauthorized", "not_found", "held"),
        },
    )
    def erase(tracking_number: str) -> Response:
        """Erase a request; the header Erasure-Receipt proves that it was done."""
        try:
            receipt = found(store.erasing.by_number(tracking_number, "service"))
        except LegalHold as error:
            raise held(error) from None
        return Response(status_code=204, headers={"Erasure-Receipt": receipt.receipt})

    @router.get(
        "/erasures/{receipt}",
        responses={200: good(answers.ErasureOut, "It was done."), **problems("unauthorized", "not_found", reads=True)},
    )
    def erasure(receipt: str) -> JSONResponse:
        """Whether an erasure receipt is genuine, and when it was."""
        return JSONResponse(answers.erasure(found(store.erasing.receipt(receipt))))

    @router.post(
        "/feedback",
        status_code=201,
        openapi_extra=json_body(schema.FeedbackIn, {"feedback_text": "谢谢。", "language": "zh-Hans"}),
        responses={
            200: good(answers.FeedbackOut, "It came before under the same key."),
            201: good(answers.FeedbackOut, "Stored."),
            **problems(*BODY, "idempotency_key", "unauthorized", "key_reused", "erased"),
        },
    )
    async def add_feedback(request: Request, key: str | None = _key(required=False)) -> JSONResponse:
        """Store an experience or suggestion; the key is optional here."""
        checked_key = None if key is None else idempotency_key(key)
        checked = await context.read(request, schema.FeedbackIn)
        try:
            stored = await run_in_threadpool(store.requests.add_feedback, checked_key, checked)
        except KeyReused:
            raise _reused() from None
        except Erased:
            raise _gone() from None
        return JSONResponse(
            {"id": stored.id, "received_at": answers.iso(stored.received_at)}, 201 if stored.new else 200
        )

    @router.post(
        "/idempotency-keys/revoke",
        openapi_extra=json_body(schema.KeyIn, {"key": "conversation-1-request-1"}),
        responses={200: good(answers.RevokedOut, "Nothing counts under this key."), **problems(*BODY, "unauthorized")},
    )
    async def revoke(request: Request) -> JSONResponse:
        """Withdraw whatever came or still comes under a key; from now on the key gets 410."""
        asked = await context.read(request, schema.KeyIn)
        had_something = await run_in_threadpool(store.requests.revoke, asked.key)
        return JSONResponse({"state": "withdrawn" if had_something else "unused"})

    return router


def _key(required: bool) -> Any:
    return Header(
        default=None,
        alias="Idempotency-Key",
        description="The same for every try of the same thing. Required." if required else "Optional.",
    )
