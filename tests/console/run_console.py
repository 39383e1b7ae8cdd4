"""The console in a process of its own; `LIMIT_…` variables change its numbers, so that locks need not be waited for."""

from __future__ import annotations

import os
from dataclasses import fields, replace

import uvicorn

from console.app import create_app
from console.settings import Limits, Settings, load_limits


def changed(limits: Limits) -> Limits:
    """The numbers with those of the environment."""
    names = {f"LIMIT_{field.name.upper()}": field.name for field in fields(Limits)}
    given = {name: float(os.environ[key]) for key, name in names.items() if key in os.environ}
    return replace(limits, **given)


if __name__ == "__main__":
    settings = Settings()
    uvicorn.run(
        create_app(settings, changed(load_limits())),
        host=settings.host,
        port=settings.port,
        access_log=False,
        log_config=None,
    )
