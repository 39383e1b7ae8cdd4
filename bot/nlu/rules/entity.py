"""The one shape in which every rule extractor hands over what it found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Entity:
    """Something found in a message.

    Attributes:
        entity: Kind of entity, such as ``receipt_number`` or ``date``.
        value: Normalised value; ``None`` where several readings are possible.
        start: Offset of the first character in the message as it was given.
        end: Offset just behind the last character.
        text: The message from ``start`` to ``end``, unchanged.
        role: Which question the value belongs to, where the words around it say so.
        extras: Further fields of this kind of entity (``problem``, ``precision``, ...).
    """

    entity: str
    value: Any
    start: int
    end: int
    text: str
    role: str | None = None
    extras: Mapping[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Return the flat dictionary that Rasa expects, extras merged in."""
        flat: dict[str, Any] = {
            "entity": self.entity,
            "value": self.value,
            "start": self.start,
            "end": self.end,
            "text": self.text,
        }
        if self.role is not None:
            flat["role"] = self.role
        flat.update(self.extras)
        return flat
