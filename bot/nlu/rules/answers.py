"""Short answers to an open question: how they begin with yes or no, pass a question over or put a number right.

They are cues and decide nothing alone: what "no" means, only the question that is open can tell.
"""

from __future__ import annotations

import re
from datetime import date

from .entity import Entity
from .lexicon import lexicon, loosen
from .norm import Normal, normal

# A longer message tells a story; its first word answers nothing.
LONGEST = 160

_LEX = lexicon("answers")
_FILLER = re.compile(_LEX.node("filler"))
_NO_AT_END = re.compile(_LEX.node("no_at_end"))
_PASS = re.compile(loosen(_LEX.node("pass")))
_PAPERS_LATER = re.compile(loosen(_LEX.node("papers_later")))
_HEDGED = re.compile(_LEX.node("hedged"))
_CORRECTED = re.compile(loosen(_LEX.node("corrected")))
_HABIT = re.compile(_LEX.node("habit"))
_END_IT = re.compile(_LEX.node("end_it"))
_UNKNOWN_WAY = re.compile(_LEX.node("unknown_way"))


def _beginning(answer: str) -> re.Pattern[str]:
    node = _LEX.node(answer)
    items = [node["signs"], *(rf"(?:{loosen(item)})" for item in node["en"]), *(f"(?:{item})" for item in node["zh"])]
    return re.compile("|".join(items))


# In this order: "no changes" and "没问题" agree.
_SAID = (("yes", _beginning("yes")), ("no", _beginning("no")))


def _cue(name: str, hit: re.Match[str], text: str) -> Entity:
    return Entity("cue", name, hit.start(), hit.end(), text[hit.start() : hit.end()])


def _said(form: Normal, text: str) -> Entity | None:
    stripped = len(form.text) - len(form.text.lstrip())
    filler = _FILLER.match(form.text, stripped)
    # "Oh" and "我" may be more than a filler: the whole is tried first.
    for start in (stripped, filler.end() if filler else stripped):
        for name, pattern in _SAID:
            hit = pattern.match(form.text, start)
            if hit is not None and hit.end() > hit.start():
                return _cue(name, hit, text)
    hit = _NO_AT_END.search(form.text)
    return _cue("no", hit, text) if hit is not None else None


def extract(text: str, today: date) -> list[Entity]:
    """Find cues of short answers.

    Args:
        text: The message as typed.
        today: The day of the message; not used, same signature as the other rules.

    Returns:
        ``cue`` entities: ``yes`` or ``no`` (how it begins), ``hedged`` (a yes with a "but"), ``pass`` (leave this
        question out), ``papers_later`` (the papers, not the request, will follow), ``corrected`` (what came before
        was wrong), ``habit`` (nothing but how often), ``unknown_way`` (does not know how something is done) and
        ``end_it`` (stop, and keep nothing).
    """
    form = normal(text)
    if len(form.text) > LONGEST:
        return []
    found = [said] if (said := _said(form, text)) is not None else []
    if found and found[0].value == "yes" and (hit := _HEDGED.search(form.text, found[0].end)) is not None:
        found.append(_cue("hedged", hit, text))
    cues = (
        ("pass", _PASS),
        ("papers_later", _PAPERS_LATER),
        ("corrected", _CORRECTED),
        ("habit", _HABIT),
        ("unknown_way", _UNKNOWN_WAY),
        ("end_it", _END_IT),
    )
    for name, pattern in cues:
        hit = pattern.search(form.text)
        if hit is not None:
            found.append(_cue(name, hit, text))
    return found
