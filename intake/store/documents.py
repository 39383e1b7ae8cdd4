"""Papers that belong to a request: rows in the database, sealed files in a store."""

from __future__ import annotations

import hashlib
import logging
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, func, insert, select, update

from intake.store import audit, outbox
from intake.store.base import WITHDRAWN, Transactions, find, tracking_hash
from intake.store.members import Member
from intake.store.requests import Erased, KeyReused
from intake.tables import DocumentRow, ErasureReceipt
from papers.kinds import MEDIA_TYPES, FileType
from triage import tracking
from vault.files import FileMissing, SealedFiles, StoreUnavailable

log = logging.getLogger("intake")

FOLDER = "requests"
_BATCH = 100
_KEY_CHARS = 198


class TooManyDocuments(Exception):
    """The request has as many documents as it may have."""


@dataclass(frozen=True)
class Document:
    """What is known of a document.

    Attributes:
        size: Bytes, as it was sent.
        sha256: Of the file as it was sent.
        scan: `clean` or `not_scanned`.
        new: Stored by this call, not by an earlier one with the same key.
    """

    document_id: str
    kind: str
    name: str
    media_type: str
    size: int
    sha256: str
    pages: int
    scan: str
    received_at: datetime
    new: bool = False


@dataclass(frozen=True)
class Incoming:
    """A document to be stored.

    Attributes:
        key: Idempotency key; empty: the same bytes of the same request are the same document.
        data: What is kept, which may have been made harmless.
        size: Bytes, as it was sent.
        sha256: Of the file as it was sent.
    """

    key: str
    kind: str
    name: str
    file_type: FileType
    data: bytes
    size: int
    sha256: str
    pages: int
    scan: str


def _context(document_id: str) -> str:
    return f"documents.sealed:{document_id}"


def _file_name(document_id: str) -> str:
    return f"{FOLDER}/{document_id}"


class Documents:
    """Everything about documents of requests.

    Args:
        transactions: The database.
        files: Where the files are kept.
        most: So many documents a request may have.
    """

    def __init__(self, transactions: Transactions, files: SealedFiles, most: int) -> None:
        self._transactions = transactions
        self._vault = transactions.vault
        self._files = files
        self._most = most

    @property
    def files(self) -> SealedFiles:
        """Where the files are kept."""
        return self._files

    def known(self, number: str, key: str, sha256: str) -> Document | None:
        """The document that was stored under a key before.

        Raises:
            KeyReused: Another one was.
            Erased: The request is gone.
        """
        return self._transactions.read(lambda connection: self._earlier(connection, number, key, sha256))

    def add(self, number: str, incoming: Incoming) -> Document | None:
        """Store a document, once for each key.

        Returns:
            None when there is no such request.

        Raises:
            KeyReused: Another document came under this key.
            Erased: The request was erased or withdrawn.
            TooManyDocuments: The request has enough.
            StoreUnavailable: The file could not be kept.
        """
        document_id = secrets.token_hex(16)
        self._files.put(_file_name(document_id), incoming.data)

        def work(connection: Connection) -> Document | None:
            row = find(connection, number, lock=True)
            if row is None:
                self._raise_if_erased(connection, number)
                return None
            if row.status == WITHDRAWN:
                raise Erased
            earlier = self._earlier(connection, number, incoming.key, incoming.sha256)
            if earlier is not None:
                return earlier
            if (connection.scalar(_COUNT.where(DocumentRow.request_id == row.id)) or 0) >= self._most:
                raise TooManyDocuments
            now = self._transactions.clock()
            values = {
                "document_id": document_id,
                "kind": incoming.kind,
                "media_type": MEDIA_TYPES[incoming.file_type],
                "size": incoming.size,
                "sha256": incoming.sha256,
                "pages": incoming.pages,
                "scan": incoming.scan,
                "received_at": now,
            }
            sealed = self._vault.seal(incoming.name.encode("utf-8", "replace"), _context(document_id))
            key = _key(row.tracking_number, incoming.key, incoming.sha256)
            places = {"request_id": row.id, "outbox_id": outbox.entry_for_paper(connection, row.id, now)}
            connection.execute(insert(DocumentRow), {**values, **places, "key": key, "sealed": sealed})
            return Document(name=incoming.name, new=True, **values)  # type: ignore[arg-type]

        stored: Document | None = None
        try:
            stored = self._transactions.write(work)
            return stored
        finally:
            if stored is None or stored.document_id != document_id:
                self._remove([document_id])

    def listed(self, number: str) -> list[Document] | None:
        """The documents of a request, in the order in which they came; None when there is no such request."""

        def work(connection: Connection) -> list[Document] | None:
            row = find(connection, number)
            return None if row is None else self._of(connection, row.id)

        return self._transactions.read(work)

    def listed_for(self, member: Member, number: str) -> list[Document] | None:
        """As `listed`, for somebody of the staff, which is recorded."""

        def work(connection: Connection) -> list[Document] | None:
            row = find(connection, number)
            found = None if row is None else self._of(connection, row.id)
            self._note(connection, member, "documents_listed", number, {"found": len(found or ())})
            return found

        return self._transactions.write(work)

    def _note(self, connection: Connection, member: Member, action: str, number: str, after: Mapping[str, Any]) -> None:
        now = self._transactions.clock()
        audit.write(connection, now, member.actor, action, audit.subject_of(number), after=after)

    def contents(self, number: str, outbox_id: int | None = None) -> list[tuple[Document, bytes]]:
        """The documents of a request with their files, for whoever delivers them.

        Args:
            number: Tracking number.
            outbox_id: Only those that go with this outbox entry.

        Raises:
            StoreUnavailable: A file can't be read now.
        """
        wanted = self._transactions.read(
            lambda connection: set(
                connection.scalars(select(DocumentRow.document_id).where(DocumentRow.outbox_id == outbox_id))
            )
        )
        return [
            (one, self._files.get(_file_name(one.document_id)))
            for one in self.listed(number) or ()
            if outbox_id is None or one.document_id in wanted
        ]

    def read(self, member: Member, number: str, document_id: str) -> tuple[Document, bytes] | None:
        """A document for somebody of the staff, which is recorded.

        Raises:
            StoreUnavailable: The file can't be read now.
        """

        def work(connection: Connection) -> Document | None:
            row = find(connection, number)
            papers = [] if row is None else self._of(connection, row.id)
            found = next((one for one in papers if one.document_id == document_id), None)
            after = audit.NOT_FOUND if found is None else {"document_id": document_id, "kind": found.kind}
            self._note(connection, member, "document_read", number, after)
            return found

        found = self._transactions.write(work)
        if found is None:
            return None
        try:
            return found, self._files.get(_file_name(document_id))
        except FileMissing:
            return None

    # ---- erasing and keys

    def erase(self, connection: Connection, request_id: int) -> Callable[[], None] | None:
        """An eraser for `Erasing.erasers`: the rows go with the request, the files after the commit."""
        ids = list(connection.scalars(select(DocumentRow.document_id).where(DocumentRow.request_id == request_id)))
        return (lambda: self._remove(ids)) if ids else None

    def sweep(self, older_than: timedelta) -> int:
        """Remove files that belong to no document, as a crash or an unreachable store leaves them.

        Args:
            older_than: Younger ones may belong to a document that is just being stored.

        Returns:
            How many.
        """
        # Files have the time of the machine, whatever clock the requests go by.
        before = datetime.now().astimezone() - older_than
        ids = [one.name.rpartition("/")[2] for one in self._files.entries(FOLDER) if one.changed_at < before]
        removed = 0
        for start in range(0, len(ids), _BATCH):
            some = ids[start : start + _BATCH]
            owned = self._transactions.read(_owned(some))
            orphans = [one for one in some if one not in owned]
            self._remove(orphans)
            removed += len(orphans)
        return removed

    def reseal(self) -> int:
        """Seal every name and file with the current key.

        Returns:
            How many names and files were sealed with another one before; 0 when nothing is left.
        """
        last = changed = 0
        while rows := self._transactions.read(_after(last)):
            for row_id, document_id, sealed in rows:
                last = row_id
                if self._vault.key_id(sealed) != self._vault.current_key_id:
                    context = _context(document_id)
                    fresh = self._vault.seal(self._vault.open(sealed, context), context)
                    self._transactions.write(_replace(row_id, fresh))
                    changed += 1
        return changed + self._files.reseal_all(FOLDER)

    def pending(self) -> int:
        """How many names and files are sealed with another key than the current one."""
        last = left = 0
        while rows := self._transactions.read(_after(last)):
            last = rows[-1][0]
            left += sum(self._vault.key_id(sealed) != self._vault.current_key_id for _, _, sealed in rows)
        return left + self._files.pending(FOLDER)

    def _remove(self, ids: list[str]) -> None:
        for document_id in ids:
            try:
                self._files.delete(_file_name(document_id))
            except StoreUnavailable as error:
                # The sweep removes it later.
                log.warning("stored file not removed: %s", error)

    # ---- reading

    def _earlier(self, connection: Connection, number: str, key: str, sha256: str) -> Document | None:
        row = find(connection, number)
        if row is None:
            self._raise_if_erased(connection, number)
            return None
        query = select(DocumentRow).where(DocumentRow.key == _key(row.tracking_number, key, sha256))
        found = connection.execute(query.with_only_columns(*_COLUMNS, DocumentRow.request_id)).one_or_none()
        if found is None:
            return None
        if found.request_id != row.id or found.sha256 != sha256:
            raise KeyReused
        return next(one for one in self._of(connection, row.id) if one.document_id == found.document_id)

    def _raise_if_erased(self, connection: Connection, number: str) -> None:
        known = tracking.normalise(number)
        if known is not None and connection.scalar(
            select(ErasureReceipt.receipt).where(ErasureReceipt.tracking_hash == tracking_hash(known))
        ):
            raise Erased

    def _of(self, connection: Connection, request_id: int) -> list[Document]:
        rows = connection.execute(
            select(*_COLUMNS, DocumentRow.sealed).where(DocumentRow.request_id == request_id).order_by(DocumentRow.id)
        )
        return [
            Document(
                document_id=row.document_id,
                kind=row.kind,
                name=self._vault.open(row.sealed, _context(row.document_id)).decode(),
                media_type=row.media_type,
                size=row.size,
                sha256=row.sha256,
                pages=row.pages,
                scan=row.scan,
                received_at=row.received_at,
            )
            for row in rows
        ]


_COUNT = select(func.count()).select_from(DocumentRow)
_COLUMNS = (
    DocumentRow.document_id,
    DocumentRow.kind,
    DocumentRow.media_type,
    DocumentRow.size,
    DocumentRow.sha256,
    DocumentRow.pages,
    DocumentRow.scan,
    DocumentRow.received_at,
)


def _owned(ids: list[str]) -> Callable[[Connection], set[str]]:
    query = select(DocumentRow.document_id).where(DocumentRow.document_id.in_(ids))
    return lambda connection: set(connection.scalars(query))


def _after(last: int) -> Callable[[Connection], list[tuple[int, str, bytes]]]:
    query = select(DocumentRow.id, DocumentRow.document_id, DocumentRow.sealed).where(DocumentRow.id > last)
    query = query.order_by(DocumentRow.id).limit(_BATCH)
    return lambda connection: [(row.id, row.document_id, row.sealed) for row in connection.execute(query)]


def _replace(row_id: int, sealed: bytes) -> Callable[[Connection], None]:
    change = update(DocumentRow).where(DocumentRow.id == row_id).values(sealed=sealed)

    def work(connection: Connection) -> None:
        connection.execute(change)

    return work


def _key(number: str, key: str, sha256: str) -> str:
    """A key of a sender, or one made from request and content; the two can't be the same."""
    if not key:
        return "c:" + hashlib.sha256(f"{number}/{sha256}".encode()).hexdigest()
    # With the mark before it, the longest keys are longer than the column.
    return f"k:{key}" if len(key) <= _KEY_CHARS else "h:" + hashlib.sha256(key.encode()).hexdigest()
