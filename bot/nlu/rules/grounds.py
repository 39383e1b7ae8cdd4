"""What a message gives, or denies, as the reason for asking, such as hardship, delay or an error of USCIS."""

from __future__ import annotations

import re
from datetime import date

from .clauses import Clause, clauses
from .entity import Entity
from .lexicon import Cue, lexicon
from .norm import Normal, normal

_LEX = lexicon("grounds")
GROUNDS = ("hardship", "delay", "unresolved", "uscis_error", "not_received")
CLAIMED = "claimed"
DENIED = "denied"

_CLAIM: dict[str, Cue] = {ground: _LEX.cue(ground) for ground in GROUNDS}
_MASK: dict[str, Cue] = {ground: _LEX.cue(f"{ground}_not") for ground in GROUNDS}
_DENIED: dict[str, Cue] = {ground: _LEX.cue(f"denied.{ground}") for ground in GROUNDS}
_ONLY_DELAY = _LEX.cue("only_delay")
_DISAGREE = _LEX.cue("disagreement")
_DISAGREE_STRONG = _LEX.cue("disagreement_strong")
_LEGAL = _LEX.cue("legal_only")
_LEGAL_STRICT = _LEX.cue("legal_only_strict")
_OWN = re.compile(_LEX.node("own"))
_ASKING = re.compile(_LEX.node("asking"))
_ASKING_END = tuple(_LEX.node("asking_end"))


def _general_question(form: Normal, clause: Clause) -> bool:
    """Whether a clause asks in general ("do you help with emergencies?") and tells nothing of the writer."""
    words = form.text[clause.start : clause.end]
    if clause.mark not in {"?", "？"} and not words.rstrip().endswith(_ASKING_END):
        return False
    return _OWN.search(words) is None and _ASKING.search(words) is not None


def _spans(cue: Cue, form: Normal) -> list[tuple[int, int]]:
    return [(hit.start(), hit.end()) for hit in cue.finditer(form)]


def _overlap(span: tuple[int, int], others: list[tuple[int, int]]) -> bool:
    return any(left < span[1] and span[0] < right for left, right in others)


def _make(text: str, value: str, span: tuple[int, int], role: str, **extras: object) -> Entity:
    return Entity("ground", value, span[0], span[1], text[span[0] : span[1]], role, extras)


def extract(text: str, today: date) -> list[Entity]:
    """Find the grounds that a message claims or denies.

    Args:
        text: The message as typed.
        today: The day of the message; not used, same signature as the other rules.

    Returns:
        ``ground`` entities, one a ground, role ``claimed`` or ``denied``; ``implied`` when "only the wait" denies the
        others. Besides the four grounds and ``not_received`` also ``disagreement`` (extra ``strong``: says the decision
        is wrong, not only that there was a denial) and ``legal_only`` (extra ``strict``: "only advice").
    """
    form = normal(text)
    questions = [part for part in clauses(text) if _general_question(form, part)]
    found: dict[str, Entity] = {}
    for ground in GROUNDS:
        claims = _spans(_CLAIM[ground], form)
        denials = _spans(_DENIED[ground], form)
        masks = _spans(_MASK[ground], form) if claims else []
        for span in claims:
            if _overlap(span, denials) or _overlap(span, masks):
                continue
            if any(part.start <= span[0] < part.end for part in questions):
                continue
            found[ground] = _make(text, ground, span, CLAIMED)
            break
        if ground not in found and denials:
            found[ground] = _make(text, ground, denials[0], DENIED)
    only = _spans(_ONLY_DELAY, form)
    if only:
        if found.get("delay") is None or found["delay"].role == DENIED:
            found["delay"] = _make(text, "delay", only[0], CLAIMED)
        for ground in ("hardship", "unresolved", "uscis_error"):
            if ground not in found:
                found[ground] = _make(text, ground, only[0], DENIED, implied=True)
    strong = _DISAGREE_STRONG.search(form)
    disagree = _DISAGREE.search(form)
    hit = disagree or strong
    if hit is not None:
        found["disagreement"] = _make(text, "disagreement", hit.span(), CLAIMED, strong=strong is not None)
    legal = _LEGAL.search(form)
    if legal is not None:
        strict = _LEGAL_STRICT.search(form, max(0, legal.start() - 12)) is not None
        found["legal_only"] = _make(text, "legal_only", legal.span(), CLAIMED, strict=strict)
    return sorted(found.values(), key=lambda entity: (entity.start, entity.end))
