"""For supervisors and managers: calls, the audit trail, accounts, figures."""

from __future__ import annotations

import asyncio
from http import HTTPStatus

from fastapi import APIRouter
from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import Response

from console import accounts, audit, proofs
from console.accounts import BadAccount, Member, Session
from console.audit import Action
from console.calls import Call
from console.database import now
from console.roles import Permission, Role
from console.web import Form, Problem, Web

_SHOWN = 200
_DAYS = 30
_DAY = 86_400_000


class Team:
    """The routes; see `router`."""

    def __init__(self, web: Web) -> None:
        self._web = web
        self._parts = web.parts

    async def calls(self, request: Request, session: Session, form: Form) -> Response:
        """`GET /team`: the latest calls, without anything a caller said."""
        calls = self._parts.calls

        def look(connection: Connection) -> list[Call]:
            audit.note(connection, Action.CALLS_SEEN, session.member.id)
            return calls.latest(connection, _SHOWN)

        rows = await self._parts.database.run(look)
        return self._web.page("team.html", session, calls=rows, dispositions=self._parts.dispositions)

    async def audit(self, request: Request, session: Session, form: Form) -> Response:
        """`GET /audit`: the newest lines."""
        action = request.query_params.get("action", "")
        name = request.query_params.get("account", "")

        def look(connection: Connection) -> tuple[list[audit.Entry], list[Member]]:
            audit.note(connection, Action.AUDIT_SEEN, session.member.id)
            return audit.latest(connection, _SHOWN, action, name), accounts.everyone(connection)

        entries, everyone = await self._parts.database.run(look)
        return self._web.page(
            "audit.html",
            session,
            entries=entries,
            actions=[each.value for each in Action],
            everyone=everyone,
            action=action,
            account=name,
        )

    async def staff(self, request: Request, session: Session, form: Form) -> Response:
        """`GET /staff`: the accounts."""
        return await self._staff(session)

    async def _staff(self, session: Session, status: int = 200, problem: str = "", made: str = "") -> Response:
        everyone = await self._parts.database.read(accounts.everyone)
        return self._web.page(
            "staff.html", session, status, everyone=everyone, roles=list(Role), problem=problem, made=made, now=now()
        )

    async def make(self, request: Request, session: Session, form: Form) -> Response:
        """`POST /staff`: a new account, or a new password for one; the password is shown once."""
        try:
            name, role = accounts.clean_name(form.get("name", "")), Role(form.get("role", ""))
        except BadAccount as bad:
            return await self._staff(session, HTTPStatus.BAD_REQUEST, str(bad))
        except ValueError:
            raise Problem("bad_form") from None
        if name == session.member.name:
            return await self._staff(session, HTTPStatus.BAD_REQUEST, "not_yourself")
        password = proofs.new_password()
        hashed = await asyncio.to_thread(proofs.hash_password, password)
        await self._parts.database.run(
            lambda connection: accounts.make(connection, name, role, hashed, by=session.member.id)
        )
        return await self._staff(session, made=password)

    async def change(self, request: Request, session: Session, form: Form) -> Response:
        """`POST /staff/{id}`: another role, closed, opened, or without its second factor."""
        identifier = request.path_params["id"]
        if identifier == session.member.id:
            return await self._staff(session, HTTPStatus.BAD_REQUEST, "not_yourself")

        def settle(connection: Connection) -> None:
            known: dict[str, Member] = {each.id: each for each in accounts.everyone(connection)}
            if identifier not in known:
                raise Problem("not_found", HTTPStatus.NOT_FOUND)
            match form.get("do", ""):
                case "close":
                    accounts.change(connection, identifier, session.member.id, active=False)
                case "open":
                    accounts.change(connection, identifier, session.member.id, active=True)
                case "no_totp":
                    accounts.drop_totp(connection, identifier, session.member.id)
                case role if role in list(Role):
                    accounts.change(connection, identifier, session.member.id, role=Role(role))
                case _:
                    raise Problem("bad_form")

        await self._parts.database.run(settle)
        return self._web.go(request, "/staff")

    async def figures(self, request: Request, session: Session, form: Form) -> Response:
        """`GET /figures`: counts of the last days; small ones are hidden, as they could point at a person."""
        calls = self._parts.calls

        def look(connection: Connection) -> dict[str, list[tuple[str, int]]]:
            audit.note(connection, Action.FIGURES_SEEN, session.member.id)
            return calls.figures(connection, now() - _DAYS * _DAY)

        figures = await self._parts.database.run(look)
        return self._web.page(
            "figures.html",
            session,
            figures=figures,
            days=_DAYS,
            smallest=self._parts.limits.smallest_cell,
            dispositions=self._parts.dispositions,
        )

    def router(self) -> APIRouter:
        """The routes."""
        router = APIRouter()
        web = self._web
        router.add_route("/team", web.signed_in(Permission.SEE_CALLS)(self.calls), methods=["GET"])
        router.add_route("/audit", web.signed_in(Permission.SEE_AUDIT)(self.audit), methods=["GET"])
        router.add_route("/staff", web.signed_in(Permission.MANAGE_STAFF)(self.staff), methods=["GET"])
        router.add_route("/staff", web.signed_in(Permission.MANAGE_STAFF)(self.make), methods=["POST"])
        router.add_route("/staff/{id}", web.signed_in(Permission.MANAGE_STAFF)(self.change), methods=["POST"])
        router.add_route("/figures", web.signed_in(Permission.SEE_FIGURES)(self.figures), methods=["GET"])
        return router
