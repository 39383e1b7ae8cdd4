"""The OpenAPI description: what FastAPI finds out, and what is read by hand."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel

from intake import schema
from intake.routes.common import KEY_PATTERN, REF

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


def describe(app: FastAPI) -> None:
    """Complete the description of an app: bodies, tokens, and only those refusals that it really gives."""

    def described() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _complete(get_openapi(title=app.title, version=app.version, routes=app.routes))
        return app.openapi_schema

    app.openapi = described  # type: ignore[method-assign]


def _complete(description: dict[str, Any]) -> dict[str, Any]:
    components = description.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    for model in BODIES:
        one = model.model_json_schema(ref_template=REF)
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
            if "401" in responses:
                operation["security"] = [{"staff" if "staff" in operation.get("tags", []) else "service": []}]
    return description
