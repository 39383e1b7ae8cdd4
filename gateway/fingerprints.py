"""Finding a conversation again by two of receipt number, date of birth and tracking number; a keyed hash is kept."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select

from gateway.language import Language, as_language
from gateway.tables import conversations, fingerprints, people
from gateway.tokens import Tokens
from triage.facts import NONE


@dataclass(frozen=True)
class Found:
    """A conversation that was found; nothing in it says whose it is. Times in milliseconds since 1970, UTC."""

    conversation_id: str
    begun_at: int
    active_at: int
    language: Language | None
    begun_on: str
    state: Mapping[str, Any]


def fingerprints_of(tokens: Tokens, state: Mapping[str, Any]) -> frozenset[str]:
    """One for each pair of two of these that is known: receipt number, date of birth, tracking number."""
    answers, tracking = state.get("answers") or {}, state.get("tracking_number")
    numbers, born = answers.get("receipt_numbers"), answers.get("date_of_birth")
    receipts = [str(number) for number in numbers] if isinstance(numbers, list) else []
    days = [born] if isinstance(born, str) and born != NONE else []
    tracked = [str(tracking)] if tracking else []
    pairs = [*product(receipts, days), *product(tracked, receipts + days)]
    return frozenset(tokens.fingerprint(first, second) for first, second in pairs)


def keep(connection: Connection, conversation_id: str, wanted: frozenset[str]) -> None:
    """Have exactly these lead to a conversation."""
    this = fingerprints.c.conversation_id == conversation_id
    held = frozenset(connection.scalars(select(fingerprints.c.fingerprint).where(this)))
    if held - wanted:
        connection.execute(delete(fingerprints).where(this, fingerprints.c.fingerprint.in_(held - wanted)))
    if wanted - held:
        rows = [{"conversation_id": conversation_id, "fingerprint": one} for one in sorted(wanted - held)]
        connection.execute(insert(fingerprints), rows)


_COLUMNS = (
    conversations.c.id,
    conversations.c.created_at,
    conversations.c.active_at,
    conversations.c.language,
    conversations.c.begun_on,
    conversations.c.state,
    people.c.place,
)


def find(connection: Connection, fingerprint: str, most: int) -> list[Found]:
    """The conversations to which a fingerprint leads, the one used last first."""
    rows = connection.execute(
        select(*_COLUMNS)
        .join(fingerprints, fingerprints.c.conversation_id == conversations.c.id)
        .outerjoin(people, people.c.conversation_id == conversations.c.id)
        .where(fingerprints.c.fingerprint == fingerprint)
        .order_by(conversations.c.active_at.desc())
        .limit(most)
    )
    return [_found(row) for row in rows]


def describe(connection: Connection, conversation_id: str) -> Found | None:
    """One conversation."""
    row = connection.execute(
        select(*_COLUMNS)
        .outerjoin(people, people.c.conversation_id == conversations.c.id)
        .where(conversations.c.id == conversation_id)
    ).first()
    return _found(row) if row else None


def _found(row: Row[Any, Any, Any, Any, Any, Any, Any]) -> Found:
    begun_on = row.begun_on or row.place or "page"
    state = json.loads(row.state) if row.state else {}
    return Found(row.id, row.created_at, row.active_at, as_language(row.language), begun_on, state)
