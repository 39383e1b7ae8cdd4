"""The store: one row a conversation, the answer in the same transaction, and failures that are heard."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest
from rasa.core.tracker_store import FailSafeTrackerStore
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import SlotSet, UserUttered
from rasa.shared.core.trackers import DialogueStateTracker

from bot.tracker_store import SnapshotTrackerStore, snapshot_store
from bot.turn import Turn, TurnIncompleteError, current_turn

SLOTS = {"grounds": ["delay"], "full_name": "王小明", "dialogue": {"n": 1}}
DOMAIN = Domain.from_dict(
    {
        "slots": {
            name: {"type": "any", "influence_conversation": False, "mappings": [{"type": "custom"}]} for name in SLOTS
        }
    }
)


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "sub" / "engine.db"


@pytest.fixture
def store(database: Path) -> SnapshotTrackerStore:
    return SnapshotTrackerStore(DOMAIN, database=f"sqlite:///{database}")


async def save(store: SnapshotTrackerStore, turn: Turn | None, slots: dict[str, Any]) -> None:
    tracker = await store.retrieve("c1") or store.init_tracker("c1")
    tracker.update(UserUttered("CANARY text of the person"))
    for name, value in slots.items():
        tracker.update(SlotSet(name, value))
    token = current_turn.set(turn)
    try:
        await store.save(tracker)
    finally:
        current_turn.reset(token)


def complete(message_id: str) -> Turn:
    return Turn("c1", message_id, [{"key": "utter_x", "text": "好", "language": "zh-Hans"}], {"asking": None})


async def retrieved(store: SnapshotTrackerStore) -> DialogueStateTracker:
    tracker = await store.retrieve("c1")
    assert tracker is not None
    return tracker


async def test_slots_come_back_and_history_does_not(store: SnapshotTrackerStore, database: Path) -> None:
    await save(store, complete("m1"), SLOTS)
    tracker = await retrieved(SnapshotTrackerStore(DOMAIN, database=f"sqlite:///{database}"))
    assert {name: tracker.get_slot(name) for name in SLOTS} == SLOTS
    assert tracker.latest_message is not None
    assert not tracker.latest_message.text
    rows = sqlite3.connect(database).execute("select * from engine_conversations").fetchall()
    assert len(rows) == 1
    assert "CANARY" not in str(rows)


async def test_a_tracker_stays_as_small_as_it_is(store: SnapshotTrackerStore) -> None:
    sizes = []
    for number in range(5):
        await save(store, complete(f"m{number}"), SLOTS)
        sizes.append(len((await retrieved(store)).events))
    assert len(set(sizes)) == 1


async def test_a_slot_can_be_emptied(store: SnapshotTrackerStore) -> None:
    await save(store, complete("m1"), SLOTS)
    await save(store, complete("m2"), {"full_name": None})
    assert (await retrieved(store)).get_slot("full_name") is None


async def test_the_answer_is_kept_for_the_last_message_only(store: SnapshotTrackerStore) -> None:
    await save(store, complete("m1"), SLOTS)
    assert await store.answer_to("c1", "m1") == complete("m1").answer()
    await save(store, complete("m2"), SLOTS)
    assert await store.answer_to("c1", "m1") is None
    assert await store.answer_to("c2", "m2") is None


@pytest.mark.parametrize("turn", [Turn("c1", "m2", [], {"asking": None}), Turn("c1", "m2", [{"key": "x"}], None)])
async def test_an_incomplete_turn_changes_nothing(store: SnapshotTrackerStore, turn: Turn) -> None:
    await save(store, complete("m1"), SLOTS)
    with pytest.raises(TurnIncompleteError):
        await save(store, turn, {"full_name": "another"})
    assert (await retrieved(store)).get_slot("full_name") == SLOTS["full_name"]
    assert await store.answer_to("c1", "m1")


async def test_erased_is_gone_from_the_file_too(store: SnapshotTrackerStore, database: Path) -> None:
    await save(store, complete("m1"), {"full_name": "CANARYNAME"})
    await store.erase("c1")
    assert await store.retrieve("c1") is None
    assert list(await store.keys()) == []
    with sqlite3.connect(database) as connection:
        connection.execute("pragma wal_checkpoint(truncate)")
    assert b"CANARYNAME" not in database.read_bytes()  # noqa: ASYNC240


async def test_a_broken_database_is_heard(store: SnapshotTrackerStore, database: Path) -> None:
    with sqlite3.connect(database) as connection:
        connection.execute("drop table engine_conversations")
    with pytest.raises(Exception, match="no such table"):
        await store.retrieve("c1")
    with pytest.raises(Exception, match="no such table"):
        await save(store, complete("m1"), SLOTS)


async def test_an_empty_tracker_is_not_stored(store: SnapshotTrackerStore) -> None:
    await store.get_or_create_tracker("c1", append_action_listen=False)
    assert await store.retrieve("c1") is None


def test_the_store_is_found_behind_the_wrapper(store: SnapshotTrackerStore) -> None:
    assert snapshot_store(FailSafeTrackerStore(store)) is store
