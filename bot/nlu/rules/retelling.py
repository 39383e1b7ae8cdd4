"""Copies of a message in the words that the rules know.

People write Chinese in pinyin or with a blank between the words, set a sign for yes or no behind a noun, and put
English into Chinese ("没 call 过 hotline"). Rather than teach every rule all of that, such stretches are rewritten in a
copy, which knows what part of the message each of its characters stands for.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import lru_cache

from .entity import Entity
from .lexicon import guard, lexicon, loosen
from .norm import normal
from .numerals import Normalised

_TREE = lexicon("retelling").tree
_HAN = re.compile(r"[\u3400-\u9fff]")

_Piece = tuple[int, int, str]


# Pinyin -----------------------------------------------------------------------------------------------------------

_SYLLABLES = {spelling: han for han, spellings in _TREE["pinyin"].items() for spelling in spellings}
_SYLLABLE = re.compile(
    r"(?<![A-Za-z'])(?:" + "|".join(sorted(_SYLLABLES, key=len, reverse=True)) + r")(?![A-Za-z'])", re.IGNORECASE
)
_LATIN_WORD = re.compile(r"[A-Za-z']+")
# "2025 nian 4 yue 6 hao"
_COUNTED: dict[str, str] = _TREE["pinyin_after_figures"]
_PINYIN_DATE = re.compile(rf"(?<=[0-9])(?P<unit>\s?(?:{'|'.join(_COUNTED)}))(?![a-z])", re.IGNORECASE)
# Words that are English too must not make a sentence pinyin: at least this share of the words is pinyin.
_MOSTLY = 0.6
# At least so many letters of it, so that "me" and "you" alone are none.
_ENOUGH_LETTERS = 5
_ENGLISH_TOO = frozenset(_TREE["pinyin_or_english"])


def _from_pinyin(text: str) -> list[_Piece]:
    hits = list(_SYLLABLE.finditer(text))
    if not hits:
        return []
    sure = [hit for hit in hits if hit.group().lower() not in _ENGLISH_TOO]
    words = len(_LATIN_WORD.findall(text))
    known = sum(len(_LATIN_WORD.findall(hit.group())) for hit in hits)
    letters = sum(hit.end() - hit.start() for hit in hits)
    if not sure or known < _MOSTLY * words or letters < _ENOUGH_LETTERS:
        return []
    pieces = []
    for number, hit in enumerate(hits, 1):
        start, end = hit.span()
        # The blank between two Chinese words goes with the first.
        following = hits[number].start() if number < len(hits) else end
        if text[end:following].isspace():
            end = following
        pieces.append((start, end, _SYLLABLES[hit.group().lower()]))
    return pieces


# Chinese with blanks ----------------------------------------------------------------------------------------------

_RUN = re.compile(r"[\u3400-\u9fff]+(?:[ \u3000]+[\u3400-\u9fff]+)+")
_BLANKS = re.compile(r"(?<=[\u3400-\u9fff])[ \u3000]+(?=[\u3400-\u9fff])")
_SHORT_RUN = 3


def _without_blanks(text: str) -> list[_Piece]:
    """Blanks between words of a message that has them everywhere; "打过 没人接" keeps its one blank, a comma."""
    pieces: list[_Piece] = []
    for run in _RUN.finditer(text):
        words = run.group().split()
        if len(words) < _SHORT_RUN or sum(len(word) == 1 for word in words) * 3 < len(words):
            continue
        # Each blank goes with the character before it.
        pieces.extend(
            (hit.start() - 1, hit.end(), text[hit.start() - 1])
            for hit in _BLANKS.finditer(text, run.start(), run.end())
        )
    return pieces


_WAYS = {sign: way for way, signs in _TREE["ways"].items() for sign in signs}
_WAY = re.compile("[" + "".join(_WAYS) + "]\ufe0f?")


def in_words(text: str) -> Normalised | None:
    """Return a copy in which pinyin is Chinese and Chinese has no blanks, or None when there is nothing of the kind.

    Args:
        text: The message as typed.
    """
    pieces = _without_blanks(text) if _HAN.search(text) else _from_pinyin(text)
    if text.isascii():
        counted = [(*hit.span("unit"), _COUNTED[hit["unit"].strip().lower()]) for hit in _PINYIN_DATE.finditer(text)]
        free = [one for one in pieces if not any(one[0] < end and start < one[1] for start, end, _ in counted)]
        pieces = sorted([*free, *counted])
    if not pieces and not text.isascii():
        pieces = [(*hit.span(), f" {_WAYS[hit.group()[0]]} ") for hit in _WAY.finditer(text)]
    return Normalised.of(text).replaced(pieces) if pieces else None


# For the channels: signs, mixed languages, Cantonese, wrong characters ---------------------------------------------

_SIGNS = {sign: meaning for meaning, signs in _TREE["signs"].items() for sign in signs}
_SIGN = re.compile("(?:[" + "".join(_SIGNS) + "]|" + _TREE["faces"] + ")[\ufe0f\u200d\U0001f3fb-\U0001f3ff♂♀️]*")
_HAN_SIGNS: dict[str, str] = _TREE["signs_in_chinese"]
_DONE: str = _TREE["done"]
_UNDONE = re.compile(_TREE["undone"])
_MIXED = [(han, loosen(item)) for han, items in _TREE["mixed"].items() for item in items]
_MIXED_WORD = re.compile(
    r"(?<![a-z0-9@./-])"
    + guard([item for _, item in _MIXED])
    + "(?:"
    + "|".join(
        f"(?P<m{number}>{item})" for number, (_, item) in sorted(enumerate(_MIXED), key=lambda one: -len(one[1][1]))
    )
    + r")(?![a-z0-9@-]|\.[a-z])"
)
# A Chinese sentence holds at most so many English words for each Chinese character.
_OTHER_SCRIPT = 3
_SENTENCE = re.compile(r"[^。！？!?;；\n.]+")
_ENGLISH_WORD = re.compile(r"[a-z][a-z']*")
_WORDS = [(han, item) for han, items in _TREE["words"].items() for item in items]
_OTHER_WORD = re.compile(
    guard([item for _, item in _WORDS])
    + "(?:"
    + "|".join(f"(?P<w{number}>{item})" for number, (_, item) in enumerate(_WORDS))
    + ")"
)


def _signs(text: str) -> Iterator[_Piece]:
    hits = list(_SIGN.finditer(text))
    for hit in hits:
        meaning = _SIGNS.get(hit.group()[0])
        if meaning is None:
            yield hit.start(), hit.end(), ","
            continue
        if text[hit.end() : hit.end() + 1].isdigit():
            continue  # "×3" counts
        before = text[: hit.start()].rstrip()
        mark = "," if meaning in ("yes", "no") else ""
        if _HAN.search(text):
            said = (meaning == "yes" and before[-1:] in _DONE) or (meaning == "no" and _UNDONE.search(before))
            word = "" if said else _HAN_SIGNS[meaning]
        else:
            word = f" {meaning}"
        yield len(before), hit.end(), word + mark


def _mixed(text: str) -> Iterator[_Piece]:
    for sentence in _SENTENCE.finditer(text):
        words = sentence.group()
        han = len(_HAN.findall(words))
        if not han or _OTHER_SCRIPT * han < len(_ENGLISH_WORD.findall(words)):
            continue
        for hit in _MIXED_WORD.finditer(text, sentence.start(), sentence.end()):
            start, end = hit.span()
            while start > 0 and text[start - 1] == " " and _HAN.match(text[start - 2 : start - 1]):
                start -= 1
            while end < len(text) and text[end] == " ":
                end += 1
            yield start, end, _MIXED[int(str(hit.lastgroup)[1:])][0]


def _others(text: str) -> Iterator[_Piece]:
    for hit in _OTHER_WORD.finditer(text):
        yield hit.start(), hit.end(), _WORDS[int(str(hit.lastgroup)[1:])][0]


def _rewritten(copy: Normalised, pieces: Iterable[_Piece]) -> Normalised:
    kept: list[_Piece] = []
    for piece in pieces:
        if not kept or piece[0] >= kept[-1][1]:
            kept.append(piece)
    return copy.replaced(kept) if kept else copy


def on_copy(extract: Callable[[str], list[Entity]], copy: Normalised) -> list[Entity]:
    """Run a rule over a copy of a message and tell where its finds stand in the message itself."""
    found = []
    for entity in extract(copy.text):
        start, end = copy.span(entity.start, entity.end)
        while copy.original[end - 1].isspace() and end - 1 > start:
            end -= 1
        found.append(replace(entity, start=start, end=end, text=copy.original[start:end]))
    return found


@lru_cache(maxsize=64)
def in_plain_words(text: str) -> Normalised:
    """Return a copy of a message in the words of the rules for channels.

    Args:
        text: The message as typed.

    Returns:
        The copy in matching form; the message as it is when nothing had to be rewritten.
    """
    form = normal(text)
    start = copy = Normalised.of(text, form.text)
    if not text.isascii():
        copy = _rewritten(copy, _signs(copy.text))
    if form.han:
        if form.latin:
            copy = _rewritten(copy, _mixed(copy.text))
        copy = _rewritten(copy, _others(copy.text))
    return Normalised.of(text) if copy is start else copy
