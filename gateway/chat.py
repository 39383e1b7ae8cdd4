"""The chat interface: sessions, messages, history, saving, erasing."""

from __future__ import annotations

import asyncio
import datetime
import json
import logging
import secrets
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter
from sqlalchemy import Connection, Row
from sqlalchemy.exc import IntegrityError
from starlette.requests import Request
from starlette.responses import Response

from gateway import language as languages
from gateway import page_cookie, people, rasa, store, waiting, wording
from gateway.bodies import Message, parse_birth_year, parse_message, parse_object, read_body
from gateway.database import Database
from gateway.errors import ChatError
from gateway.fingerprints import fingerprints_of
from gateway.language import Language
from gateway.limits import SlidingWindow
from gateway.links import Links
from gateway.settings import Limits
from gateway.store import DAY, HOUR
from gateway.tokens import Tokens
from gateway.turnstile import ConversationGone, Turnstile, TurnWaitedTooLong, now_ms

log = logging.getLogger("gateway.chat")


def iso(milliseconds: int) -> str:
    """ISO 8601 in UTC, such as `2026-11-24T09:30:00.125Z`."""
    moment = datetime.datetime.fromtimestamp(milliseconds / 1000, datetime.UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def json_response(content: Any, status: int = 200) -> Response:
    """A JSON answer that no cache keeps."""
    body = content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)
    # What cannot be written as UTF-8 (half characters) must not break the answer.
    return Response(body.encode("utf-8", "replace"), status, media_type="application/json")


def asked_for(request: Request, name: str) -> Language | None:
    """A language named in the query.

    Raises:
        ChatError: `malformed`: it is none of ours.
    """
    value = request.query_params.get(name)
    language = languages.as_language(value)
    if value is not None and language is None:
        raise ChatError("malformed")
    return language


@dataclass(frozen=True)
class Opened:
    """A session that was opened: its token, when it ends (milliseconds), and what the person is told."""

    token: str
    expires_at: int
    finished: store.Finished


@dataclass
class Chat:
    """Everything behind the routes of the chat.

    Attributes:
        phone: The office's number, for whom nothing else helps.
        standing: The title of a button that is always there, such as those that change an answer; None for any other.
    """

    database: Database
    engine: rasa.Engine
    turnstile: Turnstile
    tokens: Tokens
    links: Links
    limits: Limits
    phone: str
    standing: Callable[[str, Language], str | None] = lambda _payload, _language: None

    def __post_init__(self) -> None:
        self._new_sessions = SlidingWindow(self.limits.sessions_per_minute)
        self._wrong_codes = SlidingWindow(self.limits.failed_resumes_per_minute)
        self._saves = SlidingWindow(self.limits.saves_per_minute)
        self._turns: dict[tuple[str, str], asyncio.Task[str]] = {}
        self.changed = asyncio.Event()
        """Set when there may be something to do with documents: handing over, or removing."""

    # ---- who is asking

    def token_hash(self, request: Request) -> str:
        """The stored hash of the token a request carries: in its header, or in the cookie of the page.

        Raises:
            ChatError: `no_session`.
        """
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if not token:
            scheme, token = "bearer", page_cookie.read(request) or ""
        token_hash = self.tokens.read_session(token.strip(), now_ms()) if scheme.lower() == "bearer" else None
        if token_hash is None:
            raise ChatError("no_session")
        return token_hash

    def expires_at(self, request: Request) -> int:
        """When the session of a request ends, in milliseconds; 0 if it carries none."""
        _, _, token = request.headers.get("authorization", "").partition(" ")
        return self.tokens.expires_at(token.strip() or page_cookie.read(request) or "")

    async def find_session(self, request: Request) -> store.Session:
        """The session of a request; its language becomes the language of refusals.

        Raises:
            ChatError: `no_session`.
        """
        token_hash = self.token_hash(request)
        session = await self.database.run(lambda c: store.find_session(c, token_hash, now_ms()))
        if session is None:
            raise ChatError("no_session")
        self._remember(request, session)
        return session

    def _remember(self, request: Request, session: store.Session) -> None:
        request.state.language = session.language
        request.state.conversation = self.tokens.label(session.conversation_id)

    def _address(self, request: Request) -> str:
        return self.tokens.label(request.client.host if request.client else "")

    # ---- sessions

    async def open_session(self, request: Request) -> Response:
        """`POST /chat/session`."""
        body = parse_object(request, await read_body(request, self.limits), may_be_empty=True)
        wanted, code = body.get("language"), body.get("resume_code")
        if not isinstance(wanted, str | None) or not isinstance(code, str | None):
            raise ChatError("malformed")
        guess = languages.from_tag(wanted or "") or languages.from_header(request.headers.get("accept-language"))
        if guess is not None:
            request.state.language = guess
        beside = asked_for(request, "beside")
        if code is None:
            return self._opened(await self.start(request, guess), beside)
        return self._opened(await self.go_on(request, code, parse_birth_year(body.get("birth_year"))), beside)

    async def start(self, request: Request, guess: Language | None) -> Opened:
        """Open a new conversation.

        Raises:
            ChatError: `too_many_sessions` or `not_ready`.
        """
        seconds = self._new_sessions.take(self._address(request))
        if seconds:
            raise ChatError("too_many_sessions", retry_after=seconds)
        conversation_id, now = secrets.token_hex(16), now_ms()
        request.state.conversation = self.tokens.label(conversation_id)
        first = guess or languages.DEFAULT
        await self.database.run(lambda c: store.create_conversation(c, conversation_id, first, now))
        finished = await self.ask_engine(rasa.Turn(conversation_id, "open", "open", "", iso(now), guess))
        token, token_hash, expires_at = self._new_session()

        def keep(connection: Connection) -> None:
            store.add_greeting(connection, finished, "open", now_ms())
            store.add_session(connection, conversation_id, token_hash, expires_at)

        await self.database.run(keep)
        return Opened(token, expires_at, finished)

    async def go_on(self, request: Request, code: str, birth_year: int | None = None) -> Opened:
        """Open a session on the conversation that was saved under a code; its earlier session ends.

        Raises:
            ChatError: `too_many_codes`, `not_ready`, or as `check_code`.
        """
        address = self._address(request)
        seconds = self._wrong_codes.wait(address)
        if seconds:
            raise ChatError("too_many_codes", retry_after=seconds)
        answered_at = time.monotonic() + self.limits.wrong_code_seconds
        try:
            code_hash, session = await self.check_code(code, birth_year)
        except ChatError as error:
            if error.code == "unknown_code":
                self._wrong_codes.add(address)
                # A wrong year is written down, an unknown code is not: the time it takes must not tell.
                await asyncio.sleep(answered_at - time.monotonic())
            raise
        self._remember(request, session)
        conversation_id = session.conversation_id

        async def work(_lease: store.Lease) -> Opened:
            await self.finish_retry(conversation_id, session.open_retry)
            turn = rasa.Turn(conversation_id, f"resume:{code_hash[:24]}", "resume", "", iso(now_ms()))
            finished = await self.ask_engine(turn)
            token, token_hash, expires_at = self._new_session()

            def keep(connection: Connection) -> bool:
                if not store.use_code(connection, code_hash, now_ms()):
                    return False
                store.add_greeting(connection, finished, "resume", now_ms())
                store.add_session(connection, conversation_id, token_hash, expires_at)
                return True

            if not await self.database.run(keep):
                raise ChatError("unknown_code")
            return Opened(token, expires_at, finished)

        return await self.in_turn(conversation_id, work, gone="unknown_code")

    async def check_code(self, code: str, birth_year: int | None = None) -> tuple[str, store.Session]:
        """The hash of a resume code, and the conversation that it opens; a wrong year of birth is counted.

        Raises:
            ChatError: `unknown_code`, also for a wrong year; `birth_year_needed`; `code_locked`.
        """
        code_hash = self.tokens.resume_code_hash(code)
        if code_hash is None:
            raise ChatError("unknown_code")
        birth_hash = None if birth_year is None else self.tokens.birth_year_hash(code, birth_year)
        most = self.limits.wrong_years_per_code
        found = await self.database.run(lambda c: store.try_code(c, code_hash, birth_hash, now_ms(), most))
        if isinstance(found, store.Session):
            return code_hash, found
        raise ChatError(found, values={"phone": self.phone})

    def _new_session(self) -> tuple[str, str, int]:
        expires_at = now_ms() + self.limits.session_hours * HOUR
        return *self.tokens.new_session(expires_at), expires_at

    def _opened(self, opened: Opened, beside: Language | None) -> Response:
        answer = json.loads(opened.finished.answer)
        greeting = self.worded(answer["replies"], opened.finished.wording, None, beside)
        return json_response(
            {
                "session": opened.token,
                "expires_at": iso(opened.expires_at),
                "language": opened.finished.language,
                "greeting": greeting,
                "state": answer["state"],
            },
            201,
        )

    async def end_session(self, request: Request) -> Response:
        """`DELETE /chat/session`."""
        await self.erase(await self.find_session(request))
        return Response(status_code=204)

    async def renew_session(self, request: Request) -> Response:
        """`POST /chat/session/renew`: more time; the token before it ends soon."""
        await read_body(request, self.limits)
        session = await self.find_session(request)
        token, expires_at = await self.renew(session, self.token_hash(request))
        response = json_response({"session": token, "expires_at": iso(expires_at)})
        if page_cookie.read(request):
            page_cookie.put(response, request, token)
        return response

    async def renew(self, session: store.Session, token_hash: str) -> tuple[str, int]:
        """A new token for a session, and when it ends; what is on its way with the old one still gets through."""
        token, new_hash, expires_at = self._new_session()
        grace = now_ms() + int(self.limits.engine_answer_seconds + self.limits.turn_wait_seconds) * 1000
        await self.database.run(
            lambda c: store.renew_session(c, session.conversation_id, token_hash, new_hash, expires_at, grace)
        )
        return token, expires_at

    async def erase(self, session: store.Session) -> None:
        """Erase a conversation and everything in it.

        Raises:
            ChatError: `not_ready`: an answer is still being worked on.
        """
        conversation_id = session.conversation_id

        async def work(_lease: store.Lease) -> None:
            await self.database.run(lambda c: store.erase(c, [conversation_id], now_ms(), by_person=True))

        await self.in_turn(conversation_id, work)
        self.changed.set()
        await self.erase_in_engine(conversation_id)

    async def erase_in_engine(self, conversation_id: str) -> bool:
        """Have the engine erase what was erased here; housekeeping does later what cannot be done now.

        What the engine may have sent without a receipt is taken back first. If the intake backend does not answer to
        that, the engine keeps nothing of the person, but what it needs to take it back.

        Returns:
            Whether the engine answers.
        """
        try:
            if not await self._give_up(conversation_id):
                return True
            await self.engine.erase(conversation_id)
        except rasa.EngineUnavailable as error:
            log.warning(
                "erasure waits", extra={"reason": str(error), "conversation": self.tokens.label(conversation_id)}
            )
            return False
        await self.database.run(lambda c: store.erased(c, conversation_id))
        return True

    async def _give_up(self, conversation_id: str) -> bool:
        """Have the engine take back what it may have sent of an erased conversation; whether nothing of it is left."""
        found = await self.database.run(lambda c: store.unsettled_since(c, conversation_id))
        if found is None:
            return True
        since, unheard = found
        event: rasa.Event = "undo" if unheard else "abandon"
        turn = rasa.Turn(conversation_id, f"{event}-{secrets.token_hex(8)}", event, "", iso(now_ms()))
        pending = (await self.engine.send(turn)).pending or {}
        if not (pending.get("kind") or pending.get("unsettled")):
            return True
        label = self.tokens.label(conversation_id)
        if now_ms() - since < self.limits.unsent_days * DAY:
            log.warning("taking back waits", extra={"conversation": label})
            return False
        log.error("ALARM given up: a request may be stored whose person erased it", extra={"conversation": label})
        return True

    # ---- what waits to be sent

    async def try_unsent(self, conversation_id: str, backoff: Callable[[int], int]) -> None:
        """Have the engine try again to hand over what waits, in the conversation's turn.

        Args:
            backoff: milliseconds until the next try, by the number of tries so far.
        """

        async def work(lease: store.Lease) -> None:
            fresh_id = f"retry-{secrets.token_hex(8)}"
            quiet = int(self.limits.unsent_quiet_seconds * 1000)
            retry = await self.database.run(lambda c: waiting.begin(c, conversation_id, fresh_id, now_ms(), quiet))
            if retry is not None:
                try:
                    await self._play_retry(conversation_id, retry, backoff)
                except ChatError:
                    until = now_ms() + int(self.limits.unsent_first_pause_seconds * 1000)
                    await self.database.run(lambda c: waiting.put_off(c, conversation_id, until))
            await self.database.run(lambda c: store.release_lease(c, conversation_id, lease))

        try:
            await asyncio.shield(self.turnstile.enter(conversation_id, work))
        except (TurnWaitedTooLong, ConversationGone):
            return

    async def finish_retry(self, conversation_id: str, open_retry: str | None) -> None:
        """Bring a try to its end that broke off, so that nobody misses what came of it."""
        if open_retry is None:
            return
        retry = await self.database.run(lambda c: waiting.begun(c, conversation_id))
        if retry is not None:
            await self._play_retry(conversation_id, retry, lambda _tries: 0)

    async def _play_retry(self, conversation_id: str, retry: waiting.Retry, backoff: Callable[[int], int]) -> None:
        turn = rasa.Turn(conversation_id, retry.message_id, "retry", "", iso(retry.at))
        finished = await self.ask_engine(turn)
        spoke = bool(json.loads(finished.answer)["replies"])
        give_up = self.limits.unsent_days * DAY
        await self.database.run(lambda c: store.finish_retry(c, finished, spoke, backoff, give_up, now_ms()))

    def _pending(self, told: dict[str, Any] | None) -> waiting.Pending | None:
        if told is None:
            return None
        after, kind, error = told.get("after"), told.get("kind"), told.get("error")
        asked = float(after) if isinstance(after, int | float) else 0.0
        pause = min(max(self.limits.unsent_first_pause_seconds, asked), self.limits.unsent_longest_pause_seconds)
        return waiting.Pending(
            str(kind)[:16] if kind else None,
            str(error)[:40] if error else None,
            int(pause * 1000),
            bool(told.get("unsettled")),
        )

    # ---- what happens beside the talk

    async def play_beside(
        self,
        conversation_id: str,
        compose: Callable[[Connection], store.Beside | None],
        keep: Callable[[Connection, store.Finished], None],
    ) -> None:
        """Tell the engine of something in a turn of its own; what it says goes into the history.

        Args:
            compose: what is to be told when the turn has come; None: nothing any more.
            keep: stores what comes of it, in the transaction that keeps the answer.

        Raises:
            ChatError: `not_ready`: the engine was not told.
            TurnWaitedTooLong, ConversationGone: likewise.
        """

        async def work(lease: store.Lease) -> None:
            def begin(connection: Connection) -> tuple[store.Beside, int] | None:
                beside = compose(connection)
                if beside is None:
                    store.release_lease(connection, conversation_id, lease)
                    return None
                return beside, store.add_beside(connection, conversation_id, beside, now_ms())

            begun = await self.database.run(begin)
            if begun is None:
                return
            beside, at = begun
            retry = await self.database.run(lambda c: waiting.begun(c, conversation_id))
            await self.finish_retry(conversation_id, retry.message_id if retry else None)
            turn = rasa.Turn(conversation_id, beside.message_id, "documents", beside.text, iso(at))
            finished = await self.ask_engine(turn)

            def finish(connection: Connection) -> bool:
                keep(connection, finished)
                return store.finish(connection, finished, now_ms(), heard=False) is not None

            if not await self.database.run(finish):
                raise ConversationGone

        await asyncio.shield(self.turnstile.enter(conversation_id, work))

    # ---- messages

    async def send_message(self, request: Request) -> Response:
        """`POST /chat/messages`."""
        token_hash = self.token_hash(request)
        try:
            message = parse_message(parse_object(request, await read_body(request, self.limits)), self.limits)
        except ChatError:
            await self.find_session(request)
            raise
        beside = asked_for(request, "beside")
        answer = await self.say(request, token_hash, message)
        if beside is None:
            return json_response(answer)
        stored = await self.database.run(lambda c: store.wording_of(c, token_hash, message.id))
        content = json.loads(answer)
        return json_response({**content, "replies": self.worded(content["replies"], stored, None, beside)})

    async def say(
        self,
        request: Request,
        token_hash: str,
        message: Message,
        standing: Callable[[str, Language], str | None] | None = None,
    ) -> str:
        """Have a message answered; the same message again gets the same answer.

        Args:
            standing: in place of the chat's own, for whoever has other buttons that are always there.

        Returns:
            The answer, as JSON.

        Raises:
            ChatError: there is no such session, the message may not be sent, or `not_ready`.
        """
        received, lease = await self._receive(token_hash, message, standing or self.standing)
        if received is None:
            raise ChatError("no_session")
        self._remember(request, received.session)
        if isinstance(received, store.Refused):
            raise ChatError(received.code, retry_after=received.retry_after)
        if received.answer is not None:
            return received.answer
        key = (received.session.conversation_id, received.message_id)
        task = self._turns.get(key)
        if task is not None and received.leased:
            await self.database.run(lambda c: store.release_lease(c, received.session.conversation_id, lease))
        if task is None:
            task = self.turnstile.enter(
                received.session.conversation_id,
                lambda lease: self._turn(received, lease),
                lease if received.leased else None,
            )
            self._turns[key] = task
            task.add_done_callback(lambda _done: self._turns.pop(key, None))
        return await self._result(task)

    async def _receive(
        self, token_hash: str, message: Message, standing: Callable[[str, Language], str | None]
    ) -> tuple[store.Received | store.Refused | None, store.Lease]:
        lease = self.turnstile.new_lease()

        def receive(connection: Connection) -> store.Received | store.Refused | None:
            return store.receive(
                connection,
                token_hash,
                message,
                now_ms(),
                self.limits.messages_per_minute,
                lease,
                self.turnstile.is_free,
                standing,
            )

        try:
            return await self.database.run(receive), lease
        except IntegrityError:
            # The same message came in twice at the same moment, in another process: now it is there.
            return await self.database.run(receive), lease

    async def _turn(self, received: store.Received, lease: store.Lease) -> str:
        conversation_id, open_retry = received.session.conversation_id, received.session.open_retry
        if not received.leased:
            retry = await self.database.run(lambda c: waiting.begun(c, conversation_id))
            open_retry = retry.message_id if retry else None
            answer = await self.database.run(lambda c: store.answer_of(c, conversation_id, received.message_id))
            if answer is not None:
                await self.database.run(lambda c: store.release_lease(c, conversation_id, lease))
                return answer
        await self.finish_retry(conversation_id, open_retry)
        event: rasa.Event = "payload" if received.event == "payload" else "text"
        turn = rasa.Turn(
            conversation_id,
            received.message_id,
            event,
            received.text,
            iso(received.received_at),
            elsewhere=people.is_from_messenger(received.message_id),
        )
        finished = await self.ask_engine(turn)
        answer = await self.database.run(lambda c: store.finish(c, finished, now_ms()))
        if finished.pending is not None and finished.pending.kind is not None:
            # The person is about to hear that it will be sent.
            await self.database.make_durable()
        if answer is None:
            raise ConversationGone
        if finished.state.get("outcome"):
            self.changed.set()
        return answer

    async def ask_engine(self, turn: rasa.Turn) -> store.Finished:
        """Have one turn answered; nothing of it is stored yet.

        Raises:
            ChatError: `not_ready`.
        """
        try:
            answer = await self.engine.send(turn)
        except rasa.EngineUnavailable as error:
            label = self.tokens.label(turn.conversation_id)
            log.warning("engine unavailable", extra={"reason": str(error), "conversation": label})
            raise ChatError("not_ready", retry_after=self.limits.retry_after_seconds) from None
        replies = [self.links.public_reply(reply, turn.conversation_id) for reply in answer.replies]
        public: dict[str, Any] = {"replies": replies, "state": answer.state}
        if turn.message_id.startswith(store.OWN_PREFIX):
            public = {"id": turn.message_id.removeprefix(store.OWN_PREFIX), **public}
        return store.Finished(
            turn.conversation_id,
            turn.message_id,
            json.dumps(public, ensure_ascii=False).encode("utf-8", "replace").decode(),
            answer.state,
            answer.language,
            {button["payload"]: button["title"] for reply in replies for button in reply.get("buttons", ())},
            self._pending(answer.pending),
            wording=wording.pack(answer.replies),
            origins=answer.origins,
            fingerprints=fingerprints_of(self.tokens, answer.state),
        )

    async def in_turn[T](
        self, conversation_id: str, work: Callable[[store.Lease], Awaitable[T]], gone: str = "no_session"
    ) -> T:
        """Do a piece of work when it is its turn.

        Args:
            gone: code of the refusal if the conversation was erased meanwhile.

        Raises:
            ChatError: `not_ready`, or `gone`.
        """
        return await self._result(self.turnstile.enter(conversation_id, work), gone)

    async def _result[T](self, task: asyncio.Task[T], gone: str = "no_session") -> T:
        """What a piece of work came to. The work goes on if the client hangs up."""
        try:
            return await asyncio.shield(task)
        except TurnWaitedTooLong:
            raise ChatError("not_ready", retry_after=self.limits.retry_after_seconds) from None
        except ConversationGone:
            raise ChatError(gone) from None

    # ---- looking back, saving

    async def history(self, request: Request) -> Response:
        """`GET /chat/history`."""
        session = await self.find_session(request)
        language, beside = asked_for(request, "language"), asked_for(request, "beside")
        return json_response(await self.look_back(session, language, beside))

    async def look_back(
        self, session: store.Session, language: Language | None = None, beside: Language | None = None
    ) -> dict[str, Any]:
        """`{messages, state}`: everything that was said, in order.

        Args:
            language: in which the guide's part is shown; None: as it was said.
            beside: in which it is shown beside that, too.
        """

        def read(connection: Connection) -> tuple[Sequence[Row[*tuple[Any, ...]]], str | None]:
            waiting.heard(connection, session.conversation_id)
            return store.history(connection, session.conversation_id)

        rows, state = await self.database.run(read)
        said: list[dict[str, Any]] = []
        for row in rows:
            if row.event in store.PERSON_EVENTS:
                said.append({"from": "person", "text": row.text, "language": row.language, "at": iso(row.received_at)})
            replies = json.loads(row.answer)["replies"]
            for reply in self.worded(replies, row.wording, language, beside):
                said.append({"from": "guide", **reply, "at": iso(row.answered_at)})
        return {"messages": said, "state": json.loads(state) if state else None}

    def worded(
        self, replies: list[dict[str, Any]], stored: str | None, language: Language | None, beside: Language | None
    ) -> list[dict[str, Any]]:
        """Replies in a language, with another beside it, from what is stored of their wording."""
        if language is None and beside is None:
            return replies
        shown = []
        for reply, words in zip(replies, wording.unpack(stored, replies), strict=True):
            if language is not None:
                reply = wording.in_language(reply, words, language, self.links)
            if beside is not None:
                reply = wording.with_beside(reply, words, beside)
            shown.append(reply)
        return shown

    async def save(self, request: Request) -> Response:
        """`POST /chat/save` `{birth_year?}`: with it, the code opens together with that year only."""
        body = await read_body(request, self.limits)
        session = await self.find_session(request)
        given = parse_object(request, body, may_be_empty=True)
        code, expires_at = await self.new_code(session, parse_birth_year(given.get("birth_year")))
        return json_response({"resume_code": code, "expires_at": iso(expires_at)}, 201)

    async def new_code(
        self, session: store.Session, birth_year: int | None = None, form: str | None = None
    ) -> tuple[str, int]:
        """A code to go on with later, and until when it is good (milliseconds); an earlier one no longer works.

        Args:
            birth_year: needed to open it, besides the code; None: the code alone opens.
            form: names the form that asks; sent again, it gets the code it got before.

        Raises:
            ChatError: `too_many_requests`.
        """
        seconds = self._saves.take(session.conversation_id)
        if seconds:
            raise ChatError("too_many_requests", retry_after=seconds)
        code, code_hash = self.tokens.new_resume_code(f"{session.conversation_id} {form}" if form else None)
        birth_hash = None if birth_year is None else self.tokens.birth_year_hash(code, birth_year)
        expires_at = now_ms() + self.limits.save_days * DAY
        await self.database.run(
            lambda c: store.save_code(c, session.conversation_id, code_hash, expires_at, birth_hash)
        )
        return code, expires_at

    def router(self) -> APIRouter:
        """The routes."""
        router = APIRouter()
        for path, method, endpoint in (
            ("/chat/session", "POST", self.open_session),
            ("/chat/session", "DELETE", self.end_session),
            ("/chat/session/renew", "POST", self.renew_session),
            ("/chat/messages", "POST", self.send_message),
            ("/chat/history", "GET", self.history),
            ("/chat/save", "POST", self.save),
        ):
            router.add_route(path, endpoint, methods=[method])
        return router
