"""Which language, and which Chinese script, a message is written in.

The rule is the one of the slot ``language``: the last sentence that has words of a language in it decides. Names,
numbers, addresses, email addresses, form names, receipt numbers and single borrowed words do not count; a sentence
with Chinese in it is Chinese; simplified or traditional is told by the characters.
"""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path
from typing import Literal, NamedTuple

import jieba
import yaml

from bot.nlu.text import HAN, converter, fold, identifiers, replace, sentences, simplify, visible

Language = Literal["en", "zh-Hans", "zh-Hant", "zh"]

LEXICON_DIR = Path(__file__).resolve().parents[2] / "data" / "lexicon"
_BIG5_LEVEL_1 = (0xA440, 0xC67E)
_LATIN_WORD = re.compile(r"[A-Za-zÀ-ɏ]+(?:['-][A-Za-zÀ-ɏ]+)*")
_HAN_RUN = re.compile(f"(?:{HAN.pattern})+")
_STREET = (
    r"road|rd|street|st|avenue|ave|boulevard|blvd|drive|dr|lane|ln|court|ct|way|place|pl|terrace|ter|circle|cir|"
    r"parkway|pkwy|highway|hwy|square|sq|trail|trl|broadway|plaza|loop|route"
)
_LATIN_ADDRESS = re.compile(
    rf"\b\d+[A-Za-z]?(?:-\d+)?\s+(?:[\w.'-]+\s+){{0,4}}?(?:{_STREET})\b[.,]?(?:[^\n]*?\b\d{{5}}(?:-\d{{4}})?\b|[^\n]*)"
    r"|\bp\.?\s?o\.?\s+box\s+\d+(?:[^\n]*?\b\d{5}(?:-\d{4})?\b|[^\n]*)"
    r"|\b(?:[A-Z][\w.'-]*\s+){0,3}[A-Z][\w.'-]*,\s*[A-Z]{2}\.?,?\s+\d{5}(?:-\d{4})?\b",
    re.I,
)
_PINYIN = re.compile(
    r"(?:(?:zh|ch|sh|[bpmfdtnlgkhjqxrzcsyw])?(?:iang|uang|iong|ang|eng|ing|ong|ian|iao|uai|uan|an|en|in|un|ai|ei|ao|ou|"
    r"ia|ie|iu|ua|ue|ui|uo|ve|a|o|e|i|u|v)|er|r|m|n|ng|l[vu])\d?"
)
_PINYIN_MIN_WORDS = 3
_NAME_MAX_WORDS = 4
_GIVEN_NAME_MAX = 2


class _Letters(NamedTuple):
    simplified: frozenset[str]
    traditional: frozenset[str]


class _Words(NamedTuple):
    openers: frozenset[str]
    borrowed: frozenset[str]
    words: frozenset[str]
    name_like: frozenset[str]


class _Names(NamedTuple):
    surnames: frozenset[str]
    not_in_names: frozenset[str]
    address: re.Pattern[str]
    words: frozenset[str]


def _lexicon(name: str) -> dict[str, frozenset[str]]:
    content = yaml.safe_load((LEXICON_DIR / f"{name}.yml").read_text(encoding="utf-8"))
    return {key: frozenset(value.split()) for key, value in content.items()}


def _in_big5_level_1(char: str) -> bool:
    try:
        code = int.from_bytes(char.encode("big5"), "big")
    except UnicodeEncodeError:
        return False
    return _BIG5_LEVEL_1[0] <= code <= _BIG5_LEVEL_1[1]


def _in_gb2312(char: str) -> bool:
    try:
        char.encode("gb2312")
    except UnicodeEncodeError:
        return False
    return True


@lru_cache(maxsize=1)
def _letters() -> _Letters:
    chars = [chr(code) for code in (*range(0x3400, 0x4DC0), *range(0x4E00, 0xA000))]
    joined = "\n".join(chars)
    to_simplified = converter("t2s").convert(joined).split("\n")
    to_traditional = converter("s2t").convert(joined).split("\n")
    simplified: set[str] = set()
    traditional: set[str] = set()
    for char, simple, full in zip(chars, to_simplified, to_traditional, strict=True):
        if simple != char:
            if not _in_gb2312(char):
                traditional.add(char)
        elif full != char and not _in_big5_level_1(char):
            simplified.add(char)
    exceptions = _lexicon("script_letters")
    return _Letters(
        frozenset(simplified | exceptions["simplified"]) - exceptions["traditional"],
        frozenset(traditional | exceptions["traditional"]) - exceptions["simplified"],
    )


@lru_cache(maxsize=1)
def _english() -> _Words:
    content = _lexicon("english_words")
    return _Words(content["openers"], content["borrowed"], content["words"], content["name_like"])


@lru_cache(maxsize=1)
def _names() -> _Names:
    content = _lexicon("chinese_names")
    surnames = content["surnames"]
    units = "|".join(sorted(content["address_units"], key=len, reverse=True))
    address = re.compile(
        rf"(?:中国|台湾|香港|澳门)?(?:{HAN.pattern}{{1,8}}?(?:{units})\s*)+"
        rf"(?:[A-Za-z\d一二三四五六七八九十百零-]+\s*(?:之[\d一二三四五六七八九十]+\s*)?(?:{units}|之[\d一二三四五六七八九十]+)\s*)+"
    )
    words: set[str] = set()
    with jieba.get_dict_file() as lines:
        for raw in lines:
            line = raw.decode("utf-8")
            if line[0] in surnames:
                word, _, tag = line.split()
                if not tag.startswith("nr") and len(word) <= _GIVEN_NAME_MAX + 2:
                    words.add(word)
    return _Names(surnames, content["not_in_names"], address, frozenset(words))


def is_chinese_name(run: str) -> bool:
    """Tell whether a run of simplified Chinese characters is a bare personal name."""
    names = _names()
    for size in (1, 2):
        given = run[size:]
        if run[:size] in names.surnames and 1 <= len(given) <= _GIVEN_NAME_MAX:
            return run not in names.words and not any(char in names.not_in_names for char in given)
    return False


def _chinese_words(sentence: str) -> str:
    """Return the Chinese characters of a sentence that are not a bare name or address."""
    names = _names()
    simple = simplify(sentence)
    kept = []
    position = 0
    for match in names.address.finditer(simple):
        if not any(char in names.not_in_names - {"号", "后"} for char in match.group()):
            kept.append((position, match.start()))
            position = match.end()
    kept.append((position, len(sentence)))
    runs = [
        (start + run.start(), start + run.end()) for start, end in kept for run in _HAN_RUN.finditer(simple[start:end])
    ]
    if all(is_chinese_name(simple[start:end]) for start, end in runs):
        return ""
    return "".join(sentence[start:end] for start, end in runs)


def _script(characters: str) -> Language:
    letters = _letters()
    simplified = sum(char in letters.simplified for char in characters)
    traditional = sum(char in letters.traditional for char in characters)
    if simplified == traditional:
        return "zh"
    return "zh-Hans" if simplified > traditional else "zh-Hant"


def _has_english(sentence: str) -> bool:
    rest = _LATIN_ADDRESS.sub(" ", sentence)
    spans = identifiers(rest)
    if spans:
        rest = replace(rest, spans, dict.fromkeys((span.kind for span in spans), "·"))
    typed = _LATIN_WORD.findall(rest)
    # Letters alone spell something, as "I O E 0 9 …" does; they are no words.
    if not typed or max(map(len, typed)) == 1:
        return False
    english = _english()
    words = [word.lower() for word in typed]
    if words[0] in english.openers and not (len(words) > 1 and words[0] in english.name_like):
        return True
    known = [
        word for word in words if word not in english.borrowed and (word in english.words or word in english.openers)
    ]
    if not known:
        return False
    unknown = [word for word in words if word not in english.words and word not in english.openers]
    telling = [word for word in known if word not in english.name_like]
    if len(words) >= _PINYIN_MIN_WORDS and all(_PINYIN.fullmatch(word) for word in words):
        return False
    if len(words) <= _NAME_MAX_WORDS and (unknown or len(words) == 1):
        capitalised = len(words) > 1 and all(word[0].isupper() for word in typed) and not sentence.isupper()
        if not telling or (capitalised and unknown and set(unknown) - english.borrowed):
            return False
    return True


def sentence_language(sentence: str) -> Language | None:
    """Tell the language of one sentence.

    Args:
        sentence: One sentence as typed.

    Returns:
        ``zh`` for Chinese whose characters fit both scripts; ``None`` when no words of a language are in it.
    """
    plain = visible(fold(sentence))
    if HAN.search(plain):
        characters = _chinese_words(plain)
        if characters:
            return _script(characters)
    return "en" if _has_english(plain) else None


def message_language(text: str) -> Language | None:
    """Tell the language of a message: that of its last sentence that has words of a language in it.

    Args:
        text: The message as typed.

    Returns:
        ``zh`` for Chinese whose characters fit both scripts and that follows no sentence of a known script in the
        same message; ``None`` when there are only names, numbers, addresses and the like.
    """
    language: Language | None = None
    script: Language | None = None
    for start, end in sentences(text):
        found = sentence_language(text[start:end])
        if found is None:
            continue
        if found in ("zh-Hans", "zh-Hant"):
            script = found
        language = script or found if found == "zh" else found
    return language
