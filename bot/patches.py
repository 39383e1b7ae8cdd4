"""The few places where Rasa 3.6 itself has to behave differently.

Every patched function is listed in :data:`PATCHED`; a test compares its source in the installed library with the
one these patches were written for.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Dict, Optional, Text, Type

import rasa.shared.utils.common
from jsonschema import Draft202012Validator
from rasa.core.actions.action import RemoteAction
from rasa.core.tracker_store import FailSafeTrackerStore
from rasa.shared.core.events import Event

PATCHED = {
    "rasa.core.actions.action.RemoteAction._validate_action_result": RemoteAction._validate_action_result,
    "rasa.shared.core.events.Event.resolve_by_type": Event.resolve_by_type,
    "rasa.core.tracker_store.FailSafeTrackerStore.on_tracker_store_error": FailSafeTrackerStore.on_tracker_store_error,
    "rasa.core.tracker_store.FailSafeTrackerStore.on_tracker_store_retrieve_error": (
        FailSafeTrackerStore.on_tracker_store_retrieve_error
    ),
}

_validator = Draft202012Validator(RemoteAction.action_response_format_spec())


class ActionResponseError(Exception):
    """The action server answered with something that is not an action response."""


def _validate_action_result(self: RemoteAction, result: Dict[Text, Any]) -> bool:
    """Check an action response with the compiled schema; the stock version compiles it anew, 20 ms a call."""
    error = next(_validator.iter_errors(result), None)
    if error is not None:
        raise ActionResponseError(f"invalid at {'/'.join(map(str, error.absolute_path))}: {error.validator}")
    return True


@lru_cache(maxsize=None)
def _event_type(type_name: Text) -> Optional[Type[Event]]:
    for cls in rasa.shared.utils.common.all_subclasses(Event):
        if cls.type_name == type_name:
            return cls
    return None


def _resolve_by_type(type_name: Text, default: Optional[Type[Event]] = None) -> Optional[Type[Event]]:
    """Find an event class by name; the stock version walks all classes for every single event."""
    found = _event_type(type_name)
    if found is not None:
        return found
    if type_name == "topic":
        return None
    if default is not None:
        return default
    raise ValueError(f"Unknown event name '{type_name}'.")


def _raise(self: FailSafeTrackerStore, error: Exception) -> None:
    """Let a failing store fail the turn; the stock version goes on with an empty conversation and loses the turn."""
    raise error


def apply() -> None:
    """Put the patches in place; doing it again changes nothing."""
    RemoteAction._validate_action_result = _validate_action_result
    Event.resolve_by_type = staticmethod(_resolve_by_type)
    FailSafeTrackerStore.on_tracker_store_error = _raise
    FailSafeTrackerStore.on_tracker_store_retrieve_error = _raise
