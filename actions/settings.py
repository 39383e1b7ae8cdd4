"""Settings of the action server, read once from the environment; a missing secret stops the start."""
from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Settings:
    """Where things are.

    Attributes:
        intake_url: Base address of the intake backend.
        intake_token: Bearer token for it.
        content: Folder of the dated facts.
        wording: Folder of the wording.
    """

    intake_url: str
    intake_token: str
    content: Path = ROOT / "content"
    wording: Path = ROOT / "domain"

    @classmethod
    def from_environment(cls) -> Settings:
        """Read the environment.

        Raises:
            KeyError: ``INTAKE_TOKEN`` is not set.
        """
        return cls(os.environ.get("INTAKE_URL", "http://127.0.0.1:8000"), os.environ["INTAKE_TOKEN"])
