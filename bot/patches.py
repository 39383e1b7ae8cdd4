"""The few places where Rasa 3.6 itself has to behave differently.

Every patched function is listed in :data:`PATCHED`; a test compares its source in the installed library with the
one these patches were written for.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import rasa.shared.utils.common
from jsonschema import Draft202012Validator
from rasa.core.actions.action import RemoteAction
from rasa.core.policies.rule_policy import DEFAULT_ACTION_MAPPINGS, RulePolicy
from rasa.core.tracker_store import FailSafeTrackerStore
from rasa.shared.core.constants import USER_INTENT_RESTART
from rasa.shared.core.events import Event

PATCHED = {
    "rasa.core.actions.action.RemoteAction._validate_action_result": RemoteAction._validate_action_result,
    "rasa.shared.core.events.Event.resolve_by_type": Event.resolve_by_type,
    "rasa.core.tracker_store.FailSafeTrackerStore.on_tracker_store_error": FailSafeTrackerStore.on_tracker_store_error,
    "rasa.core.tracker_store.FailSafeTrackerStore.on_tracker_store_retrieve_error": (
        FailSafeTrackerStore.on_tracker_store_retrieve_error
    ),
    "rasa.core.policies.rule_policy.RulePolicy._find_action_from_default_actions": (
        RulePolicy._find_action_from_default_actions
    ),
}

_validator = Draft202012Validator(RemoteAction.action_response_format_spec())


class ActionResponseError(Exception):
    """The action server answered with something that is not an action response."""


def _validate_action_result(self: RemoteAction, result: dict[str, Any]) -> bool:
    """Check an action response with the compiled schema; the stock version compiles it anew, 20 ms a call."""
    error = next(_validator.iter_errors(result), None)
    if error is not None:
        raise ActionResponseError(f"invalid at {'/'.join(map(str, error.absolute_path))}: {error.validator}")
    return True


@cache
def _event_type(type_name: str) -> type[Event] | None:
    for cls in rasa.shared.utils.common.all_subclasses(Event):
        if cls.type_name == type_name:
            return cls
    return None


def _resolve_by_type(type_name: str, default: type[Event] | None = None) -> type[Event] | None:
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
    # "Start again" is a wish that the dialogue answers, with a question first; Rasa would wipe its tracker at once.
    DEFAULT_ACTION_MAPPINGS.pop(USER_INTENT_RESTART, None)
