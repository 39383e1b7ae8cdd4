"""Runs a backend as a process of its own, which can be killed."""

from __future__ import annotations

import resource

import uvicorn

from intake.app import create_app
from tests.intake.conftest import CONTENT, DOCUMENT, settings_for


def run(url: str, port: int, largest: int | None) -> None:
    """Serve until killed.

    Args:
        url: The database.
        port: Where to listen.
        largest: No file may grow beyond so many bytes; to this process the same as a full disk.
    """
    app = create_app(settings_for(url), content=CONTENT, document=DOCUMENT)
    if largest is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (largest, largest))
    uvicorn.run(app, host="127.0.0.1", port=port, log_level="warning")
