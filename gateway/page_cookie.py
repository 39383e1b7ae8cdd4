"""The session of the page: a cookie that no script can read, and that no other site can use."""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response

NAME = "guide_session"
PATH = "/chat"
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


def is_own(request: Request) -> bool:
    """Whether a request comes from our own pages, and not from another site through the person's browser.

    A browser says so in `Sec-Fetch-Site`, an older one in `Origin`. One that says neither keeps the cookie from other
    sites by `SameSite`; a program without a browser has nobody to be tricked.
    """
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = request.headers.get("origin")
    return origin is None or urlsplit(origin).netloc == request.headers.get("host")


def read(request: Request) -> str | None:
    """The session token of the page; None if there is none, or if another site wants to do something with it."""
    if request.method not in _SAFE and not is_own(request):
        return None
    return request.cookies.get(NAME) or None


def put(response: Response, request: Request, token: str) -> None:
    """Hand the session to the browser, until it is closed."""
    response.set_cookie(NAME, token, path=PATH, httponly=True, samesite="lax", secure=request.url.scheme == "https")


def drop(response: Response, request: Request) -> None:
    """Take the session from the browser."""
    response.delete_cookie(NAME, path=PATH, httponly=True, samesite="lax", secure=request.url.scheme == "https")
