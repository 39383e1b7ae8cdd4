"""Around every request: an id, security headers, one log line, and an answer for whatever nobody caught."""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Awaitable, Callable

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

log = logging.getLogger("gateway.http")

SECURITY_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class Guard:
    """Middleware; `refuse` makes the answer to an error nobody expected."""

    def __init__(self, app: ASGIApp, refuse: Callable[[Request], Awaitable[Response]]) -> None:
        self._app = app
        self._refuse = refuse

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
                for name, value in SECURITY_HEADERS.items():
                    headers.setdefault(name, value)
                if "frame-ancestors 'none'" not in headers["Content-Security-Policy"]:
                    # It knows no list of sites; the policy does.
                    del headers["X-Frame-Options"]
                headers.setdefault("Cache-Control", "no-store")
                headers["X-Request-Id"] = request_id
            await send(message)

        request = Request(scope, receive)
        try:
            await self._app(scope, receive, send_with_headers)
        except Exception:
            log.exception("unexpected error", extra={"request_id": request_id})
            if not status:
                await (await self._refuse(request))(scope, receive, send_with_headers)
        log.info(
            "request",
            extra={
                "request_id": request_id,
                "method": scope["method"] if scope["method"] in _METHODS else "other",
                "route": getattr(scope.get("endpoint"), "__name__", "none"),
                "status": status,
                "ms": round((time.perf_counter() - started) * 1000, 1),
                "conversation": getattr(request.state, "conversation", None),
            },
        )


_METHODS = frozenset({"GET", "HEAD", "POST", "DELETE", "PUT", "PATCH", "OPTIONS"})
