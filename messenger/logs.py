"""Logs: one JSON object per line, without a text, a name, an id or an address of anybody.

Messages of exceptions may quote any of these and stay out; so does everything that the libraries have to say below a
warning, and Telegram's library altogether, which logs whole updates and addresses with the token in them.
"""

from __future__ import annotations

import datetime
import json
import logging
import sys
import traceback
from typing import Any

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_FRAMES = 8


class JsonFormatter(logging.Formatter):
    """One line of JSON per record; fields given as `extra` stand beside the others."""

    def format(self, record: logging.LogRecord) -> str:
        """See the class."""
        moment = datetime.datetime.fromtimestamp(record.created, datetime.UTC)
        line: dict[str, Any] = {
            "at": moment.isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.msg if record.name.startswith("messenger") else "library",
        }
        line.update({name: value for name, value in vars(record).items() if name not in _STANDARD})
        if record.exc_info and record.exc_info[1] is not None:
            error = record.exc_info[1]
            frames = traceback.extract_tb(record.exc_info[2])[-_FRAMES:]
            line["error"] = f"{type(error).__module__}.{type(error).__qualname__}"
            line["where"] = [f"{frame.filename.rsplit('/', 1)[-1]}:{frame.lineno} {frame.name}" for frame in frames]
        return json.dumps(line, ensure_ascii=False, default=str)


def configure_logging(level: int = logging.INFO) -> None:
    """Send everything to standard error as JSON."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.getLogger("messenger").setLevel(level)
    logging.getLogger("telegram").setLevel(logging.CRITICAL + 1)
