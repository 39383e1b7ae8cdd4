"""Logs of the console: one JSON object per line, without anything a caller or a call-taker wrote or is called.

What never gets in: bodies, query strings, addresses, raw paths, and the messages of exceptions, which may quote values.
"""

from __future__ import annotations

import datetime
import json
import logging
import sys
import traceback
from typing import Any

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", "color_message"}
_FRAMES = 12


class JsonFormatter(logging.Formatter):
    """One line of JSON per record; fields given as `extra` stand beside the others."""

    def format(self, record: logging.LogRecord) -> str:
        """See the class."""
        line: dict[str, Any] = {
            "at": datetime.datetime.fromtimestamp(record.created, datetime.UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage(),
        }
        line.update({name: value for name, value in vars(record).items() if name not in _STANDARD})
        if record.exc_info and record.exc_info[1] is not None:
            error = record.exc_info[1]
            line["error"] = f"{type(error).__module__}.{type(error).__qualname__}"
            frames = traceback.extract_tb(record.exc_info[2])[-_FRAMES:]
            line["where"] = [f"{frame.filename.rsplit('/', 1)[-1]}:{frame.lineno} {frame.name}" for frame in frames]
        return json.dumps(line, ensure_ascii=False, default=str)


def configure_logging() -> None:
    """Send everything to standard error as JSON, also what the web server says; its access log is off."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access", "uvicorn.asgi"):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
    # They name addresses, or every request with its query.
    for name in ("httpx", "httpcore", "authlib", "uvicorn.access", "alembic.runtime.migration"):
        logging.getLogger(name).setLevel(logging.WARNING)
