"""The patches: they fit the installed library, and they do what they are for."""

from __future__ import annotations

import hashlib
import inspect
from typing import Any

import pytest
from rasa.core.actions.action import RemoteAction
from rasa.core.policies.rule_policy import DEFAULT_ACTION_MAPPINGS
from rasa.core.tracker_store import FailSafeTrackerStore, InMemoryTrackerStore
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import Event, SlotSet, UserUttered

from bot import patches

# First digits of the SHA-256 of each function's source in the library for which the patches were written. When one of
# them changes, read the new source, see whether the patch is still right or needed, and write the new digest here.
WRITTEN_FOR = {
    "rasa.core.actions.action.RemoteAction._validate_action_result": "f8cdb4be68123961",
    "rasa.shared.core.events.Event.resolve_by_type": "b5cf570fa7f286c7",
    "rasa.core.tracker_store.FailSafeTrackerStore.on_tracker_store_error": "6faca7ba72b36da4",
    "rasa.core.tracker_store.FailSafeTrackerStore.on_tracker_store_retrieve_error": "162b49564c52ab49",
    "rasa.core.policies.rule_policy.RulePolicy._find_action_from_default_actions": "e453b06d15947c81",
}


@pytest.fixture(autouse=True)
def _patched() -> None:
    patches.apply()


@pytest.mark.parametrize("name", sorted(patches.PATCHED))
def test_the_library_has_not_changed_under_the_patch(name: str) -> None:
    source = inspect.getsource(patches.PATCHED[name])
    assert hashlib.sha256(source.encode()).hexdigest()[:16] == WRITTEN_FOR[name]


def test_every_patch_is_watched() -> None:
    assert set(patches.PATCHED) == set(WRITTEN_FOR)


@pytest.mark.parametrize(
    ("result", "valid"),
    [
        ({"events": [], "responses": []}, True),
        ({"events": [{"event": "slot", "timestamp": None, "name": "a", "value": 1}], "responses": [{}]}, True),
        ({"events": "none"}, False),
        ({"responses": ["text"]}, False),
        ([], False),
    ],
)
def test_action_responses_are_still_checked(result: Any, valid: bool) -> None:
    action = RemoteAction("action_converse", None)
    if valid:
        assert action._validate_action_result(result)
    else:
        with pytest.raises(patches.ActionResponseError):
            action._validate_action_result(result)


def test_a_refused_action_response_is_not_quoted() -> None:
    with pytest.raises(patches.ActionResponseError) as error:
        RemoteAction("action_converse", None)._validate_action_result({"events": "CANARY"})
    assert "CANARY" not in str(error.value)


def test_event_types() -> None:
    assert Event.resolve_by_type("slot") is SlotSet
    assert Event.resolve_by_type("user") is UserUttered
    assert Event.resolve_by_type("topic") is None
    assert Event.resolve_by_type("unheard_of", SlotSet) is SlotSet
    with pytest.raises(ValueError, match="unheard_of"):
        Event.resolve_by_type("unheard_of")


async def test_a_failing_store_fails_the_turn() -> None:
    class Broken(InMemoryTrackerStore):
        async def retrieve(self, sender_id: str) -> Any:
            raise OSError("gone")

        async def save(self, tracker: Any) -> None:
            raise OSError("gone")

    store = FailSafeTrackerStore(Broken(Domain.empty()))
    with pytest.raises(OSError, match="gone"):
        await store.retrieve("c")
    with pytest.raises(OSError, match="gone"):
        await store.save(store.init_tracker("c"))


def test_restart_is_left_to_the_dialogue() -> None:
    assert "restart" not in DEFAULT_ACTION_MAPPINGS
