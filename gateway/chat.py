"""The chat interface: sessions, messages, history, saving, erasing."""

from __future__ import annotations

import asyncio
import datetime
import json
import logging
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter
from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError
from starlette.requests import Request
from starlette.responses import Response

from gateway import language as languages
from gateway import rasa, store, waiting
from gateway.bodies import Message, parse_message, parse_object, read_body
from gateway.database import Database
from gateway.errors import ChatError
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


@dataclass
class Chat:
    """Everything behind the routes of the chat."""

    database: Database
    engine: rasa.Engine
    turnstile: Turnstile
    tokens: Tokens
    links: Links
    limits: Limits

    def __post_init__(self) -> None:
        self._new_sessions = SlidingWindow(self.limits.sessions_per_minute)
        self._wrong_codes = SlidingWindow(self.limits.failed_resumes_per_minute)
        self._saves = SlidingWindow(self.limits.saves_per_minute)
        self._turns: dict[tuple[str, str], asyncio.Task[str]] = {}
        self.changed = asyncio.Event()
        """Set when there may be something to do with documents: handing over, or removing."""

    # ---- who is asking

    def _token_hash(self, request: Request) -> str:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        token_hash = self.tokens.read_session(token.strip(), now_ms()) if scheme.lower() == "bearer" else None
        if token_hash is None:
            raise ChatError("no_session")
        return token_hash

    async def find_session(self, request: Request) -> store.Session:
        """The session of a request; its language becomes the language of refusals.

        Raises:
            ChatError: `no_session`.
        """
        token_hash = self._token_hash(request)
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
        if code is not None:
            return await self._resume(request, code)
        return await self._open(request, guess)

    async def _open(self, request: Request, guess: Language | None) -> Response:
        seconds = self._new_sessions.take(self._address(request))
        if seconds:
            raise ChatError("too_many_sessions", retry_after=seconds)
        conversation_id, now = secrets.token_hex(16), now_ms()
        request.state.conversation = self.tokens.label(conversation_id)
        first = guess or languages.DEFAULT
        await self.database.run(lambda c: store.create_conversation(c, conversation_id, first, now))
        finished = await self._ask_engine(rasa.Turn(conversation_id, "open", "open", "", iso(now), guess))
        token, token_hash, expires_at = self._new_session()

        def keep(connection: Connection) -> None:
            store.add_greeting(connection, finished, "open", now_ms())
            store.add_session(connection, conversation_id, token_hash, expires_at)

        await self.database.run(keep)
        return self._opened(token, expires_at, finished)

    async def _resume(self, request: Request, code: str) -> Response:
        address = self._address(request)
        seconds = self._wrong_codes.wait(address)
        if seconds:
            raise ChatError("too_many_codes", retry_after=seconds)
        code_hash = self.tokens.resume_code_hash(code)
        session = None
        if code_hash is not None:
            session = await self.database.run(lambda c: store.find_code(c, code_hash, now_ms()))
        if code_hash is None or session is None:
            self._wrong_codes.add(address)
            raise ChatError("unknown_code")
        self._remember(request, session)
        conversation_id = session.conversation_id

        async def work(_lease: store.Lease) -> Response:
            await self._finish_retry(conversation_id, session.open_retry)
            turn = rasa.Turn(conversation_id, f"resume:{code_hash[:24]}", "resume", "", iso(now_ms()))
            finished = await self._ask_engine(turn)
            token, token_hash, expires_at = self._new_session()

            def keep(connection: Connection) -> bool:
                if not store.use_code(connection, code_hash, now_ms()):
                    return False
                store.add_greeting(connection, finished, "resume", now_ms())
                store.add_session(connection, conversation_id, token_hash, expires_at)
                return True

            if not await self.database.run(keep):
                raise ChatError("unknown_code")
            return self._opened(token, expires_at, finished)

        return await self._in_turn(conversation_id, work, gone="unknown_code")

    def _new_session(self) -> tuple[str, str, int]:
        expires_at = now_ms() + self.limits.session_hours * HOUR
        return *self.tokens.new_session(expires_at), expires_at

    def _opened(self, token: str, expires_at: int, finished: store.Finished) -> Response:
        answer = json.loads(finished.answer)
        return json_response(
            {
                "session": token,
                "expires_at": iso(expires_at),
                "language": finished.language,
                "greeting": answer["replies"],
                "state": answer["state"],
            },
            201,
        )

    async def end_session(self, request: Request) -> Response:
        """`DELETE /chat/session`."""
        session = await self.find_session(request)
        conversation_id = session.conversation_id

        async def work(_lease: store.Lease) -> None:
            await self.database.run(lambda c: store.erase(c, [conversation_id], now_ms()))

        await self._in_turn(conversation_id, work)
        self.changed.set()
        await self.erase_in_engine(conversation_id)
        return Response(status_code=204)

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
        since = await self.database.run(lambda c: store.unsettled_since(c, conversation_id))
        if since is None:
            return True
        turn = rasa.Turn(conversation_id, f"abandon-{secrets.token_hex(8)}", "abandon", "", iso(now_ms()))
        answer = await self.engine.send(turn)
        if not (answer.pending or {}).get("kind"):
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

    async def _finish_retry(self, conversation_id: str, open_retry: str | None) -> None:
        """Bring a try to its end that broke off, so that nobody misses what came of it."""
        if open_retry is None:
            return
        retry = await self.database.run(lambda c: waiting.begun(c, conversation_id))
        if retry is not None:
            await self._play_retry(conversation_id, retry, lambda _tries: 0)

    async def _play_retry(self, conversation_id: str, retry: waiting.Retry, backoff: Callable[[int], int]) -> None:
        turn = rasa.Turn(conversation_id, retry.message_id, "retry", "", iso(retry.at))
        finished = await self._ask_engine(turn)
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
            await self._finish_retry(conversation_id, retry.message_id if retry else None)
            turn = rasa.Turn(conversation_id, beside.message_id, "documents", beside.text, iso(at))
            finished = await self._ask_engine(turn)

            def finish(connection: Connection) -> bool:
                keep(connection, finished)
                return store.finish(connection, finished, now_ms()) is not None

            if not await self.database.run(finish):
                raise ConversationGone

        await asyncio.shield(self.turnstile.enter(conversation_id, work))

    # ---- messages

    async def send_message(self, request: Request) -> Response:
        """`POST /chat/messages`."""
        token_hash = self._token_hash(request)
        try:
            message = parse_message(parse_object(request, await read_body(request, self.limits)), self.limits)
        except ChatError:
            await self.find_session(request)
            raise
        received, lease = await self._receive(token_hash, message)
        if received is None:
            raise ChatError("no_session")
        self._remember(request, received.session)
        if isinstance(received, store.Refused):
            raise ChatError(received.code, retry_after=received.retry_after)
        if received.answer is not None:
            return json_response(received.answer)
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
        return json_response(await self._result(task))

    async def _receive(
        self, token_hash: str, message: Message
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
        await self._finish_retry(conversation_id, open_retry)
        event: rasa.Event = "payload" if received.event == "payload" else "text"
        turn = rasa.Turn(conversation_id, received.message_id, event, received.text, iso(received.received_at))
        finished = await self._ask_engine(turn)
        answer = await self.database.run(lambda c: store.finish(c, finished, now_ms()))
        if finished.pending is not None and finished.pending.kind is not None:
            # The person is about to hear that it will be sent.
            await self.database.make_durable()
        if answer is None:
            raise ConversationGone
        if finished.state.get("outcome"):
            self.changed.set()
        return answer

    async def _ask_engine(self, turn: rasa.Turn) -> store.Finished:
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
        )

    async def _in_turn[T](
        self, conversation_id: str, work: Callable[[store.Lease], Awaitable[T]], gone: str = "no_session"
    ) -> T:
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
        rows, state = await self.database.run(lambda c: store.history(c, session.conversation_id))
        said: list[dict[str, Any]] = []
        for row in rows:
            if row.event in store.PERSON_EVENTS:
                said.append({"from": "person", "text": row.text, "language": row.language, "at": iso(row.received_at)})
            for reply in json.loads(row.answer)["replies"]:
                said.append({"from": "guide", **reply, "at": iso(row.answered_at)})
        return json_response({"messages": said, "state": json.loads(state) if state else None})

    async def save(self, request: Request) -> Response:
        """`POST /chat/save`."""
        await read_body(request, self.limits)
        session = await self.find_session(request)
        seconds = self._saves.take(session.conversation_id)
        if seconds:
            raise ChatError("too_many_requests", retry_after=seconds)
        code, code_hash = self.tokens.new_resume_code()
        expires_at = now_ms() + self.limits.save_days * DAY
        await self.database.run(lambda c: store.save_code(c, session.conversation_id, code_hash, expires_at))
        return json_response({"resume_code": code, "expires_at": iso(expires_at)}, 201)

    def router(self) -> APIRouter:
        """The routes."""
        router = APIRouter()
        for path, method, endpoint in (
            ("/chat/session", "POST", self.open_session),
            ("/chat/session", "DELETE", self.end_session),
            ("/chat/messages", "POST", self.send_message),
            ("/chat/history", "GET", self.history),
            ("/chat/save", "POST", self.save),
        ):
            router.add_route(path, endpoint, methods=[method])
        return router
