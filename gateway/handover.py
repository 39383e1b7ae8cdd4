"""What happens to documents without anybody waiting: telling the engine, scanning later, handing over to the intake
backend, removing. Everything that is due stands in the database, so it survives restarts and is done once it can be.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import httpx
from sqlalchemy import Connection

from gateway import drafts
from gateway.documents import FOLDER, Documents
from gateway.drafts import Draft
from gateway.settings import Settings
from gateway.turnstile import now_ms
from papers.clamav import ScannerUnavailable
from papers.kinds import EXTENSIONS, MEDIA_TYPES, FileType
from papers.names import clean_name
from papers.refusal import Refusal
from vault import VaultError
from vault.files import FileMissing, StoreUnavailable

log = logging.getLogger("gateway.handover")

_BATCH = 50
_CONNECT_SECONDS = 5.0
_SEND_SECONDS = 60.0
# A parcel that a process took is free again after this: then two may send it, which the key makes one document.
_CLAIM_MS = 15_000
_LANGUAGE = "en"
# The same document under the same key is there already, perhaps built by another version of this program.
_THERE = httpx.codes.CONFLICT
# The request was erased, or this document will never be taken.
_NEVER = (
    httpx.codes.GONE,
    httpx.codes.BAD_REQUEST,
    httpx.codes.REQUEST_ENTITY_TOO_LARGE,
    httpx.codes.UNSUPPORTED_MEDIA_TYPE,
    httpx.codes.UNPROCESSABLE_ENTITY,
)


class _Later(Exception):
    """It has to be tried again. The text says why, without anything of the file."""


class Handover:
    """Does what is due with documents, round after round. Several processes may do so on the same database.

    Args:
        documents: The documents.
        settings: Where the intake backend is.
    """

    def __init__(self, documents: Documents, settings: Settings) -> None:
        self._documents = documents
        self._run = documents.chat.database.run
        self._url = settings.intake_url + settings.intake_documents_path
        self._client = httpx.AsyncClient(
            headers=settings.intake_headers,
            timeout=httpx.Timeout(_SEND_SECONDS, connect=_CONNECT_SECONDS),
            trust_env=False,
        )

    async def close(self) -> None:
        """Let go of all connections."""
        await self._client.aclose()

    async def keep_going(self) -> None:
        """Round after round, until cancelled. A round that fails is logged; the next one comes."""
        changed = self._documents.chat.changed
        while True:
            changed.clear()
            try:
                await self.look()
            except Exception:
                log.exception("handing documents over failed")
            try:
                async with asyncio.timeout(self._documents.limits.handover_first_pause_seconds):
                    await changed.wait()
            except TimeoutError:
                continue

    async def look(self) -> None:
        """One round."""
        await self._documents.remove_dropped()
        for draft in await self._run(lambda c: drafts.untold(c, now_ms(), _BATCH)):
            await self._tell(draft)
        for draft in await self._run(lambda c: drafts.unscanned(c, now_ms(), _BATCH)):
            await self._scan(draft)
        await self._run(lambda c: drafts.make_parcels(c, now_ms()))
        for parcel in await self._run(lambda c: drafts.due_parcels(c, now_ms(), _BATCH)):
            await self._hand_over(parcel)

    # ---- telling and scanning

    async def _tell(self, draft: Draft) -> None:
        # Whoever uploads is told in that moment; here is only what did not get through.
        later = now_ms() + self._documents.pause(draft.tries)
        await self._run(lambda c: drafts.postpone(c, [draft.document_id], draft.tries, later))
        await self._documents.tell(draft.conversation_id, draft.document_id)

    async def _scan(self, draft: Draft) -> None:
        scanner, documents = self._documents.scanner, self._documents
        if scanner is None:
            # It was taken away meanwhile: then nobody can say.
            await self._run(lambda c: drafts.scanned(c, draft.document_id, "not_scanned", now_ms()))
            return
        try:
            data = await asyncio.to_thread(documents.files.get, str(draft.file_name))
            verdict = await scanner.scan([data])
        except (ScannerUnavailable, StoreUnavailable, FileMissing, VaultError) as error:
            later = now_ms() + documents.pause(draft.tries)
            log.warning("document not scanned", extra={"reason": type(error).__name__})
            await self._run(lambda c: drafts.postpone(c, [draft.document_id], draft.tries + 1, later))
            return
        if verdict == "clean":
            await self._run(lambda c: drafts.scanned(c, draft.document_id, "clean", now_ms()))
            return
        log.warning("infected file removed")
        await self._run(lambda c: drafts.remove(c, draft, "infected", now_ms()))
        await documents.remove_dropped()
        await documents.tell(draft.conversation_id, draft.document_id)

    # ---- handing over

    async def _hand_over(self, parcel: str) -> None:
        now = now_ms()
        sheets = await self._run(lambda c: drafts.claim_parcel(c, parcel, now, now + _CLAIM_MS))
        if not sheets:
            return
        try:
            state = await self._send(sheets)
        except _Later as error:
            tries = sheets[0].tries + 1
            later = now_ms() + self._documents.pause(sheets[0].tries)
            log.warning("document not handed over", extra={"reason": str(error)})
            ids = [draft.document_id for draft in sheets]
            await self._run(lambda c: drafts.postpone(c, ids, tries, later))
            return
        if state == drafts.REFUSED:
            log.error("ALARM a document of a stored request was refused by the intake backend or can't be read")
        await self._run(lambda c: drafts.settle_parcel(c, parcel, state, now_ms()))
        await self._documents.remove_dropped()

    async def _send(self, sheets: list[Draft]) -> str:
        """Hand one parcel over; returns what becomes of it."""
        first = sheets[0]
        try:
            data, file_type = await self._build(sheets)
        except StoreUnavailable as error:
            raise _Later(str(error)) from None
        except (FileMissing, VaultError, Refusal):
            return drafts.REFUSED
        name = clean_name(_stem(self._documents.name(first)), file_type)
        try:
            response = await self._client.post(
                self._url.replace("{tracking_number}", first.request),
                headers={"Idempotency-Key": str(first.parcel)},
                data={
                    "kind": first.kind,
                    "document_id": str(first.parcel),
                    # One sheet that nobody scanned makes it unscanned.
                    "scan": "clean" if all(draft.scan == "clean" for draft in sheets) else "not_scanned",
                    "pages": str(sum(draft.pages for draft in sheets)),
                },
                files={"file": (name, data, MEDIA_TYPES[file_type])},
            )
        except httpx.HTTPError as error:
            raise _Later(type(error).__name__) from None
        if response.is_success or response.status_code == _THERE:
            return drafts.SENT
        if response.status_code in _NEVER:
            return drafts.REFUSED
        raise _Later(f"status {response.status_code}")

    async def _build(self, sheets: list[Draft]) -> tuple[bytes, FileType]:
        parts = [await asyncio.to_thread(self._documents.files.get, str(draft.file_name)) for draft in sheets]
        if sheets[0].file_type == "pdf":
            return parts[0], "pdf"
        types: list[FileType] = ["png" if draft.file_type == "png" else "jpeg" for draft in sheets]
        pictures = list(zip(types, parts, strict=True))
        title = self._documents.title(sheets[0].kind)
        return await self._documents.sandbox.combine(pictures, title, _LANGUAGE), "pdf"

    # ---- orphans

    async def sweep(self) -> int:
        """Remove stored files that belong to nothing, as a crash between storing and noting leaves them.

        Returns:
            How many.
        """
        before = datetime.now(UTC) - timedelta(minutes=self._documents.limits.orphan_minutes)

        def old() -> list[str]:
            return [entry.name for entry in self._documents.files.entries(FOLDER) if entry.changed_at < before]

        removed = 0
        try:
            names = await asyncio.to_thread(old)
            for start in range(0, len(names), _BATCH):
                for name in await self._run(_unowned(names[start : start + _BATCH])):
                    await asyncio.to_thread(self._documents.files.delete, name)
                    removed += 1
        except StoreUnavailable as error:
            log.warning("orphans not removed", extra={"reason": str(error)})
        return removed


def _unowned(names: list[str]) -> Callable[[Connection], list[str]]:
    return lambda connection: drafts.unowned(connection, names)


def _stem(name: str) -> str:
    """A file name without the ending that the content has no more."""
    stem, dot, extension = name.rpartition(".")
    known = {one for group in EXTENSIONS.values() for one in group}
    return stem if dot and extension.lower() in known else name
