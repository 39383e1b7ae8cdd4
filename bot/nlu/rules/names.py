"""Names of persons, where the words around them say that they are names.

Some words lead to a name whatever follows ("my name is", 我叫); others only where what follows looks like one ("I'm
Ana Ruiz", 我是陈建国): two words with capitals and none that says what somebody is, or a Chinese surname with a given
name that is no word.
"""

from __future__ import annotations

import re
from datetime import date

from bot.nlu.script import is_chinese_name

from .entity import Entity
from .lexicon import guard, lexicon
from .norm import Normal, normal

_TREE = lexicon("names").tree


def _either(items: list[str]) -> str:
    return "(?:" + "|".join(items) + ")"


def _chinese(items: list[str]) -> re.Pattern[str]:
    return re.compile(guard(items) + _either(items))


_LEAD_EN = re.compile(_either(_TREE["lead"]["en"]), re.IGNORECASE)
_LEAD_ZH = _chinese(_TREE["lead"]["zh"])
_MAYBE_EN = re.compile(_either(_TREE["maybe"]["en"]), re.IGNORECASE)
_MAYBE_ZH = _chinese(_TREE["maybe"]["zh"])
_AFTER_EN = re.compile(r"\s*,?\s*" + _either(_TREE["after"]["en"]), re.IGNORECASE)
_AFTER_ZH = re.compile(r"[\s，,]*" + _either(_TREE["after"]["zh"]))
_PARTS = [re.compile(item, re.IGNORECASE) for item in _TREE["parts"]["en"]]
_PARTS_ZH = [re.compile(item) for item in _TREE["parts"]["zh"]]
_CAPITAL = r"[A-ZÀ-Þ][^\W\d_]*(?:['’\-][^\W\d_]+)*\.?"
_CAPITALS = re.compile(rf"(?<![\w@.]){_CAPITAL}(?:[ \t]+{_CAPITAL}){{1,4}}")
_STOP_EN = frozenset(_TREE["stop_en"])
_NO_NAME_EN = frozenset(_TREE["no_name_en"])
_TITLES_EN = frozenset(_TREE["titles_en"])
_PARTICLES = frozenset(_TREE["particles"])
_FIRMS = frozenset(_TREE["firms"])
# Words that end a name unless they are written as one.
_STOP_OR_NAME = frozenset(_TREE["stop_or_name_en"])
_TITLES_ZH = re.compile(_TREE["titles_zh"])
_STOP_ZH = re.compile(_TREE["stop_zh"])
_BAD_ZH = re.compile(_TREE["bad_zh"])
_KIN_OF = re.compile(_TREE["kin_of_zh"])
_NO_NAME_ZH = re.compile(_TREE["no_name_zh"])
_WORD = re.compile(r"[^\W\d_][^\W\d_'’.\-]*(?:['’\-][^\W\d_]+)*\.?")
_HAN_RUN = re.compile(r"[\u3400-\u9fff\U00020000-\U0002ffff]+(?:[·•・][\u3400-\u9fff]+)*")
_FIRST_GAP = re.compile(r"[ \t]*,?[ \t]*")
_GAP = re.compile(r"[ \t]+")
_FAMILY_FIRST = re.compile(r",[ \t]*(?=[A-ZÀ-Þ][a-zß-ɏ])|[ \t]+")
_HAN_GAP = re.compile(r"[\s:：=，,「『\"“（(]*")
_LATIN_GAP = re.compile(r"[\s:：=，,]*")
_LATIN = re.compile(r"[A-Za-zÀ-ɏ]")
_MOST_WORDS = 6
_LONGEST_HAN = 4
_Span = tuple[int, int]


def _latin_name(text: str, start: int, sure: bool = True) -> _Span | None:
    position = start
    words: list[re.Match[str]] = []
    while len(words) < _MOST_WORDS:
        # "TRAN, Minh"
        swapped = len(words) == 1 and sure and len(words[0].group()) > 1 and words[0].group().isupper()
        gap = (_FAMILY_FIRST if swapped else _GAP if words else _FIRST_GAP).match(text, position)
        word = _WORD.match(text, gap.end() if gap else position)
        if word is None:
            break
        low = word.group().lower()
        plain = low.rstrip(".")
        if low in _TITLES_EN and not words:
            position = word.end()
            continue
        if plain in _STOP_EN and not (word.group()[0].isupper() and plain in _STOP_OR_NAME):
            break
        if words and words[0].group()[0].isupper() and word.group()[0].islower() and plain not in _PARTICLES:
            break
        if "\u3400" <= word.group()[0] <= "\u9fff":
            break
        if words and len(word.group()) == 1 and word.group().islower() and plain not in _PARTICLES:
            break  # the name is being spelled
        words.append(word)
        position = word.end()
        ends = word.group().endswith(".") and plain not in {"jr", "sr", "st"}
        if ends and (len(plain) > 2 or (len(plain) > 1 and len(words) > 1)):
            break
    while words and words[-1].group().lower() in _PARTICLES | _TITLES_EN:
        words.pop()
    if words and words[-1].group().rstrip(".").lower() in _FIRMS:
        return None
    if not words or (not words[0].group()[0].isupper() and len(words) > 4):
        return None
    if not sure and not _looks_like_a_name(words):
        return None
    end = words[-1].end()
    while (
        end > words[0].start()
        and text[end - 1] == "."
        and not re.fullmatch(r"(?i)(?:jr|sr|[a-z])\.", words[-1].group())
    ):
        end -= 1
    return words[0].start(), end


def _looks_like_a_name(words: list[re.Match[str]]) -> bool:
    """Whether these are two words or more with capitals, none of which tells what somebody or something is."""
    plain = [word.group().rstrip(".").lower() for word in words]
    large = [word.group() for word in words if word.group().lower() not in _PARTICLES]
    return (
        len(large) > 1
        and all(word[0].isupper() for word in large)
        and not all(len(word) > 1 and word.isupper() and len(word) < 4 for word in large)
        and _NO_NAME_EN.isdisjoint(plain)
    )


def _han_name(form: Normal, start: int, sure: bool = True) -> _Span | None:
    gap = _HAN_GAP.match(form.text, start)
    begin = gap.end() if gap else start
    run = _HAN_RUN.match(form.text, begin)
    if run is None:
        return None
    stop = _STOP_ZH.search(form.text, begin + 1, run.end())
    end = min(stop.start() if stop else run.end(), run.end())
    title = _TITLES_ZH.search(form.text[begin:end])
    if title:
        end = begin + title.start()
    length = end - begin
    name = form.text[begin:end]
    foreign = "·" in name or "・" in name
    if length < 2 or (length > _LONGEST_HAN and not foreign) or _BAD_ZH.search(name):
        return None
    if not sure and not foreign and (not is_chinese_name(name) or _NO_NAME_ZH.search(name)):
        return None
    if not sure and _KIN_OF.match(form.text, end):
        return None
    return begin, end


def _led(form: Normal, text: str) -> list[_Span]:
    spans: list[_Span | None] = []
    if form.latin:
        for hit in _LEAD_EN.finditer(text):
            spans.append(_latin_name(text, hit.end()) or (_han_name(form, hit.end()) if form.han else None))
        for hit in _MAYBE_EN.finditer(text):
            spans.append(_latin_name(text, hit.end(), sure=False))
    if form.han:
        for pattern, sure in ((_LEAD_ZH, True), (_MAYBE_ZH, False)):
            for hit in pattern.finditer(form.text):
                span = _han_name(form, hit.end(), sure)
                if span is None:
                    lead = _LATIN_GAP.match(text, hit.end())
                    position = lead.end() if lead else hit.end()
                    span = _latin_name(text, position, sure) if _LATIN.match(text, position) else None
                spans.append(span)
    return [span for span in spans if span is not None and text[slice(*span)].strip()]


def _followed(form: Normal, text: str) -> list[_Span]:
    """Names with the words behind them ("Ana Ruiz is my name", 陈建国敬上)."""
    spans: list[_Span] = []
    if form.latin:
        for hit in _CAPITALS.finditer(text):
            if _AFTER_EN.match(text, hit.end()):
                span = _latin_name(text, hit.start(), sure=False)
                if span is not None and span[1] == hit.end():
                    spans.append(span)
    if form.han:
        for hit in _HAN_RUN.finditer(form.text):
            for length in (2, 3, 4):
                end = hit.start() + length
                if (
                    end <= hit.end()
                    and _AFTER_ZH.match(form.text, end)
                    and is_chinese_name(form.text[hit.start() : end])
                ):
                    spans.append((hit.start(), end))
                    break
    return spans


def _in_parts(form: Normal, text: str) -> Entity | None:
    """A name told in two halves ("last name Ruiz, first name Ana", 姓陈名大文)."""
    for pattern in _PARTS if form.latin else ():
        hit = pattern.search(text)
        if hit and not {hit["first"].lower(), hit["last"].lower()} & _STOP_EN:
            first, last = hit["first"].strip(), hit["last"].strip()
            start = min(hit.start("first"), hit.start("last"))
            end = max(hit.end("first"), hit.end("last"))
            return Entity("person_name", f"{first} {last}", start, end, text[start:end])
    for pattern in _PARTS_ZH if form.han else ():
        hit = pattern.search(form.text)
        if hit and is_chinese_name(hit["last"] + hit["first"]):
            value = text[hit.start("last") : hit.end("last")] + text[hit.start("first") : hit.end("first")]
            start, end = hit.start("last"), hit.end("first")
            return Entity("person_name", value, start, end, text[start:end])
    return None


def extract(text: str, today: date) -> list[Entity]:
    """Find names of persons.

    Args:
        text: The message as typed.
        today: The day of the message; not used, same signature as the other rules.

    Returns:
        ``person_name`` entities in order, each with the name as it was typed.
    """
    form = normal(text)
    halves = _in_parts(form, text)
    if halves is not None:
        return [halves]
    found: list[Entity] = []
    for start, end in sorted(set(_led(form, text) + _followed(form, text))):
        if found and start < found[-1].end:
            continue
        found.append(Entity("person_name", text[start:end], start, end, text[start:end]))
    return found
