"""Logs that tell what happened and where, never what a person wrote.

Rasa, Sanic and Python's own tracebacks put message texts, slots and whole requests into log lines, mostly as part
of sentences, so that no filter by field can take them out. Therefore: the words of foreign loggers are not printed,
except for a few known start-up lines; exceptions are printed as their types and the lines of code they came from.
Our own loggers (``bot``, ``actions``, ``tools``) are printed as they are; they log identifiers and counts only.
"""

from __future__ import annotations

import json
import logging
import re
import sys
import threading
import traceback
from datetime import datetime, timezone
from types import TracebackType
from typing import Any

import structlog

OWN_LOGGERS = ("bot", "actions", "tools")
_START_UP = re.compile(
    r"Starting Rasa server on |Loading model |Rasa server is up and running|Starting action endpoint server|"
    r"Action endpoint is up|Goin' Fast|Starting worker|Stopping worker|Starting plugins"
)
_QUIET = ("sanic.access", "apscheduler", "matplotlib", "asyncio", "urllib3", "py.warnings", "jieba", "tensorflow")
_SANIC = ("sanic.root", "sanic.error", "sanic.access")
_MAX_FRAMES = 6


def describe(error: BaseException | None) -> str | None:
    """Describe an exception and its causes without their messages.

    Returns:
        Types and code lines, such as ``ValueError at run.py:12 main < start.py:3 <module>``; ``None`` for no error.
    """
    parts = []
    while error is not None:
        frames = traceback.extract_tb(error.__traceback__)[-_MAX_FRAMES:]
        places = " < ".join(f"{_short(frame.filename)}:{frame.lineno} {frame.name}" for frame in reversed(frames))
        parts.append(f"{type(error).__name__} at {places}" if places else type(error).__name__)
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return " caused by ".join(parts) or None


def _short(path: str) -> str:
    return "/".join(path.rsplit("/", 2)[-2:])


class PrivateFormatter(logging.Formatter):
    """Writes one JSON object a line, without anything a person may have typed."""

    def format(self, record: logging.LogRecord) -> str:
        """Format a record."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, timezone.utc).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
        }
        if record.name.split(".")[0] in OWN_LOGGERS or _START_UP.match(str(record.msg)):
            line["message"] = record.getMessage()
        else:
            line["at"] = f"{_short(record.pathname)}:{record.lineno} {record.funcName}"
        error = describe(record.exc_info[1]) if record.exc_info else None
        if error:
            line["error"] = error
        return json.dumps(line, ensure_ascii=False)


class _OwnOrImportant(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        if record.levelno >= logging.WARNING or record.name.split(".")[0] in OWN_LOGGERS:
            return True
        return bool(_START_UP.match(str(record.msg)))


def _only_the_name(_: Any, __: str, event: dict[str, Any]) -> dict[str, Any]:
    """Keep of a structlog event its name and its exception; Rasa puts texts and entities into the other fields."""
    kept: dict[str, Any] = {"event": event.get("event"), "level": event.get("level")}
    error = event.get("exc_info")
    if error:
        described = describe(error if isinstance(error, BaseException) else sys.exc_info()[1])
        if described:
            kept["error"] = described
    return kept


def _log_uncaught(kind: type[BaseException], error: BaseException | None, _: TracebackType | None = None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        return
    print(json.dumps({"level": "critical", "error": describe(error) or kind.__name__}), file=sys.stderr, flush=True)


def configure(level: int = logging.INFO) -> None:
    """Set up logging of the process; called first, before Rasa is imported where possible."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(PrivateFormatter())
    handler.addFilter(_OwnOrImportant())
    logging.captureWarnings(True)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.ERROR)
    for name in _SANIC:
        logger = logging.getLogger(name)
        logger.handlers[:] = [handler]
        logger.propagate = False
    structlog.configure(
        processors=[structlog.stdlib.add_log_level, _only_the_name, structlog.processors.JSONRenderer()],
        wrapper_class=structlog.make_filtering_bound_logger(max(level, logging.WARNING)),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    sys.excepthook = _log_uncaught
    sys.unraisablehook = lambda hook: _log_uncaught(hook.exc_type, hook.exc_value)
    threading.excepthook = lambda hook: _log_uncaught(hook.exc_type, hook.exc_value)
