"""The desk: a new call, finding a case, calls that broke off, call-backs, urgent calls."""

from __future__ import annotations

import re
from http import HTTPStatus

from fastapi import APIRouter
from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import Response

from console import audit
from console.accounts import Session
from console.assist import AssistError, Match, Opened
from console.audit import Action
from console.calls import Call
from console.database import now
from console.roles import Permission, may
from console.web import LANGUAGES, Form, Problem, Web

_DATE = re.compile(r"\d{4}-\d\d-\d\d")


class Desk:
    """The routes; see `router`."""

    def __init__(self, web: Web) -> None:
        self._web = web
        self._parts = web.parts

    async def desk(self, request: Request, session: Session, form: Form) -> Response:
        """`GET /desk`."""
        return await self._show(session)

    async def _show(self, session: Session, matches: list[Match] | None = None, problem: str = "") -> Response:
        calls, limits, role = self._parts.calls, self._parts.limits, session.member.role
        everybody = may(role, Permission.SEE_ALL_CALL_BACKS)
        sees_urgent = may(role, Permission.SEE_URGENT)
        urgent = self._parts.dispositions.danger
        found = [match.case for match in matches or ()]

        def look(connection: Connection) -> tuple[list[Call], list[Call], list[Call], dict[str, str]]:
            return (
                calls.open_ones(connection, session.member.id),
                calls.call_backs(connection, None if everybody else session.member.id),
                calls.urgent(connection, urgent, limits) if sees_urgent else [],
                calls.last_ends(connection, found) if found else {},
            )

        open_ones, call_backs, urgent_ones, ends = await self._parts.database.read(look)
        return self._web.page(
            "desk.html",
            session,
            HTTPStatus.BAD_REQUEST if problem else HTTPStatus.OK,
            open_calls=open_ones,
            call_backs=call_backs,
            urgent=urgent_ones,
            matches=matches,
            ends=ends,
            dispositions=self._parts.dispositions,
            problem=problem,
            now=now(),
        )

    async def begin(self, request: Request, session: Session, form: Form) -> Response:
        """`POST /calls`: a new call, in the caller's language."""
        language = form.get("language", "")
        if language not in LANGUAGES:
            raise Problem("bad_form")
        opened = await self._parts.assist.begin(session.member.id, language)
        return await self._enter(request, session, opened, Action.CALL_BEGUN)

    async def _enter(self, request: Request, session: Session, opened: Opened, action: Action) -> Response:
        calls = self._parts.calls

        def keep(connection: Connection) -> Call:
            call = calls.begin(connection, session.member.id, opened)
            audit.note(connection, action, session.member.id, call.id)
            return call

        call = await self._parts.database.run(keep)
        return self._web.go(request, f"/calls/{call.id}")

    async def find(self, request: Request, session: Session, form: Form) -> Response:
        """`POST /find`: by a code, or by two of tracking number, receipt number and date of birth.

        Nothing of it stands in an address.
        """
        wanted = _wanted(form)
        if wanted is None:
            return await self._show(session, problem="find_incomplete")
        asked, action = wanted
        # Before it is looked: a look-up that fails halfway was one, too.
        await self._parts.database.run(lambda connection: audit.note(connection, action, session.member.id))
        try:
            matches = await self._parts.assist.look_up(session.member.id, asked)
        except AssistError as error:
            if error.code != "malformed":
                raise
            return await self._show(session, problem="find_malformed")
        return await self._show(session, matches)

    async def open(self, request: Request, session: Session, form: Form) -> Response:
        """`POST /open`: a case that was found."""
        opened = await self._parts.assist.open(session.member.id, form.get("ref", ""))
        return await self._enter(request, session, opened, Action.CASE_OPENED)

    async def _open_again(self, session: Session, call: Call) -> Opened:
        """Open the case of an earlier call by its reference. Noted before: an attempt that fails was one, too.

        Raises:
            Problem: The case is erased, or nothing leads to it any more.
        """
        await self._parts.database.run(
            lambda connection: audit.note(connection, Action.LOOK_UP_REFERENCE, session.member.id, call.id)
        )
        try:
            return await self._parts.assist.open(session.member.id, call.private.reference)
        except AssistError as error:
            if error.code != "unknown_case":
                raise
            raise Problem("case_gone", HTTPStatus.NOT_FOUND) from None

    async def call_back(self, request: Request, session: Session, form: Form) -> Response:
        """`POST /call-backs/{id}`: open the case of somebody who is to be called back."""
        calls, identifier = self._parts.calls, request.path_params["id"]
        call = await self._parts.database.read(lambda connection: calls.find(connection, identifier))
        everybody = may(session.member.role, Permission.SEE_ALL_CALL_BACKS)
        if call is None or call.call_back_at is None or not (everybody or call.staff_id == session.member.id):
            raise Problem("not_found", HTTPStatus.NOT_FOUND)
        opened = None if form.get("do") == "done" else await self._open_again(session, call)
        how = "done" if opened is None else "open"

        def settle(connection: Connection) -> None:
            calls.change(connection, call, call_back_done=now())
            audit.note(connection, Action.CALL_BACK_OPENED, session.member.id, call.id, how)

        await self._parts.database.run(settle)
        if opened is None:
            return self._web.go(request, "/desk")
        return await self._enter(request, session, opened, Action.CASE_OPENED)

    async def urgent(self, request: Request, session: Session, form: Form) -> Response:
        """`POST /urgent/{id}`: somebody looks after an urgent call, and opens its case at the question it stood at."""
        calls, identifier = self._parts.calls, request.path_params["id"]
        call = await self._parts.database.read(lambda connection: calls.find(connection, identifier))
        if call is None or not (call.danger or call.disposition == self._parts.dispositions.danger):
            raise Problem("not_found", HTTPStatus.NOT_FOUND)
        opened = None if form.get("do") == "done" else await self._open_again(session, call)
        how = "done" if opened is None else "open"

        def settle(connection: Connection) -> None:
            calls.take_urgent(connection, call, session.member.id)
            audit.note(connection, Action.URGENT_SEEN, session.member.id, call.id, how)

        await self._parts.database.run(settle)
        if opened is None:
            return self._web.go(request, "/desk")
        return await self._enter(request, session, opened, Action.CASE_OPENED)

    def router(self) -> APIRouter:
        """The routes."""
        router = APIRouter()
        web = self._web
        router.add_route("/desk", web.signed_in(Permission.TAKE_CALLS)(self.desk), methods=["GET"])
        router.add_route("/calls", web.signed_in(Permission.TAKE_CALLS)(self.begin), methods=["POST"])
        router.add_route("/find", web.signed_in(Permission.LOOK_UP)(self.find), methods=["POST"])
        router.add_route("/open", web.signed_in(Permission.LOOK_UP)(self.open), methods=["POST"])
        router.add_route("/call-backs/{id}", web.signed_in(Permission.CALL_BACK)(self.call_back), methods=["POST"])
        router.add_route("/urgent/{id}", web.signed_in(Permission.SEE_URGENT)(self.urgent), methods=["POST"])
        return router


def _wanted(form: Form) -> tuple[dict[str, str], Action] | None:
    """By what a case is looked up, and how that is noted; None when it is not enough."""
    code, tracking, receipt, birth = (form.get(name, "").strip() for name in ("code", "tracking", "receipt", "birth"))
    if code:
        return {"resume_code": code}, Action.LOOK_UP_CODE
    by_birth = {"date_of_birth": birth} if _DATE.fullmatch(birth) else {}
    by_receipt = {"receipt_number": receipt} if receipt else {}
    if tracking and (by_receipt or by_birth):
        return {"tracking_number": tracking, **(by_receipt or by_birth)}, Action.LOOK_UP_TRACKING
    if by_receipt and by_birth:
        return {**by_receipt, **by_birth}, Action.LOOK_UP_RECEIPT
    return None
