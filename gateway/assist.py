"""What the call console asks of the front door: `/internal/assist/…`, the same guide with a call-taker before it.

The console shows its secret as a bearer token; without one in the settings there are no such routes. A case is named by
the session in `X-Guide-Session`. Everything said through here goes the same way as what is said on the page.
"""

from __future__ import annotations

import datetime
import hmac
import json
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter
from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import Response

from gateway import fingerprints, rasa, store
from gateway import language as languages
from gateway.assist_view import STAFF, Views
from gateway.bodies import Message, parse_message, parse_object, read_body
from gateway.chat import Chat, asked_for, iso, json_response
from gateway.errors import ChatError
from gateway.fingerprints import Found
from gateway.language import Language
from gateway.limits import SlidingWindow
from gateway.settings import Settings
from gateway.store import DAY, HOUR
from gateway.strings import Strings
from gateway.turnstile import now_ms
from triage import tracking

PLACE = "console"
_REF_MINUTES = 10
_MOST_MATCHES = 10
_RECEIPT = re.compile(r"[A-Z]{3}(\d{10}|\*\d{9})")
# Also the numbers of another backend.
_TRACKING = re.compile(r"[A-Z0-9-]{4,40}")
_LOOKUPS = (
    {"resume_code"},
    {"receipt_number", "date_of_birth"},
    {"tracking_number", "receipt_number"},
    {"tracking_number", "date_of_birth"},
)
# A reference that is kept for a call-back lives longer than the case it leads to.
_KEPT_REF_LIVES = 2
# What the keys of the console do, as payloads that the engine knows; none of them changes an answer by itself.
_KEYS = {
    "back": "/go_back",
    "unknown": "/unsure",
    "why": '/inform{"ask": "why"}',
    "simpler": "/repeat_question",
    "skip": "/skip",
    "next": '/inform{"jump": ""}',
}


@dataclass(frozen=True)
class _Case:
    """An open case: its session, and how it stands at this moment."""

    session: store.Session
    token_hash: str
    state: dict[str, Any]
    origins: dict[str, str]


class Assist:
    """The routes.

    Args:
        chat: where everything is said.
        settings: with the secret of the console.
        views: what is shown beside the script.
        words: `web/strings/assist.yml`.
    """

    def __init__(self, chat: Chat, settings: Settings, views: Views, words: Strings) -> None:
        self._chat = chat
        self._secret = settings.console_secret.get_secret_value()
        self._views = views
        self._words = words
        self._wrong = SlidingWindow(chat.limits.failed_lookups_per_hour, seconds=3600)

    # ---- who is asking, and about which case

    def _check(self, request: Request) -> None:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not hmac.compare_digest(token.strip().encode(), self._secret.encode()):
            raise ChatError("no_session")

    async def _body(self, request: Request) -> dict[str, Any]:
        self._check(request)
        return parse_object(request, await read_body(request, self._chat.limits), may_be_empty=True)

    async def _case(self, request: Request) -> _Case:
        """The case of a request.

        Raises:
            ChatError: `no_session`.
        """
        return (await self._case_with_wording(request, ""))[0]

    async def _case_with_wording(self, request: Request, message_id: str) -> tuple[_Case, str | None]:
        """The case of a request, and the words of the answer to one of its messages in every language."""
        self._check(request)
        token_hash = self._chat.tokens.read_session(request.headers.get("x-guide-session", "").strip(), now_ms()) or ""

        def look(connection: Connection) -> tuple[_Case | None, str | None]:
            session = store.find_session(connection, token_hash, now_ms())
            state, origins = store.standing_of(connection, session.conversation_id) if session else (None, None)
            if session is None or state is None:
                return None, None
            case = _Case(session, token_hash, json.loads(state), json.loads(origins or "{}"))
            return case, store.wording_of(connection, token_hash, message_id) if message_id else None

        case, stored = await self._chat.database.run(look)
        if case is None:
            raise ChatError("no_session")
        request.state.conversation = self._chat.tokens.label(case.session.conversation_id)
        return case, stored

    def _view(self, case: _Case) -> dict[str, Any]:
        return self._views.view(case.state, case.origins, case.session.language)

    # ---- opening

    async def begin(self, request: Request) -> Response:
        """`POST /internal/assist/conversations` `{language}`: a new case."""
        body = await self._body(request)
        language = languages.as_language(body.get("language"))
        if language is None:
            raise ChatError("malformed")
        chat, now, conversation_id = self._chat, now_ms(), secrets.token_hex(16)
        request.state.conversation = chat.tokens.label(conversation_id)
        await chat.database.run(lambda c: store.create_conversation(c, conversation_id, language, now, PLACE))
        finished = await chat.ask_engine(rasa.Turn(conversation_id, "open", "open", "", iso(now), language))
        token, token_hash, expires_at = self._new_session()

        def keep(connection: Connection) -> None:
            store.add_greeting(connection, finished, "open", now_ms())
            store.add_session(connection, conversation_id, token_hash, expires_at)
            self._retain(connection, conversation_id)

        await chat.database.run(keep)
        return self._opened(token, expires_at, finished, PLACE)

    async def lookup(self, request: Request) -> Response:
        """`POST /internal/assist/lookup`: the cases behind a resume code, or behind two of tracking number, receipt
        number and date of birth.

        Wrong and unknown are answered alike; tries are limited for each call-taker and for each number.
        """
        body = await self._body(request)
        taker = request.headers.get("x-guide-agent", "").strip()
        if not taker:
            raise ChatError("malformed")
        code_hash, fingerprint, counted = self._wanted(body)
        keys = [self._chat.tokens.label(f"assist {name}") for name in (f"taker {taker}", *counted)]
        seconds = max(self._wrong.wait(key) for key in keys)
        if seconds:
            raise ChatError("too_many_lookups", retry_after=seconds)

        def look(connection: Connection) -> list[Found]:
            if fingerprint is not None:
                return fingerprints.find(connection, fingerprint, _MOST_MATCHES)
            session = store.find_code(connection, code_hash or "", now_ms())
            found = fingerprints.describe(connection, session.conversation_id) if session else None
            return [found] if found else []

        matches = await self._chat.database.run(look)
        if not matches:
            for key in keys:
                self._wrong.add(key)
            raise ChatError("unknown_case")
        return json_response({"matches": [self._match(found, code_hash) for found in matches]})

    def _wanted(self, body: Mapping[str, Any]) -> tuple[str | None, str | None, tuple[str, ...]]:
        """Hash of the code or fingerprint that is looked for, and what the tries are counted by besides the taker."""
        given = {name: value for name, value in body.items() if value is not None}
        if set(given) not in _LOOKUPS or not all(isinstance(value, str) for value in given.values()):
            raise ChatError("malformed")
        if "resume_code" in given:
            return self._chat.tokens.resume_code_hash(given["resume_code"]), None, ()
        first, proof = (
            read(given[name])
            for name, read in (("tracking_number", _tracking), ("receipt_number", _receipt), ("date_of_birth", _day))
            if name in given
        )
        return None, self._chat.tokens.fingerprint(first, proof), (f"number {first}",)

    def _match(self, found: Found, code_hash: str | None) -> dict[str, Any]:
        return {
            "ref": self._ref(found.conversation_id, now_ms() + _REF_MINUTES * store.MINUTE, code_hash),
            "case": self._name(found.conversation_id),
            "begun_at": iso(found.begun_at),
            "active_at": iso(found.active_at),
            "language": found.language,
            "begun_on": found.begun_on,
            **{name: found.state.get(name) for name in ("step", "steps", "asking", "outcome")},
        }

    def _ref(self, conversation_id: str, until: int, code_hash: str | None = None) -> str:
        """What opens a case, until a moment (milliseconds)."""
        return self._chat.tokens.seal({"case": conversation_id, "code": code_hash or "", "until": str(until)})

    def _name(self, conversation_id: str) -> str:
        """By what the console knows the same case again. It opens nothing, and stands in no log."""
        return self._chat.tokens.label(f"assist case {conversation_id}")

    async def open(self, request: Request) -> Response:
        """`POST /internal/assist/open` `{ref}`: go on with a case that was found, at its open question.

        A code is used up, and the person's own session ends with it; without one that session stays alive. The
        `reference` of an earlier call opens it, too, and leaves codes and sessions as they are.
        """
        body = await self._body(request)
        ref = self._chat.tokens.unseal(str(body.get("ref") or "")) or {}
        if "case" not in ref or int(ref["until"]) < now_ms():
            raise ChatError("unknown_case")
        conversation_id, code_hash = ref["case"], ref["code"]
        request.state.conversation = self._chat.tokens.label(conversation_id)
        chat = self._chat
        message_id = f"resume:{code_hash[:24] or secrets.token_hex(12)}"

        async def work(_lease: store.Lease) -> Response:
            retry = await chat.database.run(lambda c: store.open_retry_of(c, conversation_id))
            await chat.finish_retry(conversation_id, retry)
            finished = await chat.ask_engine(rasa.Turn(conversation_id, message_id, "resume", "", iso(now_ms())))
            token, token_hash, expires_at = self._new_session()

            def keep(connection: Connection) -> Found | None:
                if code_hash and not store.use_code(connection, code_hash, now_ms()):
                    return None
                store.add_greeting(connection, finished, "resume", now_ms())
                if code_hash:
                    store.add_session(connection, conversation_id, token_hash, expires_at)
                else:
                    store.add_another_session(connection, conversation_id, token_hash, expires_at)
                self._retain(connection, conversation_id)
                return fingerprints.describe(connection, conversation_id)

            found = await chat.database.run(keep)
            if found is None:
                raise ChatError("unknown_case")
            return self._opened(token, expires_at, finished, found.begun_on)

        return await chat.in_turn(conversation_id, work, gone="unknown_case")

    def _new_session(self) -> tuple[str, str, int]:
        expires_at = now_ms() + self._chat.limits.session_hours * HOUR
        return *self._chat.tokens.new_session(expires_at), expires_at

    def _retain(self, connection: Connection, conversation_id: str) -> None:
        """Keep the case as long as a saved one: a call may break off, and the caller call again."""
        store.retain(connection, conversation_id, now_ms() + self._chat.limits.save_days * DAY)

    def _opened(self, token: str, expires_at: int, finished: store.Finished, begun_on: str) -> Response:
        answer = json.loads(finished.answer)
        until = now_ms() + _KEPT_REF_LIVES * self._chat.limits.save_days * DAY
        opened = {
            "session": token,
            "expires_at": iso(expires_at),
            "reference": self._ref(finished.conversation_id, until),
            "case": self._name(finished.conversation_id),
            "begun_on": begun_on,
            "language": finished.language,
            "replies": self._chat.worded(answer["replies"], finished.wording, None, STAFF),
            **self._views.view(finished.state, finished.origins or {}, finished.language),
        }
        return json_response(opened, 201)

    # ---- talking

    async def say(self, request: Request) -> Response:
        """`POST /internal/assist/messages` `{id, text | payload | action}`."""
        body = await self._body(request)
        case = await self._case(request)
        action = body.pop("action", None)
        if action is None:
            message, title = parse_message(body, self._chat.limits), None
        else:
            known = await self._chat.database.run(
                lambda c: store.is_stored(c, case.session.conversation_id, f"{store.OWN_PREFIX}{body.get('id')}")
            )
            payload, title = self._action(case, action, known)
            message = parse_message({**body, "payload": payload}, self._chat.limits)
        answer = json.loads(await self._chat.say(request, case.token_hash, message, _always(message, title)))

        case, stored = await self._case_with_wording(request, message.id)
        replies = self._chat.worded(answer["replies"], stored, None, STAFF)
        return json_response({"id": answer["id"], "replies": replies, **self._view(case)})

    def _action(self, case: _Case, action: object, known: bool) -> tuple[str, str]:
        """Payload and title of what a key of the console does.

        Args:
            known: it was done before, so its answer is given again, whatever may be done by now.
        """
        if not isinstance(action, dict):
            raise ChatError("malformed")
        do, slot, language = action.get("do"), action.get("slot"), case.session.language
        if isinstance(do, str) and do in _KEYS:
            return _KEYS[do], self._words(do, language)
        if do == "language":
            chosen = languages.as_language(action.get("language"))
            if chosen is None:
                raise ChatError("malformed")
            return f'/switch_language{{"language":"{chosen}"}}', self._words(chosen, chosen)
        if do not in ("jump", "change") or not isinstance(slot, str):
            raise ChatError("malformed")
        if not known and self._views.can(case.state, slot) != do:
            raise ChatError("not_open")
        payload = f'/inform{{"jump": "{slot}"}}' if do == "jump" else f'/change_answer{{"answer_name": "{slot}"}}'
        return payload, self._words(do, language, {"label": self._views.label(slot, language)})

    # ---- looking

    async def state(self, request: Request) -> Response:
        """`GET /internal/assist/state`: how the case stands, and what the guide said last."""
        case = await self._case(request)
        looked_back = await self._chat.look_back(case.session, None, STAFF)
        last: list[dict[str, Any]] = []
        for message in reversed(looked_back["messages"]):
            if message["from"] != "guide" or (last and message["at"] != last[0]["at"]):
                break
            last.insert(0, message)
        replies = [{name: value for name, value in reply.items() if name not in ("from", "at")} for reply in last]
        return json_response({**self._view(case), "replies": replies})

    async def history(self, request: Request) -> Response:
        """`GET /internal/assist/history`, `?language=` as in the chat."""
        case = await self._case(request)
        looked_back = await self._chat.look_back(case.session, asked_for(request, "language"), STAFF)
        return json_response({"messages": looked_back["messages"], **self._view(case)})

    # ---- leaving

    async def code(self, request: Request) -> Response:
        """`POST /internal/assist/code`: a code to go on with, here or elsewhere."""
        case = await self._case(request)
        code, expires_at = await self._chat.new_code(case.session)
        return json_response({"resume_code": code, "expires_at": iso(expires_at)}, 201)

    async def close(self, request: Request) -> Response:
        """`POST /internal/assist/close`: the call is over; the case stays as long as a saved one."""
        case = await self._case(request)

        def end(connection: Connection) -> None:
            self._retain(connection, case.session.conversation_id)
            store.end_session(connection, case.token_hash)

        await self._chat.database.run(end)
        return Response(status_code=204)

    async def erase(self, request: Request) -> Response:
        """`DELETE /internal/assist/conversation`: the caller does not want anything of it kept."""
        case = await self._case(request)
        await self._chat.erase(case.session)
        return Response(status_code=204)

    def router(self) -> APIRouter:
        """The routes; none without a secret."""
        router = APIRouter()
        for path, method, endpoint in (
            ("conversations", "POST", self.begin),
            ("conversation", "DELETE", self.erase),
            ("lookup", "POST", self.lookup),
            ("open", "POST", self.open),
            ("messages", "POST", self.say),
            ("state", "GET", self.state),
            ("history", "GET", self.history),
            ("code", "POST", self.code),
            ("close", "POST", self.close),
        ):
            if self._secret:
                router.add_route(f"/internal/assist/{path}", endpoint, methods=[method])
        return router


def _receipt(typed: str) -> str:
    """Raises ChatError: `malformed`, like the others of these."""
    number = re.sub(r"[\s-]", "", typed).upper()
    if not _RECEIPT.fullmatch(number):
        raise ChatError("malformed")
    return number


def _tracking(typed: str) -> str:
    number = tracking.normalise(typed) or typed.strip().upper()
    if not _TRACKING.fullmatch(number):
        raise ChatError("malformed")
    return number


def _day(typed: str) -> str:
    try:
        return datetime.date.fromisoformat(typed).isoformat()
    except ValueError:
        raise ChatError("malformed") from None


def _always(message: Message, title: str | None) -> Any:
    """What may be pressed without having been shown: the key that was just pressed, and nothing else."""

    def standing(payload: str, _language: Language) -> str | None:
        return title if payload == message.payload else None

    return standing
