"""Logs: one JSON object per line, without anything a person wrote, sent or is called.

What never gets in: bodies, query strings, addresses, raw paths, and the messages of exceptions, which may quote values.
"""

from __future__ import annotations

import datetime
import json
import logging
import sys
import traceback
from collections.abc import Iterable
from types import TracebackType
from typing import Any

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", "color_message"}
_FRAMES = 12
_WEB_SERVER = ("uvicorn", "uvicorn.error", "uvicorn.access", "uvicorn.asgi")
# They name addresses with conversation ids, or every request with its query.
_QUIET = ("httpx", "httpcore", "authlib", "uvicorn.access", "alembic.runtime.migration")
_SILENT = logging.CRITICAL + 1


def describe(error: BaseException, trace: TracebackType | None) -> dict[str, Any]:
    """The kind of an exception and where it came from, without its message."""
    frames = traceback.extract_tb(trace)[-_FRAMES:]
    return {
        "error": f"{type(error).__module__}.{type(error).__qualname__}",
        "where": [f"{frame.filename.rsplit('/', 1)[-1]}:{frame.lineno} {frame.name}" for frame in frames],
    }


class JsonFormatter(logging.Formatter):
    """One line of JSON per record; fields given as `extra` stand beside the others.

    Args:
        own: package whose words may be told; of every other one only that it said something. None: all are told.
    """

    def __init__(self, own: str | None = None) -> None:
        super().__init__()
        self._own = own

    def format(self, record: logging.LogRecord) -> str:
        """See the class."""
        moment = datetime.datetime.fromtimestamp(record.created, datetime.UTC)
        line: dict[str, Any] = {
            "at": moment.isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": self._event(record),
        }
        line.update({name: value for name, value in vars(record).items() if name not in _STANDARD})
        if record.exc_info and record.exc_info[1] is not None:
            line.update(describe(record.exc_info[1], record.exc_info[2]))
        return json.dumps(line, ensure_ascii=False, default=str)

    def _event(self, record: logging.LogRecord) -> str:
        if self._own is None:
            return record.getMessage()
        return str(record.msg) if record.name.startswith(self._own) else "library"


def configure_logging(own: str | None = None, silent: Iterable[str] = ()) -> None:
    """Send everything to standard error as JSON, also what the web server says; its access log is off.

    Args:
        own: as for `JsonFormatter`; the others then speak from a warning on.
        silent: loggers that say nothing at all.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter(own))
    logging.basicConfig(level=logging.WARNING if own else logging.INFO, handlers=[handler], force=True)
    if own:
        logging.getLogger(own).setLevel(logging.INFO)
    for name in _WEB_SERVER:
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    for name in silent:
        logging.getLogger(name).setLevel(_SILENT)
