"""Settings of the action server, read once from the environment; a missing secret stops the start."""
from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from actions.intake_client import Backend
from triage.content import Settings as Numbers

ROOT = Path(__file__).resolve().parent.parent
# Field of ``Backend`` → variable. Empty values count as not set.
_TEXTS = {
    "auth": "INTAKE_AUTH",
    "requests": "INTAKE_REQUESTS_PATH",
    "feedback": "INTAKE_FEEDBACK_PATH",
    "revoke": "INTAKE_REVOKE_PATH",
    "lookup": "INTAKE_LOOKUP_PATH",
    "withdraw": "INTAKE_WITHDRAW_PATH",
    "erase": "INTAKE_ERASE_PATH",
    "key_header": "INTAKE_KEY_HEADER",
    "number_field": "INTAKE_NUMBER_FIELD",
    "number_pattern": "INTAKE_NUMBER_PATTERN",
}
_NUMBERS = {
    "attempt_seconds": "INTAKE_ATTEMPT_SECONDS",
    "turn_seconds": "INTAKE_TURN_SECONDS",
    "circuit_seconds": "INTAKE_CIRCUIT_SECONDS",
}


@dataclass(frozen=True)
class Settings:
    """Where things are.

    Attributes:
        backend: The intake backend as the environment describes it; times come from the content files.
        given: Fields of ``backend`` that the environment names; they go before the content files.
        content: Folder of the dated facts.
        wording: Folder of the wording.
    """

    backend: Backend
    given: tuple[str, ...] = ()
    content: Path = ROOT / "content"
    wording: Path = ROOT / "domain"

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Settings:
        """Read the environment.

        Raises:
            KeyError: Neither ``INTAKE_CREDENTIAL`` nor ``INTAKE_TOKEN`` is set.
            ValueError: A number is none, or ``INTAKE_AUTH`` is unknown.
        """
        everything = environment or os.environ
        given = {name: value for name, value in everything.items() if value}
        values: dict[str, Any] = {field: given[name] for field, name in _TEXTS.items() if name in given}
        # Empty here is an answer: that intake makes no PDF.
        if "INTAKE_PDF_PATH" in everything:
            values["pdf"] = everything["INTAKE_PDF_PATH"]
        values.update({field: float(given[name]) for field, name in _NUMBERS.items() if name in given})
        if "INTAKE_CIRCUIT_FAILURES" in given:
            values["circuit_failures"] = int(given["INTAKE_CIRCUIT_FAILURES"])
        credential = given.get("INTAKE_CREDENTIAL") or given["INTAKE_TOKEN"]
        backend = Backend(given.get("INTAKE_URL", "http://127.0.0.1:8000"), credential, **values)
        backend.headers()
        return cls(backend, tuple(values))

    def backend_with(self, numbers: Numbers) -> Backend:
        """The backend with the times of the content files where the environment names none."""
        names = ("attempt_seconds", "turn_seconds", "circuit_failures", "circuit_seconds")
        return replace(self.backend, **{name: getattr(numbers, f"handover_{name}") for name in names
                                        if name not in self.given})
