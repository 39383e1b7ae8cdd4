"""How each answer was got, for staff who go through it with the person: kept in ``Standing.origins`` by slot.

``asked``: in answer to its question. ``volunteered``: told before it was asked for. ``corrected``: it replaces an
earlier answer. ``record``: from an earlier talk that is gone on with now, or from papers that were uploaded.
"""
from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from actions.memory import Memory
from triage.interview import BY_SLOT

ASKED, VOLUNTEERED, CORRECTED, RECORD = "asked", "volunteered", "corrected", "record"


def note(memory: Memory, event: str, before: Mapping[str, Any], asked: str | None) -> None:
    """Note the origin of what a turn has changed.

    Args:
        memory: After the turn.
        event: What the turn began with.
        before: The answers before it.
        asked: The question that was open when the message came.
    """
    kept = {} if event == "resume" else memory.at.origins
    memory.at.origins = {slot: _origin(slot, value, event, before.get(slot), asked, kept.get(slot))
                         for slot, value in memory.answers.items() if slot in BY_SLOT}


def _origin(slot: str, value: Any, event: str, old: Any, asked: str | None, kept: str | None) -> str:
    if event in ("resume", "documents") and (value != old or kept is None):
        return RECORD
    if value == old or _only_more(old, value):
        return kept or RECORD
    if old is not None:
        return CORRECTED
    return ASKED if slot == asked else VOLUNTEERED


def _only_more(old: Any, value: Any) -> bool:
    """Whether something was added to a list and nothing taken away."""
    return isinstance(old, list) and isinstance(value, list) and bool(old) and set(old) <= set(value)
