"""Uploads: what a person sends along, checked, made harmless, sealed, and kept with the draft until handed over."""

from __future__ import annotations

import asyncio
import json
import logging
import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter
from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from gateway import drafts, store
from gateway.bodies import read_body
from gateway.chat import Chat, iso, json_response
from gateway.drafts import Draft
from gateway.errors import ChatError
from gateway.language import Language
from gateway.limits import SlidingWindow
from gateway.turnstile import ConversationGone, TurnWaitedTooLong, now_ms
from papers.clamav import Scanner, ScannerUnavailable
from papers.form import Form, FormError, drain, read_form
from papers.kinds import FileType, sniff
from papers.limits import PaperLimits
from papers.names import clean_name
from papers.refusal import Refusal
from papers.sandbox import Sandbox
from papers.spool import Spool
from triage.content import Content
from triage.documents import OTHER, checklist
from triage.facts import facts_from
from vault.files import SealedFiles, StoreUnavailable

log = logging.getLogger("gateway.documents")

FOLDER = "drafts"
EVENT = "documents"
_KIND_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789_-")
_KIND_LENGTH = 64
# What a person sees of the inner states.
_SHOWN = {drafts.KEPT: "kept", drafts.SENT: "sent", drafts.REFUSED: "refused"}
_FORM_CODES = {
    "wrong_type": "wrong_form",
    "malformed": "malformed",
    "too_slow": "malformed",
    "no_file": "no_file",
    "empty_file": "empty_file",
}
_REFUSAL_CODES = {
    "damaged": "damaged_file",
    "encrypted": "encrypted_file",
    "dynamic": "dynamic_file",
    "too_many_pixels": "picture_too_large",
    "too_many_pages": "too_many_pages",
    "too_complex": "file_too_complex",
}


@dataclass
class Documents:
    """The routes for documents, and what they need.

    Attributes:
        limits: Numbers.
        files: Where they are kept, sealed.
        scanner: Looks for malware; None: nothing is scanned, and that is written down.
        wait_for_scanner: While the scanner is away, keep a file unscanned until it is back; else refuse it.
        content: For the kinds and the checklist.
    """

    chat: Chat
    limits: PaperLimits
    files: SealedFiles
    sandbox: Sandbox
    scanner: Scanner | None
    wait_for_scanner: bool
    content: Content

    def __post_init__(self) -> None:
        self._uploads = SlidingWindow(self.limits.uploads_per_minute)
        self._places = asyncio.Semaphore(self.limits.documents_at_once)
        self._items = {item.key: item for item in self.content.documents}

    # ---- routes

    async def upload(self, request: Request) -> Response:
        """`POST /chat/documents`."""
        try:
            session = await self.chat.find_session(request)
            seconds = self._uploads.take(session.conversation_id)
            if seconds:
                raise ChatError("too_many_requests", retry_after=seconds)
        except ChatError as error:
            await self._refuse_unread(request, error)
        with await self._read(request) as form:
            draft = await self._take(session, form)
        await self.tell(draft.conversation_id, draft.document_id)
        self.chat.changed.set()
        return json_response(
            {
                "document_id": draft.document_id,
                "name": self.name(draft),
                "size": draft.size,
                "sha256": draft.sha256,
            },
            201,
        )

    async def listing(self, request: Request) -> Response:
        """`GET /chat/documents`: what is there, and what would help."""
        return json_response(await self.overview(await self.chat.find_session(request)))

    async def overview(self, session: store.Session, language: Language | None = None) -> dict[str, Any]:
        """What is there, what would help, and how much may be sent; in the session's language, or another."""

        def read(connection: Connection) -> tuple[list[Draft], dict[str, Any]]:
            conversation_id = session.conversation_id
            return drafts.present(connection, conversation_id), drafts.state_of(connection, conversation_id)

        there, state = await self.chat.database.run(read)
        language = language or session.language
        return {
            "documents": [self._shown(draft, language) for draft in there],
            "checklist": self._checklist(there, state, language),
            "most": self.limits.documents_max,
            "most_bytes": self.limits.document_max_bytes,
        }

    def kinds(self, language: Language) -> dict[str, str]:
        """Every kind of paper, and what it is called."""
        return {key: item.name[language] for key, item in self._items.items()}

    async def remove(self, request: Request) -> Response:
        """`DELETE /chat/documents/{document_id}`."""
        await read_body(request, self.chat.limits)
        session = await self.chat.find_session(request)
        await self.take_away(session, str(request.path_params["document_id"]))
        return Response(status_code=204)

    async def take_away(self, session: store.Session, document_id: str) -> None:
        """Remove a document that has not been sent.

        Raises:
            ChatError: `no_document` or `already_sent`.
        """

        def remove(connection: Connection) -> None:
            draft = drafts.find(connection, session.conversation_id, document_id)
            if draft is None:
                raise ChatError("no_document")
            if draft.request:
                raise ChatError("already_sent")
            drafts.remove(connection, draft, "removed", now_ms())

        await self.chat.database.run(remove)
        await self.remove_dropped()
        await self.tell(session.conversation_id, document_id)

    def router(self) -> APIRouter:
        """The routes."""
        router = APIRouter()
        router.add_route("/chat/documents", self.upload, methods=["POST"])
        router.add_route("/chat/documents", self.listing, methods=["GET"])
        router.add_route("/chat/documents/{document_id}", self.remove, methods=["DELETE"])
        return router

    # ---- reading

    async def _refuse_unread(self, request: Request, error: ChatError) -> None:
        try:
            finished = await drain(request.stream(), request.headers.get("content-length", ""), self.limits)
        except ClientDisconnect:
            finished = False
        if not finished:
            error.headers["Connection"] = "close"
        raise error

    async def _read(self, request: Request) -> Form:
        try:
            return await read_form(request.stream(), request.headers, self.limits)
        except FormError as error:
            if error.problem == "too_large":
                values = {"limit": str(self.limits.document_max_mib)}
                raise ChatError("file_too_large", close=error.cut, values=values) from None
            raise ChatError(_FORM_CODES[error.problem], close=error.cut) from None
        except ClientDisconnect:
            raise ChatError("malformed", close=True) from None
        except OSError as error:
            # No room for the file while it comes in.
            log.error("upload not read", extra={"reason": type(error).__name__})
            seconds = self.chat.limits.retry_after_seconds
            raise ChatError("not_ready", retry_after=seconds, close=True) from None

    def _kind(self, fields: dict[str, str]) -> str:
        kind = fields.get("kind", "").strip().lower()
        if not 0 < len(kind) <= _KIND_LENGTH or not set(kind) <= _KIND_CHARACTERS:
            raise ChatError("bad_kind")
        # A kind of somebody else's list is a paper all the same.
        return kind if kind in self._items else OTHER

    # ---- keeping

    async def _take(self, session: store.Session, form: Form) -> Draft:
        kind = self._kind(form.fields)
        file_type = sniff(form.file.head)
        if file_type is None:
            raise ChatError("wrong_file_type")
        conversation_id, spool = session.conversation_id, form.file

        def same(connection: Connection) -> Draft | None:
            known = drafts.find_same(connection, conversation_id, spool.sha256)
            if known is not None:
                return drafts.refile(connection, known, kind)
            if len(drafts.present(connection, conversation_id)) >= self.limits.documents_max:
                raise self._too_many()
            return None

        known = await self.chat.database.run(same)
        if known is not None:
            return known
        await self._wait_for_place()
        try:
            return await self._clean_and_keep(conversation_id, kind, spool, file_type, form.file_name)
        finally:
            self._places.release()

    async def _wait_for_place(self) -> None:
        try:
            async with asyncio.timeout(self.limits.document_wait_seconds):
                await self._places.acquire()
        except TimeoutError:
            raise ChatError("not_ready", retry_after=self.chat.limits.retry_after_seconds) from None

    async def _clean_and_keep(
        self, conversation_id: str, kind: str, spool: Spool, file_type: FileType, given_name: str | None
    ) -> Draft:
        scan = await self._scan(spool.chunks())
        try:
            clean = await self.sandbox.clean(spool.chunks(), file_type)
        except Refusal as refusal:
            raise self._refused(refusal) from None
        document_id = secrets.token_hex(16)
        file_name = f"{FOLDER}/{document_id}"
        draft = Draft(
            document_id=document_id,
            conversation_id=conversation_id,
            request="",
            kind=kind,
            name=self.chat.tokens.seal({"name": clean_name(given_name, file_type), "document": document_id}),
            file_type=clean.file_type,
            size=spool.size,
            sha256=spool.sha256,
            pages=clean.pages,
            scan=scan,
            state=drafts.KEPT,
            file_name=file_name,
            note="added",
            parcel=None,
            tries=0,
            next_try_at=0,
            created_at=now_ms(),
        )
        try:
            await asyncio.to_thread(self.files.put, file_name, clean.data)
        except StoreUnavailable as error:
            log.error("document not kept", extra={"reason": str(error)})
            raise ChatError("not_ready", retry_after=self.chat.limits.retry_after_seconds) from None
        kept: Draft | None = None
        try:
            kept = await self._add(draft)
            return kept
        finally:
            if kept is None or kept.document_id != document_id:
                await self._delete(file_name)

    async def _add(self, draft: Draft) -> Draft:
        most = self.limits.documents_max
        for _ in range(2):
            try:
                return await self.chat.database.run(lambda c: drafts.add(c, draft, most))
            except drafts.TooMany:
                raise self._too_many() from None
            except IntegrityError:
                # The same bytes came in twice at the same moment (then the other one is found now), or the person
                # has erased the conversation meanwhile.
                continue
        raise ChatError("no_session")

    def _too_many(self) -> ChatError:
        return ChatError("too_many_documents", values={"limit": str(self.limits.documents_max)})

    def _refused(self, refusal: Refusal) -> ChatError:
        limit = {
            "too_many_pixels": self.limits.image_max_megapixels,
            "too_many_pages": self.limits.pdf_max_pages,
        }.get(refusal.reason, 0)
        return ChatError(_REFUSAL_CODES[refusal.reason], values={"limit": str(limit)})

    async def _scan(self, chunks: Iterable[bytes]) -> drafts.Scan:
        if self.scanner is None:
            return "not_scanned"
        try:
            verdict = await self.scanner.scan(chunks)
        except ScannerUnavailable as error:
            log.warning("scanner unavailable", extra={"reason": str(error)})
            if self.wait_for_scanner:
                return "waiting"
            raise ChatError("scan_unavailable", retry_after=self.chat.limits.retry_after_seconds) from None
        if verdict == "infected":
            log.warning("infected file refused")
            raise ChatError("infected_file")
        return "clean"

    # ---- telling the engine

    async def tell(self, conversation_id: str, document_id: str) -> None:
        """Have the engine know of a change, in the conversation's turn. If it is away, it is told later.

        Raises:
            ChatError: `no_session`: the conversation is gone.
        """
        try:
            await self.chat.play_beside(
                conversation_id,
                lambda connection: self._news(connection, document_id),
                lambda connection, finished: self._told(connection, document_id, finished),
            )
        except (ChatError, TurnWaitedTooLong):
            return
        except ConversationGone:
            raise ChatError("no_session") from None

    def _news(self, connection: Connection, document_id: str) -> store.Beside | None:
        draft = drafts.note_of(connection, document_id)
        if draft is None or draft.note is None:
            return None
        there = drafts.present(connection, draft.conversation_id)
        news = {
            "kinds": drafts.kinds(there),
            "count": len(there),
            "change": draft.note,
            "kind": draft.kind,
            "pages": draft.pages,
        }
        # A change that was told, and did not arrive in the answers, is told again under another name.
        message_id = f"{EVENT}:{draft.note}:{document_id}:{draft.kind}:{draft.tries}"
        return store.Beside(message_id, EVENT, json.dumps(news))

    def _told(self, connection: Connection, document_id: str, finished: store.Finished) -> None:
        draft = drafts.note_of(connection, document_id)
        if draft is None:
            return
        known = (finished.state.get("answers") or {}).get("documents") or ()
        if set(known) != set(drafts.kinds(drafts.present(connection, draft.conversation_id))):
            log.error("the engine did not take a document")
            drafts.postpone(connection, [document_id], draft.tries + 1, now_ms() + self.pause(draft.tries))
            return
        drafts.told(connection, document_id)

    def pause(self, tries: int) -> int:
        """Milliseconds until the next try, after so many."""
        seconds = self.limits.handover_first_pause_seconds * 2 ** min(tries, 20)
        return int(min(seconds, self.limits.handover_longest_pause_seconds) * 1000)

    # ---- removing

    async def remove_dropped(self, limit: int = 100) -> None:
        """Remove the stored files whose documents are gone. What fails is tried again by housekeeping."""
        for name in await self.chat.database.run(lambda c: drafts.dropped(c, limit)):
            if not await self._delete(name):
                return
            await self.chat.database.run(_forgetting(name))

    async def _delete(self, name: str) -> bool:
        try:
            await asyncio.to_thread(self.files.delete, name)
        except StoreUnavailable as error:
            log.warning("stored file not removed", extra={"reason": str(error)})
            return False
        return True

    # ---- showing

    def name(self, draft: Draft) -> str:
        """The name of a document."""
        return (self.chat.tokens.unseal(draft.name) or {}).get("name") or f"document.{draft.file_type}"

    def title(self, kind: str) -> str:
        """A kind in the language of the office."""
        return self._items[kind if kind in self._items else OTHER].label["en"]

    def _shown(self, draft: Draft, language: Language) -> dict[str, Any]:
        waiting = draft.state == drafts.KEPT and draft.scan == "waiting"
        return {
            "document_id": draft.document_id,
            "kind": draft.kind,
            "label": self._items[draft.kind if draft.kind in self._items else OTHER].name[language],
            "name": self.name(draft),
            "size": draft.size,
            "sha256": draft.sha256,
            "pages": draft.pages,
            "state": "waiting_for_scan" if waiting else _SHOWN[draft.state],
            "at": iso(draft.created_at),
        }

    def _checklist(self, there: list[Draft], state: dict[str, Any], language: Language) -> list[dict[str, Any]]:
        answers = {key: value for key, value in (state.get("answers") or {}).items() if key != "language"}
        grounds = state.get("grounds") or answers.get("grounds") or ()
        kinds = {draft.kind for draft in there}
        return [
            {
                "kind": paper.kind,
                "label": paper.item.label[language],
                "reason": paper.item.reason[language],
                "required": paper.required,
                "there": paper.kind in kinds,
            }
            for paper in checklist(self.content.documents, facts_from(answers), grounds)
        ]


def _forgetting(name: str) -> Callable[[Connection], None]:
    return lambda connection: drafts.forget_dropped(connection, name)
