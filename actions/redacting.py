"""Taking out of a message whatever could say who wrote it, before it is kept for review.

Three sieves, each of which would rather take too much: what the rules of understanding found (numbers, dates, names,
mail addresses), the person's own answers wherever they appear, and every word that the training examples do not use
several times. The last one is what makes it safe: only words that many people use are kept, so no name, place or slip
of the pen stays, known or not. Each piece taken out leaves a type mark such as ``⟨receipt_number⟩``.
"""
from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from triage.facts import NONE

ROOT = Path(__file__).resolve().parents[1]
OPEN, CLOSE = "⟨", "⟩"
MARK = re.compile(f"{OPEN}[a-z_]+{CLOSE}")
# Entities of which nothing may stay, and how they are called in the text.
TAKEN = {"receipt_number": "receipt_number", "a_number": "a_number", "tracking_number": "tracking_number",
         "nvc_case_number": "case_number", "phone": "phone", "email": "email", "date": "date",
         "form_type": "form_type", "person_name": "name"}
# Answers that name the person, and what stands for them.
PERSONAL = {"full_name": "name", "representative_name": "name", "signature_name": "name", "mailing_address": "address",
            "email": "email", "phone": "phone", "phone_e164": "phone", "a_number": "a_number",
            "receipt_numbers": "receipt_number", "date_of_birth": "date"}
# A word is common when so many training examples use it. Answers are left out: they are full of names.
FEWEST_EXAMPLES = 3
FEWEST_FOR_ONE_CHARACTER = 100
PERSONAL_INTENT = "inform"
# A slip in a long common word is kept: no name is that close to one.
LONG_WORD = 7
MOST_DIGITS = 2
MOST_TAKEN = 0.5

_HAN = re.compile("[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0002ffff]+")
_LATIN = re.compile(r"[a-z]+(?:'[a-z]+)?")
_SENTENCE_START = re.compile(r"(?:^|[.!?。！？\n]\s*)$")
_REPEATED = re.compile(rf"({OPEN}([a-z_]+){CLOSE})(?:[\s.,，、·'’-]{{0,3}}{OPEN}\2{CLOSE})+")


@dataclass(frozen=True)
class Common:
    """What many training examples share.

    Attributes:
        words: Latin words in lower case.
        names: Words written with a capital inside a sentence ("Ombudsman", "January").
        pairs: Neighbouring Chinese characters.
        characters: Single Chinese characters that stand anywhere.
    """

    words: frozenset[str]
    names: frozenset[str]
    pairs: frozenset[str]
    characters: frozenset[str]


@lru_cache(maxsize=1)
def common(folder: Path = ROOT / "data" / "nlu") -> Common:
    """Read the training examples (about 0.2 s, once)."""
    words: Counter[str] = Counter()
    names: Counter[str] = Counter()
    pairs: Counter[str] = Counter()
    characters: Counter[str] = Counter()
    for text in _examples(folder):
        words.update(set(_LATIN.findall(text.lower().replace("’", "'"))))
        names.update({word.lower() for word in re.findall(r"(?<=[a-z,] )[A-Z][A-Za-z]+", text)})
        runs = _HAN.findall(text)
        pairs.update({run[place : place + 2] for run in runs for place in range(len(run) - 1)})
        characters.update(set("".join(runs)))
    return Common(_often(words), _often(names), _often(pairs), _often(characters, FEWEST_FOR_ONE_CHARACTER))


def _often(found: Counter[str], fewest: int = FEWEST_EXAMPLES) -> frozenset[str]:
    return frozenset(name for name, count in found.items() if count >= fewest)


def _examples(folder: Path) -> Iterator[str]:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    for path in sorted(folder.glob("*/*.yml")):
        content = yaml.load(path.read_text(encoding="utf-8"), Loader=loader)  # noqa: S506 (a SafeLoader)
        for block in content["nlu"]:
            if block["intent"] != PERSONAL_INTENT:
                yield from (line.strip()[2:] for line in block["examples"].splitlines() if line.strip())


@lru_cache(maxsize=1)
def _lexicon() -> Mapping[str, str]:
    content = yaml.safe_load((ROOT / "data" / "lexicon" / "redaction.yml").read_text(encoding="utf-8"))
    return {str(name): str(value) for name, value in content.items()}


@lru_cache(maxsize=1)
def _patterns() -> tuple[re.Pattern[str], re.Pattern[str], re.Pattern[str]]:
    """Days of a month, and numbers in words; English, Chinese."""
    words = _lexicon()
    months = "|".join(sorted(words["months"].split(), key=len, reverse=True))
    digits = "|".join(sorted(words["digit_words"].split(), key=len, reverse=True))
    english_day = rf"\b(?:{months})\b\.?[ ,]{{0,2}}\d{{1,2}}|\d{{1,2}}(?:st|nd|rd|th)?[ ,]{{0,2}}(?:of )?(?:{months})\b"
    number = f"[\\d一二三四五六七八九十{words['digit_characters']}]"
    chinese_day = (f"{number}{{1,3}}\\s*[{words['month_characters']}]\\s*{number}{{1,3}}"
                   f"(?:\\s*[{words['day_characters']}])?")
    spoken = rf"\b(?:{digits})(?:[\s,-]{{1,3}}(?:{digits})){{2,}}\b"
    return (re.compile(english_day, re.IGNORECASE), re.compile(chinese_day), re.compile(spoken, re.IGNORECASE))


def redact(text: str, entities: Iterable[Mapping[str, Any]], answers: Mapping[str, Any]) -> str | None:
    """A message without anything that could say who wrote it.

    Args:
        text: As typed.
        entities: What the rules found in it, with ``start`` and ``end``.
        answers: The person's answers so far.

    Returns:
        The text with type marks; ``None`` when too little would be left, or something is in doubt.
    """
    taken: list[str | None] = [None] * len(text)

    def take(start: int, end: int, kind: str) -> None:
        for place in range(max(0, start), min(end, len(text))):
            taken[place] = taken[place] or kind

    for item in entities:
        kind = TAKEN.get(str(item.get("entity")))
        if kind and "start" in item and not _says_nothing(kind, text[int(item["start"]) : int(item["end"])]):
            take(int(item["start"]), int(item["end"]), kind)
    for start, end, kind in (*_own(text, answers), *_days_and_numbers(text)):
        take(start, end, kind)
    words, gone = _uncommon(text, taken)
    for start, end in gone:
        take(start, end, "word")
    kept = _written(text, taken)
    left = MARK.sub("", kept)
    if not words or len(gone) > MOST_TAKEN * words or not any(char.isalpha() for char in left):
        return None
    if "@" in left or re.search(rf"\d{{{MOST_DIGITS + 1}}}", left):
        return None
    return kept


def _says_nothing(kind: str, text: str) -> bool:
    """Whether it is a form by its name or a time such as "yesterday", which anybody could write."""
    if kind not in ("form_type", "date") or any(char.isnumeric() for char in text):
        return False
    words = set(re.findall(r"[a-z]+", text.lower()))
    return not words & set(_lexicon()["months"].split())


def _own(text: str, answers: Mapping[str, Any]) -> Iterator[tuple[int, int, str]]:
    """Where the person's own answers appear, whole or in part."""
    lowered = text.casefold() if len(text.casefold()) == len(text) else text.lower()
    for slot, kind in PERSONAL.items():
        value = answers.get(slot)
        for one in value if isinstance(value, list) else [value]:
            if not isinstance(one, str) or one == NONE:
                continue
            for part in _parts(one.casefold()):
                pattern = re.escape(part)
                if not _HAN.search(part):
                    pattern = rf"(?<![^\W_]){pattern}(?![^\W_])"
                for match in re.finditer(pattern, lowered):
                    yield match.start(), match.end(), kind


def _parts(value: str) -> set[str]:
    """A value, its words, and the pairs of characters in its Chinese."""
    pairs = {run[place : place + 2] for run in _HAN.findall(value) for place in range(len(run) - 1)}
    words = {word for word in re.findall(r"[^\W_]+", _HAN.sub(" ", value)) if len(word) > 1}
    return {part for part in {value.strip(), *words, *pairs} if part}


def _days_and_numbers(text: str) -> Iterator[tuple[int, int, str]]:
    english, chinese, spoken = _patterns()
    for pattern, kind in ((english, "date"), (chinese, "date"), (spoken, "number")):
        for match in pattern.finditer(text):
            yield match.start(), match.end(), kind
    more = _lexicon()["digit_characters"]
    start, last, count = -1, -1, 0
    for place, char in enumerate([*text, "|", "|", "|"]):
        if char.isnumeric() or char in more:
            start = place if count == 0 else start
            last, count = place, count + 1
        elif count and (char.isalpha() or place - last > 2):
            if count > MOST_DIGITS:
                yield *_token(text, start, last + 1), "number"
            count = 0


def _token(text: str, start: int, end: int) -> tuple[int, int]:
    """The stretch with the letters that are glued to it, as in ``LIN2190`` or ``12B``."""
    def glued(char: str) -> bool:
        return (char.isalnum() and not _HAN.match(char)) or char in "-_#*"

    while start > 0 and glued(text[start - 1]):
        start -= 1
    while end < len(text) and glued(text[end]):
        end += 1
    return start, end


def _uncommon(text: str, taken: list[str | None]) -> tuple[int, list[tuple[int, int]]]:
    """Words that not many people use.

    Returns:
        How many words there are that were not taken before (a Chinese character counts as one), and where the
        uncommon ones stand.
    """
    known, count, gone = common(), 0, []
    shouted = text.upper() == text
    for match in re.finditer(r"[^\W\d_]+(?:['’][^\W\d_]+)?", _HAN.sub(lambda run: " " * len(run[0]), text)):
        start, end = match.span()
        if taken[start] is not None:
            continue
        count += 1
        word = match.group().lower().replace("’", "'")
        capital = match.group()[0].isupper() and not shouted and not _SENTENCE_START.search(text[:start])
        word = word.removesuffix("'s") if capital else word
        fits = (word in known.names or word == "i" or word.startswith("i'")) if capital else (
            word in known.words or (match.group().islower() and _slip(word, known.words)))
        if not fits:
            gone.append((start, end))
    for match in _HAN.finditer(text):
        run, start = match.group(), match.start()
        for place, char in enumerate(run):
            if taken[start + place] is not None:
                continue
            count += 1
            pairs = {run[place : place + 2], run[place - 1 : place + 1] if place else ""}
            if char not in known.characters and not pairs & known.pairs:
                gone.append((start + place, start + place + 1))
    return count, gone


def _slip(word: str, words: frozenset[str]) -> bool:
    """Whether a word is a long common one with one letter missing, doubled, wrong or swapped."""
    if len(word) < LONG_WORD - 1:
        return False
    return any(len(known) >= LONG_WORD and known[0] == word[0] and _one_off(word, known) for known in words)


def _one_off(word: str, known: str) -> bool:
    if abs(len(word) - len(known)) > 1:
        return False
    head = next((n for n, (a, b) in enumerate(zip(word, known, strict=False)) if a != b), min(len(word), len(known)))
    one, other = word[head:], known[head:]
    return (one[1:] == other[1:] or one[1:] == other or one == other[1:]
            or (one[:2] == other[:2][::-1] and one[2:] == other[2:]))


def _written(text: str, taken: list[str | None]) -> str:
    parts: list[str] = []
    before: str | None = None
    for char, kind in zip(text, taken, strict=True):
        if kind is None:
            invisible = unicodedata.category(char) in ("Cf", "Cc", "Cs", "Co", "Cn")
            parts.append(" " if invisible or char in f"{OPEN}{CLOSE}\n\t" else char)
        elif kind != before:
            parts.append(f"{OPEN}{kind}{CLOSE}")
        before = kind
    return re.sub(r" {2,}", " ", _REPEATED.sub(r"\1", "".join(parts))).strip()
