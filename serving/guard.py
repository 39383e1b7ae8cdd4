"""Around every request: an id, security headers, one log line, and an answer for whatever nobody caught."""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

# The policy and what is told to other sites are each part's own.
SECURITY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
# A style or a script is no document: of the headers only these mean anything to it, and a slow phone loads no others.
_NO_DOCUMENT = ("text/css", "text/javascript", "application/javascript")
_FOR_EVERY_FILE = {name: SECURITY_HEADERS[name] for name in ("X-Content-Type-Options", "Cross-Origin-Resource-Policy")}
_METHODS = frozenset({"GET", "HEAD", "POST", "DELETE", "PUT", "PATCH", "OPTIONS"})


class Guard:
    """Middleware.

    Args:
        app: what it stands around.
        refuse: makes the answer to an error nobody expected.
        headers: given to every answer that does not have them, besides `SECURITY_HEADERS`; styles and scripts get
            only what means something to them.
        log: where a request leaves its line.
        noted: names in `request.state` that the line tells, too.
    """

    def __init__(
        self,
        app: ASGIApp,
        refuse: Callable[[Request], Awaitable[Response]],
        headers: Mapping[str, str],
        log: logging.Logger,
        noted: tuple[str, ...] = (),
    ) -> None:
        self._app = app
        self._refuse = refuse
        self._headers = {**SECURITY_HEADERS, **headers}
        self._log = log
        self._noted = noted

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See the class."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        request_id = secrets.token_hex(8)
        status = 0

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                bare = headers.get("Content-Type", "").startswith(_NO_DOCUMENT)
                for name, value in (_FOR_EVERY_FILE if bare else self._headers).items():
                    headers.setdefault(name, value)
                if not bare and "frame-ancestors 'none'" not in headers["Content-Security-Policy"]:
                    # It knows no list of sites; the policy does.
                    del headers["X-Frame-Options"]
                headers.setdefault("Cache-Control", "no-store")
                headers["X-Request-Id"] = request_id
            await send(message)

        request = Request(scope, receive)
        try:
            await self._app(scope, receive, send_with_headers)
        except Exception:
            self._log.exception("unexpected error", extra={"request_id": request_id})
            if not status:
                await (await self._refuse(request))(scope, receive, send_with_headers)
        self._log.info(
            "request",
            extra={
                "request_id": request_id,
                "method": scope["method"] if scope["method"] in _METHODS else "other",
                "route": getattr(scope.get("endpoint"), "__name__", "none"),
                "status": status,
                "ms": round((time.perf_counter() - started) * 1000, 1),
                **{name: getattr(request.state, name, None) for name in self._noted},
            },
        )
