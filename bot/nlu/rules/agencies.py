"""Agencies other than USCIS in a message, and whether the problem lies with them."""

from __future__ import annotations

import re
from datetime import date

from .clauses import clauses
from .entity import Entity
from .lexicon import Cue, lexicon
from .norm import Normal, normal

_LEX = lexicon("agencies")
_AGENCIES: dict[str, Cue] = {key: _LEX.cue(f"agencies.{key}") for key in _LEX.node("agencies")}
_PROBLEM_EN = re.compile(_LEX.node("problem.en"))
_PROBLEM_ZH = re.compile(_LEX.node("problem.zh"))
_USCIS_EN = re.compile(_LEX.node("uscis.en"))
_USCIS_ZH = re.compile(_LEX.node("uscis.zh"))
_NO_USCIS_EN = re.compile(_LEX.node("no_uscis.en"))
_NO_USCIS_ZH = re.compile(_LEX.node("no_uscis.zh"))
_BESIDE_EN = re.compile(_LEX.node("beside.en"))
_BESIDE_ZH = re.compile(_LEX.node("beside.zh"))
_NOT = _LEX.cue("not_agency")


def _primary(form: Normal) -> bool:
    """Whether the agency, not USCIS, is what the message is about."""
    text = form.text
    if _NO_USCIS_EN.search(text) or _NO_USCIS_ZH.search(text):
        return True
    return not (_USCIS_EN.search(text) or _USCIS_ZH.search(text))


def extract(text: str, today: date) -> list[Entity]:
    """Find agencies other than USCIS.

    Args:
        text: The message as typed.
        today: The day of the message; not used, same signature as the other rules.

    Returns:
        ``agency`` entities, every agency once. Extras: ``primary`` (the message is about this agency and not about a
        paper or case of USCIS) and ``problem`` (the clause tells of something wrong or asks for something).
    """
    form = normal(text)
    hits: list[tuple[int, int, str]] = []
    for key, cue in _AGENCIES.items():
        for hit in cue.finditer(form):
            hits.append((hit.start(), hit.end(), key))
    if not hits:
        return []
    masks = [(hit.start(), hit.end()) for hit in _NOT.finditer(form)]
    hits.sort(key=lambda item: (item[0] - item[1], item[0]))
    kept: list[tuple[int, int, str]] = []
    for item in hits:
        if any(left < item[1] and item[0] < right for left, right in masks):
            continue
        if any(other[0] < item[1] and item[0] < other[1] for other in kept):
            continue
        if any(other[2] == item[2] for other in kept):
            continue
        kept.append(item)
    primary = _primary(form)
    parts = clauses(text)
    result = []
    for start, end, key in sorted(kept):
        part = next((part for part in parts if part.start <= start < part.end), None)
        left, right = (part.start, part.end) if part is not None else (0, len(form.text))
        around = form.text[left:right]
        problem = bool(_PROBLEM_EN.search(around) or _PROBLEM_ZH.search(around))
        beside = bool(_BESIDE_EN.search(around) or _BESIDE_ZH.search(around)) and not primary
        extras = {"primary": primary and not beside, "problem": problem}
        result.append(Entity("agency", key, start, end, text[start:end], None, extras))
    return result
