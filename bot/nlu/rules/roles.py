"""Who is typing: applicant, petitioner, employer, attorney, representative or family."""

from __future__ import annotations

import re
from datetime import date

from .clauses import Clause, clauses
from .entity import Entity
from .lexicon import Cue, lexicon, loosen
from .norm import Normal, normal
from .retelling import in_plain_words, on_copy

_LEX = lexicon("roles")
ROLES: tuple[str, ...] = tuple(_LEX.node("order"))
_CUES: dict[str, Cue] = {role: _LEX.cue(role) for role in ROLES}
_BARE_EN: dict[str, re.Pattern[str]] = {
    role: re.compile("(?:" + "|".join(map(loosen, _LEX.node("bare.en")[role])) + ")") for role in ROLES
}
_LEAD = re.compile(_LEX.node("bare.lead_en"))
_NOT_EN = re.compile(_LEX.node("mention.negated_en").replace("'", "'?"))
_NOT_ZH = re.compile(_LEX.node("mention.negated_zh"))
_ASKED_EN = re.compile(_LEX.node("mention.asked_en"))
_ASKED_ZH = re.compile(_LEX.node("mention.asked_zh"))
# Signs and pictures at the ends belong to no word.
_NO_WORD = re.compile(r"^[^\w]+|[^\w]+$")
_EDGE = " \t\r\n.,!?;:，。！？；：、~～…'\"()（）"


def _asked(form: Normal, clause: Clause, hit: re.Match[str]) -> bool:
    words = form.text[clause.start : clause.end]
    if _ASKED_EN.match(words):
        return True
    return clause.mark in {"?", "？"} and _ASKED_ZH.search(words) is not None and not form.latin


def _negated(form: Normal, clause: Clause, hit: re.Match[str]) -> bool:
    before = form.text[clause.start : hit.start()]
    inside = hit.group()
    return bool(_NOT_EN.search(before) or _NOT_ZH.search(before) or re.match(r"(?:i'm|i am|im|this is) not\b", inside))


def _whole(form: Normal) -> tuple[str, int, int] | None:
    stripped = _LEAD.sub("", _NO_WORD.sub("", form.text)).strip(_EDGE)
    if not stripped:
        return None
    for role in ROLES:
        if _BARE_EN[role].fullmatch(stripped):
            start = form.text.rfind(stripped)
            return role, start, start + len(stripped)
    return None


def extract(text: str, today: date) -> list[Entity]:
    """Find what the message says about the person who is typing.

    Args:
        text: The message as typed.
        today: The day of the message; not used, same signature as the other rules.

    Returns:
        At most one ``requester_role`` entity. "My lawyer filed it" gives nothing: only words about the writer count.
    """
    return on_copy(_extract, in_plain_words(text))


def _extract(text: str) -> list[Entity]:
    form = normal(text)
    whole = _whole(form)
    if whole is not None:
        role, start, end = whole
        return [Entity("requester_role", role, start, end, text[start:end])]
    best: tuple[int, int, int, str] | None = None
    parts = clauses(text)
    for rank, role in enumerate(ROLES):
        for hit in _CUES[role].finditer(form):
            clause = next((part for part in parts if part.start <= hit.start() < part.end), None)
            if clause is None or _negated(form, clause, hit) or _asked(form, clause, hit):
                continue
            if best is None or rank < best[0]:
                best = (rank, hit.start(), hit.end(), role)
            break
        if best is not None:
            break
    if best is None:
        return []
    _, start, end, role = best
    return [Entity("requester_role", role, start, end, text[start:end])]
