"""Single sign-on: leaving for the provider, and coming back."""

from __future__ import annotations

import logging
from http import HTTPStatus

from fastapi import APIRouter
from sqlalchemy import Connection, select
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from console import accounts
from console.accounts import BadAccount, Member, Session
from console.sign_on import Person, SignOn, SignOnError
from console.tables import sessions, staff
from console.web import Problem, Web, is_secure

COOKIE = "console_sign_on"

log = logging.getLogger("console.sign_on")


class Single:
    """The routes; see `router`."""

    def __init__(self, web: Web, sign_on: SignOn) -> None:
        self._web = web
        self._parts = web.parts
        self._sign_on = sign_on

    async def start(self, request: Request) -> Response:
        """`GET /sso/start`: also to unlock, by somebody who has no password here."""
        session = await self._web.session(request)
        try:
            started = await self._sign_on.start(
                self._parts.database.run, session.token_hash if session is not None and session.locked else None
            )
        except SignOnError as error:
            return self._web.problem(request, Problem(str(error), HTTPStatus.SERVICE_UNAVAILABLE))
        response = RedirectResponse(started.address, HTTPStatus.SEE_OTHER)
        # "lax": the way back begins at the provider, another site. It opens nothing without the state it belongs to.
        response.set_cookie(
            COOKIE,
            started.browser,
            path="/sso",
            max_age=int(self._parts.limits.sso_minutes * 60),
            httponly=True,
            samesite="lax",
            secure=is_secure(request),
        )
        return response

    async def back(self, request: Request) -> Response:
        """`GET /sso/back`."""
        query, browser = request.query_params, request.cookies.get(COOKIE, "")
        minutes = self._parts.limits.sso_minutes
        try:
            awaited = await self._parts.database.run(
                lambda connection: self._sign_on.take(connection, query.get("state", ""), browser, minutes)
            )
            if not query.get("code"):
                raise SignOnError("sso_failed")
            person = await self._sign_on.finish(query["code"], awaited)
            token = await self._parts.database.run(lambda connection: _enter(connection, person, awaited.session))
        except SignOnError as error:
            return self._web.problem(request, Problem(str(error), HTTPStatus.FORBIDDEN))
        # A page and no redirection: a cookie that is "strict" does not go along on the way from another site.
        response = self._web.page("signed_on.html", None)
        response.delete_cookie(COOKIE, path="/sso", httponly=True, samesite="lax", secure=is_secure(request))
        return self._web.let_in(request, response, token) if token else response

    def router(self) -> APIRouter:
        """The routes; none when single sign-on is off."""
        router = APIRouter()
        if self._sign_on.is_on:
            router.add_route("/sso/start", self.start, methods=["GET"])
            router.add_route("/sso/back", self.back, methods=["GET"])
        return router


def _enter(connection: Connection, person: Person, locked: str | None) -> str:
    """Unlock a session of the same person, or open one; returns the token of a new one, or nothing."""
    row = connection.execute(
        select(staff.c.id, staff.c.name, staff.c.role, staff.c.active).where(staff.c.subject == person.subject)
    ).first()
    if row is not None and not row.active:
        raise SignOnError("sso_no_role")
    if row is None:
        try:
            name = accounts.clean_name(person.name)
        except BadAccount:
            name = f"sso-{person.subject[:12]}"
        if accounts.find(connection, name) is not None:
            # Somebody with a password has the name already; nobody gets into that account from here.
            name = f"{name[:40]}-{person.subject[:8]}"
        member = accounts.make(connection, name, person.role, None, person.subject)
    else:
        member = Member(row.id, row.name, person.role, by_sign_on=True)
        if row.role != person.role.value:
            accounts.change(connection, row.id, row.id, role=person.role)
    if locked is not None:
        found = connection.execute(
            select(sessions.c.csrf, sessions.c.pinyin).where(
                sessions.c.token_hash == locked, sessions.c.staff_id == member.id
            )
        ).first()
        if found is not None:
            accounts.unlock(connection, Session(locked, member, found.csrf, True, found.pinyin))
            return ""
    return accounts.begin(connection, member)
