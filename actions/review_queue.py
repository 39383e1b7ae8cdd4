"""The review queue: redacted messages that were not understood, asked back or corrected, kept for a while for a person.

A small database of its own (``review.db`` in ``GUIDE_DATA``, or ``GUIDE_REVIEW_DATABASE_URL``). A row knows its
conversation only by a keyed hash, so that it can be erased with it. Only ``tools.review`` reads the rows.
"""
from __future__ import annotations

import hashlib
import hmac
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.schema import CreateIndex, CreateTable

from triage.content import Content

ROOT = Path(__file__).resolve().parents[1]

REASONS = ("not_understood", "asked_back", "corrected")
# A turn does not wait longer than this for the queue.
BUSY_SECONDS = 1
ID_CHARACTERS = 32

_metadata = sa.MetaData()
messages = sa.Table(
    "review_messages",
    _metadata,
    sa.Column("id", sa.String(ID_CHARACTERS), primary_key=True),
    sa.Column("conversation", sa.String(64), nullable=False, index=True),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("language", sa.String(8), nullable=False),
    sa.Column("asking", sa.String(40)),
    sa.Column("reason", sa.String(20), nullable=False),
    sa.Column("guesses", sa.Text, nullable=False),
    sa.Column("chosen", sa.String(40)),
    sa.Column("kept_on", sa.Date, nullable=False, index=True),
)


@dataclass(frozen=True)
class Entry:
    """One message in the queue.

    Attributes:
        id: Key; the same message of the same conversation has the same one.
        text: Redacted text.
        language: Language of the conversation.
        asking: The question that was open.
        reason: One of ``REASONS``.
        guesses: Likeliest intents with their confidence.
        chosen: The reading the person chose when asked back, if any.
        kept_on: The day.
    """

    id: str
    text: str
    language: str
    asking: str | None
    reason: str
    guesses: tuple[tuple[str, float], ...]
    chosen: str | None
    kept_on: date


class ReviewQueue:
    """The queue. Every method raises ``sqlalchemy.exc.SQLAlchemyError`` when the database fails.

    Args:
        database: SQLAlchemy URL.
        key: Secret for the hashes of conversations.
        days: How long an entry is kept.
        per_conversation: How many entries of one conversation are kept at most.
    """

    def __init__(self, database: str, key: str, days: int, per_conversation: int) -> None:
        self._url = sa.engine.make_url(database)
        self._key = key.encode()
        self._days = days
        self._most = per_conversation
        self._opened: sa.engine.Engine | None = None

    @classmethod
    def from_environment(cls, days: int, per_conversation: int) -> ReviewQueue:
        """The queue of this installation.

        Raises:
            KeyError: ``GUIDE_SECRET`` is not set.
        """
        data = Path(os.environ.get("GUIDE_DATA") or "var").absolute()
        url = os.environ.get("GUIDE_REVIEW_DATABASE_URL") or f"sqlite:///{data / 'review.db'}"
        return cls(url, os.environ["GUIDE_SECRET"], days, per_conversation)

    @classmethod
    @lru_cache(maxsize=1)
    def installed(cls) -> ReviewQueue:
        """The one queue of this process, with the numbers of ``content/settings.yml``."""
        numbers = Content.load(ROOT / "content").settings
        return cls.from_environment(numbers.review_queue_days, numbers.review_queue_per_conversation)

    def row_id(self, conversation: str, message_id: str) -> str:
        """Key of a message: the same when its turn is played again."""
        return self._hash(f"message {conversation} {message_id}")[:ID_CHARACTERS]

    def keep(self, conversation: str, entry: Entry) -> bool:
        """Keep an entry, unless it is there already or the conversation has its share.

        Returns:
            Whether it is there now.
        """
        owner = self._hash(f"conversation {conversation}")
        values = {"id": entry.id, "conversation": owner, "text": entry.text, "language": entry.language,
                  "asking": entry.asking, "reason": entry.reason, "chosen": entry.chosen, "kept_on": entry.kept_on,
                  "guesses": json.dumps([list(guess) for guess in entry.guesses])}
        with self._engine().begin() as connection:
            _expire(connection, entry.kept_on - timedelta(days=self._days))
            known = connection.execute(sa.select(messages.c.reason).where(messages.c.id == entry.id)).first()
            if known is not None:
                connection.execute(sa.update(messages).where(messages.c.id == entry.id).values(reason=entry.reason))
                return True
            count = connection.execute(
                sa.select(sa.func.count()).select_from(messages).where(messages.c.conversation == owner)).scalar()
            if (count or 0) >= self._most:
                return False
            connection.execute(sa.insert(messages).values(**values))
            return True

    def chose(self, row: str, reading: str) -> None:
        """Note which reading the person chose for a message."""
        with self._engine().begin() as connection:
            connection.execute(sa.update(messages).where(messages.c.id == row).values(chosen=reading))

    def remove(self, rows: Iterable[str]) -> None:
        """Delete entries."""
        with self._engine().begin() as connection:
            connection.execute(sa.delete(messages).where(messages.c.id.in_(list(rows))))

    def erase(self, conversation: str) -> None:
        """Delete every entry of a conversation."""
        owner = self._hash(f"conversation {conversation}")
        with self._engine().begin() as connection:
            connection.execute(sa.delete(messages).where(messages.c.conversation == owner))

    def expire(self, today: date) -> int:
        """Delete what is older than its time.

        Returns:
            How many entries.
        """
        with self._engine().begin() as connection:
            return _expire(connection, today - timedelta(days=self._days))

    def entries(self, today: date) -> list[Entry]:
        """Every entry whose time is not over, oldest first."""
        query = sa.select(messages).where(messages.c.kept_on > today - timedelta(days=self._days)).order_by(
            messages.c.kept_on, messages.c.id)
        with self._engine().begin() as connection:
            rows = connection.execute(query).all()
        return [_entry({str(name): value for name, value in row._mapping.items()}) for row in rows]

    def close(self) -> None:
        """Let go of the connections."""
        if self._opened is not None:
            self._opened.dispose()

    def _hash(self, text: str) -> str:
        return hmac.new(self._key, text.encode(), hashlib.sha256).hexdigest()

    def _engine(self) -> sa.engine.Engine:
        if self._opened is None:
            engine = _connect(self._url)
            # Another process may do the same at this moment: looking first and creating then would fail.
            with engine.begin() as connection:
                connection.execute(CreateTable(messages, if_not_exists=True))
                for index in messages.indexes:
                    connection.execute(CreateIndex(index, if_not_exists=True))
            self._opened = engine
        return self._opened


def _expire(connection: sa.engine.Connection, last: date) -> int:
    return int(connection.execute(sa.delete(messages).where(messages.c.kept_on <= last)).rowcount)


def _entry(row: Mapping[str, Any]) -> Entry:
    guesses = tuple((str(name), float(confidence)) for name, confidence in json.loads(row["guesses"]))
    return Entry(row["id"], row["text"], row["language"], row["asking"], row["reason"], guesses, row["chosen"],
                 row["kept_on"])


def _connect(url: sa.engine.URL) -> sa.engine.Engine:
    if url.get_backend_name() != "sqlite":
        options = {"connect_timeout": BUSY_SECONDS, "options": f"-c statement_timeout={BUSY_SECONDS}s"}
        return sa.create_engine(url, future=True, pool_pre_ping=True, pool_size=1, pool_timeout=BUSY_SECONDS,
                                connect_args=options)
    if url.database:
        Path(url.database).parent.mkdir(parents=True, exist_ok=True)
    engine = sa.create_engine(url, future=True, connect_args={"check_same_thread": False, "timeout": BUSY_SECONDS})
    sa.event.listen(engine, "connect", _configure)
    return engine


def _configure(connection: Any, _: Any) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA secure_delete=ON")
    cursor.close()
