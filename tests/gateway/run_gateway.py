"""Runs the front door alone, for tests."""

from __future__ import annotations

import uvicorn

from gateway.app import create_app
from gateway.settings import Settings
from serving.logs import configure_logging

if __name__ == "__main__":
    configure_logging()
    settings = Settings()
    uvicorn.run(create_app(settings), host=settings.host, port=settings.port, log_config=None)
