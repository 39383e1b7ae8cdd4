"""What the rules found in a message, in the shape in which the sets write it down."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from tools.evaluation.sets import CHANNELS, PERSONS, SPAN_SETS, ValueCase

# Receipt numbers that the guide goes on with; it asks about the others (too short, unknown prefix).
_TAKEN_RECEIPTS = (None, "lookalike")
_PERSON_ENTITIES = {"name": "person_name", "phone": "phone", "email": "email", "a_number": "a_number"}


class Comparison(NamedTuple):
    """One message of a set of values.

    Attributes:
        case: The message.
        found: What was found, in the shape of the set.
        exact: Whether the values are the wanted ones, no more and no less.
        spans: Whether the stretches of text are too; ``None`` where the set does not give them.
        hits: Number of values that were wanted and found.
        found_count: Number of values found.
        wanted_count: Number of values wanted.
    """

    case: ValueCase
    found: Any
    exact: bool
    spans: bool | None
    hits: int
    found_count: int
    wanted_count: int


def found_in(name: str, entities: Sequence[Mapping[str, Any]], wanted: Any = ()) -> Any:
    """Turn entities into the shape of a set.

    Args:
        name: A set of values.
        entities: Rasa's entities of the message.
        wanted: The value of the set. A channel that is not named in the message and only follows from it counts where
            it is wanted, and is no mistake where it is not.
    """
    if name in SPAN_SETS:
        kind = SPAN_SETS[name]
        items = [item for item in entities if item["entity"] == kind]
        if name == "receipts":
            items = [item for item in items if item.get("problem") in _TAKEN_RECEIPTS]
        return [{"text": item["text"], "value": None if _asked_back(item) else item["value"]} for item in items]
    if name == CHANNELS:
        named = [item for item in entities if item["entity"] == "service_channel" and item.get("role")]
        return {item["value"]: item["role"] for item in named if item["value"] in wanted or not _follows(item)}
    if name == PERSONS:
        found: dict[str, Any] = {}
        for key, kind in _PERSON_ENTITIES.items():
            values = list(
                dict.fromkeys(
                    str(item["value"]) for item in entities if item["entity"] == kind and not item.get("problem")
                )
            )
            if values:
                found[key] = values[0] if len(values) == 1 else values
        return found
    raise ValueError(name)


def _asked_back(item: Mapping[str, Any]) -> bool:
    """A name of several forms: the guide asks which one is meant and takes none."""
    return bool(item.get("candidates")) and not item.get("variant") and not item.get("written")


def _follows(item: Mapping[str, Any]) -> bool:
    """A channel that is not named: not even by a verb of its own."""
    return bool(item.get("implied")) and not item.get("bare")


def compare(name: str, case: ValueCase, entities: Sequence[Mapping[str, Any]]) -> Comparison:
    """Compare what was found in a message with what is wanted."""
    found = found_in(name, entities, case.value)
    wanted_values, found_values = _values(case.value), _values(found)
    spans = None
    if name in SPAN_SETS:
        spans = _spans(case.value) == _spans(found)
    return Comparison(
        case,
        found,
        wanted_values == found_values,
        spans,
        len(wanted_values & found_values),
        len(found_values),
        len(wanted_values),
    )


def _values(content: Any) -> frozenset[str]:
    """The values as a set: of a list the values, of a mapping the pairs of key and value."""
    if isinstance(content, Mapping):
        return frozenset(
            json.dumps([key, value], ensure_ascii=False)
            for key, values in content.items()
            for value in (values if isinstance(values, list) else [values])
        )
    return frozenset(json.dumps(item["value"], ensure_ascii=False) for item in content)


def _spans(content: Sequence[Mapping[str, Any]]) -> list[str]:
    """The stretches of text; a repeated value may be given once or each time."""
    return sorted({f"{item['value']}\t{item['text']}" for item in content})
