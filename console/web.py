"""What every page of the console needs: who asks, whether they may, the form they sent, and the page that is shown."""

from __future__ import annotations

import datetime
import functools
import hashlib
import hmac
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import parse_qsl, urlsplit
from zoneinfo import ZoneInfo

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response

from console import accounts, audit
from console.accounts import Session
from console.assist import Assist, AssistError
from console.audit import Action
from console.calls import Calls
from console.database import Database
from console.dispositions import Dispositions
from console.roles import Permission, may
from console.settings import PAGES, Limits, Settings
from console.spelling import Spelling
from console.texts import language_of, whole
from console.words import Words
from vault import Vault

COOKIE = "console_session"
FORM_COOKIE = "console_form"
_ASSETS = {"console.css": "text/css", "console.js": "text/javascript", "icon.svg": "image/svg+xml"}
_FOREVER = "public, max-age=31536000, immutable"
LANGUAGES = {"zh-Hans": "简体中文", "zh-Hant": "繁體中文", "en": "English"}

log = logging.getLogger("console")

type Form = Mapping[str, str]
type Handler = Callable[[Request, Session, Form], Awaitable[Response]]


class Problem(Exception):
    """Something can't be done; the person is told why, and what was typed stays where it is.

    Args:
        key: Of the console's words.
        status: Of the answer.
        values: What stands for `{name}` in the text.
    """

    def __init__(self, key: str, status: HTTPStatus = HTTPStatus.BAD_REQUEST, **values: object) -> None:
        super().__init__(key)
        self.key = key
        self.status = status
        self.values = values
        self.retry_after: float | None = None


def of_assist(error: AssistError) -> Problem:
    """What the person is told when the front door says no."""
    status = {
        "no_session": HTTPStatus.GONE,
        "malformed": HTTPStatus.BAD_REQUEST,
        "not_open": HTTPStatus.CONFLICT,
        "text_too_long": HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        "unknown_payload": HTTPStatus.CONFLICT,
        "unknown_case": HTTPStatus.NOT_FOUND,
        "too_many_lookups": HTTPStatus.TOO_MANY_REQUESTS,
        "too_many_messages": HTTPStatus.TOO_MANY_REQUESTS,
        "too_many_requests": HTTPStatus.TOO_MANY_REQUESTS,
    }.get(error.code)
    if status is None:
        log.warning("the front door does not answer", extra={"reason": error.code})
        problem = Problem("guide_away", HTTPStatus.SERVICE_UNAVAILABLE)
    else:
        problem = Problem(f"guide_{error.code}", status)
    problem.retry_after = error.retry_after
    return problem


@dataclass(frozen=True)
class Parts:
    """Everything the pages work with."""

    settings: Settings
    limits: Limits
    words: Words
    database: Database
    vault: Vault
    assist: Assist
    calls: Calls
    dispositions: Dispositions
    spelling: Spelling


class Web:
    """Shows pages, and lets nobody do what they may not."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        self._key = hashlib.sha256(b"console-forms:" + parts.settings.guide_secret.get_secret_value().encode()).digest()
        self._assets = {name: (PAGES / name).read_bytes() for name in _ASSETS}
        self._templates = Environment(
            loader=FileSystemLoader(PAGES),
            autoescape=select_autoescape(["html"]),
            undefined=StrictUndefined,
            auto_reload=False,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.globals.update(
            w=parts.words,
            asset={
                name: f"/assets/{name}?v={hashlib.sha256(content).hexdigest()[:16]}"
                for name, content in self._assets.items()
            },
            languages=LANGUAGES,
            idle_seconds=int(parts.limits.idle_lock_minutes * 60),
            sso=bool(parts.settings.oidc_issuer),
        )
        self._templates.filters.update(
            at=self.at,
            in_zone=self.in_zone,
            whole=whole,
            language_of=language_of,
            where=functools.partial(self._named, "where"),
            outcome=functools.partial(self._named, "outcome"),
        )

    # --- showing

    def at(self, moment: int | None) -> str:
        """A moment as the office reads it."""
        return "" if moment is None else self._format(moment, self.parts.dispositions.office_zone)

    def in_zone(self, moment: int, zone: str) -> str:
        """A moment as it is read in a zone."""
        return self._format(moment, ZoneInfo(zone))

    @staticmethod
    def _format(moment: int, zone: datetime.tzinfo) -> str:
        return datetime.datetime.fromtimestamp(moment / 1000, zone).strftime("%b %-d, %Y, %H:%M %Z")

    def _named(self, kind: str, value: str | None) -> str:
        """A name of the front door in words; one that has no words yet as it is."""
        key = f"{kind}_{value}"
        return self.parts.words(key) if key in self.parts.words else value or ""

    def page(self, template: str, session: Session | None, status: int = 200, **values: object) -> Response:
        """Show a page."""
        allowed = {p.value for p in Permission if session is not None and may(session.member.role, p)}
        text = self._templates.get_template(template).render(
            session=session, member=session.member if session else None, may=allowed, **values
        )
        return HTMLResponse(text, status)

    def go(self, request: Request, address: str) -> Response:
        """Lead to another page."""
        if is_part(request):
            return Response(status_code=HTTPStatus.NO_CONTENT, headers={"X-Go": address})
        return RedirectResponse(address, HTTPStatus.SEE_OTHER)

    def problem(self, request: Request, problem: Problem, session: Session | None = None) -> Response:
        """Tell that something can't be done."""
        text = self.parts.words(problem.key, **problem.values)
        if is_part(request):
            response: Response = PlainTextResponse(text, problem.status)
        else:
            response = self.page("problem.html", session, problem.status, text=text)
        if problem.retry_after is not None:
            response.headers["Retry-After"] = str(int(problem.retry_after))
        return response

    async def asset(self, request: Request) -> Response:
        """`GET /assets/{name}`."""
        name = request.path_params["name"]
        if name not in self._assets:
            raise Problem("not_found", HTTPStatus.NOT_FOUND)
        headers = {"Cache-Control": _FOREVER if request.url.query else "no-cache"}
        return Response(self._assets[name], media_type=_ASSETS[name], headers=headers)

    # --- who asks

    async def session(self, request: Request) -> Session | None:
        """The session of a request; its use is noted."""
        token = request.cookies.get(COOKIE)
        if not token:
            return None
        database, limits = self.parts.database, self.parts.limits
        found = await database.read(lambda connection: accounts.look(connection, token, limits))
        if found is None:
            return None
        session, to_note = found
        if to_note:
            await database.run(lambda connection: accounts.touch(connection, session))
        return session

    def let_in(self, request: Request, response: Response, token: str) -> Response:
        """Hand a session to the browser, until it is closed."""
        response.set_cookie(COOKIE, token, path="/", httponly=True, samesite="strict", secure=is_secure(request))
        return response

    def let_out(self, request: Request, response: Response) -> Response:
        """Take the session from the browser."""
        response.delete_cookie(COOKIE, path="/", httponly=True, samesite="strict", secure=is_secure(request))
        return response

    def form_token(self, secret: str) -> str:
        """What a form carries that is shown to somebody who is not signed in, by the secret of the browser."""
        return hmac.new(self._key, secret.encode(), "sha256").hexdigest()

    async def form(self, request: Request) -> dict[str, str]:
        """The fields of a form.

        Raises:
            Problem: It is too large, of another kind, or comes from another site.
        """
        if not is_own(request):
            raise Problem("other_site", HTTPStatus.FORBIDDEN)
        if request.headers.get("content-type", "").partition(";")[0] != "application/x-www-form-urlencoded":
            raise Problem("bad_form", HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
        body = bytearray()
        async for chunk in request.stream():
            body += chunk
            if len(body) > self.parts.limits.form_max_bytes:
                raise Problem("too_large", HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        try:
            fields = parse_qsl(body.decode(), keep_blank_values=True, strict_parsing=bool(body), max_num_fields=100)
        except ValueError:
            raise Problem("bad_form") from None
        return {name: value.replace("\x00", "").replace("\r\n", "\n") for name, value in fields}

    def signed_in(
        self, permission: Permission | None = None, *, also_locked: bool = False
    ) -> Callable[[Handler], Callable[[Request], Awaitable[Response]]]:
        """Decorator of a page for people who are signed in.

        Args:
            permission: What they must be allowed to do.
            also_locked: Whether the page answers while the console is locked.
        """

        def decorate(handler: Handler) -> Callable[[Request], Awaitable[Response]]:
            @functools.wraps(handler)
            async def answer(request: Request) -> Response:
                session = await self.session(request)
                if session is None:
                    return self._to_sign_in(request)
                if session.locked and not also_locked:
                    return self._to_lock(request)
                try:
                    form: Form = {}
                    if request.method == "POST":
                        form = await self.form(request)
                        if not hmac.compare_digest(form.get("csrf", ""), session.csrf):
                            raise Problem("other_site", HTTPStatus.FORBIDDEN)
                    if permission is not None:
                        await self.demand(session, permission)
                    return await handler(request, session, form)
                except AssistError as error:
                    return self.problem(request, of_assist(error), session)
                except Problem as problem:
                    return self.problem(request, problem, session)
                except ClientDisconnect:
                    return Response(status_code=HTTPStatus.BAD_REQUEST)

            return answer

        return decorate

    async def demand(self, session: Session, permission: Permission) -> None:
        """Raises Problem: Somebody may not do this; it is noted."""
        if may(session.member.role, permission):
            return
        await self.parts.database.run(
            lambda connection: audit.note(connection, Action.REFUSED, session.member.id, detail=permission.value)
        )
        raise Problem("not_allowed", HTTPStatus.FORBIDDEN)

    def _to_sign_in(self, request: Request) -> Response:
        if is_part(request):
            return Response(status_code=HTTPStatus.UNAUTHORIZED)
        return RedirectResponse("/sign-in", HTTPStatus.SEE_OTHER)

    def _to_lock(self, request: Request) -> Response:
        if is_part(request):
            return Response(status_code=HTTPStatus.LOCKED)
        back = request.url.path if request.method == "GET" else ""
        return RedirectResponse(f"/locked?to={back}" if back else "/locked", HTTPStatus.SEE_OTHER)


def is_part(request: Request) -> bool:
    """Whether the script of the page asks, which puts the answer into the page."""
    return request.headers.get("x-part") == "1"


def is_secure(request: Request) -> bool:
    """Whether the browser came by TLS."""
    return request.url.scheme == "https"


def is_own(request: Request) -> bool:
    """Whether a form comes from our own pages, as the browser says, and not from another site."""
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = request.headers.get("origin")
    return origin is None or urlsplit(origin).netloc == request.headers.get("host")
