"""The page of a call: what is read aloud, what the caller says, and how it ends."""

from __future__ import annotations

import datetime
import logging
import re
from dataclasses import replace
from http import HTTPStatus
from typing import Any

from fastapi import APIRouter
from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import Response

from console import accounts, audit
from console.accounts import Session
from console.assist import AssistError, View
from console.audit import Action
from console.calls import Call, over
from console.database import now
from console.dispositions import OTHER_REASON, Disposition
from console.roles import Permission
from console.view import Viewer, day
from console.web import LANGUAGES, Form, Problem, Web, is_part, of_assist

log = logging.getLogger("console.call")

_PLAIN = frozenset({"back", "unknown", "why", "simpler", "skip", "next"})
# After these the open question stays open, whatever it is.
_STAYS = frozenset({"back", "next", "why", "simpler"})
_SLOT = re.compile(r"[a-z_]{1,40}")
# Room is left for the id of the message that goes on with the next question.
_ID = re.compile(r"[A-Za-z0-9_-]{16,60}")
_READINGS = 2
# A call that is only talked in is written down this often, for the list of calls that broke off.
_TICK = 60_000
_DAY = 86_400_000


class CallPages:
    """The routes; see `router`."""

    def __init__(self, web: Web) -> None:
        self._web = web
        self._parts = web.parts
        self._viewer = Viewer(web.parts.dispositions, web.parts.spelling, web.parts.settings.guide_public_url)

    async def _find(self, request: Request, session: Session, *, ended: bool = False) -> Call:
        calls, identifier = self._parts.calls, request.path_params["id"]
        call = await self._parts.database.read(lambda connection: calls.find(connection, identifier))
        if call is None or call.staff_id != session.member.id:
            raise Problem("not_found", HTTPStatus.NOT_FOUND)
        if call.ended_at is not None and not ended:
            raise Problem("call_over", HTTPStatus.CONFLICT)
        return call

    async def page(self, request: Request, session: Session, form: Form) -> Response:
        """`GET /calls/{id}`: also after a reload, or when the call is gone on with."""
        call = await self._find(request, session, ended=True)
        if call.ended_at is not None:
            return self._web.page("ended.html", session, call=call, dispositions=self._parts.dispositions)
        try:
            view = await self._parts.assist.look(session.member.id, call.private.session)
        except AssistError as error:
            if error.code != "no_session":
                raise
            return self._finish_only(session, call)
        return await self._show(request, session, call, view)

    def _finish_only(self, session: Session, call: Call) -> Response:
        """The case was opened elsewhere, or erased: what is left is how the call ends."""
        proposed = self._parts.dispositions.all[call.proposed or self._parts.dispositions.empty]
        return self._web.page(
            "gone.html",
            session,
            call=call,
            proposed=proposed,
            dispositions=self._parts.dispositions,
        )

    async def _show(
        self, request: Request, session: Session, call: Call, view: View, focus: str = "script"
    ) -> Response:
        call = await self._keep(session, call, view)
        page = self._viewer.page(call, view, session.pinyin)
        template = "call_body.html" if is_part(request) else "call.html"
        return self._web.page(
            template,
            session,
            page=page,
            call=call,
            dispositions=self._parts.dispositions,
            focus=focus,
        )

    async def _keep(self, session: Session, call: Call, view: View) -> Call:
        """Write down what has changed in the record of the call."""
        state = view.state
        corrected = frozenset(question.slot for question in view.questions if question.how == "corrected")
        danger = call.danger or self._is_danger(view)
        outcome = state.get("outcome")
        answered = any(question.value_en is not None for question in view.questions)
        fresh: dict[str, Any] = {
            "language": str(state["language"]),
            "corrected": call.corrected | corrected,
            "danger": danger,
            "outcome": outcome,
            "proposed": self._parts.dispositions.propose(outcome, answered, danger),
        }
        changed = {name: value for name, value in fresh.items() if getattr(call, name) != value}
        if not changed and now() - call.active_at < _TICK:
            return call
        calls = self._parts.calls

        def write(connection: Connection) -> None:
            calls.change(connection, call, **changed)
            for slot in sorted(corrected - call.corrected):
                audit.note(connection, Action.EDIT, session.member.id, call.id, slot)

        await self._parts.database.run(write)
        return replace(call, **changed)

    async def turn(self, request: Request, session: Session, form: Form) -> Response:
        """`POST /calls/{id}/turn`: what the caller said, a choice, or something to do. The same `id` again is safe."""
        call = await self._find(request, session)
        if not _ID.fullmatch(form.get("id", "")):
            raise Problem("bad_form")
        message: dict[str, Any] = {"id": form["id"]}
        noted: tuple[Action, str] | None = None
        if form.get("do"):
            message["action"], noted = await self._action(session, form["do"])
        elif form.get("pick"):
            message["payload"] = form["pick"]
        elif form.get("text", "").strip():
            message["text"] = form["text"]
        else:
            raise Problem("nothing_said")
        view = await self._send(session, call, message)
        call = await self._note_unsure(call, form, view)
        if noted is not None:
            action, slot = noted
            await self._parts.database.run(
                lambda connection: audit.note(connection, action, session.member.id, call.id, slot)
            )
        if view.next in call.left:
            call, view = await self._pass_over(session, call, view, form)
        elif call.left:
            # Sent again after another question was gone on with: what is open now, not the answer of then.
            view = await self._parts.assist.look(session.member.id, call.private.session)
        if not is_part(request):
            return self._web.go(request, f"/calls/{call.id}")
        return await self._show(request, session, call, view)

    async def _note_unsure(self, call: Call, form: Form, view: View) -> Call:
        """Note that the caller does not know the answer to a question that can't be left out, or is asked it anew."""
        asked, (name, _, detail) = form.get("asking", ""), form.get("do", "").partition(":")
        unsure = call.unsure
        if name == "unknown" and asked == view.next and asked in view.needed and asked not in call.left:
            # How often so far stands in the form: the same form sent again counts once.
            times = 2 if form.get("tries") == "1" else 1
            unsure = (*(slot for slot in unsure if slot != asked), *(asked,) * times)
        elif name == "jump":
            unsure = tuple(slot for slot in unsure if slot != detail)
        if unsure == call.unsure:
            return call
        calls = self._parts.calls
        await self._parts.database.run(lambda connection: calls.change(connection, call, unsure=unsure))
        return replace(call, unsure=unsure)

    async def _pass_over(self, session: Session, call: Call, view: View, form: Form) -> tuple[Call, View]:
        """Go on with another open question than one the caller could not answer twice; that one stays needed.

        What was said beside the question is still read aloud. Words of danger are read first, and nothing is asked.
        """
        call = await self._keep(session, call, view)
        jumps = {question.slot for question in view.questions if "jump" in question.can}
        others = [slot for slot in view.needed if slot in jumps and slot not in call.left]
        if not others or form.get("do", "") in _STAYS or self._is_danger(view):
            return call, view
        slots = [question.slot for question in view.questions]
        place = slots.index(str(view.next)) if view.next in slots else 0
        # The next one in the order of the interview; after the last the first.
        following = min(others, key=lambda slot: (slots.index(slot) < place, slots.index(slot)))
        message = {"id": f"{form['id']}-n", "action": {"do": "jump", "slot": following}}
        asked = {f"utter_ask_{view.next}", f"utter_retry_{view.next}"}
        beside = [reply for reply in view.replies if reply.key not in asked]
        view = await self._send(session, call, message)
        return call, view.model_copy(update={"replies": [*beside, *view.replies]})

    def _is_danger(self, view: View) -> bool:
        return any(reply.key in self._parts.dispositions.danger_keys for reply in view.replies)

    async def _send(self, session: Session, call: Call, message: dict[str, Any]) -> View:
        try:
            return await self._parts.assist.send(session.member.id, call.private.session, message)
        except AssistError as error:
            raise of_assist(error) from None

    async def _action(self, session: Session, asked: str) -> tuple[dict[str, str], tuple[Action, str] | None]:
        name, _, detail = asked.partition(":")
        if name in _PLAIN and not detail:
            return {"do": name}, None
        if name == "language" and detail in LANGUAGES:
            return {"do": name, "language": detail}, None
        if name in ("jump", "change") and _SLOT.fullmatch(detail):
            if name == "change":
                await self._web.demand(session, Permission.CHANGE_ANSWERS)
            return {"do": name, "slot": detail}, (Action.EDIT if name == "change" else Action.JUMP, detail)
        raise Problem("bad_form")

    async def pinyin(self, request: Request, session: Session, form: Form) -> Response:
        """`POST /calls/{id}/pinyin`: show the pronunciation, or hide it."""
        call = await self._find(request, session)
        shown = not session.pinyin
        await self._parts.database.run(lambda connection: accounts.show_pinyin(connection, session, shown))
        return await self._again(request, replace(session, pinyin=shown), call)

    async def _again(self, request: Request, session: Session, call: Call, focus: str = "script") -> Response:
        if not is_part(request):
            return self._web.go(request, f"/calls/{call.id}")
        view = await self._parts.assist.look(session.member.id, call.private.session)
        return await self._show(request, session, call, view, focus)

    async def code(self, request: Request, session: Session, form: Form) -> Response:
        """`POST /calls/{id}/code`: a code the caller can go on with at home."""
        call = await self._find(request, session)
        call = await self._new_code(session, call)
        return await self._again(request, session, call, "code")

    async def _new_code(self, session: Session, call: Call) -> Call:
        made = await self._parts.assist.code(session.member.id, call.private.session)
        until = int(datetime.datetime.fromisoformat(made.expires_at).timestamp() * 1000)
        private = replace(call.private, code=made.resume_code)
        calls = self._parts.calls

        def write(connection: Connection) -> None:
            calls.change(connection, call, private=private, code_until=until)
            audit.note(connection, Action.CODE_GIVEN, session.member.id, call.id)

        await self._parts.database.run(write)
        return replace(call, private=private, code_until=until)

    async def number_read(self, request: Request, session: Session, form: Form) -> Response:
        """`POST /calls/{id}/read`: the tracking number was read out once more."""
        call = await self._find(request, session)
        times = min(call.times_read + 1, _READINGS)
        calls = self._parts.calls

        def write(connection: Connection) -> None:
            calls.change(connection, call, times_read=times)
            audit.note(connection, Action.NUMBER_READ, session.member.id, call.id, str(times))

        await self._parts.database.run(write)
        return await self._again(request, session, replace(call, times_read=times), "tracking")

    async def note(self, request: Request, session: Session, form: Form) -> Response:
        """`POST /calls/{id}/note`: what the call-taker writes down, and who interprets."""
        call = await self._find(request, session)
        await self._write_note(call, form)
        return self._web.go(request, f"/calls/{call.id}") if not is_part(request) else Response(status_code=204)

    async def _write_note(self, call: Call, form: Form) -> Call:
        interpreter = form.get("interpreter", call.interpreter)
        if interpreter not in self._parts.dispositions.interpreters:
            raise Problem("bad_form")
        text = form.get("note", call.private.note)
        if len(text) > self._parts.limits.note_max_chars:
            raise Problem("note_too_long", most=self._parts.limits.note_max_chars)
        private = replace(call.private, note=text)
        if private == call.private and interpreter == call.interpreter:
            return call
        calls = self._parts.calls
        await self._parts.database.run(
            lambda connection: calls.change(connection, call, private=private, interpreter=interpreter)
        )
        return replace(call, private=private, interpreter=interpreter)

    async def transcript(self, request: Request, session: Session, form: Form) -> Response:
        """`GET /calls/{id}/transcript`: all that was said, with the English beside it."""
        call = await self._find(request, session)
        lines = await self._parts.assist.transcript(session.member.id, call.private.session, call.language)
        await self._parts.database.run(
            lambda connection: audit.note(connection, Action.TRANSCRIPT, session.member.id, call.id)
        )
        template = "transcript_body.html" if is_part(request) else "transcript.html"
        return self._web.page(template, session, call=call, lines=lines)

    # --- the end

    async def finish(self, request: Request, session: Session, form: Form) -> Response:
        """`POST /calls/{id}/finish`: with a disposition, and a reason if another one was proposed."""
        call = await self._find(request, session)
        call = await self._write_note(call, form)
        view: View | None = None
        try:
            view = await self._parts.assist.look(session.member.id, call.private.session)
            call = await self._keep(session, call, view)
        except AssistError as error:
            if error.code != "no_session":
                raise
        proposed = call.proposed or self._parts.dispositions.empty
        chosen = self._parts.dispositions.all.get(form.get("disposition", ""))
        if chosen is None:
            raise Problem("disposition_missing")
        reason = await self._reason(session, form, proposed, chosen)
        call_back = self._call_back(form) if "call_back" in chosen.needs else None
        self._check_needs(call, view, chosen)
        erase = form.get("erase") == "yes"
        if erase:
            await self._web.demand(session, Permission.ERASE)
        if erase and view is not None:
            await self._parts.assist.erase(session.member.id, call.private.session)
        await self._end(session, call, proposed, chosen, reason, call_back, erase)
        if view is not None and not erase:
            await self._close(session, call)
        return self._web.go(request, f"/calls/{call.id}")

    async def _reason(self, session: Session, form: Form, proposed: str, chosen: Disposition) -> str | None:
        if chosen.code == proposed:
            return None
        await self._web.demand(session, Permission.OVERRIDE)
        reason = form.get("reason", "")
        if reason not in self._parts.dispositions.reasons:
            raise Problem("reason_missing", proposed=proposed)
        if reason == OTHER_REASON and not form.get("note", "").strip():
            raise Problem("reason_note_missing")
        return reason

    def _call_back(self, form: Form) -> tuple[int, str]:
        zone = form.get("zone", "")
        moment = self._parts.dispositions.moment(form.get("when", ""), zone)
        if moment is None:
            raise Problem("call_back_missing")
        at = int(moment.timestamp() * 1000)
        if not now() < at < now() + self._parts.limits.call_back_max_days * _DAY:
            raise Problem("call_back_when", days=self._parts.limits.call_back_max_days)
        return at, zone

    def _check_needs(self, call: Call, view: View | None, chosen: Disposition) -> None:
        if "number_read" in chosen.needs:
            if view is not None and not view.state.get("tracking_number"):
                raise Problem("number_missing")
            if call.times_read < _READINGS:
                raise Problem("number_not_read")
        if "code_given" in chosen.needs and call.code_until is None:
            raise Problem("code_missing")

    async def _end(
        self,
        session: Session,
        call: Call,
        proposed: str,
        chosen: Disposition,
        reason: str | None,
        call_back: tuple[int, str] | None,
        erase: bool,
    ) -> None:
        calls = self._parts.calls
        at, zone = call_back or (None, None)
        urgent = call.danger or chosen.code == self._parts.dispositions.danger
        private = over(call.private, again=not erase and (urgent or call_back is not None))

        def write(connection: Connection) -> None:
            calls.change(
                connection,
                call,
                private=private,
                ended_at=now(),
                proposed=proposed,
                disposition=chosen.code,
                reason=reason,
                call_back_at=at,
                call_back_zone=zone,
            )
            audit.note(connection, Action.FINISHED, session.member.id, call.id, f"{proposed} {chosen.code}")
            if reason is not None:
                detail = f"{proposed} {chosen.code} {reason}"
                audit.note(connection, Action.OVERRIDE, session.member.id, call.id, detail)
            if at is not None:
                audit.note(connection, Action.CALL_BACK_BOOKED, session.member.id, call.id, day(at))
            if erase:
                calls.forget_case(connection, call)
                audit.note(connection, Action.ERASED, session.member.id, call.id)

        await self._parts.database.run(write)

    async def _close(self, session: Session, call: Call) -> None:
        try:
            await self._parts.assist.close(session.member.id, call.private.session)
        except AssistError as error:
            # The call is over here; at the front door its session ends by itself.
            log.warning("a session could not be closed", extra={"reason": error.code, "call": call.id})

    def router(self) -> APIRouter:
        """The routes."""
        router = APIRouter()
        takes = self._web.signed_in(Permission.TAKE_CALLS)
        router.add_route("/calls/{id}", takes(self.page), methods=["GET"])
        router.add_route("/calls/{id}/turn", takes(self.turn), methods=["POST"])
        router.add_route("/calls/{id}/pinyin", takes(self.pinyin), methods=["POST"])
        router.add_route("/calls/{id}/code", self._web.signed_in(Permission.GIVE_CODES)(self.code), methods=["POST"])
        router.add_route("/calls/{id}/read", takes(self.number_read), methods=["POST"])
        router.add_route("/calls/{id}/note", takes(self.note), methods=["POST"])
        router.add_route("/calls/{id}/transcript", takes(self.transcript), methods=["GET"])
        router.add_route("/calls/{id}/finish", takes(self.finish), methods=["POST"])
        return router
