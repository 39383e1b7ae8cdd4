"""What the worker of a messenger asks of the front door: `/internal/people/…` and `/internal/news`.

The worker shows its secret as a bearer token; without one in the settings there are no such routes. It names a person
by a keyed hash, and everything it says through here goes the same way as what is said on the page. Sessions of the same
conversation stay alive beside each other: the messenger's, and the page's.
"""

from __future__ import annotations

import asyncio
import hmac
import json
import re
import secrets
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter
from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import Response

from gateway import language as languages
from gateway import people, rasa, store, waiting
from gateway.answers import Answers
from gateway.bodies import parse_message, parse_object, read_body
from gateway.chat import Chat, iso, json_response
from gateway.errors import ChatError
from gateway.limits import SlidingWindow
from gateway.settings import Settings
from gateway.strings import Strings
from gateway.transfer import Transfer, hash_of
from gateway.turnstile import now_ms
from triage.interview import FREE_TEXT, ON_THE_PAGE

_PERSON = re.compile(r"[a-z]{1,4}-[0-9a-f]{32,56}")
_PLACE = re.compile(r"[a-z]{1,16}")
_LONGEST_WAIT_SECONDS = 25.0
_LOOK_SECONDS = 0.5
# Buttons of the messenger itself, such as its commands, and no part of an answer: what they do stands in the payload.
_PAYLOAD = re.compile(r"/[a-z_]+(\{.*\})?", re.DOTALL)
# Answers in the person's own words: in them, anything may have been written.
_OWN_WORDS = FREE_TEXT | {"receipt_numbers_reason"}


@dataclass(frozen=True)
class _Said:
    """An answer, and the conversation it belongs to."""

    known: people.Person
    answer: str


class Channels:
    """The routes.

    Args:
        chat: where everything is said.
        settings: with the secret of the worker.
        transfer: makes one-time links.
        answers: a person's answers in words.
        words: `web/strings/page.yml`: how dates are written.
    """

    def __init__(self, chat: Chat, settings: Settings, transfer: Transfer, answers: Answers, words: Strings) -> None:
        self._chat = chat
        self._secret = settings.worker_secret.get_secret_value()
        self._transfer = transfer
        self._answers = answers
        self._words = words
        self._wrong_codes = SlidingWindow(chat.limits.failed_resumes_per_minute)

    # ---- who is asking

    async def _read(self, request: Request) -> dict[str, Any]:
        self._check(request)
        body = parse_object(request, await read_body(request, self._chat.limits))
        person = body.get("person")
        if not isinstance(person, str) or not _PERSON.fullmatch(person):
            raise ChatError("malformed")
        return body

    def _check(self, request: Request) -> None:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not hmac.compare_digest(token.strip().encode(), self._secret.encode()):
            raise ChatError("no_session")

    async def _known(self, request: Request, body: dict[str, Any]) -> people.Person:
        """The person with their conversation, whose session is prolonged.

        Raises:
            ChatError: `no_conversation`: they have none (any more).
        """
        expires_at = now_ms() + self._chat.limits.conversation_days * store.DAY

        def look(connection: Connection) -> people.Person | None:
            known = people.find(connection, body["person"])
            if known is not None:
                people.refresh(connection, known, expires_at)
            return known

        known = await self._chat.database.run(look)
        if known is None:
            raise ChatError("no_conversation")
        request.state.conversation = self._chat.tokens.label(known.conversation_id)
        return known

    # ---- opening, going on

    async def open(self, request: Request) -> Response:
        """`POST /internal/people/open` `{person, place, tag}`: find the conversation, or begin one.

        The answer is the greeting in either case; `greeted` is the same as long as it is the same greeting.
        """
        body = await self._read(request)
        place, tag = self._place(body), body.get("tag")
        if not isinstance(tag, str | None):
            raise ChatError("malformed")
        chat = self._chat
        known = await chat.database.run(lambda c: people.find(c, body["person"]))
        if known is None:
            known = await self._begin(request, body["person"], place, tag or "")
        greeting = known.greeting
        answer = await chat.database.run(lambda c: store.answer_of(c, known.conversation_id, greeting))
        if answer is None:  # a cancelled request: what was said before is gone
            answer = json.dumps({"replies": [], "state": await self._state(known)})
        return await self._respond(request, _Said(known, answer))

    async def _begin(self, request: Request, person: str, place: str, tag: str) -> people.Person:
        chat, now, conversation_id = self._chat, now_ms(), secrets.token_hex(16)
        guess = languages.from_tag(tag)
        known = people.Person(person, place, conversation_id, "open")
        await chat.database.run(
            lambda c: store.create_conversation(c, conversation_id, guess or languages.DEFAULT, now)
        )
        finished = await chat.ask_engine(rasa.Turn(conversation_id, "open", "open", "", iso(now), guess))
        expires_at = now_ms() + chat.limits.conversation_days * store.DAY

        def keep(connection: Connection) -> None:
            store.add_greeting(connection, finished, "open", now_ms())
            people.attach(connection, person, place, conversation_id, "open")
            people.refresh(connection, known, expires_at)

        await chat.database.run(keep)
        return known

    async def welcome(self, request: Request) -> Response:
        """`POST /internal/people/welcome` `{person, id}`: back again; the open question is asked once more."""
        body = await self._read(request)
        known = await self._known(request, body)
        message_id = self._own_id(body)
        return await self._respond(request, _Said(known, await self._play_resume(known.conversation_id, message_id)))

    async def resume(self, request: Request) -> Response:
        """`POST /internal/people/resume` `{person, place, code}`: go on in the conversation that a code opens.

        One that needs the year of birth is not opened here (400 `birth_year_needed`): who somebody is is not asked in a
        messenger.
        """
        body = await self._read(request)
        code, person = body.get("code"), body["person"]
        if not isinstance(code, str):
            raise ChatError("malformed")
        chat = self._chat
        self._check_tries(person)
        message_id = f"resume:{(chat.tokens.resume_code_hash(code) or '')[:24]}"
        again = await self._resumed(person, message_id)
        if again is not None:
            return await self._respond(request, again)
        try:
            code_hash, session = await chat.check_code(code)
        except ChatError as error:
            if error.code == "unknown_code":
                self._wrong_codes.add(person)
            raise
        known = people.Person(person, self._place(body), session.conversation_id, message_id)
        return await self._respond(request, await self._move(known, lambda c: store.use_code(c, code_hash, now_ms())))

    async def arrive(self, request: Request) -> Response:
        """`POST /internal/people/arrive` `{person, place, token}`: go on here, by a one-time link from the page."""
        body = await self._read(request)
        token, person = body.get("token"), body["person"]
        if not isinstance(token, str):
            raise ChatError("malformed")
        self._check_tries(person)
        hashed = hash_of(token)
        message_id = f"resume:{hashed[:24]}"
        again = await self._resumed(person, message_id)
        if again is not None:
            return await self._respond(request, again)
        conversation_id = await self._chat.database.run(lambda c: people.transfer_to(c, hashed, now_ms()))
        if conversation_id is None:
            self._wrong_codes.add(person)
            raise ChatError("unknown_code")
        known = people.Person(person, self._place(body), conversation_id, message_id)

        def spend(connection: Connection) -> bool:
            return people.spend_transfer(connection, hashed, now_ms()) is not None

        return await self._respond(request, await self._move(known, spend))

    def _check_tries(self, person: str) -> None:
        seconds = self._wrong_codes.wait(person)
        if seconds:
            raise ChatError("too_many_codes", retry_after=seconds)

    @staticmethod
    def _place(body: dict[str, Any]) -> str:
        place = body.get("place")
        if not isinstance(place, str) or not _PLACE.fullmatch(place):
            raise ChatError("malformed")
        return place

    async def _resumed(self, person: str, message_id: str) -> _Said | None:
        """The same answer once more, if the same was asked for before."""
        known = await self._chat.database.run(lambda c: people.find(c, person))
        if known is None or known.greeting != message_id:
            return None
        return _Said(known, await self._play_resume(known.conversation_id, message_id))

    async def _move(self, known: people.Person, spend: Callable[[Connection], bool]) -> _Said:
        """Have a person go on in a conversation.

        Args:
            known: the person as they will be.
            spend: uses up what opened it; False if that was done meanwhile.

        Raises:
            ChatError: `unknown_code`: it was.
        """
        answer = await self._play_resume(known.conversation_id, known.greeting)
        expires_at = now_ms() + self._chat.limits.conversation_days * store.DAY

        def keep(connection: Connection) -> bool:
            if not spend(connection):
                return False
            people.attach(connection, known.person, known.place, known.conversation_id, known.greeting)
            people.refresh(connection, known, expires_at)
            return True

        if not await self._chat.database.run(keep):
            raise ChatError("unknown_code")
        return _Said(known, answer)

    async def _play_resume(self, conversation_id: str, message_id: str) -> str:
        chat = self._chat

        async def work(lease: store.Lease) -> str:
            answer = await chat.database.run(lambda c: store.answer_of(c, conversation_id, message_id))
            if answer is not None:
                await chat.database.run(lambda c: store.release_lease(c, conversation_id, lease))
                return answer
            beside = store.Beside(message_id, "resume", "")
            at = await chat.database.run(lambda c: store.add_beside(c, conversation_id, beside, now_ms()))
            retry = await chat.database.run(lambda c: waiting.begun(c, conversation_id))
            await chat.finish_retry(conversation_id, retry.message_id if retry else None)
            finished = await chat.ask_engine(rasa.Turn(conversation_id, message_id, "resume", "", iso(at)))
            answer = await chat.database.run(lambda c: store.finish(c, finished, now_ms()))
            if answer is None:
                raise ChatError("no_conversation")
            return answer

        return await chat.in_turn(conversation_id, work, gone="no_conversation")

    # ---- talking

    async def say(self, request: Request) -> Response:
        """`POST /internal/people/messages` `{person, id, text | payload, title?, after?}`.

        `title` stands for a payload of the messenger's own, such as a command, in the history. With `after`, a button
        is pressed only if nothing was said since: else 409 `moved_on`.
        """
        body = await self._read(request)
        known = await self._known(request, body)
        stored_id = self._own_id(body)
        title, after = body.get("title"), body.get("after")
        if not isinstance(title, str | None) or not isinstance(after, str | None):
            raise ChatError("malformed")
        message_id = stored_id.removeprefix(store.OWN_PREFIX)
        message = parse_message({**body, "id": message_id}, self._chat.limits)
        if after is not None:

            def moved_on(connection: Connection) -> bool:
                if store.is_stored(connection, known.conversation_id, stored_id):
                    return False
                return people.last_turn(connection, known.conversation_id) != after

            if await self._chat.database.run(moved_on):
                raise ChatError("moved_on")

        def standing(payload: str, _language: languages.Language) -> str | None:
            return title if title and _PAYLOAD.fullmatch(payload) else None

        answer = await self._chat.say(request, people.token_hash(known.person), message, standing)
        return await self._respond(request, _Said(known, answer))

    def _own_id(self, body: dict[str, Any]) -> str:
        given = body.get("id")
        if not isinstance(given, str) or not 1 <= len(given) <= self._chat.limits.message_id_max_chars // 2:
            raise ChatError("bad_message_id")
        return f"{store.OWN_PREFIX}{people.MESSAGE_PREFIX}{given}"

    async def _state(self, known: people.Person) -> dict[str, Any]:
        _, state = await self._chat.database.run(lambda c: store.history(c, known.conversation_id))
        return dict(json.loads(state)) if state else {}

    async def _respond(self, request: Request, said: _Said) -> Response:
        return json_response(await self._view(said))

    async def _view(self, said: _Said) -> dict[str, Any]:
        """What the worker gets to see: nothing of the answers, which it does not need."""
        known = said.known
        answer = json.loads(said.answer)
        state = answer["state"]
        turn = await self._chat.database.run(lambda c: people.last_turn(c, known.conversation_id))
        return {
            "replies": [
                {name: value for name, value in reply.items() if name != "wording"} for reply in answer["replies"]
            ],
            "state": {name: state.get(name) for name in ("language", "asking", "step", "steps", "outcome")},
            "tracking_number": state.get("tracking_number"),
            "on_page": state.get("outcome") is None and state.get("asking") in ON_THE_PAGE,
            "turn": turn,
            "conversation": self._chat.tokens.label(known.conversation_id),
            "greeted": self._chat.tokens.label(f"{known.conversation_id} {known.greeting}"),
        }

    # ---- beside the talk

    async def answers(self, request: Request) -> Response:
        """`POST /internal/people/answers` `{person}`: the answers in words, without what belongs to the page.

        That is who the person is, and their own words where they were written on the page.
        """
        known = await self._known(request, await self._read(request))
        state = await self._state(known)
        language = languages.as_language(state.get("language")) or languages.DEFAULT
        listed = self._answers.listed(state, language, self._words("months", language), self._words("date", language))
        said_here = await self._chat.database.run(lambda c: people.said_in_messenger(c, known.conversation_id))

        def is_private(slot: str, value: str) -> bool:
            return slot in ON_THE_PAGE or (slot in _OWN_WORDS and value.strip() not in said_here)

        return json_response(
            {
                "language": language,
                "answers": [
                    {"label": item.label, "value": None if is_private(item.slot, item.value) else item.value}
                    for item in listed
                ],
            }
        )

    async def save(self, request: Request) -> Response:
        """`POST /internal/people/save` `{person}` → 201 `{resume_code, expires_at}`."""
        known = await self._known(request, await self._read(request))
        code, expires_at = await self._chat.new_code(store.Session(known.conversation_id, languages.DEFAULT))
        return json_response({"resume_code": code, "expires_at": iso(expires_at)}, 201)

    async def link(self, request: Request) -> Response:
        """`POST /internal/people/link` `{person}` → 201 `{path, expires_at}`: a one-time link to the page."""
        known = await self._known(request, await self._read(request))
        path, expires_at = await self._transfer.new(known.conversation_id)
        return json_response({"path": path, "expires_at": iso(expires_at)}, 201)

    async def erase(self, request: Request) -> Response:
        """`POST /internal/people/erase` `{person}` → 204: the conversation is erased, here and in the engine."""
        body = await self._read(request)
        try:
            known = await self._known(request, body)
        except ChatError:
            return Response(status_code=204)
        await self._chat.erase(store.Session(known.conversation_id, languages.DEFAULT))
        return Response(status_code=204)

    async def news(self, request: Request) -> Response:
        """`GET /internal/news?place=…&after=…&wait=…`: what happened without the messenger; waits for it (seconds).

        What `after` names and everything before it has been passed on, and goes.
        """
        self._check(request)
        place, after = request.query_params.get("place", ""), request.query_params.get("after", "0")
        wait = request.query_params.get("wait", "0")
        if not _PLACE.fullmatch(place) or not after.isdigit() or not wait.isdigit():
            raise ChatError("malformed")
        deadline = time.monotonic() + min(float(wait), _LONGEST_WAIT_SECONDS)
        while True:
            rows = await self._chat.database.run(lambda c: people.read_news(c, place, int(after)))
            if rows or time.monotonic() >= deadline or await request.is_disconnected():
                break
            await asyncio.sleep(_LOOK_SECONDS)
        items = []
        for seq, person, conversation_id, answer in rows:
            item: dict[str, Any] = {"seq": seq, "person": person}
            if answer is None:
                item |= {"erased": self._chat.tokens.label(conversation_id)}
            else:
                item |= await self._view(_Said(people.Person(person, place, conversation_id, ""), answer))
            items.append(item)
        return json_response({"news": items})

    def router(self) -> APIRouter:
        """The routes; none without a secret."""
        router = APIRouter()
        if not self._secret:
            return router
        routes: dict[str, Callable[[Request], Awaitable[Response]]] = {
            "open": self.open,
            "welcome": self.welcome,
            "resume": self.resume,
            "arrive": self.arrive,
            "messages": self.say,
            "answers": self.answers,
            "save": self.save,
            "link": self.link,
            "erase": self.erase,
        }
        for name, endpoint in routes.items():
            router.add_route(f"/internal/people/{name}", endpoint, methods=["POST"])
        router.add_route("/internal/news", self.news, methods=["GET"])
        return router
