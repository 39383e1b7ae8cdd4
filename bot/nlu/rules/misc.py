"""Smaller things a message can carry: delivery ways, languages, ordinals, which answer to change, and cues."""

from __future__ import annotations

import re
from datetime import date

from .clauses import clauses
from .entity import Entity
from .lexicon import Cue, lexicon
from .norm import Normal, normal

_LEX = lexicon("misc")
_EDGE = " \t\r\n.,!?;:，。！？；：、~～…'\"()（）"

_DELIVERY: dict[str, Cue] = {way: _LEX.cue(f"delivery.{way}") for way in ("email", "online", "fax", "mail")}
_DELIVERY_VERB = _LEX.cue("delivery.verb")
_DELIVERY_DONE = _LEX.cue("delivery.done")
_NOT_WAY_EN = re.compile(_LEX.node("delivery.negated.en").replace("'", "'?"))
_NOT_WAY_ZH = re.compile(_LEX.node("delivery.negated.zh"))
_WAY_FAILS = re.compile(_LEX.node("delivery.fails"))
_LANGUAGES: dict[str, Cue] = {code: _LEX.cue(f"language.{code}") for code in ("zh-Hant", "zh-Hans", "en", "zh")}
_LANGUAGE_ASKED = _LEX.cue("language.asked")
_LANGUAGE_NOT = _LEX.cue("language.not_asked")
_LANGUAGE_RULE = re.compile(_LEX.node("language.rule_question"))
_ANSWERS: dict[str, Cue] = {slot: _LEX.cue(f"answer_name.{slot}") for slot in _LEX.node("answer_name")}
_CHANGE = _LEX.cue("change")
_CHANGE_NOT = _LEX.cue("change_not")
_CUE: dict[str, Cue] = {name: _LEX.cue(f"cue.{name}") for name in _LEX.node("cue")}
_CRISIS: dict[str, tuple[Cue, Cue]] = {
    name: (_LEX.cue(f"crisis.{name}"), _LEX.cue("crisis." + name.replace("crisis_", "not_").replace("_emergency", "")))
    for name in ("crisis_self_harm", "crisis_violence", "crisis_detention")
}
_CRISIS["medical_emergency"] = (_LEX.cue("crisis.medical_emergency"), _LEX.cue("crisis.not_medical"))
_ORD = {key: re.compile(value) for key, value in _LEX.node("ordinal").items() if isinstance(value, str)}
_ORD_EN: dict[str, int] = {str(key): value for key, value in _LEX.node("ordinal.words_en").items()}
_ORD_NUM: dict[str, int] = {
    **{str(key): value for key, value in _LEX.node("ordinal.numbers_en").items()},
    **{str(key): value for key, value in _LEX.node("ordinal.letters").items()},
    **{str(key): value for key, value in _LEX.node("ordinal.words_zh").items()},
}
_CIRCLED = {chr(0x2460 + index): index + 1 for index in range(10)} | {
    chr(0x2776 + index): index + 1 for index in range(10)
}
_KEYCAP = re.compile(r"([0-9])\ufe0f?\u20e3")


def _short(form: Normal) -> bool:
    return len(form.text) <= (24 if form.han else 70)


def _delivery(form: Normal, text: str) -> list[Entity]:
    if len(form.text) > 120 or "@" in form.text:
        return []
    hits: list[tuple[int, int, str]] = []
    for way, cue in _DELIVERY.items():
        for hit in cue.finditer(form):
            clash = [other for other in hits if hit.start() < other[1] and other[0] < hit.end()]
            if clash and any(hit.end() - hit.start() <= other[1] - other[0] for other in clash):
                continue
            hits = [other for other in hits if other not in clash]
            hits.append((hit.start(), hit.end(), way))
    if not hits or _DELIVERY_DONE.search(form):
        return []
    question = _CUE["question"].search(form) is not None or "?" in form.text or "？" in form.text
    kept: list[tuple[int, int, str]] = []
    for start, end, way in sorted(hits):
        before = form.text[max(0, start - 24) : start]
        if _NOT_WAY_EN.search(before) or _NOT_WAY_ZH.search(before) or _WAY_FAILS.match(form.text, end):
            continue
        kept.append((start, end, way))
    if not kept or question or len({way for _, _, way in kept}) > 2:
        return []
    if not (_short(form) or _DELIVERY_VERB.search(form)):
        return []
    start, end, way = kept[0] if len({way for _, _, way in kept}) == 1 else kept[-1]
    return [Entity("delivery", way, start, end, text[start:end])]


def _language(form: Normal, text: str) -> list[Entity]:
    if len(form.text) > 160:
        return []
    masks = [(hit.start(), hit.end()) for hit in _LANGUAGE_NOT.finditer(form)]
    whole = form.text.strip(_EDGE)
    for code, cue in _LANGUAGES.items():
        for hit in cue.finditer(form):
            if any(left < hit.end() and hit.start() < right for left, right in masks):
                continue
            if code == "en" and form.han and _LANGUAGE_RULE.search(form.text):
                continue
            clause = next(
                part for part in (*clauses(text), None) if part is None or part.start <= hit.start() < part.end
            )
            if clause is None:
                continue
            rest = form.text[clause.start : hit.start()] + " " + form.text[hit.end() : clause.end]
            alone = len(whole) <= len(hit.group()) + 3
            if alone or len(rest.strip(_EDGE)) <= 2 or _LANGUAGE_ASKED.search(form, clause.start, clause.end):
                return [Entity("language", code, hit.start(), hit.end(), text[hit.start() : hit.end()])]
    return []


def _ordinal(form: Normal, text: str) -> list[Entity]:
    stripped = text.strip(_EDGE)
    for mark, number in _CIRCLED.items():
        if mark in text and len(stripped) <= 12:
            start = text.index(mark)
            return [Entity("ordinal", number, start, start + 1, mark)]
    keycap = _KEYCAP.search(text)
    if keycap and len(stripped) <= 12:
        return [Entity("ordinal", int(keycap[1]), keycap.start(), keycap.end(), keycap.group())]
    trimmed = form.text.strip(_EDGE)
    base = form.text.find(trimmed) if trimmed else 0

    def make(match: re.Match[str], value: int) -> list[Entity]:
        start, end = base + match.start(1), base + match.end(1)
        return [Entity("ordinal", value, start, end, text[start:end])]

    bare = _ORD["bare"].match(trimmed)
    if bare and 1 <= int(bare[1]) <= 20:
        return make(bare, int(bare[1]))
    if form.han:
        bare = _ORD["bare_zh"].match(trimmed)
        if bare:
            return make(bare, _ORD_NUM[bare[1]])
        if len(trimmed) > 40:
            return []
        match = _ORD["pattern_zh_option"].match(trimmed) or _ORD["pattern_zh"].search(trimmed)
        if match:
            word = match[1]
            return make(match, int(word) if word.isdigit() else _ORD_NUM[word])
        match = _ORD["pattern_zh_last"].search(trimmed)
        if match:
            return [Entity("ordinal", -1, base + match.start(), base + match.end(), match.group())]
        match = _ORD["pattern_zh_top"].search(trimmed)
        if match:
            return [Entity("ordinal", 1, base + match.start(), base + match.end(), match.group())]
    if form.latin and len(trimmed) <= 80:
        match = _ORD["pattern_en"].search(trimmed) if len(trimmed) <= 40 else None
        match = match or _ORD["pattern_en_one"].search(trimmed)
        if match:
            return make(match, _ORD_EN[match[1]])
        match = _ORD["pattern_option"].search(trimmed) if len(trimmed) <= 24 else None
        if match:
            word = match[1]
            return make(match, int(word) if word.isdigit() else _ORD_NUM[word])
    return []


def _answer_name(form: Normal, text: str) -> list[Entity]:
    if len(form.text) > 100 or _CHANGE.search(form) is None or _CHANGE_NOT.search(form):
        return []
    hits: list[tuple[int, int, str]] = []
    for slot, cue in _ANSWERS.items():
        for hit in cue.finditer(form):
            hits.append((hit.start(), hit.end(), slot))
    hits.sort(key=lambda item: (item[0] - item[1], item[0]))
    kept: list[tuple[int, int, str]] = []
    for item in hits:
        if all(item[1] <= other[0] or other[1] <= item[0] for other in kept) and all(
            item[2] != other[2] for other in kept
        ):
            kept.append(item)
    return [
        Entity("answer_name", slot, start, end, text[start:end])
        for start, end, slot in sorted(kept, key=lambda item: item[0])
    ]


def _cues(form: Normal, text: str) -> list[Entity]:
    found = []
    for name, cue in _CUE.items():
        hit = cue.search(form)
        if hit is not None:
            found.append(Entity("cue", name, hit.start(), hit.end(), text[hit.start() : hit.end()]))
        elif name == "question":
            mark = re.search(r"[?？]", form.text)
            if mark is not None:
                found.append(Entity("cue", name, mark.start(), mark.end(), text[mark.start() : mark.end()]))
    return found


def _crisis(form: Normal, text: str) -> list[Entity]:
    found = []
    for name, (cue, block) in _CRISIS.items():
        for hit in cue.finditer(form):
            part = next((part for part in clauses(text) if part.start <= hit.start() < part.end), None)
            start, end = (part.start, part.end) if part is not None else (0, len(form.text))
            blocks = block.finditer(form, start, end)
            if name == "crisis_self_harm":
                blocks = [one for one in blocks if one.start() < hit.end() and hit.start() < one.end()]
            if blocks:
                continue
            found.append(Entity("cue", name, hit.start(), hit.end(), text[hit.start() : hit.end()]))
            break
    return found


def extract(text: str, today: date) -> list[Entity]:
    """Find delivery ways, languages, ordinals, names of answers and cues.

    Args:
        text: The message as typed.
        today: The day of the message; not used, same signature as the other rules.

    Returns:
        Entities ``delivery``, ``language``, ``ordinal`` (1-based, -1 for the last),
        ``answer_name`` (a slot, only with
        words of changing around it) and ``cue``.
    """
    form = normal(text)
    answers = _answer_name(form, text)
    slots = {item.value for item in answers}
    ways = [] if slots & {"email", "mailing_address"} and "delivery" not in slots else _delivery(form, text)
    return [
        *ways,
        *_language(form, text),
        *_ordinal(form, text),
        *answers,
        *_cues(form, text),
        *_crisis(form, text),
    ]
