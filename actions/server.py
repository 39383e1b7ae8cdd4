"""Start the action server: ``python -m actions.server``.

Rasa's own start binds to all interfaces, lets everybody call every action and echoes request bodies in its error
answers. This one listens on loopback, asks for the shared secret, limits bodies, refuses compressed ones (a small one
can unpack to gigabytes) and answers errors with a code only.

Settings by environment: ``GUIDE_SECRET`` (required), ``ACTIONS_HOST`` (127.0.0.1), ``ACTIONS_PORT`` (5055).
"""

from __future__ import annotations

import asyncio
import hmac
import json
import logging
import os
import sys
import threading
import traceback
from datetime import date, datetime, timezone
from typing import Any

import pluggy
from sanic import Sanic, response
from sanic.exceptions import SanicException
from sanic.request import Request
from sanic.response import HTTPResponse
from sqlalchemy.exc import SQLAlchemyError

from actions.redacting import common
from actions.review_queue import ReviewQueue

SECRET_HEADER = "X-Guide-Secret"  # noqa: S105 (a header's name)
MAX_BODY_BYTES = 8 * 1024 * 1024
OWN_LOGGERS = ("actions", "triage")
TIDY_SECONDS = 3600
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
        app.add_route(self.erase, "/conversations/<conversation:str>", methods=["DELETE"])
        app.register_listener(self.keep_tidy, "after_server_start")

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

    async def erase(self, request: Request, conversation: str) -> HTTPResponse:
        """Erase what is kept of a conversation here: its messages in the review queue."""
        try:
            await asyncio.to_thread(ReviewQueue.installed().erase, conversation)
        except SQLAlchemyError as problem:
            logger.error("review queue: not erased: %s", type(problem).__name__)
            return response.json({"error": "not_ready"}, status=503)
        return response.empty()

    async def keep_tidy(self, app: Sanic, loop: asyncio.AbstractEventLoop) -> None:
        """From now on, delete what has been kept for review as long as it may (a listener of the server)."""
        app.add_task(tidy())

    async def fail(self, request: Request, error: Exception) -> HTTPResponse:
        """Answer with a status and nothing of the request; log where the error came from."""
        if isinstance(error, SanicException):
            return response.json({"error": "refused"}, status=error.status_code)
        logger.error("an action failed: %s", describe(error))
        return response.json({"error": "failed"}, status=500)


async def tidy(pause: float = TIDY_SECONDS) -> None:
    """Delete what is too old in the review queue, again and again.

    Args:
        pause: Between two rounds, in seconds.
    """
    await asyncio.to_thread(common)  # read now, not at the first message
    while True:
        try:
            gone = await asyncio.to_thread(ReviewQueue.installed().expire, date.today())
        except SQLAlchemyError as problem:
            logger.warning("review queue: not tidied: %s", type(problem).__name__)
        else:
            if gone:
                logger.info("review queue: %d expired entries deleted", gone)
        await asyncio.sleep(pause)


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
