"""The OpenAPI description: what FastAPI finds out, and what is read by hand."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel

from intake import schema
from intake.routes.common import KEY_PATTERN, REF, REFUSALS
from triage.content import Settings

# Bodies that are read by hand, so that every wrong field is named at once.
BODIES: tuple[type[BaseModel], ...] = (
    schema.CaseRequestIn,
    schema.FeedbackIn,
    schema.Hold,
    schema.KeyIn,
    schema.Lookup,
    schema.NewNote,
    schema.NewStatus,
    schema.ReceiptNumbers,
    schema.Search,
    schema.WithProof,
)
_BUILT_IN = "HTTPValidationError"
_MARKS = (schema.LIMIT, schema.DATES)


# What a parameter is, and an example of it.
PARAMETERS: Mapping[str, tuple[str, Any]] = {
    "tracking_number": ("In any spelling, with or without dashes.", "CA-7K2M-9QXD-R4TA"),
    "document_id": ("As it was answered when the paper came.", "5f0c9d3a7b1e4c62a8d45e9f01b2c3d4"),
    "receipt": ("Of an erasure.", "7c9e6679-7425-40de-944b-e07fc1f90ae7"),
    "entry_id": ("Of an outbox entry.", 12),
    "language": ("Of the reading copy.", "zh-Hant"),
    "part": ("What of the request.", "all"),
    "status": ("Only requests with this one.", "received"),
    "before": ("`next` of the page before.", 41),
    "limit": ("At most so many.", 50),
    "Idempotency-Key": ("The same for every try of the same thing.", "conversation-1-request-1"),
}


def describe(app: FastAPI, limits: Settings, clock: Callable[[], datetime]) -> None:
    """Complete the description of an app: bodies, tokens, and only those refusals that it really gives.

    Args:
        app: With all routes.
        limits: Lengths and ages, from the content files.
        clock: The present moment: what lies in the future today is described as such.
    """
    made: dict[date, dict[str, Any]] = {}

    def described() -> dict[str, Any]:
        now = clock()
        if now.date() not in made:
            made.clear()
            description = get_openapi(title=app.title, version=app.version, routes=app.routes)
            made[now.date()] = _complete(description, limits, now)
        return made[now.date()]

    app.openapi = described  # type: ignore[method-assign]


def _filled(part: Any, limits: Settings, dates: Mapping[str, str]) -> Any:
    """A part of the description with the numbers and dates that its marks stand for."""
    if isinstance(part, list):
        return [_filled(one, limits, dates) for one in part]
    if not isinstance(part, dict):
        return part
    filled = {name: _filled(value, limits, dates) for name, value in part.items() if name not in _MARKS}
    filled |= {keyword: getattr(limits, name) for keyword, name in part.get(schema.LIMIT, {}).items()}
    return filled | ({"pattern": dates[part[schema.DATES]]} if schema.DATES in part else {})


def _complete(description: dict[str, Any], limits: Settings, now: datetime) -> dict[str, Any]:
    components = description.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    dates = schema.date_patterns(now, limits.maximum_age_years)
    for model in (*BODIES, *REFUSALS):
        one = _filled(model.model_json_schema(ref_template=REF), limits, dates)
        schemas.update(one.pop("$defs", {}))
        schemas[model.__name__] = one
    for name in (_BUILT_IN, "ValidationError"):
        schemas.pop(name, None)
    components["securitySchemes"] = {
        "service": {"type": "http", "scheme": "bearer", "description": "The token of the services."},
        "staff": {"type": "http", "scheme": "bearer", "description": "The token of a member of the staff."},
    }
    for path in description["paths"].values():
        for operation in path.values():
            responses = operation["responses"]
            if _BUILT_IN in str(responses.get("422")):
                del responses["422"]
            for parameter in operation.get("parameters", []):
                if parameter["name"] == "Idempotency-Key":
                    # Checked by hand: FastAPI would refuse a missing one as a wrong field.
                    parameter["required"] = parameter.get("description", "").endswith("Required.")
                    parameter["schema"] = {"type": "string", "pattern": KEY_PATTERN}
                meaning, parameter["example"] = PARAMETERS[parameter["name"]]
                parameter.setdefault("description", meaning)
            if "401" in responses:
                operation["security"] = [{"staff" if "staff" in operation.get("tags", []) else "service": []}]
    return description
