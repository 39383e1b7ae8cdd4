"""One row per conversation: its slots, the last message's id and the answer to it.

Rasa's own stores keep every event and replay them, so that a turn costs more the longer the conversation is, and
the person's words stay in the table. Here a turn costs the same from the first to the last, and the answer is
stored in the same transaction as the slots: a message that is sent again gets the same answer.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa
from rasa.core.brokers.broker import EventBroker
from rasa.core.tracker_store import TrackerStore
from rasa.shared.core.constants import (
    ACTION_LISTEN_NAME,
    ACTION_SESSION_START_NAME,
    DEFAULT_SLOT_NAMES,
)
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import ActionExecuted, SessionStarted, SlotSet
from rasa.shared.core.trackers import DialogueStateTracker
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.pool import QueuePool

from bot.turn import current_turn

_BUSY_SECONDS = 5
_Result = TypeVar("_Result")

_metadata = sa.MetaData()
conversations = sa.Table(
    "engine_conversations",
    _metadata,
    sa.Column("conversation_id", sa.String(255), primary_key=True),
    sa.Column("slots", sa.Text, nullable=False),
    sa.Column("message_id", sa.String(255)),
    sa.Column("answer", sa.Text),
    sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False, index=True),
)


class SnapshotTrackerStore(TrackerStore):
    """Keeps the present state of each conversation and nothing of how it came about.

    Args:
        domain: The assistant's domain.
        database: SQLAlchemy URL of an SQLite file or a PostgreSQL database.
        event_broker: Not used; events are not kept.
        kwargs: What Rasa passes to every store.

    Every method raises when the database fails.
    """

    def __init__(
        self,
        domain: Domain | None,
        database: str,
        event_broker: EventBroker | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(domain, event_broker)
        self._engine = _engine(database)
        _metadata.create_all(self._engine)

    async def save(self, tracker: DialogueStateTracker) -> None:
        """Store the slots and, inside a turn, the answer given in it.

        Raises:
            TurnIncompleteError: The turn left no reply or no state; nothing is stored then.
        """
        if not tracker.events:
            return
        turn = current_turn.get()
        row: dict[str, Any] = {
            "conversation_id": tracker.sender_id,
            "slots": json.dumps(_filled(tracker), ensure_ascii=False),
            "updated_at": datetime.now(timezone.utc),
        }
        if turn is not None and turn.conversation_id == tracker.sender_id:
            row["message_id"] = turn.message_id
            row["answer"] = json.dumps(turn.answer(), ensure_ascii=False)

        def write(connection: Connection) -> None:
            insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
            statement = insert(conversations).values(**row)
            connection.execute(
                statement.on_conflict_do_update(
                    index_elements=["conversation_id"],
                    set_={name: value for name, value in row.items() if name != "conversation_id"},
                )
            )

        await self._run(write)

    async def retrieve(self, sender_id: str) -> DialogueStateTracker | None:
        """Return a tracker with the stored slots and no history, or nothing for an unknown conversation."""
        query = sa.select(conversations.c.slots).where(conversations.c.conversation_id == sender_id)
        stored = await self._run(lambda connection: connection.execute(query).scalar_one_or_none())
        if stored is None:
            return None
        tracker = self.init_tracker(sender_id)
        tracker.update(ActionExecuted(ACTION_SESSION_START_NAME))
        tracker.update(SessionStarted())
        for name, value in json.loads(stored).items():
            if name in tracker.slots:
                tracker.update(SlotSet(name, value))
        tracker.update(ActionExecuted(ACTION_LISTEN_NAME))
        return tracker

    async def answer_to(self, conversation_id: str, message_id: str) -> dict[str, Any] | None:
        """Return the stored answer to a message, if it is the last one that was completed."""
        query = sa.select(conversations.c.answer).where(
            conversations.c.conversation_id == conversation_id, conversations.c.message_id == message_id
        )
        stored = await self._run(lambda connection: connection.execute(query).scalar_one_or_none())
        return None if stored is None else json.loads(stored)

    async def erase(self, conversation_id: str) -> None:
        """Forget a conversation."""
        statement = sa.delete(conversations).where(conversations.c.conversation_id == conversation_id)
        await self._run(lambda connection: connection.execute(statement))

    async def keys(self) -> Iterable[str]:
        """Return the ids of all conversations."""
        query = sa.select(conversations.c.conversation_id)
        return await self._run(lambda connection: list(connection.execute(query).scalars()))

    async def _run(self, work: Callable[[Connection], _Result]) -> _Result:
        def transaction() -> _Result:
            with self._engine.begin() as connection:
                return work(connection)

        if self._engine.dialect.name == "sqlite":
            return transaction()
        return await asyncio.to_thread(transaction)


def _filled(tracker: DialogueStateTracker) -> dict[str, Any]:
    """Return the slots that are set; Rasa's own ones hold the message and the session, not the conversation."""
    return {
        name: slot.value
        for name, slot in tracker.slots.items()
        if name not in DEFAULT_SLOT_NAMES and slot.value != slot.initial_value
    }


def _engine(url: str) -> Engine:
    parsed = sa.engine.make_url(url)
    if parsed.get_backend_name() == "sqlite":
        if parsed.database:
            Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
        engine = sa.create_engine(
            parsed,
            future=True,
            poolclass=QueuePool,
            pool_size=1,
            connect_args={"check_same_thread": False, "timeout": _BUSY_SECONDS},
        )
        sa.event.listen(engine, "connect", _configure_sqlite)
        return engine
    return sa.create_engine(
        parsed,
        future=True,
        pool_pre_ping=True,
        pool_size=2,
        max_overflow=3,
        pool_timeout=_BUSY_SECONDS,
        connect_args={"connect_timeout": _BUSY_SECONDS, "options": f"-c statement_timeout={_BUSY_SECONDS}s"},
    )


def _configure_sqlite(connection: Any, _: Any) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute("PRAGMA secure_delete=ON")
    cursor.close()


def snapshot_store(store: TrackerStore) -> SnapshotTrackerStore:
    """Return the store behind Rasa's wrappers.

    Raises:
        TypeError: Rasa is configured with another store.
    """
    inner = store
    while not isinstance(inner, SnapshotTrackerStore):
        wrapped = getattr(inner, "_tracker_store", None)
        if wrapped is None:
            raise TypeError(f"the tracker store must be {SnapshotTrackerStore.__name__}")
        inner = wrapped
    return inner
