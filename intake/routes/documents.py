"""Papers that belong to a request: taken from services, read by the staff as files to save, never shown inline."""

from __future__ import annotations

import logging
import urllib.parse
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from fastapi import APIRouter, Header, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse
from starlette.requests import ClientDisconnect

from intake import answers
from intake.errors import Refused
from intake.roles import Permission
from intake.routes.common import STAFF, Context, found, good, idempotency_key, no_store, problems
from intake.store.documents import Document, Incoming, TooManyDocuments
from intake.store.members import Member
from intake.store.requests import Erased, KeyReused
from papers.clamav import Scanner, ScannerUnavailable
from papers.form import Form, FormError, read_form
from papers.kinds import sniff
from papers.limits import PaperLimits
from papers.names import clean_name
from papers.refusal import Refusal
from papers.sandbox import Cleaned, Sandbox
from vault.files import StoreUnavailable

log = logging.getLogger("intake")

_SCANNER_RETRY_SECONDS = "30"
_KIND_LENGTH = 64
_KIND_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789_-")
_PATH = "/case-requests/{tracking_number}/documents"
_FORM: Mapping[str, tuple[int, str, str]] = {
    "wrong_type": (415, "wrong_type", "The body must be multipart/form-data."),
    "malformed": (400, "malformed", "The body is no form."),
    "too_slow": (400, "malformed", "The body did not come to its end in time."),
    "no_file": (400, "no_file", "The form has no field `file`."),
    "empty_file": (400, "empty_file", "The file is empty."),
    "too_large": (413, "too_large", "The file is too large."),
}
_REFUSED = (
    *("malformed", "no_file", "empty_file", "bad_kind", "idempotency_key", "unauthorized", "not_found"),
    *("key_reused", "erased", "too_large", "too_many_documents", "too_many_pixels", "too_many_pages", "too_complex"),
    *("wrong_type", "wrong_file_type", "infected", "damaged", "encrypted", "dynamic", "scanner_away"),
)
_TOO_LARGE = ("too_many_pixels", "too_many_pages", "too_complex")
# A file of somebody else must never act on behalf of whoever looks at it, even if a browser opens it.
_AS_A_FILE = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "sandbox; default-src 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
_MULTIPART: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file", "kind"],
                    "additionalProperties": False,
                    "properties": {
                        "file": {
                            "type": "string",
                            "format": "binary",
                            "minLength": 1,
                            "description": "PDF, JPEG, PNG or HEIC.",
                        },
                        "kind": {"type": "string", "pattern": "^[a-z0-9_-]{1,64}$", "example": "receipt_notice"},
                        "scan": {
                            "type": "string",
                            "enum": ["clean", "not_scanned"],
                            "description": "Whether the sender had it scanned for malware.",
                        },
                    },
                },
                "example": {"file": "%PDF-1.7 …", "kind": "receipt_notice", "scan": "clean"},
                "encoding": {"file": {"contentType": "application/pdf, image/jpeg, image/png, image/heic"}},
            }
        },
    }
}


def routes(context: Context, limits: PaperLimits, sandbox: Sandbox, scanner: Scanner | None) -> APIRouter:
    """The routes of the documents.

    Args:
        context: What every route may need.
        limits: Numbers.
        sandbox: Looks into files.
        scanner: Looks for malware where the sender has not; None: that is written down.
    """
    documents = context.store.documents
    router = APIRouter(prefix="/v1")

    @router.post(
        _PATH,
        status_code=201,
        tags=["requests"],
        dependencies=[context.only_services],
        openapi_extra=_MULTIPART,
        responses={
            200: good(answers.DocumentOut, "It came before under the same key."),
            201: good(answers.DocumentOut, "Stored."),
            **problems(*_REFUSED),
        },
    )
    async def add(
        tracking_number: str, request: Request, key: str = Header(default="", alias="Idempotency-Key")
    ) -> JSONResponse:
        """Add a paper to a request; once for each key, or without a key once for the same content."""
        checked_key = idempotency_key(key) if key else ""
        with await _form(request, limits) as form:
            kind = form.fields.get("kind", "")
            if not 0 < len(kind) <= _KIND_LENGTH or not set(kind) <= _KIND_CHARACTERS:
                raise Refused(400, "bad_kind", "The field `kind` must be a short name.")
            with _refusals():
                known = await run_in_threadpool(documents.known, tracking_number, checked_key, form.file.sha256)
            if known is not None:
                return JSONResponse(answers.document(known, tracking_number), 200)
            scan = await _scan(form, scanner)
            file_type = sniff(form.file.head)
            clean = await _clean(form, sandbox)
            assert file_type is not None  # noqa: S101 - cleaned
            # As it was sent, unless something in it acts: the front door has cleaned it already.
            as_sent = file_type == "pdf" and not clean.armed
            incoming = Incoming(
                key=checked_key,
                kind=kind,
                name=clean_name(form.file_name, clean.file_type),
                file_type=clean.file_type,
                data=b"".join(form.file.chunks()) if as_sent else clean.data,
                size=form.file.size,
                sha256=form.file.sha256,
                pages=clean.pages,
                scan=scan,
            )
        with _refusals():
            stored = found(await run_in_threadpool(documents.add, tracking_number, incoming))
        return JSONResponse(answers.document(stored, tracking_number), 201 if stored.new else 200)

    @router.get(
        _PATH,
        tags=["requests"],
        dependencies=[context.only_services],
        responses={
            200: good(answers.DocumentsOut, "Those there are."),
            **problems("unauthorized", "not_found", reads=True),
        },
    )
    def listed(tracking_number: str) -> JSONResponse:
        """The papers of a request; not their content."""
        return _listing(documents.listed(tracking_number), tracking_number)

    reader = context.staff(Permission.READ_REQUESTS)

    @router.get(
        "/staff/requests/{tracking_number}/documents",
        tags=["staff"],
        responses={
            200: good(answers.DocumentsOut, "Those there are."),
            **problems(*STAFF, "not_found"),
        },
    )
    def listed_for_staff(tracking_number: str, member: Member = reader) -> JSONResponse:
        """The papers of a request, and whether each was scanned for malware. It is recorded who asked."""
        return _listing(documents.listed_for(member, tracking_number), tracking_number)

    @router.get(
        "/staff/requests/{tracking_number}/documents/{document_id}",
        tags=["staff"],
        response_class=Response,
        responses={
            200: {
                "description": "The file, to be saved.",
                "content": {
                    "application/octet-stream": {
                        "schema": {"type": "string", "format": "binary"},
                        "example": "%PDF-1.7 …",
                    }
                },
                "headers": {
                    "Content-Disposition": {"schema": {"type": "string"}},
                    "X-Malware-Scan": {"schema": {"type": "string", "enum": ["clean", "not_scanned"]}},
                },
            },
            **problems(*STAFF, "not_found"),
        },
    )
    def download(tracking_number: str, document_id: str, member: Member = reader) -> Response:
        """A paper as a file to save. It is recorded who took it."""
        with _refusals():
            document, data = found(documents.read(member, tracking_number, document_id))
        quoted = urllib.parse.quote(document.name, safe="")
        plain = "".join(char if "\x20" <= char <= "\x7e" and char not in '"\\' else "_" for char in document.name)
        headers = {
            **_AS_A_FILE,
            "Content-Disposition": f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quoted}",
            "X-Malware-Scan": document.scan,
        }
        return Response(data, media_type="application/octet-stream", headers=headers)

    return router


def _listing(ones: list[Document] | None, number: str) -> JSONResponse:
    response = JSONResponse({"documents": [answers.document(one, number) for one in found(ones)]})
    no_store(response)
    return response


async def _form(request: Request, limits: PaperLimits) -> Form:
    try:
        return await read_form(request.stream(), request.headers, limits)
    except FormError as error:
        status, code, message = _FORM[error.problem]
        raise Refused(status, code, message, {"Connection": "close"} if error.cut else {}) from None
    except OSError as error:
        log.error("document not read: %s", type(error).__name__)
        later = {"Retry-After": "5", "Connection": "close"}
        raise Refused(503, "unavailable", "The document could not be stored now.", later) from None
    except ClientDisconnect:
        raise Refused(400, "malformed", "The body did not come to its end.", {"Connection": "close"}) from None


async def _clean(form: Form, sandbox: Sandbox) -> Cleaned:
    file_type = sniff(form.file.head)
    if file_type is None:
        raise Refused(415, "wrong_file_type", "Only PDF, JPEG, PNG and HEIC files are taken.")
    try:
        return await sandbox.clean(form.file.chunks(), file_type)
    except Refusal as refusal:
        status = 413 if refusal.reason in _TOO_LARGE else 415
        raise Refused(status, refusal.reason, "This file can't be taken as it is.") from None


async def _scan(form: Form, scanner: Scanner | None) -> str:
    if form.fields.get("scan") == "clean":
        return "clean"
    if scanner is None:
        return "not_scanned"
    try:
        verdict = await scanner.scan(form.file.chunks())
    except ScannerUnavailable as error:
        # Whoever sends it keeps it and comes again: unscanned, it would be handed on to the office.
        log.warning("scanner unavailable: %s", error)
        later = {"Retry-After": _SCANNER_RETRY_SECONDS}
        raise Refused(503, "scanner_away", "The file can't be scanned for malware now.", later) from None
    if verdict == "infected":
        raise Refused(415, "infected", "The malware scan found something in this file; nothing of it was kept.")
    return "clean"


@contextmanager
def _refusals() -> Iterator[None]:
    """Turn what the store refuses into answers."""
    try:
        yield
    except KeyReused:
        raise Refused(409, "key_reused", "This key came before with another document.") from None
    except TooManyDocuments:
        raise Refused(413, "too_many_documents", "The request has as many documents as it may have.") from None
    except Erased:
        raise Refused(410, "erased", "The request was erased or withdrawn.") from None
    except StoreUnavailable as error:
        log.error("document store: %s", error)
        raise Refused(503, "unavailable", "The document could not be stored now.", {"Retry-After": "5"}) from None
