"""Uploaded documents in the database, as single steps. Each function belongs inside one transaction."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Connection, Row, and_, delete, exists, func, insert, select, update

from gateway.tables import conversations, draft_documents, dropped_files

Scan = Literal["clean", "not_scanned", "waiting"]
Note = Literal["added", "removed", "infected"]

KEPT, SENT, REFUSED, REMOVED = "kept", "sent", "refused", "removed"
_THERE = (KEPT, SENT, REFUSED)
_T = draft_documents.c


class TooMany(Exception):
    """The request has as many documents as it may have."""


@dataclass(frozen=True)
class Draft:
    """One document.

    Attributes:
        request: Tracking number of its request; empty while that is a draft.
        name: Its name, sealed.
        size: Bytes as it came.
        sha256: Of the file as it came.
        scan: Whether a scanner has found it clean.
        file_name: Name in the store; None when nothing is kept.
        note: What the engine still has to be told.
        parcel: Documents of the same parcel are handed over as one.
    """

    document_id: str
    conversation_id: str
    request: str
    kind: str
    name: str
    file_type: str
    size: int
    sha256: str
    pages: int
    scan: str
    state: str
    file_name: str | None
    note: str | None
    parcel: str | None
    tries: int
    next_try_at: int
    created_at: int


def _draft(row: Row[Any]) -> Draft:
    return Draft(**{name: value for name, value in row._mapping.items() if name != "seq"})


def _of(connection: Connection, *where: Any) -> list[Draft]:
    return [_draft(row) for row in connection.execute(select(draft_documents).where(*where).order_by(_T.seq))]


def state_of(connection: Connection, conversation_id: str) -> dict[str, Any]:
    """The state after the last turn; empty before the first."""
    state = connection.scalar(select(conversations.c.state).where(conversations.c.id == conversation_id))
    return dict(json.loads(state)) if state else {}


def _request_of(connection: Connection, conversation_id: str) -> str:
    return str(state_of(connection, conversation_id).get("tracking_number") or "")


def present(connection: Connection, conversation_id: str) -> list[Draft]:
    """The documents of the present request of a conversation, in the order in which they came."""
    requests = {"", _request_of(connection, conversation_id)}
    return _of(connection, _T.conversation_id == conversation_id, _T.request.in_(requests), _T.state.in_(_THERE))


def find_same(connection: Connection, conversation_id: str, sha256: str) -> Draft | None:
    """The document with the same bytes, if the present request has one."""
    return next((one for one in present(connection, conversation_id) if one.sha256 == sha256), None)


def find(connection: Connection, conversation_id: str, document_id: str) -> Draft | None:
    """A document of a conversation that is there."""
    where = (_T.conversation_id == conversation_id, _T.document_id == document_id, _T.state.in_(_THERE))
    return next(iter(_of(connection, *where)), None)


def add(connection: Connection, draft: Draft, most: int) -> Draft:
    """Keep a document; the same bytes again are the document that is there, filed as the new kind.

    Args:
        draft: The new document; to which request it belongs is found here.
        most: So many documents a request may have.

    Raises:
        TooMany: It has them already.
        IntegrityError: The conversation is gone, or the same document came in at the same moment.
    """
    # Holds off another process that adds to the same conversation (SQLite has one writer anyway).
    connection.execute(select(conversations.c.id).where(conversations.c.id == draft.conversation_id).with_for_update())
    there = present(connection, draft.conversation_id)
    same = next((one for one in there if one.sha256 == draft.sha256), None)
    if same is not None:
        return refile(connection, same, draft.kind)
    if len(there) >= most:
        raise TooMany
    values = {**draft.__dict__, "request": _request_of(connection, draft.conversation_id)}
    connection.execute(insert(draft_documents).values(values))
    return Draft(**values)


def refile(connection: Connection, draft: Draft, kind: str) -> Draft:
    """Change the kind of a document that has not been handed over."""
    if draft.kind == kind or draft.parcel is not None:
        return draft
    changed = {"kind": kind, "note": draft.note or "added"}
    connection.execute(update(draft_documents).where(_T.document_id == draft.document_id).values(changed))
    return Draft(**{**draft.__dict__, **changed})


def remove(connection: Connection, draft: Draft, note: Note, now: int) -> None:
    """Let a document go; its row stays until the engine knows."""
    _drop_files(connection, [draft.file_name], now)
    connection.execute(
        update(draft_documents)
        .where(_T.document_id == draft.document_id)
        # The bytes may come again.
        .values(state=REMOVED, note=note, file_name=None, sha256=draft.document_id, tries=0, next_try_at=now)
    )


def kinds(documents: Iterable[Draft]) -> list[str]:
    """Each kind among them once, in their order."""
    return list(dict.fromkeys(draft.kind for draft in documents))


def note_of(connection: Connection, document_id: str) -> Draft | None:
    """A document, also one that is gone but the engine does not know yet."""
    return next(iter(_of(connection, _T.document_id == document_id)), None)


def told(connection: Connection, document_id: str) -> None:
    """The engine knows of it."""
    connection.execute(delete(draft_documents).where(_T.document_id == document_id, _T.state == REMOVED))
    connection.execute(update(draft_documents).where(_T.document_id == document_id).values(note=None))


def untold(connection: Connection, now: int, limit: int) -> list[Draft]:
    """Documents the engine should be told of now."""
    return _of(connection, _T.note.is_not(None), _T.next_try_at <= now)[:limit]


def follow(connection: Connection, conversation_id: str, state: dict[str, Any], now: int) -> None:
    """Let the documents go the way of the conversation: along with a request that was stored, or away.

    Args:
        state: The state after the turn that was just finished.
    """
    drafts = and_(_T.conversation_id == conversation_id, _T.request == "")
    number = state.get("tracking_number")
    if number:
        connection.execute(update(draft_documents).where(drafts).values(request=number, next_try_at=now))
        return
    if state.get("outcome") != "cancelled":
        if (state.get("answers") or {}).get("documents"):
            return
        # The engine knew of them and has forgotten them: the person began anew.
        drafts = and_(drafts, _T.note.is_(None))
    names = connection.scalars(select(_T.file_name).where(drafts)).all()
    if names:
        _drop_files(connection, names, now)
        connection.execute(delete(draft_documents).where(drafts))


def drop_all(connection: Connection, conversation_ids: Iterable[str], now: int) -> None:
    """Note the files of conversations that are about to be erased; their rows go with the conversations."""
    for conversation_id in conversation_ids:
        where = _T.conversation_id == conversation_id
        _drop_files(connection, connection.scalars(select(_T.file_name).where(where)).all(), now)


def _drop_files(connection: Connection, names: Sequence[str | None], now: int) -> None:
    rows = [{"name": name, "dropped_at": now} for name in names if name]
    if rows:
        connection.execute(insert(dropped_files), rows)


def dropped(connection: Connection, limit: int) -> list[str]:
    """Stored files that are to be removed."""
    return list(connection.scalars(select(dropped_files.c.name).order_by(dropped_files.c.dropped_at).limit(limit)))


def forget_dropped(connection: Connection, name: str) -> None:
    """A stored file is removed."""
    connection.execute(delete(dropped_files).where(dropped_files.c.name == name))


def unowned(connection: Connection, names: Sequence[str]) -> list[str]:
    """Which of these stored files belong to no document."""
    owned = set(connection.scalars(select(_T.file_name).where(_T.file_name.in_(names))))
    return [name for name in names if name not in owned]


def unscanned(connection: Connection, now: int, limit: int) -> list[Draft]:
    """Documents that wait for the scanner and are due for another try."""
    return _of(connection, _T.scan == "waiting", _T.state == KEPT, _T.next_try_at <= now)[:limit]


def scanned(connection: Connection, document_id: str, scan: Scan, now: int) -> None:
    """The scanner has seen a document, or nobody will."""
    connection.execute(
        update(draft_documents).where(_T.document_id == document_id).values(scan=scan, tries=0, next_try_at=now)
    )


def postpone(connection: Connection, document_ids: Sequence[str], tries: int, at: int) -> None:
    """Try again later."""
    connection.execute(
        update(draft_documents).where(_T.document_id.in_(document_ids)).values(tries=tries, next_try_at=at)
    )


def make_parcels(connection: Connection, now: int) -> None:
    """Decide what is handed over together: the pictures of one kind of one request; every PDF alone.

    Once decided, it stays: what is sent again is the same.
    """
    due = and_(_T.request != "", _T.state == KEPT, _T.parcel.is_(None), _T.scan != "waiting", _T.next_try_at <= now)
    first: dict[tuple[str, str, str], str] = {}
    for draft in _of(connection, due):
        parcel = draft.document_id
        if draft.file_type != "pdf":
            parcel = first.setdefault((draft.conversation_id, draft.request, draft.kind), parcel)
        connection.execute(
            update(draft_documents).where(_T.document_id == draft.document_id).values(parcel=parcel, tries=0)
        )


def due_parcels(connection: Connection, now: int, limit: int) -> list[str]:
    """Parcels to hand over now, oldest first."""
    return list(
        connection.scalars(
            select(_T.parcel)
            .where(_T.state == KEPT, _T.parcel.is_not(None), _T.next_try_at <= now)
            .group_by(_T.parcel)
            .order_by(func.min(_T.seq))
            .limit(limit)
        )
    )


def claim_parcel(connection: Connection, parcel: str, now: int, until: int) -> list[Draft]:
    """Take a parcel for this process until a moment; empty when another one has it, or when it is gone."""
    due = and_(_T.parcel == parcel, _T.state == KEPT)
    drafts = _of(connection, due, _T.next_try_at <= now)
    if drafts:
        taken = connection.execute(
            update(draft_documents).where(due, _T.next_try_at <= now).values(next_try_at=until)
        ).rowcount
        drafts = drafts if taken == len(drafts) else []
    return drafts


def settle_parcel(connection: Connection, parcel: str, state: str, now: int) -> None:
    """A parcel is handed over, or refused for good: what was kept of it is removed."""
    where = _T.parcel == parcel
    _drop_files(connection, connection.scalars(select(_T.file_name).where(where)).all(), now)
    connection.execute(update(draft_documents).where(where).values(state=state, file_name=None))


def waits_for_handover(conversation_id: Any) -> Any:
    """Whether a conversation has documents of a stored request that the intake backend does not have yet (SQL)."""
    return exists().where(_T.conversation_id == conversation_id, _T.request != "", _T.state == KEPT)
