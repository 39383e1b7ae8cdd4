"""What the backend answers: the shapes and examples of the OpenAPI description, and how results become them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from intake.roles import Permission, Role
from intake.store.audit import Line
from intake.store.base import Status
from intake.store.documents import Document
from intake.store.erasing import Receipt
from intake.store.outbox import Entry
from intake.store.requests import Similar, Stored
from intake.store.staff import Case, Summary
from triage import tracking

_NUMBER = "CA-7K2M-9QXD-R4TA"
_MOMENT = "2026-11-24T12:00:00Z"
_LINKS: Any = {"self": f"/v1/case-requests/{_NUMBER}", "pdf": f"/v1/case-requests/{_NUMBER}/form.pdf"}


class Answer(BaseModel):
    """Common to all answers."""

    model_config = ConfigDict(extra="forbid")


class Links(Answer):
    """Where more is found; ``official`` only of a request just stored, where the official form is installed."""

    self: str
    pdf: str
    official: str | None = None


class SimilarOut(Answer):
    """Another request that names the same receipt number."""

    receipt_number: str
    received_at: str


class StoredOut(Answer):
    """A stored request."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "tracking_number": _NUMBER,
                "status": "received",
                "received_at": _MOMENT,
                "links": _LINKS,
                "similar": [{"receipt_number": "LIN9999106498", "received_at": "2026-11-02T09:30:00Z"}],
            }
        }
    )

    tracking_number: str
    status: str
    received_at: str
    links: Links
    similar: list[SimilarOut]


class HistoryOut(Answer):
    """A status and since when."""

    status: str
    at: str


class StatusOut(Answer):
    """Where a request stands."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "tracking_number": _NUMBER,
                "status": "in_review",
                "outcome": "submitted",
                "received_at": _MOMENT,
                "history": [
                    {"status": "received", "at": _MOMENT},
                    {"status": "in_review", "at": "2026-11-27T15:10:00Z"},
                ],
                "links": _LINKS,
            }
        }
    )

    tracking_number: str
    status: str
    outcome: str
    received_at: str
    history: list[HistoryOut]
    links: Links


class SimilarList(Answer):
    """Live requests for some receipt numbers."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {"similar": [{"receipt_number": "LIN9999106498", "received_at": "2026-11-02T09:30:00Z"}]}
        }
    )

    similar: list[SimilarOut]


_DOCUMENT: Any = {
    "document_id": "5f0c9d3a7b1e4c62a8d45e9f01b2c3d4",
    "kind": "receipt_notice",
    "name": "notice.pdf",
    "media_type": "application/pdf",
    "size": 183204,
    "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "pages": 2,
    "scan": "clean",
    "received_at": _MOMENT,
    "request": f"/v1/case-requests/{_NUMBER}",
}


class DocumentOut(Answer):
    """A paper that belongs to a request."""

    model_config = ConfigDict(json_schema_extra={"example": _DOCUMENT})

    document_id: str
    kind: str
    name: str
    media_type: str
    size: int
    sha256: str
    pages: int
    scan: str
    received_at: str
    request: str


class DocumentsOut(Answer):
    """The papers of a request."""

    model_config = ConfigDict(json_schema_extra={"example": {"documents": [_DOCUMENT]}})

    documents: list[DocumentOut]


class FeedbackOut(Answer):
    """A stored feedback."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"id": "0b8f3c1e-6f0e-4a55-9a3d-0d9a4be0c0de", "received_at": _MOMENT}}
    )

    id: str
    received_at: str


class RevokedOut(Answer):
    """What became of a key."""

    model_config = ConfigDict(json_schema_extra={"example": {"state": "unused"}})

    state: str = Field(description="`unused`: nothing had come under the key; `withdrawn`: what had come is withdrawn.")


class ErasureOut(Answer):
    """Receipt of an erasure."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "receipt": "7c9e6679-7425-40de-944b-e07fc1f90ae7",
                "erased_at": _MOMENT,
                "reason": "person",
            }
        }
    )

    receipt: str
    erased_at: str
    reason: str = Field(description="`person`, `service` or `retention`.")


class HealthOut(Answer):
    """The backend works."""

    model_config = ConfigDict(json_schema_extra={"example": {"status": "ok"}})

    status: str


class MemberOut(Answer):
    """Who asks, and what they may do."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {"name": "ann", "role": "case_worker", "permissions": ["change_requests", "read_requests"]}
        }
    )

    name: str
    role: Role
    permissions: list[Permission]


class SummaryOut(Answer):
    """A request in a list."""

    tracking_number: str
    status: str
    outcome: str
    received_at: str
    status_since: str
    legal_hold: bool


class PageOut(Answer):
    """Some requests, the latest first."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "requests": [
                    {
                        "tracking_number": _NUMBER,
                        "status": "received",
                        "outcome": "submitted",
                        "received_at": _MOMENT,
                        "status_since": _MOMENT,
                        "legal_hold": False,
                    }
                ],
                "next": 41,
            }
        }
    )

    requests: list[SummaryOut]
    next: int | None = Field(description="`before` for the next page; null when there is none.")


class NoteOut(Answer):
    """A note of the staff."""

    author: str
    at: str
    text: str


class DeliveryOut(Answer):
    """Where the delivery to the office stands."""

    event: str
    state: str
    tries: int


class CaseOut(Answer):
    """A request with everything about it."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "tracking_number": _NUMBER,
                "status": "in_review",
                "outcome": "submitted",
                "received_at": _MOMENT,
                "history": [{"status": "received", "at": _MOMENT}],
                "links": _LINKS,
                "legal_hold": False,
                "answers": {"language": "zh-Hans", "form_type": "I-485"},
                "notes": [{"author": "ann", "at": _MOMENT, "text": "Asked the service center."}],
                "deliveries": [{"event": "request_stored", "state": "delivered", "tries": 1}],
            }
        }
    )

    tracking_number: str
    status: str
    outcome: str
    received_at: str
    history: list[HistoryOut]
    links: Links
    legal_hold: bool
    answers: dict[str, Any]
    notes: list[NoteOut]
    deliveries: list[DeliveryOut]


class EntryOut(Answer):
    """An outbox entry that needs somebody."""

    id: int
    tracking_number: str
    event: str
    state: str
    tries: int
    created_at: str
    last_error: str | None


class EntriesOut(Answer):
    """Outbox entries that were given up or refused, the oldest first."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "entries": [
                    {
                        "id": 12,
                        "tracking_number": _NUMBER,
                        "event": "request_stored",
                        "state": "dead",
                        "tries": 9,
                        "created_at": _MOMENT,
                        "last_error": "timeout",
                    }
                ]
            }
        }
    )

    entries: list[EntryOut]


class RequeuedOut(Answer):
    """An outbox entry is tried again."""

    model_config = ConfigDict(json_schema_extra={"example": {"id": 12, "state": "waiting"}})

    id: int
    state: str


class LineOut(Answer):
    """An entry of the audit trail."""

    id: int
    at: str
    actor: str
    role: str
    action: str
    subject: str | None
    before: dict[str, Any] | None
    after: dict[str, Any] | None


class TrailOut(Answer):
    """Entries of the audit trail, the latest first."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "entries": [
                    {
                        "id": 7,
                        "at": _MOMENT,
                        "actor": "ann",
                        "role": "case_worker",
                        "action": "status_set",
                        "subject": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
                        "before": {"status": "received"},
                        "after": {"status": "in_review"},
                    }
                ],
                "next": 6,
            }
        }
    )

    entries: list[LineOut]
    next: int | None = Field(description="`before` for the next page; null when there is none.")


class FiguresOut(Answer):
    """How many, never who."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "by_status": {"received": 12, "closed": 80},
                "by_outcome": {"submitted": 70, "prepared": 22},
                "last_30_days": 15,
                "on_hold": 1,
                "outbox": {"waiting": 2, "delivered": 68},
            }
        }
    )

    by_status: dict[str, int]
    by_outcome: dict[str, int]
    last_30_days: int
    on_hold: int
    outbox: dict[str, int]


def iso(moment: datetime) -> str:
    """A moment as it is written in answers: UTC, whole seconds."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def links(number: str) -> dict[str, str]:
    """Where more about a request is found."""
    return {"self": f"/v1/case-requests/{number}", "pdf": f"/v1/case-requests/{number}/form.pdf"}


def similar(found: tuple[Similar, ...]) -> list[dict[str, str]]:
    """As `SimilarOut`."""
    return [{"receipt_number": one.receipt_number, "received_at": iso(one.received_at)} for one in found]


def stored(result: Stored, has_official: bool = False) -> dict[str, Any]:
    """As `StoredOut`.

    Args:
        result: What was stored.
        has_official: Whether the official form can be had filled in.
    """
    found = links(result.id)
    return {
        "tracking_number": result.id,
        "status": result.status,
        "received_at": iso(result.received_at),
        "links": {**found, "official": f"{found['pdf']}?part=official"} if has_official else found,
        "similar": similar(result.similar),
    }


def status(result: Status) -> dict[str, Any]:
    """As `StatusOut`."""
    return {
        "tracking_number": result.tracking_number,
        "status": result.status,
        "outcome": result.outcome,
        "received_at": iso(result.received_at),
        "history": [{"status": name, "at": iso(at)} for name, at in result.history],
        "links": links(result.tracking_number),
    }


def erasure(receipt: Receipt) -> dict[str, Any]:
    """As `ErasureOut`."""
    return {"receipt": receipt.receipt, "erased_at": iso(receipt.erased_at), "reason": receipt.reason}


def page(found: list[Summary], limit: int) -> dict[str, Any]:
    """As `PageOut`."""
    return {
        "requests": [
            {
                "tracking_number": one.tracking_number,
                "status": one.status,
                "outcome": one.outcome,
                "received_at": iso(one.received_at),
                "status_since": iso(one.status_since),
                "legal_hold": one.legal_hold,
            }
            for one in found
        ],
        "next": found[-1].id if len(found) == limit else None,
    }


def case(result: Case) -> dict[str, Any]:
    """As `CaseOut`."""
    return {
        **status(result.status),
        "legal_hold": result.legal_hold,
        "answers": dict(result.payload),
        "notes": [{"author": note.author, "at": iso(note.at), "text": note.text} for note in result.notes],
        "deliveries": [{"event": event, "state": state, "tries": tries} for event, state, tries in result.deliveries],
    }


def entries(found: list[Entry]) -> dict[str, Any]:
    """As `EntriesOut`."""
    return {
        "entries": [
            {
                "id": one.id,
                "tracking_number": one.tracking_number,
                "event": one.event,
                "state": one.state,
                "tries": one.tries,
                "created_at": iso(one.created_at),
                "last_error": one.last_error,
            }
            for one in found
        ]
    }


def trail(found: list[Line], limit: int) -> dict[str, Any]:
    """As `TrailOut`."""
    return {
        "entries": [
            {
                "id": one.id,
                "at": iso(one.at),
                "actor": one.actor,
                "role": one.role,
                "action": one.action,
                "subject": one.subject,
                "before": one.before,
                "after": one.after,
            }
            for one in found
        ],
        "next": found[-1].id if len(found) == limit else None,
    }


def document(one: Document, number: str) -> dict[str, Any]:
    """A paper as ``DocumentOut``.

    Args:
        one: The paper.
        number: Tracking number of its request, in any spelling.
    """
    return {
        "document_id": one.document_id,
        "kind": one.kind,
        "name": one.name,
        "media_type": one.media_type,
        "size": one.size,
        "sha256": one.sha256,
        "pages": one.pages,
        "scan": one.scan,
        "received_at": iso(one.received_at),
        "request": f"/v1/case-requests/{tracking.normalise(number) or number}",
    }
