"""USCIS forms in a message: written numbers, numbers alone, names and nicknames in both languages."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from .entity import Entity
from .lexicon import lexicon
from .norm import Normal, normal

_CONTENT = Path(__file__).resolve().parents[3] / "content" / "forms.yml"
_LEX = lexicon("forms")

_WRITTEN = re.compile(
    r"(?<![a-z0-9$#])(?P<letter>ar|eye|aye|[ingl1])(?P<gap>[-._/·•—]|\s?-\s?|\s{1,2})?(?P<digits>\d{1,4})"
    r"(?:(?P<dash>-|\s)?\(?(?P<suffix>[a-z])\)?)?(?![a-z0-9]|[-.]\d)"
)
_BARE = re.compile(r"(?<![a-z0-9$#.\-@])(?P<digits>\d{2,4})(?P<suffix>[a-z])?(?![a-z0-9]|[-.,]\d|@)")
_CHAIN = re.compile(_LEX.node("chain") + r"(?P<digits>\d{2,4})(?P<suffix>[a-z])?(?![a-z0-9]|[-.]\d)")
_SPACED = re.compile(
    rf"(?<![a-z0-9])(?P<letter>{_LEX.node('spaced_letter')})?[\s-]*(?P<digits>\d(?:[ \-]\d){{1,2}})"
    r"(?P<suffix>\s?[a-z])?(?![a-z0-9]|[ -]\d)"
)
_UNIT_EN = re.compile(_LEX.node("unit_after.en"))
_UNIT_ZH = re.compile(_LEX.node("unit_after.zh"))
_NUMBER_BEFORE = re.compile(_LEX.node("number_before"))
_NEVER_BEFORE = re.compile(_LEX.node("never_before"))
_BEFORE_EN = re.compile(r"(?<![a-z])" + _LEX.node("before_number.en")[0] + r"\s+$")
_NAMED_BEFORE = re.compile(_LEX.node("named_before"))
_BEFORE_ZH = re.compile(_LEX.node("before_number.zh")[0] + r"[\s:：]*$")
_AFTER_EN = re.compile(r"\s*[-'s]*\s*" + _LEX.node("after_number.en")[0] + r"(?![a-z])")
_AFTER_ZH = re.compile(r"\s*" + _LEX.node("after_number.zh")[0])
_NOT_EN = re.compile(_LEX.node("negation_before.en"))
_NOT_ZH = re.compile(_LEX.node("negation_before.zh"))
_NOT_NEGATION = re.compile(_LEX.node("not_negation"))
_HOLDER_AFTER = re.compile(_LEX.node("holder_after"))
_HOLDER_BEFORE = re.compile(_LEX.node("holder_before"))
_ROAD_BEFORE = re.compile(_LEX.node("road_before"))
_ROAD_AFTER = re.compile(_LEX.node("road_after"))
_ROAD_WORDS = re.compile(_LEX.node("road_words"))
_FILED_BEFORE = re.compile(_LEX.node("filed_before"))
_FILED_AFTER = re.compile(_LEX.node("filed_after"))
_NAME_LEAD = re.compile(_LEX.node("name_lead"))
_NAME_TAIL = re.compile(_LEX.node("name_tail"))
_NAME_VERB = re.compile(_LEX.node("name_verb"))
_SELECTOR = re.compile(_LEX.node("selector"))
_WEAK = frozenset(normal(str(name)).text for name in _LEX.node("weak"))
_EDGE = " \t\r\n.,!?;:，。！？；：、~～…'\"()（）#"
_END_OR_MARK = re.compile(r"\s*(?:$|[.,!?;:，。！？；：、)）])")


@dataclass
class _Hit:
    start: int
    end: int
    form: str | None
    known: bool = True
    written: bool = False
    weak: bool = False
    variant: str | None = None
    ambiguous: str | None = None
    hint: bool = False
    denied: bool = field(default=False)


class _Book:
    """Forms, names, ambiguous names and variants of ``content/forms.yml``, ready to match."""

    def __init__(self, data: dict[str, Any]) -> None:
        self.forms: dict[str, dict[str, Any]] = {row["form"]: row for row in data["forms"]}
        self.not_filed = frozenset(data["not_filed"])
        self.ambiguous: dict[str, dict[str, Any]] = {row["key"]: row for row in data["ambiguous"]}
        self.by_digits: dict[str, str] = {}
        for form in self.forms:
            letters, digits = form.split("-")
            if letters in {"I", "N"}:
                self.by_digits.setdefault(digits.lower(), form)
        self.names: dict[str, _Hit] = {}
        self.hints: dict[str, _Hit] = {}
        for form, row in self.forms.items():
            self._add(self.names, row["names"], form=form)
        for row in data["ambiguous"]:
            self._add(self.names, row["names"], form=None, ambiguous=row["key"])
        for row in data["variants"]:
            self._add(self.names, row["names"], form=row["form"], variant=row["variant"])
            self._add(self.hints, row.get("hints", {}), form=row["form"], variant=row["variant"], hint=True)
        self.name_en, self.name_zh = self._patterns(self.names)
        self.hint_en, self.hint_zh = self._patterns(self.hints)
        self.spoken = self._spoken()

    def _add(self, table: dict[str, _Hit], names: dict[str, list[str]], **fields: Any) -> None:
        for language in ("en", "zh"):
            for name in names.get(language, []):
                key = normal(str(name)).text
                known = table.get(key)
                if known is None:
                    table[key] = _Hit(0, 0, weak=key in _WEAK, **fields)

    @staticmethod
    def _patterns(table: dict[str, _Hit]) -> tuple[re.Pattern[str], re.Pattern[str]]:
        latin = sorted((name for name in table if name.isascii() or not _has_han(name)), key=len, reverse=True)
        han = sorted((name for name in table if _has_han(name)), key=len, reverse=True)
        english = "|".join(_loose(name) for name in latin)
        chinese = "|".join(re.escape(name) for name in han)
        return (
            re.compile(rf"(?<![a-z0-9-])(?=[a-z0-9])(?:{english})(?:'?s)?(?![a-z0-9])"),
            re.compile(chinese),
        )

    def _spoken(self) -> tuple[re.Pattern[str], re.Pattern[str]]:
        self.said: dict[str, str] = {}
        for digits, form in self.by_digits.items():
            if digits.isdigit():
                for words in _say(digits):
                    self.said.setdefault(words, form)
        words = "|".join(re.escape(item).replace(r"\ ", r"[\s-]+") for item in sorted(self.said, key=len, reverse=True))
        before, after = _LEX.node("numeral_before"), _LEX.node("numeral_after")
        return (
            re.compile(rf"(?<![a-z])(?:(?P<letter>eye|aye|i|en|n|form|my|the)[\s-]+(?:dash\s+)?)?(?P<words>{words})(?![a-z])"),
            re.compile(rf"(?:{before})\s*(?P<hwords>{_HAN_NUMBERS})(?=\s*(?:{after}))"),
        )


_ONES = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
_TEENS = ["ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"]
_TENS = ["", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
_HAN_DIGITS = "零一二三四五六七八九"
_HAN_NUMBERS = f"[{_HAN_DIGITS}〇]{{2,3}}"
_HAN_ALONE = re.compile(
    rf"(?<![{_HAN_DIGITS}〇0-9])(?<!{_LEX.node('numeral_not_before')})([{_HAN_DIGITS}〇]{{3}})"
    rf"(?!一(?![起直般])|[{_HAN_DIGITS.replace('一', '')}〇0-9]|{_LEX.node('numeral_not_after')})"
)
_LETTER_BEFORE = re.compile(r"(?<![a-z0-9])(?P<letter>[in])[\s-]?$")
_LETTERS_IN_NUMBER = re.compile(r"(?<![a-z0-9])([in]-?)(?=[oil]{0,2}\d)([\doil]{3})(?![a-z0-9])")
_AS_DIGITS = str.maketrans("oil", "011")
_FIGURE_WORD = re.compile(rf"(?<![a-z])(?:{'|'.join([*_ONES, *_TEENS, *_TENS[2:]])})(?![a-z])")
_SAID_ON = re.compile(rf"[\s-]*(?:{'|'.join([*_ONES, *_TEENS, *_TENS[2:]])}|oh|o|double|hundred|\d)(?![a-z])")
_SEVERAL_WORDS = re.compile(r"[\s-]")
_NO_TIME = re.compile(_LEX.node("no_time"))
_HAN_HUNDRED = re.compile(r"(?:(?<![a-z0-9])n\s?-?\s?)?(?P<digit>[四六])百(?=\s*(?:表|申请|那|[。，,.!！]|$))")
_ALONE_LEAD = re.compile(_LEX.node("alone_lead"))
_LABELS = re.compile(r"\s?\(?")
_SUFFIX_AFTER = re.compile(r"\s([a-z])(?![a-z])")
_BESIDE: dict[str, str] = _LEX.node("beside_others")
_BESIDE_RE = re.compile(rf"(?<![a-z0-9])(?:{'|'.join(_BESIDE)})(?![a-z0-9])")


def _two(digits: str) -> list[str]:
    tens, ones = int(digits[0]), int(digits[1])
    if tens == 1:
        return [_TEENS[ones]]
    if tens == 0:
        return [f"oh {_ONES[ones]}", f"zero {_ONES[ones]}", f"o {_ONES[ones]}"]
    return [_TENS[tens] if ones == 0 else f"{_TENS[tens]} {_ONES[ones]}"]


def _say(digits: str) -> list[str]:
    """The ways a form number is read aloud in English ("four eighty five")."""
    single = " ".join(_ONES[int(digit)] for digit in digits)
    if len(digits) == 2:
        return [single, *_two(digits)]
    if len(digits) != 3:
        return [single]
    hundred = _ONES[int(digits[0])]
    if digits[1:] == "00":
        return [single, f"{hundred} hundred"]
    ways = [single]
    for rest in _two(digits[1:]):
        ways += [f"{hundred} {rest}", f"{hundred} hundred {rest}", f"{hundred} hundred and {rest}"]
    return ways


def _has_han(text: str) -> bool:
    return any("\u3400" <= char <= "\u9fff" for char in text)


def _loose(name: str) -> str:
    """An English name with any blanks; a hyphen may be a blank or missing."""
    return re.escape(name).replace(r"\ ", r"[\s-]+").replace(r"\-", r"[\s-]?").replace("'", "'?")


@lru_cache(maxsize=1)
def _book() -> _Book:
    with _CONTENT.open(encoding="utf-8") as stream:
        return _Book(yaml.safe_load(stream))


def _written(form: Normal, book: _Book) -> list[_Hit]:
    hits = []
    for match in _WRITTEN.finditer(form.text):
        letter, digits, suffix = match["letter"], match["digits"], match["suffix"] or ""
        gap = match["gap"] or ""
        end = match.end()
        if letter in {"l", "1"}:
            if letter == "1" and (gap != "-" or re.search(r"[\d)]\s*$", form.text[: match.start()])):
                continue
            name = book.by_digits.get(digits + suffix) or book.by_digits.get(digits)
            if name is None or not name.startswith("I-"):
                continue
            hits.append(_Hit(match.start(), end, name, written=True))
            continue
        letters = "I" if letter in {"eye", "aye"} else letter.upper()
        number = f"{letters}-{digits}{suffix.upper()}"
        if number not in book.forms and suffix and number not in book.not_filed:
            short = f"{letters}-{digits}"
            if short in book.forms or short in book.not_filed or match["dash"]:
                number, end = short, match.end("digits")
        if number in book.not_filed:
            continue
        if _is_road(form.text, match.start(), end, digits):
            continue
        known = number in book.forms
        spaced = gap.strip() == "" and gap != ""
        if spaced:
            if not known or _UNIT_EN.match(form.text, end) or _UNIT_ZH.match(form.text, end):
                continue
            if letter == "i" and len(digits) < 3 and digits != "90":
                continue
        elif not known and (letter not in {"i", "n"} or (gap == "" and len(digits) < 3)):
            continue
        hits.append(_Hit(match.start(), end, number, known=known, written=True))
    return hits


def _is_road(text: str, start: int, end: int, digits: str) -> bool:
    """Whether this is an interstate ("take I-90 west"): two figures, and a word of the road."""
    return len(digits) == 2 and bool(
        _ROAD_AFTER.match(text, end) or (_ROAD_BEFORE.search(text, 0, start) and _ROAD_WORDS.search(text, end))
    )


def _bare(form: Normal, book: _Book, taken: list[_Hit]) -> list[_Hit]:
    text = form.text
    hits: list[_Hit] = []
    whole = text.strip(_EDGE)
    for match in _BARE.finditer(text):
        if any(hit.start < match.end() and match.start() < hit.end for hit in taken):
            continue
        name = book.by_digits.get(match["digits"] + (match["suffix"] or ""))
        if name is None:
            continue
        start, end = match.span()
        if _UNIT_EN.match(text, end) or _UNIT_ZH.match(text, end):
            continue
        before = text[max(0, start - 24) : start]
        if _NEVER_BEFORE.search(before) or (
            _NUMBER_BEFORE.search(before) and not _AFTER_EN.match(text, end) and "form" not in before
        ):
            continue
        alone = whole == match.group()
        chained = any(hit.end <= start and _CHAIN.fullmatch(text, hit.end, end) for hit in (*taken, *hits))
        suffixed = bool(match["suffix"])
        led = bool(_BEFORE_ZH.search(before)) or (bool(_BEFORE_EN.search(before)) and _ends(text, end))
        followed = bool(_AFTER_EN.match(text, end)) or bool(_AFTER_ZH.match(text, end))
        following = _CHAIN.match(text, end)
        listed = following is not None and following["digits"] in book.by_digits
        if (
            alone
            or chained
            or suffixed
            or led
            or followed
            or listed
            or (_NAMED_BEFORE.search(before) is not None and _END_OR_MARK.match(text, end) is not None)
            or (whole.startswith(match.group()) and len(whole) < 14)
        ):
            hits.append(_Hit(start, end, name, written=True))
    return hits


def _ends(text: str, end: int) -> bool:
    return bool(
        _END_OR_MARK.match(text, end)
        or _AFTER_EN.match(text, end)
        or re.match(r"\s+[a-z]", text[end : end + 3])
        or _has_han(text[end : end + 2])
    )


def _spelled(form: Normal, book: _Book, taken: list[_Hit]) -> list[_Hit]:
    hits = []
    for match in _SPACED.finditer(form.text):
        digits = re.sub(r"\D", "", match["digits"])
        name = book.by_digits.get(digits)
        if name is None or _overlaps(match.start("digits"), match.end("digits"), taken):
            continue
        if match["letter"] or form.text.strip(_EDGE) == match.group().strip():
            start = match.start("letter") if match["letter"] else match.start("digits")
            hits.append(_Hit(start, match.end("digits"), name, written=True))
    in_english, in_chinese = book.spoken
    for match in in_english.finditer(form.text) if form.latin and _FIGURE_WORD.search(form.text) else ():
        if match["letter"] in (None, "the") and not _said_alone(form.text, match):
            continue
        name = book.said[re.sub(r"[\s-]+", " ", match["words"])]
        if match["letter"] in ("n", "en") and name.replace("I-", "N-") in book.forms:
            name = name.replace("I-", "N-")
        end = match.end()
        suffix = _SUFFIX_AFTER.match(form.text, end)
        if suffix and f"{name}{suffix.group(1).upper()}" in book.forms:
            name, end = f"{name}{suffix.group(1).upper()}", suffix.end()
        hits.append(_Hit(match.start(), end, name, written=True))
    for match in in_chinese.finditer(form.text) if form.han else ():
        digits = "".join(str(_HAN_DIGITS.index(char)) for char in match["hwords"].replace("〇", "零"))
        if digits in book.by_digits:
            hits.append(_Hit(match.start("hwords"), match.end("hwords"), book.by_digits[digits], written=True))
    for match in _HAN_HUNDRED.finditer(form.text) if form.han else ():
        if match.start("digit") > match.start() or form.text.startswith(("表", "申请"), match.end()):
            hits.append(_Hit(*match.span(), f"N-{_HAN_DIGITS.index(match['digit'])}00", written=True))
    for match in _HAN_ALONE.finditer(form.text) if form.han else ():
        digits = "".join(str(_HAN_DIGITS.index(char)) for char in match.group(1).replace("〇", "零"))
        if digits in book.by_digits and not _overlaps(*match.span(), hits):
            letter = _LETTER_BEFORE.search(form.text, max(0, match.start() - 3), match.start())
            start = letter.start("letter") if letter else match.start()
            hits.append(_Hit(start, match.end(), book.by_digits[digits], written=True))
    return hits


def _said_alone(text: str, match: re.Match[str]) -> bool:
    """Whether "seven sixty five" is nothing but the number of a form: said alone, or in front of a word for forms."""
    if not _SEVERAL_WORDS.search(match["words"]):
        return False
    if _UNIT_EN.match(text, match.end()) or _SAID_ON.match(text, match.end()):
        return False
    before = text[: match.start()].strip(_EDGE)
    return (
        (not before and not text[match.end() :].strip(_EDGE))
        or bool(_AFTER_EN.match(text, match.end()))
        or (match["letter"] == "the" and _NO_TIME.match(text, match.end()) is not None)
        or (_ALONE_LEAD.fullmatch(before) is not None and _END_OR_MARK.match(text, match.end()) is not None)
    )


def _overlaps(start: int, end: int, hits: list[_Hit]) -> bool:
    return any(hit.start < end and start < hit.end for hit in hits)


def _named(form: Normal, patterns: tuple[re.Pattern[str], re.Pattern[str]], table: dict[str, _Hit]) -> list[_Hit]:
    hits = []
    found: list[re.Match[str]] = []
    if form.latin:
        found.extend(patterns[0].finditer(form.text))
    if form.han:
        found.extend(patterns[1].finditer(form.text))
    for match in found:
        key = match.group()
        entry = table.get(key)
        if entry is None:
            tidy = re.sub(r"[\s-]+", " ", key)
            entry = _tidy(table).get(tidy) or _tidy(table).get(tidy.removesuffix("'s").removesuffix("s"))
        if entry is None:
            continue
        hits.append(
            _Hit(
                match.start(),
                match.end(),
                entry.form,
                weak=entry.weak,
                variant=entry.variant,
                ambiguous=entry.ambiguous,
                hint=entry.hint,
            )
        )
    return hits


_TIDY: dict[int, dict[str, _Hit]] = {}


def _tidy(table: dict[str, _Hit]) -> dict[str, _Hit]:
    """The same table by names without regard to hyphens and apostrophes."""
    known = _TIDY.get(id(table))
    if known is None:
        known = {}
        for name, hit in table.items():
            for form in (re.sub(r"[\s-]+", " ", name), re.sub(r"[\s-]+", "", name)):
                known.setdefault(form, hit)
                known.setdefault(form.replace("'", ""), hit)
        _TIDY[id(table)] = known
    return known


def _denied(form: Normal, hit: _Hit) -> bool:
    before = form.text[max(0, hit.start - 30) : hit.start]
    if _NOT_NEGATION.search(before[-12:]):
        return False
    return bool(_NOT_EN.search(before) or _NOT_ZH.search(before))


def _filed(form: Normal, hit: _Hit) -> bool:
    """Whether a name of a status of workers stands for the petition ("公司先办H-1B，之后I-140")."""
    return hit.form == "I-129" and bool(
        _FILED_BEFORE.search(form.text[max(0, hit.start - 24) : hit.start]) or _FILED_AFTER.match(form.text, hit.end)
    )


def _whole_name(form: Normal, hit: _Hit) -> tuple[int, int]:
    """The span of a name with the words that belong to it ("petition to remove conditions", 入籍申请)."""
    start, end = hit.start, hit.end
    if hit.written or hit.hint:
        return start, end
    if form.text.endswith(" renewal", start, end):
        return start, end - len(" renewal")
    verb = _NAME_VERB.match(form.text, start, end)
    if verb and verb.end() < end:
        return verb.end(), end
    lead = _NAME_LEAD.search(form.text, max(0, start - 40), start)
    tail = _NAME_TAIL.match(form.text, end)
    return (lead.start() if lead else start), (tail.end() if tail else end)


def _entity(text: str, hit: _Hit, book: _Book) -> Entity:
    extras: dict[str, Any] = {"known": hit.known}
    value = hit.form
    if hit.ambiguous is not None:
        row = book.ambiguous[hit.ambiguous]
        candidates = [
            {"form": item["form"], "variant": item.get("variant"), "label": dict(item["label"])}
            for item in row["candidates"]
        ]
        forms = {item["form"] for item in candidates}
        value = forms.pop() if len(forms) == 1 else None
        extras["candidates"] = candidates
        extras["ambiguous"] = hit.ambiguous
    if hit.variant is not None:
        extras["variant"] = hit.variant
    if hit.written:
        extras["written"] = True
    if hit.hint:
        extras["hint"] = True
    return Entity("form_type", value, hit.start, hit.end, text[hit.start : hit.end], None, extras)


def _select(form: Normal, hits: list[_Hit], hints: list[_Hit], book: _Book) -> list[_Hit]:
    for hit in hits:
        hit.denied = _denied(form, hit)
    kept = [hit for hit in hits if not hit.denied]
    exact = [hit for hit in kept if hit.ambiguous is None]
    if any(hit.form == "I-485J" for hit in exact):
        exact = [hit for hit in exact if hit.form != "I-485"]
    if any(not hit.weak for hit in exact):
        exact = [hit for hit in exact if not hit.weak or _filed(form, hit)]
    vague: list[_Hit] = []
    for hit in kept:
        if hit.ambiguous is None:
            continue
        candidates = {item["form"] for item in book.ambiguous[hit.ambiguous]["candidates"]}
        named = [one for one in exact if one.form in candidates]
        if hit.ambiguous == "green_card":
            named = named or [one for one in exact if not one.weak]
            if any(other.ambiguous not in {None, "green_card"} for other in kept) or _HOLDER_AFTER.match(
                form.text, hit.end
            ):
                continue
        if named and not (hit.ambiguous == "travel_document" and all(one.written for one in named)):
            continue
        if hit.ambiguous == "travel_document":
            variants = {one.variant for one in (*hints, *exact) if one.form == "I-131" and one.variant}
            if len(variants) == 1:
                hit.form, hit.variant, hit.ambiguous = "I-131", variants.pop(), None
                exact = [one for one in exact if one.form != "I-131" or one.written]
            elif named:
                exact = [one for one in exact if one.form != "I-131"]
        vague.append(hit)
    one_kind = not exact and not vague and len({hint.variant for hint in hints}) == 1
    if one_kind and len(form.text) <= 60 and _SELECTOR.search(form.text):
        return hints[:1]
    if len(vague) > 1 and {hit.ambiguous for hit in vague} & {"green_card"}:
        vague = [hit for hit in vague if hit.ambiguous != "green_card"] or vague
    if vague and exact and all(hit.weak for hit in exact):
        exact = [hit for hit in exact if not any(v.ambiguous for v in vague)]
    for hit in exact:
        if hit.form == "I-131" and hit.variant is None:
            variants = {hint.variant for hint in hints if hint.variant}
            if len(variants) == 1:
                hit.variant = variants.pop()
    return sorted([*exact, *vague], key=lambda hit: hit.start)


def extract(text: str, today: date) -> list[Entity]:
    """Find the USCIS forms that a message is about.

    Args:
        text: The message as typed.
        today: The day of the message; not used, same signature as the other rules.

    Returns:
        ``form_type`` entities in order, every form once. Extras: ``known`` (in ``content/forms.yml``), ``candidates``
        and ``ambiguous`` for a name that fits several forms (value ``None``, or the form they share), ``variant`` for a
        kind of I-131, ``written`` when the number itself was given, ``hint`` when only a description was.
    """
    form = normal(text)
    if _LETTERS_IN_NUMBER.search(form.text):
        mended = _LETTERS_IN_NUMBER.sub(lambda hit: hit.group(1) + hit.group(2).translate(_AS_DIGITS), form.text)
        form = replace(form, text=mended)
    if "幺" in form.text:
        form = replace(form, text=form.text.replace("幺", "一"))
    book = _book()
    taken = _written(form, book)
    digits = any(char.isdigit() for char in form.text)
    if digits:
        taken += _bare(form, book, taken)
    taken += [hit for hit in _spelled(form, book, taken) if not _overlaps(hit.start, hit.end, taken)]
    names = [
        hit
        for hit in _named(form, (book.name_en, book.name_zh), book.names)
        if not _overlaps(hit.start, hit.end, taken)
    ]
    # "refugee family petition I-730": the number says which petition.
    names = [
        hit
        for hit in names
        if not any(hit.form != one.form and _LABELS.fullmatch(form.text, hit.end, one.start) for one in taken)
    ]
    hints = _named(form, (book.hint_en, book.hint_zh), book.hints)
    names = [
        hit
        for hit in names
        if not (
            hit.ambiguous == "green_card"
            and any(hint.start <= hit.start and hit.end <= hint.end for hint in hints)
            and any(other.ambiguous == "travel_document" for other in names)
        )
        and not (
            hit.ambiguous == "green_card"
            and any(hint.start <= hit.start and hit.end <= hint.end for hint in hints)
            and _SELECTOR.search(form.text) is not None
            and len(form.text) <= 60
            and not taken
        )
    ]
    if (taken or names) and form.latin:
        names += [
            _Hit(*match.span(), "I-131", variant=_BESIDE[match.group()])
            for match in _BESIDE_RE.finditer(form.text)
            if not _overlaps(*match.span(), [*taken, *names])
        ]
    chosen = _select(form, sorted([*taken, *names], key=lambda hit: hit.start), hints, book)
    result: list[Entity] = []
    seen: set[tuple[Any, ...]] = set()
    for hit in chosen:
        key = (hit.form, hit.ambiguous) if hit.ambiguous else (hit.form,)
        if key in seen:
            continue
        seen.add(key)
        hit.start, hit.end = _whole_name(form, hit)
        result.append(_entity(text, hit, book))
    return result
