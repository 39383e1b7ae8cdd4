"""Rule extractors: everything in a message that can be found without a model. Pure functions of text and day."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date

from . import agencies, channels, dates, forms, grounds, identifiers, misc, receipts, roles
from .context import assign_date_roles
from .entity import Entity
from .numerals import Normalised
from .spelling import mended

MAX_CHARACTERS = 6_000

# Entities that claim their characters for themselves, strongest first. All others only comment on the text and may
# overlap.
_CLAIMS = (
    "receipt_number",
    "tracking_number",
    "a_number",
    "email",
    "phone",
    "date",
    "form_type",
    "ordinal",
)
_RANK = {name: rank for rank, name in enumerate(_CLAIMS)}
# Numbers and names are read as they were typed; words may have been mistyped.
_AS_TYPED = (receipts, identifiers, misc)
_MENDED = (dates, forms, channels, roles, grounds, agencies)


def _without_overlaps(entities: list[Entity]) -> list[Entity]:
    taken: list[Entity] = []
    for entity in sorted(
        (item for item in entities if item.entity in _RANK),
        key=lambda item: (_RANK[item.entity], item.start - item.end, item.start),
    ):
        if all(entity.end <= other.start or other.end <= entity.start for other in taken):
            taken.append(entity)
    names = [
        item
        for item in entities
        if item.entity == "person_name"
        and all(item.end <= other.start or other.end <= item.start for other in taken if other.entity != "form_type")
    ]
    comments = [item for item in entities if item.entity not in _RANK and item.entity != "person_name"]
    return sorted([*taken, *names, *comments], key=lambda item: (item.start, item.end))


def _on_copy(extract: Callable[[str, date], list[Entity]], copy: Normalised, today: date) -> list[Entity]:
    """Run a rule over a copy of the message and tell where its finds stand in the message itself."""
    found = []
    for entity in extract(copy.text, today):
        start, end = copy.span(entity.start, entity.end)
        found.append(replace(entity, start=start, end=end, text=copy.original[start:end]))
    return found


def extract_all(text: str, today: date) -> list[Entity]:
    """Run every rule over a message.

    Args:
        text: The message as typed; only the first 6,000 characters are read.
        today: The day of the message, for relative dates.

    Returns:
        All entities by position. Numbers, dates and forms do not overlap each other (a receipt number wins over a phone
        number, and so on); channels, roles, grounds and cues may. Dates carry the role their clause gives them.
    """
    text = text[:MAX_CHARACTERS]
    found: list[Entity] = []
    for module in _AS_TYPED:
        found.extend(module.extract(text, today))
    copy = mended(text)
    for module in _MENDED:
        found.extend(module.extract(text, today) if copy is None else _on_copy(module.extract, copy, today))
    return assign_date_roles(text, _without_overlaps(found))


__all__ = ["Entity", "extract_all"]
