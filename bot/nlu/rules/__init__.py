"""Rule extractors: everything in a message that can be found without a model. Pure functions of text and day."""

from __future__ import annotations

from datetime import date
from functools import partial

from . import agencies, answers, channels, dates, forms, grounds, identifiers, misc, names, receipts, roles
from .context import assign_date_roles
from .entity import Entity
from .retelling import in_words, on_copy
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
# Numbers and names are read as they were typed; words may have been mistyped, or be Chinese in pinyin.
_FROM_COPY = frozenset({"delivery", "ordinal", "cue"})
_AS_TYPED = (receipts, identifiers, misc, names)
_MENDED = (dates, forms, channels, roles, grounds, agencies, answers)


def _shared(one: Entity, other: Entity) -> bool:
    return one.start < other.end and other.start < one.end


def _without_overlaps(entities: list[Entity]) -> list[Entity]:
    taken: list[Entity] = []
    whole = [item for item in entities if item.entity == "ordinal" and item.end - item.start > 2]
    for entity in sorted(
        (item for item in entities if item.entity in _RANK and item not in whole),
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
    comments = [
        item
        for item in entities
        if item.entity not in _RANK
        and item.entity != "person_name"
        # "Citizen paper" is a form, and no way of sending.
        and not (item.entity == "delivery" and any(_shared(item, one) for one in taken if one.entity == "form_type"))
    ]
    # "The third" may be a day or a choice: the question that is open tells.
    comments += [
        item
        for item in whole
        if all(one.entity == "date" or item.end <= one.start or one.end <= item.start for one in taken)
    ]
    return sorted([*taken, *names, *comments], key=lambda item: (item.start, item.end))


def _more(again: list[Entity], found: list[Entity]) -> list[Entity]:
    """The small things that only the copy shows ("emial", "chuan zhen"); names and numbers stay as they were typed."""
    kinds = {(item.entity, item.value if item.entity == "cue" else None) for item in found}
    return [
        item
        for item in again
        if item.entity in _FROM_COPY and (item.entity, item.value if item.entity == "cue" else None) not in kinds
    ]


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
    copy = mended(text) or in_words(text)
    if copy is not None:
        found.extend(_more(on_copy(partial(misc.extract, today=today), copy), found))
    for module in _MENDED:
        rule = partial(module.extract, today=today)
        found.extend(rule(text) if copy is None else on_copy(rule, copy))
    return assign_date_roles(text, _without_overlaps(found))


__all__ = ["Entity", "extract_all"]
