"""The intake backend as a process of its own, from the environment."""

from __future__ import annotations

from fastapi import FastAPI

from intake.app import create_app as create
from intake.settings import Settings
from serving.logs import configure_logging


def create_app() -> FastAPI:
    """Build the app. Raises an error that names every setting that is missing."""
    configure_logging()
    app = create(Settings())
    app.router.add_event_handler("shutdown", app.state.close)
    return app
