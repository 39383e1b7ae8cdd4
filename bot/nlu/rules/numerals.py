"""Digits and numbers in every way people write or say them, with the way back to the message as it was typed.

Rules look at a normalised copy of the message. Normalising changes its length (invisible characters go, "double five"
becomes "55"), so every character of the copy remembers which part of the original it stands for.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bot.nlu.rules.lexicon import lexicon

_WORDS = lexicon("numerals").tree

CHINESE_DIGITS: dict[str, int] = {
    sign: int(value) for value, signs in _WORDS["chinese_digits"].items() for sign in signs
}
_CHINESE_UNITS = {sign: int(value) for value, signs in _WORDS["chinese_units"].items() for sign in signs}
_CHINESE_TENS = {sign: int(value) for value, signs in _WORDS["chinese_tens"].items() for sign in signs}
ENGLISH_DIGITS = {word: int(value) for value, words in _WORDS["english_digits"].items() for word in words}
_ENGLISH_TEENS: dict[str, int] = _WORDS["english_teens"]
_ENGLISH_TENS: dict[str, int] = _WORDS["english_tens"]
_ENGLISH_ORDINALS: dict[str, int] = _WORDS["english_ordinals"]
_REPEATS: dict[str, int] = _WORDS["english_repeats"]
_SIGNS: dict[str, str] = _WORDS["spoken_signs"]

CHINESE_DIGIT_CLASS = "".join(CHINESE_DIGITS)
CHINESE_NUMBER_CLASS = CHINESE_DIGIT_CLASS + "".join(_CHINESE_UNITS) + "".join(_CHINESE_TENS)

_DASHES = "‐‑‒–—―−﹘﹣－ー─━–—˗"


def _character_map() -> dict[str, str]:
    """Map characters to what they are read as: plain ASCII digits, letters and dashes, nothing for invisible ones."""
    table: dict[str, str] = {}
    for code in range(0x80, 0x10000):
        sign = chr(code)
        category = unicodedata.category(sign)
        if category == "Cf" or 0xFE00 <= code <= 0xFE0F:
            table[sign] = ""
        elif category == "Nd":
            table[sign] = str(unicodedata.digit(sign))
        elif 0xFF01 <= code <= 0xFF5E:
            table[sign] = chr(code - 0xFEE0)
        elif category == "Zs":
            table[sign] = " "
    table.update(dict.fromkeys(_DASHES, "-"))
    return table


_CHARACTERS = _character_map()


@dataclass(frozen=True)
class Normalised:
    """A normalised copy of a message.

    Attributes:
        text: The copy.
        original: The message as it was given.
        starts: For each character of ``text`` where its origin begins in ``original``.
        ends: For each character of ``text`` where its origin ends in ``original``.
    """

    text: str
    original: str
    starts: Sequence[int]
    ends: Sequence[int]

    @classmethod
    def of(cls, original: str, text: str | None = None) -> Normalised:
        """Return a copy in which every character stands for the one at its place.

        Args:
            original: The message as it was given.
            text: The copy, of the same length; the message itself when left out.
        """
        return cls(original if text is None else text, original, range(len(original)), range(1, len(original) + 1))

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Translate a span of the copy (not empty) to the original."""
        return self.starts[start], self.ends[end - 1]

    def replaced(self, pieces: Iterable[tuple[int, int, str]]) -> Normalised:
        """Return a copy in which spans are rewritten.

        Args:
            pieces: (start, end, new text) in rising order, not overlapping. Every new character stands for the whole
                span it replaces.
        """
        text: list[str] = []
        starts: list[int] = []
        ends: list[int] = []
        at = 0
        for start, end, new in pieces:
            text.append(self.text[at:start])
            starts.extend(self.starts[at:start])
            ends.extend(self.ends[at:start])
            text.append(new)
            first, last = self.span(start, end)
            starts.extend([first] * len(new))
            ends.extend([last] * len(new))
            at = end
        if at == 0:
            return self
        text.append(self.text[at:])
        starts.extend(self.starts[at:])
        ends.extend(self.ends[at:])
        return Normalised("".join(text), self.original, starts, ends)


def normalise(text: str) -> Normalised:
    """Return the message with ASCII digits, letters and dashes, without zero-width and direction characters."""
    if text.isascii():
        return Normalised.of(text)
    signs: list[str] = []
    starts: list[int] = []
    lookup = _CHARACTERS.get
    for at, sign in enumerate(text):
        read = lookup(sign, sign)
        if read:
            signs.append(read)
            starts.append(at)
    return Normalised("".join(signs), text, starts, [start + 1 for start in starts])


def chinese_int(text: str) -> int | None:
    """Read a whole number below 100,000 in Chinese or ASCII digits: 二〇二三, 一百一十三, 廿八, 3, 十."""
    if not text:
        return None
    if text.isdecimal():
        return int(text)
    if not any(sign in _CHINESE_UNITS or sign in _CHINESE_TENS for sign in text):
        digits = [_chinese_digit(sign) for sign in text]
        return None if None in digits else int("".join(map(str, digits)))
    total = section = 0
    digit: int | None = None
    for sign in text:
        unit = _CHINESE_UNITS.get(sign)
        if unit == 10000:
            total += (section + (digit or 0)) * unit
            section, digit = 0, None
        elif unit is not None:
            section += (1 if digit is None else digit) * unit
            digit = None
        elif sign in _CHINESE_TENS:
            section += _CHINESE_TENS[sign]
            digit = None
        else:
            value = _chinese_digit(sign)
            if value is None or (digit and not sign.isdecimal()):
                return None
            digit = value if not digit else digit * 10 + value
    return total + section + (digit or 0)


def _chinese_digit(sign: str) -> int | None:
    if sign.isdecimal():
        return int(sign)
    return 0 if sign in "oO" else CHINESE_DIGITS.get(sign)


_ENGLISH_SPLIT = re.compile(r"[\s-]+")


def english_int(text: str) -> int | None:
    """Read 0 to 99 in English words, cardinal or ordinal, or in digits with or without st, nd, rd, th."""
    words = _ENGLISH_SPLIT.split(text.strip().lower())
    if len(words) == 1:
        word = words[0]
        number = re.fullmatch(r"(\d{1,4})(?:st|nd|rd|th)?", word)
        if number:
            return int(number.group(1))
        for table in (ENGLISH_DIGITS, _ENGLISH_TEENS, _ENGLISH_TENS, _ENGLISH_ORDINALS):
            if word in table:
                return table[word]
        return None
    if len(words) == 2 and words[0] in _ENGLISH_TENS:
        unit = ENGLISH_DIGITS.get(words[1], _ENGLISH_ORDINALS.get(words[1]))
        if unit is not None and unit < 10:
            return _ENGLISH_TENS[words[0]] + unit
    return None


def _alternatives(words: Iterable[str]) -> str:
    return "|".join(sorted(words, key=len, reverse=True))


_UNIT_WORDS = _alternatives(word for word, value in ENGLISH_DIGITS.items() if value)
_TEEN_WORDS = _alternatives(_ENGLISH_TEENS)
_TENS_WORDS = _alternatives(_ENGLISH_TENS)
_ORDINAL_UNITS = _alternatives(word for word, value in _ENGLISH_ORDINALS.items() if value < 10)

#: 1 to 99 in English words, as part of a regular expression.
ENGLISH_NUMBER = rf"(?:(?:{_TENS_WORDS})[ -](?:{_UNIT_WORDS})|{_TENS_WORDS}|{_TEEN_WORDS}|{_UNIT_WORDS})"
#: Ordinals to 39th in English words, as part of a regular expression.
ENGLISH_ORDINAL = rf"(?:(?:twenty|thirty)[ -](?:{_ORDINAL_UNITS})|{_alternatives(_ENGLISH_ORDINALS)})"
#: Years as they are said: nineteen eighty-five, twenty oh five, two thousand (and) nineteen.
ENGLISH_YEAR = (
    rf"(?:(?:nineteen|twenty)[ -](?:(?:oh|o)[ -](?:{_UNIT_WORDS})|(?:{_TENS_WORDS})[ -](?:{_UNIT_WORDS})"
    rf"|{_TENS_WORDS}|{_TEEN_WORDS})|two thousand(?: and)?(?: {ENGLISH_NUMBER})?)"
)
_YEAR_PARTS = re.compile(r"(nineteen|twenty|two thousand)(?: and)?[ -]?(?:(?:oh|o)[ -])?(.*)", re.IGNORECASE)


def english_year(text: str) -> int | None:
    """Read a spoken year: "twenty twenty three" is 2023, "nineteen oh five" 1905, "two thousand and nine" 2009."""
    parts = _YEAR_PARTS.fullmatch(text.strip())
    if not parts:
        return None
    century = {"nineteen": 1900, "twenty": 2000, "two thousand": 2000}[parts.group(1).lower()]
    rest = english_int(parts.group(2)) if parts.group(2) else 0
    return None if rest is None else century + rest


_DIGIT_WORDS = _alternatives([*ENGLISH_DIGITS, *_ENGLISH_TEENS, *_ENGLISH_TENS, *_REPEATS])
_TWO_SPOKEN = re.compile(
    rf"(?<![A-Za-z])(?:{_DIGIT_WORDS})(?![A-Za-z])[\s,.-]{{1,3}}(?:{_DIGIT_WORDS}|o|\d)(?![A-Za-z])", re.IGNORECASE
)
_TOKEN = re.compile(r"[A-Za-z]+|[0-9]+|[^A-Za-z0-9]+")
_GAP = re.compile(r"[\s,.-]{1,3}")
# A number told in groups ("five one zero then five five five"): so many digits stand before the first such word.
_PAUSES = frozenset(_WORDS["spoken_pauses"])
_BEFORE_A_PAUSE = 3
_CHINESE_RUN = re.compile(rf"[{CHINESE_DIGIT_CLASS}](?:[ ,、-]?[{CHINESE_DIGIT_CLASS}0-9]){{2,}}")
_CHINESE_REPEATS = re.compile(
    rf"(?P<word>{_alternatives(_REPEATS)})\s?(?P<digit>[{CHINESE_DIGIT_CLASS}])"
    rf"|(?<=[{CHINESE_DIGIT_CLASS}0-9])[ ,]?(?P<count>[两兩二三四五])[个個](?P<other>[{CHINESE_DIGIT_CLASS}0-9])"
    rf"(?=[ ,]?[{CHINESE_DIGIT_CLASS}0-9两兩]|\W|$)",
    re.IGNORECASE,
)
_PARTING = " ,、-"
LONG_NUMBER = 10
_AFTER_ONE = frozenset(_WORDS["chinese_after_one"])


def with_spoken_digits(norm: Normalised) -> Normalised:
    """Write spoken digits as digits: "zero nine double five" as 0955, "零九一二" as 0912.

    Only runs are rewritten (three Chinese digits, two English digit words in a row), so that "one" and 一 stay words
    everywhere else. Digits said after each other stand together, whatever dictation put between them.
    """
    if any(sign in norm.text for sign in CHINESE_DIGITS):
        norm = norm.replaced([(*hit.span(), _repeated(hit)) for hit in _CHINESE_REPEATS.finditer(norm.text)])
        norm = norm.replaced(_chinese_pieces(norm.text))
    if _TWO_SPOKEN.search(norm.text):
        norm = norm.replaced(_english_pieces(norm.text))
    return norm


def _repeated(hit: re.Match[str]) -> str:
    """Write a digit as often as it is said: "double 二", 三个零."""
    times = _REPEATS.get((hit["word"] or "").lower()) or CHINESE_DIGITS.get(hit["count"] or "", 1)
    return (hit["digit"] or hit["other"]) * times


def _chinese_pieces(text: str) -> list[tuple[int, int, str]]:
    pieces = []
    for run in _CHINESE_RUN.finditer(text):
        end = run.end()
        if text[end - 1] == "一" and end < len(text) and text[end] in _AFTER_ONE:
            end -= 1
        digits: list[str] = []
        parted_by: set[str] = set()
        for at in range(run.start(), end):
            if text[at] in _PARTING:
                # A long number is complete where the rhythm of saying it changes: "... 六 九，九是...".
                if len(digits) >= LONG_NUMBER and text[at] not in parted_by:
                    end = at
                    break
                parted_by.add(text[at])
            else:
                digits.append(str(_chinese_digit(text[at])))
        if len(digits) > 2:
            pieces.append((run.start(), end, "".join(digits)))
    return pieces


def _english_pieces(text: str) -> list[tuple[int, int, str]]:
    tokens = [(match.start(), match.group()) for match in _TOKEN.finditer(text)]
    pieces: list[tuple[int, int, str]] = []
    at = 0
    while at < len(tokens):
        digits, after, spoken = _english_run(tokens, at)
        if spoken >= 2:
            last_start, last = tokens[after - 1]
            pieces.append((tokens[at][0], last_start + len(last), digits))
            at = after
        else:
            at += 1
    return pieces


def _english_run(tokens: list[tuple[int, str]], at: int) -> tuple[str, int, int]:
    """Read digits from token ``at`` on: (digits, index behind the run, number of spoken words in it)."""
    digits: list[str] = []
    after, spoken, repeat = at, 0, 1
    previous_spoken = True
    tens_open = False
    while at < len(tokens):
        word = tokens[at][1].lower()
        new: str | None = None
        is_spoken = True
        if word in _REPEATS:
            repeat, tens_open = _REPEATS[word], False
            spoken += 1
        elif word in ENGLISH_DIGITS or (word == "o" and digits):
            value = ENGLISH_DIGITS.get(word, 0)
            if tens_open and value:
                digits[-1] = digits[-1][:-1]
            new, tens_open = str(value) * repeat, False
            repeat = 1
        elif word in _ENGLISH_TEENS:
            new, tens_open = str(_ENGLISH_TEENS[word]), False
        elif word in _ENGLISH_TENS:
            new, tens_open = str(_ENGLISH_TENS[word]), True
        elif word in _SIGNS:
            new, tens_open = _SIGNS[word], False
        elif word in _PAUSES and len(digits) >= _BEFORE_A_PAUSE and tokens[at + 2 : at + 3]:
            tens_open = False
        elif word.isdecimal() and (previous_spoken or not digits):
            new, is_spoken, tens_open = word * repeat, False, False
            repeat = 1
        else:
            break
        if new is not None:
            digits.append(new)
            after = at + 1
            spoken += is_spoken and new not in ("-", "*")
        previous_spoken = is_spoken
        if at + 1 < len(tokens) and _GAP.fullmatch(tokens[at + 1][1]):
            at += 2
        else:
            break
    return "".join(digits).rstrip("-"), after, spoken
