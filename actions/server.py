"""Start the action server: ``python -m actions.server``.

Rasa's own start binds to all interfaces, lets everybody call every action and echoes request bodies in its error
answers. This one listens on loopback, asks for the shared secret, limits bodies, refuses compressed ones (a small one
can unpack to gigabytes) and answers errors with a code only.

Settings by environment: ``GUIDE_SECRET`` (required), ``ACTIONS_HOST`` (127.0.0.1), ``ACTIONS_PORT`` (5055).
"""

from __future__ import annotations

import hmac
import json
import logging
import os
import sys
import threading
import traceback
from datetime import datetime, timezone
from typing import Any

import pluggy
from sanic import Sanic, response
from sanic.exceptions import SanicException
from sanic.request import Request
from sanic.response import HTTPResponse

SECRET_HEADER = "X-Guide-Secret"  # noqa: S105 (a header's name)
MAX_BODY_BYTES = 8 * 1024 * 1024
OWN_LOGGERS = ("actions", "triage")
_MAX_FRAMES = 6
_SANIC_LOGGERS = ("sanic.root", "sanic.error", "sanic.access")

logger = logging.getLogger(__name__)
hookimpl = pluggy.HookimplMarker("rasa_sdk")


class Guard:
    """The extension of the action server: who may call it, and what it says when something fails.

    Args:
        secret: The secret that Rasa sends.
    """

    def __init__(self, secret: str) -> None:
        self._secret = secret.encode()

    @hookimpl
    def attach_sanic_app_extensions(self, app: Sanic) -> None:
        """Attach the checks to the server (a hook of the action server)."""
        app.config.REQUEST_MAX_SIZE = MAX_BODY_BYTES
        app.register_middleware(self.check, "request")
        app.error_handler.add(Exception, self.fail)

    async def check(self, request: Request) -> HTTPResponse | None:
        """Refuse a request without the secret, a compressed one and one that is too large."""
        if request.path == "/health":
            return None
        if not hmac.compare_digest(request.headers.get(SECRET_HEADER, "").encode(), self._secret):
            return response.json({"error": "forbidden"}, status=403)
        if request.headers.get("Content-Encoding", "identity").lower() != "identity":
            return response.json({"error": "unsupported_encoding"}, status=415)
        if int(request.headers.get("Content-Length") or 0) > MAX_BODY_BYTES:
            return response.json({"error": "too_large"}, status=413)
        return None

    async def fail(self, request: Request, error: Exception) -> HTTPResponse:
        """Answer with a status and nothing of the request; log where the error came from."""
        if isinstance(error, SanicException):
            return response.json({"error": "refused"}, status=error.status_code)
        logger.error("an action failed: %s", describe(error))
        return response.json({"error": "failed"}, status=500)


def describe(error: BaseException | None) -> str | None:
    """Describe an exception and its causes by types and code lines; messages may hold what a person wrote."""
    parts = []
    while error is not None:
        frames = traceback.extract_tb(error.__traceback__)[-_MAX_FRAMES:]
        places = " < ".join(f"{frame.filename}:{frame.lineno} {frame.name}" for frame in reversed(frames))
        parts.append(f"{type(error).__name__} at {places}")
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return " caused by ".join(parts) or None


class PrivateFormatter(logging.Formatter):
    """Writes one JSON object a line; of foreign loggers only where they logged, since their words may be a person's."""

    def format(self, record: logging.LogRecord) -> str:
        """Format a record."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, timezone.utc).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
        }
        if record.name.split(".")[0] in OWN_LOGGERS or record.name == "__main__":
            line["message"] = record.getMessage()
        else:
            line["at"] = f"{record.pathname}:{record.lineno} {record.funcName}"
        error = describe(record.exc_info[1]) if record.exc_info else None
        if error:
            line["error"] = error
        return json.dumps(line, ensure_ascii=False)


def configure_logging() -> None:
    """Log warnings and worse, and our own messages, without anything a person may have typed."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(PrivateFormatter())
    logging.captureWarnings(True)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    for name in (*OWN_LOGGERS, "__main__"):
        logging.getLogger(name).setLevel(logging.INFO)
    for name in _SANIC_LOGGERS:
        foreign = logging.getLogger(name)
        foreign.handlers[:] = [handler]
        foreign.setLevel(logging.WARNING)
        foreign.propagate = False
    sys.excepthook = lambda kind, error, _: _report(error)
    threading.excepthook = lambda hook: _report(hook.exc_value)


def _report(error: BaseException | None) -> None:
    sys.stderr.write(f"{describe(error)}\n")


def main() -> None:
    """Serve the actions of this package."""
    secret = os.environ.get("GUIDE_SECRET")
    if not secret:
        sys.exit("GUIDE_SECRET is not set")
    configure_logging()

    from rasa_sdk.endpoint import run
    from rasa_sdk.plugin import plugin_manager

    plugin_manager().register(Guard(secret))
    os.environ["SANIC_HOST"] = os.environ.get("ACTIONS_HOST", "127.0.0.1")
    port = int(os.environ.get("ACTIONS_PORT", "5055"))
    logger.info("action server on %s:%d", os.environ["SANIC_HOST"], port)
    run("actions", port=port, cors_origins="")


if __name__ == "__main__":
    main()
