"""Which question a date answers: filing, a channel, or birth, by the words of its clause."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from .channels import mentions
from .clauses import Clause, clauses
from .entity import Entity
from .lexicon import lexicon
from .norm import Normal, normal

_LEX = lexicon("context")
_FILING = _LEX.cue("filing")
_NOT_FILING = _LEX.cue("not_filing")
_BIRTH = _LEX.cue("birth")
_FILLER = re.compile(_LEX.node("filler"))

_Cue = tuple[int, int, str | None]


def _cues(form: Normal, channels: set[str]) -> list[_Cue]:
    cues: list[_Cue] = [(hit.start(), hit.end(), "filing") for hit in _FILING.finditer(form)]
    cues += [(hit.start(), hit.end(), None) for hit in _NOT_FILING.finditer(form)]
    cues += [(hit.start(), hit.end(), "birth") for hit in _BIRTH.finditer(form)]
    cues += [(start, end, channel) for channel, start, end in mentions(form) if channel in channels]
    return cues


def _nearest(cues: list[_Cue], part: Clause, item: Entity, han: bool) -> tuple[bool, str | None]:
    """The cue of a clause that belongs to a date; Chinese verbs follow their date, English ones mostly precede it."""
    best: tuple[float, str | None] | None = None
    for start, end, role in cues:
        if not part.start <= start < part.end:
            continue
        if end <= item.start:
            distance = float(item.start - end) * (1.6 if han else 1.0)
        elif start >= item.end:
            distance = float(start - item.end) * (1.0 if han else 1.5)
        else:
            distance = 0.0 if role is not None else 1.0
        if best is None or distance < best[0]:
            best = (distance, role)
    return (best is not None, best[1] if best is not None else None)


def assign_date_roles(text: str, entities: Sequence[Entity]) -> list[Entity]:
    """Give every date the question that it answers.

    Args:
        text: The message as typed.
        entities: What the rules found in it; dates and tried channels are looked at.

    Returns:
        The same entities in the same order; a date has the role ``filing``, ``contact_center``,
        ``case_status_online``, ``infopass`` or ``birth``, or none when its clause does not say.
    """
    if not any(item.entity == "date" and item.role is None for item in entities):
        return list(entities)
    form = normal(text)
    channels = {item.value for item in entities if item.entity == "service_channel" and item.role == "tried"}
    cues = _cues(form, channels)
    parts = clauses(text)
    dates = [item for item in entities if item.entity == "date"]
    result: list[Entity] = []
    for item in entities:
        if item.entity != "date" or item.role is not None:
            result.append(item)
            continue
        role = _role(form, item, parts, cues, dates)
        result.append(replace(item, role=role) if role is not None else item)
    return result


def _role(form: Normal, item: Entity, parts: Sequence[Clause], cues: list[_Cue], dates: Sequence[Entity]) -> str | None:
    index = next(
        (number for number, part in enumerate(parts) if part.start <= item.start < max(part.end, part.start + 1)), None
    )
    if index is None:
        return None
    part = parts[index]
    last = next((number for number in range(len(parts) - 1, -1, -1) if parts[number].start < item.end), index)
    whole = Clause(part.start, max(part.end, parts[last].end), part.joiner, part.sentence, part.mark)
    found, role = _nearest(cues, whole, item, form.han)
    if found:
        return role
    rest = form.text[whole.start : item.start] + form.text[item.end : whole.end]
    bare = _FILLER.fullmatch(rest.strip()) is not None
    same = [part.sentence == parts[number].sentence for number in range(len(parts))]
    before = index - 1 if index > 0 and same[index - 1] else None
    after = last + 1 if last + 1 < len(parts) and same[last + 1] else None
    order = (before, after) if whole.joiner or not bare else (after, before)
    for number in order:
        if number is None:
            continue
        other = parts[number]
        occupied = any(other.start <= date.start < other.end for date in dates)
        if occupied and not (number == before and bare):
            continue
        found, role = _nearest(cues, other, item, form.han)
        if found:
            return role
    return None
