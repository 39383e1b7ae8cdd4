"""The intake backend as a process of its own, from the environment."""

from __future__ import annotations

import logging
import sys

from fastapi import FastAPI

from intake.app import create_app as create
from intake.settings import Settings


def create_app() -> FastAPI:
    """Build the app. Raises an error that names every setting that is missing."""
    logging.basicConfig(
        level=logging.INFO,
        stream=sys.stderr,
        format='{"at": "%(asctime)s", "level": "%(levelname)s", "logger": "%(name)s", "event": "%(message)s"}',
        force=True,
    )
    # It names every request with its path, and so tracking numbers.
    logging.getLogger("uvicorn.access").setLevel(logging.WARNING)
    app = create(Settings())
    app.router.add_event_handler("shutdown", app.state.close)
    return app
