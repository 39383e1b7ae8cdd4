"""Signing in and out, locking and unlocking, and one's own account."""

from __future__ import annotations

import asyncio
import hmac
import re
from http import HTTPStatus

from fastapi import APIRouter
from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import Response

from console import accounts, audit, proofs
from console.accounts import BadAccount, Member, Refusal, Session
from console.audit import Action
from console.roles import Permission, may
from console.web import FORM_COOKIE, Form, Problem, Web, is_part, is_secure

_PATH = re.compile(r"/[a-z0-9/_-]*")


class Entrance:
    """The routes; see `router`."""

    def __init__(self, web: Web) -> None:
        self._web = web
        self._parts = web.parts

    async def sign_in_page(self, request: Request) -> Response:
        """`GET /sign-in`."""
        if await self._web.session(request) is not None:
            return self._web.go(request, "/")
        return await self._show_sign_in(request)

    async def _show_sign_in(self, request: Request, problem: str = "", status: int = 200) -> Response:
        secret = request.cookies.get(FORM_COOKIE) or proofs.new_token()
        empty = await self._parts.database.read(accounts.is_empty)
        response = self._web.page(
            "sign_in.html", None, status, problem=problem, empty=empty, token=self._web.form_token(secret)
        )
        response.set_cookie(FORM_COOKIE, secret, httponly=True, samesite="strict", secure=is_secure(request))
        return response

    async def sign_in(self, request: Request) -> Response:
        """`POST /sign-in`."""
        try:
            form = await self._web.form(request)
        except Problem as problem:
            return self._web.problem(request, problem)
        expected = self._web.form_token(request.cookies.get(FORM_COOKIE, ""))
        if not hmac.compare_digest(form.get("token", ""), expected):
            return await self._show_sign_in(request, "sign_in_again", HTTPStatus.FORBIDDEN)
        member = await self._check(form.get("name", ""), form)
        if isinstance(member, Refusal):
            return await self._show_sign_in(request, "sign_in_wrong", HTTPStatus.FORBIDDEN)
        token = await self._parts.database.run(lambda connection: accounts.begin(connection, member))
        return self._web.let_in(request, self._web.go(request, "/"), token)

    async def _check(self, name: str, form: Form) -> Member | Refusal:
        password = form.get("password", "")[: self._parts.limits.password_max_chars + 1]
        database, vault, limits = self._parts.database, self._parts.vault, self._parts.limits
        stored = await database.read(lambda connection: accounts.password_of(connection, name))
        right = await asyncio.to_thread(proofs.is_password, stored, password)

        def settle(connection: Connection) -> Member | Refusal:
            found = accounts.check(connection, vault, limits, name, right, form.get("code", ""))
            if isinstance(found, Refusal):
                known = accounts.find(connection, name.strip().lower())
                audit.note(connection, Action.SIGN_IN_FAILED, known.id if known else None, detail=found.value)
            return found

        return await database.run(settle)

    async def sign_out(self, request: Request, session: Session, form: Form) -> Response:
        """`POST /sign-out`."""
        await self._parts.database.run(lambda connection: accounts.end(connection, session))
        return self._web.let_out(request, self._web.go(request, "/sign-in"))

    async def lock(self, request: Request, session: Session, form: Form) -> Response:
        """`POST /lock`: by hand, or by the page after the time without use."""
        if not session.locked:
            await self._parts.database.run(lambda connection: accounts.lock(connection, session))
        return Response(status_code=HTTPStatus.NO_CONTENT) if is_part(request) else self._web.go(request, "/locked")

    async def locked_page(self, request: Request, session: Session, form: Form) -> Response:
        """`GET /locked`."""
        back = _own_path(request.query_params.get("to", "/"))
        if not session.locked:
            return self._web.go(request, back)
        return self._web.page("locked.html", session, back=back, problem="")

    async def unlock(self, request: Request, session: Session, form: Form) -> Response:
        """`POST /unlock`: with the password; nothing is lost."""
        back = _own_path(form.get("to", "/"))
        if session.locked:
            found = await self._check(session.member.name, form)
            if found is Refusal.CLOSED:
                await self._parts.database.run(lambda connection: accounts.end(connection, session))
                return self._web.let_out(request, self._web.go(request, "/sign-in"))
            if isinstance(found, Refusal):
                await self._parts.database.run(
                    lambda connection: audit.note(connection, Action.UNLOCK_FAILED, session.member.id)
                )
                if is_part(request):
                    raise Problem("unlock_wrong", HTTPStatus.FORBIDDEN)
                return self._web.page("locked.html", session, HTTPStatus.FORBIDDEN, back=back, problem="unlock_wrong")
            await self._parts.database.run(lambda connection: accounts.unlock(connection, session))
        return Response(status_code=HTTPStatus.NO_CONTENT) if is_part(request) else self._web.go(request, back)

    async def alive(self, request: Request, session: Session, form: Form) -> Response:
        """`POST /alive`: somebody is typing."""
        return Response(status_code=HTTPStatus.NO_CONTENT)

    async def start(self, request: Request, session: Session, form: Form) -> Response:
        """`GET /`: to where the person works."""
        return self._web.go(request, "/desk" if may(session.member.role, Permission.TAKE_CALLS) else "/figures")

    async def account(self, request: Request, session: Session, form: Form) -> Response:
        """`GET /account`: password and second factor."""
        return self._account(session)

    def _account(self, session: Session, status: int = 200, **values: object) -> Response:
        shown = {"problem": "", "done": "", "secret": "", "address": "", **values}
        return self._web.page("account.html", session, status, minimum=self._parts.limits.password_min_chars, **shown)

    async def change_password(self, request: Request, session: Session, form: Form) -> Response:
        """`POST /account/password`."""
        if session.member.by_sign_on:
            raise Problem("not_allowed", HTTPStatus.FORBIDDEN)
        found = await self._check(session.member.name, {"password": form.get("old", ""), "code": form.get("code", "")})
        if isinstance(found, Refusal):
            return self._account(session, HTTPStatus.FORBIDDEN, problem="unlock_wrong")
        try:
            accounts.check_password(form.get("new", ""), self._parts.limits)
        except BadAccount as bad:
            return self._account(session, HTTPStatus.BAD_REQUEST, problem=str(bad))
        hashed = await asyncio.to_thread(proofs.hash_password, form["new"])
        await self._parts.database.run(
            lambda connection: accounts.change_password(connection, session.member, hashed, session.token_hash)
        )
        return self._account(session, done="password_changed")

    async def offer_totp(self, request: Request, session: Session, form: Form) -> Response:
        """`POST /account/totp`: show a secret for an authenticator."""
        if session.member.by_sign_on:
            raise Problem("not_allowed", HTTPStatus.FORBIDDEN)
        vault = self._parts.vault
        secret = await self._parts.database.run(
            lambda connection: accounts.offer_totp(connection, vault, session.member)
        )
        address = proofs.totp_address(secret, session.member.name, self._parts.words("title"))
        grouped = " ".join(secret[start : start + 4] for start in range(0, len(secret), 4))
        return self._account(session, secret=grouped, address=address)

    async def confirm_totp(self, request: Request, session: Session, form: Form) -> Response:
        """`POST /account/totp/confirm`: with a first code it is on."""
        vault, code = self._parts.vault, form.get("code", "")
        done = await self._parts.database.run(
            lambda connection: accounts.confirm_totp(connection, vault, session.member, code)
        )
        if not done:
            return self._account(session, HTTPStatus.BAD_REQUEST, problem="totp_wrong")
        return self._web.go(request, "/account")

    def router(self) -> APIRouter:
        """The routes."""
        router = APIRouter()
        web = self._web
        router.add_route("/", web.signed_in()(self.start), methods=["GET"])
        router.add_route("/sign-in", self.sign_in_page, methods=["GET"])
        router.add_route("/sign-in", self.sign_in, methods=["POST"])
        router.add_route("/sign-out", web.signed_in(also_locked=True)(self.sign_out), methods=["POST"])
        router.add_route("/lock", web.signed_in(also_locked=True)(self.lock), methods=["POST"])
        router.add_route("/locked", web.signed_in(also_locked=True)(self.locked_page), methods=["GET"])
        router.add_route("/unlock", web.signed_in(also_locked=True)(self.unlock), methods=["POST"])
        router.add_route("/alive", web.signed_in()(self.alive), methods=["POST"])
        router.add_route("/account", web.signed_in()(self.account), methods=["GET"])
        router.add_route("/account/password", web.signed_in()(self.change_password), methods=["POST"])
        router.add_route("/account/totp", web.signed_in()(self.offer_totp), methods=["POST"])
        router.add_route("/account/totp/confirm", web.signed_in()(self.confirm_totp), methods=["POST"])
        router.add_route("/assets/{name}", self._asset, methods=["GET"])
        return router

    async def _asset(self, request: Request) -> Response:
        try:
            return await self._web.asset(request)
        except Problem as problem:
            return self._web.problem(request, problem)


def _own_path(path: str) -> str:
    return path if _PATH.fullmatch(path) and not path.startswith("//") else "/"
