"""The sound of Chinese: recognising what is typed in Latin letters, and telling an intent from syllables.

Cantonese is recognised as well: its examples are also learnt as they sound in Cantonese. The syllables of a message in
Chinese characters are looked at too: a wrong character that sounds like the right one
("补同意" for "不同意") is no slip then.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bot.nlu.encoder import is_common_word
from bot.nlu.everyday import everyday
from bot.nlu.features import Prepared, Vocabulary, matrix
from bot.nlu.regression import fit
from bot.nlu.text import HAN

_LEXICON = Path(__file__).resolve().parents[2] / "data" / "lexicon"
SYLLABLES_FILE = _LEXICON / "pinyin_syllables.txt"
CANTONESE_FILE = _LEXICON / "jyutping.txt"
_LONGEST = 6
_TOKEN = re.compile(r"[a-z]+")
_PIECE = re.compile(rf"[a-z]+|{HAN.pattern}+")
# The characters of GB 2312 in two bytes: their readings are kept, so that no dictionary is needed to read a message.
_FIRST_BYTES, _SECOND_BYTES = range(0xB0, 0xF8), range(0xA1, 0xFF)
_LONGEST_WORD = 4
# How much a word speaks for pinyin at most, and how much one that no example has.
_MOST = 3.0
_NEW_PINYIN = 1.5
_NOT_PINYIN = -2.0


@lru_cache(maxsize=1)
def known_syllables() -> frozenset[str]:
    """Read the syllables of Mandarin."""
    lines = SYLLABLES_FILE.read_text(encoding="utf-8").splitlines()
    return frozenset(word for line in lines if not line.startswith("#") for word in line.split())


@lru_cache(maxsize=1)
def cantonese_readings() -> dict[str, str]:
    """Read how characters sound in Cantonese; a long vowel is written as a short one, as most people do."""
    lines = (line.split() for line in CANTONESE_FILE.read_text(encoding="utf-8").splitlines() if line[:1] != "#")
    return {char: _short(syllable) for syllable, chars in lines for char in chars}


@lru_cache(maxsize=1)
def _cantonese_syllables() -> frozenset[str]:
    return frozenset(cantonese_readings().values())


def _short(syllable: str) -> str:
    return syllable.replace("aa", "a")


def cut(word: str) -> list[str] | None:
    """Cut a lower-case word into syllables, as few as can be.

    Args:
        word: One syllable of Cantonese, or some of Mandarin.

    Returns:
        ``None`` if it does not consist of syllables.
    """
    known = known_syllables()
    if word not in known and _short(word) in _cantonese_syllables():
        return [_short(word)]
    best: list[list[str] | None] = [[], *([None] * len(word))]
    for start in range(len(word)):
        before = best[start]
        if before is None:
            continue
        for end in range(start + 1, min(start + _LONGEST, len(word)) + 1):
            after = best[end]
            if word[start:end] in known and (after is None or len(before) + 1 < len(after)):
                best[end] = [*before, word[start:end]]
    return best[len(word)]


def syllable_grams(syllables: Sequence[str]) -> Iterable[str]:
    """Yield single syllables and runs of two and three, the message's ends marked."""
    yield from syllables
    padded = ["^", *syllables, "$"]
    for first, second in pairwise(padded):
        yield f"{first} {second}"
    for start in range(len(padded) - 2):
        yield " ".join(padded[start : start + 3])


class Readings:
    """Spells Chinese in syllables.

    Args:
        entries: Characters, and words that are not read as their characters are on their own → syllables, separated by
            blanks.
    """

    def __init__(self, entries: dict[str, str]) -> None:
        self.entries = entries

    @classmethod
    def learn(cls, items: Iterable[Prepared]) -> Readings:
        """Look up the common characters and the words of the examples."""
        from pypinyin import lazy_pinyin

        words = {word for item in items for word in item.words if HAN.match(word)}
        characters = {char for word in words for char in word if HAN.match(char)}
        for first in _FIRST_BYTES:
            for second in _SECOND_BYTES:
                characters.add(bytes((first, second)).decode("gb2312", errors="ignore"))
        characters.discard("")
        entries = {char: lazy_pinyin(char)[0] for char in sorted(characters)}
        for word in sorted(words):
            if 1 < len(word) <= _LONGEST_WORD and all(HAN.match(char) for char in word):
                read = lazy_pinyin(word)
                if read != [entries[char] for char in word]:
                    entries[word] = " ".join(read)
        known = known_syllables()
        return cls({text: read for text, read in entries.items() if known.issuperset(read.split())})

    def spell(self, text: str) -> list[str]:
        """Spell a lower-case text; English words stay whole, other signs are left out."""
        found: list[str] = []
        for piece in _PIECE.findall(text):
            if piece.isascii():
                found.append("#" + piece)
                continue
            place = 0
            while place < len(piece):
                for length in range(min(_LONGEST_WORD, len(piece) - place), 0, -1):
                    read = self.entries.get(piece[place : place + length])
                    if read is not None:
                        found.extend(read.split())
                        place += length
                        break
                else:
                    place += 1
        return found


class PinyinModel:
    """Recognises pinyin and gives each intent a probability.

    Args:
        leanings: For each word of the examples how much it speaks for pinyin (below nought: for English).
        readings: Spells Chinese characters.
        grams: Vocabulary of runs of syllables.
        weights: Array (runs, labels).
        bias: Array (labels,).
    """

    def __init__(
        self,
        leanings: dict[str, float],
        readings: Readings,
        grams: Vocabulary,
        weights: NDArray[np.float32],
        bias: NDArray[np.float32],
    ) -> None:
        self._leanings = leanings
        self._readings = readings
        self._grams = grams
        self._weights = weights
        self._bias = bias

    @classmethod
    def train(
        cls,
        examples: Sequence[tuple[Prepared, int]],
        labels: int,
        *,
        inverse_regularisation: float,
        iterations: int,
    ) -> PinyinModel | None:
        """Train on the Chinese examples, spelled, and those in pinyin.

        Args:
            examples: All examples with the numbers of their labels.
            labels: How many labels there are.
            inverse_regularisation: See :func:`bot.nlu.regression.fit`.
            iterations: Likewise.

        Returns:
            ``None`` without Chinese examples.
        """
        readings = Readings.learn(item for item, _ in examples)
        leanings = _leanings([item for item, _ in examples], readings)
        rows: list[list[str]] = []
        classes: list[int] = []
        for item, label in examples:
            if HAN.search(item.typed):
                rows.append(list(syllable_grams(readings.spell(item.letters))))
                classes.append(label)
                if everyday().is_cantonese(item.typed):
                    rows.append(list(syllable_grams(_in_cantonese(item.typed))))
                    classes.append(label)
            elif _is_pinyin(item.typed, leanings):
                rows.append(list(syllable_grams(_syllables(item.typed, leanings))))
                classes.append(label)
        if not rows:
            return None
        grams = Vocabulary.learn(rows, at_least=2)
        # One row without features for every label keeps the columns of both models alike.
        missing = sorted(set(range(labels)) - set(classes))
        rows += [[] for _ in missing]
        weights = fit(
            matrix(grams, rows),
            np.zeros((len(rows), 0), dtype=np.float32),
            np.array([*classes, *missing]),
            inverse_regularisation=inverse_regularisation,
            iterations=iterations,
        )
        return cls(leanings, readings, grams, weights.sparse, weights.bias)

    def recognises(self, item: Prepared) -> bool:
        """Whether a message is in pinyin."""
        return _is_pinyin(item.typed, self._leanings)

    def scores(self, item: Prepared) -> NDArray[np.float64]:
        """Return an array (labels,) of logits for a message in Chinese or in pinyin."""
        if HAN.search(item.typed):
            syllables = self._readings.spell(item.letters)
        else:
            syllables = _syllables(item.typed, self._leanings)
        index, values = self._grams.row(syllable_grams(syllables))
        scores: NDArray[np.float64] = self._bias.astype(np.float64) + values @ self._weights[index]
        return scores

    def as_arrays(self) -> tuple[dict[str, Any], dict[str, NDArray[np.float32]]]:
        """Return what is stored: a JSON part and numpy arrays."""
        return (
            {"leanings": self._leanings, "readings": self._readings.entries, "grams": self._grams.grams},
            {"pinyin_idf": self._grams.weights, "pinyin_weights": self._weights, "pinyin_bias": self._bias},
        )

    @classmethod
    def from_arrays(cls, content: dict[str, Any], arrays: dict[str, NDArray[np.float32]]) -> PinyinModel:
        """Rebuild a model from what :meth:`as_arrays` returned."""
        grams = Vocabulary(content["grams"], arrays["pinyin_idf"])
        return cls(
            content["leanings"], Readings(content["readings"]), grams, arrays["pinyin_weights"], arrays["pinyin_bias"]
        )


def _leanings(items: Sequence[Prepared], readings: Readings) -> dict[str, float]:
    """Count each word in English and in spelled Chinese examples, and compare how frequent it is in both."""
    english: Counter[str] = Counter()
    spelled: Counter[str] = Counter()
    for item in items:
        if HAN.search(item.typed):
            if everyday().is_cantonese(item.typed):
                spelled.update(_in_cantonese(item.typed))
            for word in item.words:
                if HAN.match(word):
                    syllables = readings.spell(word)
                    spelled.update(syllables)
                    if len(syllables) > 1:
                        spelled["".join(syllables)] += 1
        else:
            words = _TOKEN.findall(item.typed)
            if any(cut(word) is None for word in words):
                english.update(words)
    all_english, all_spelled = max(english.total(), 1), max(spelled.total(), 1)
    leanings = {}
    for word in sorted(english.keys() | spelled.keys()):
        if cut(word) is not None:
            ratio = math.log((spelled[word] + 0.1) / all_spelled) - math.log((english[word] + 0.1) / all_english)
            leanings[word] = round(min(max(ratio, -_MOST), _MOST), 2)
    return leanings


def _leaning(leanings: dict[str, float], word: str) -> float | None:
    return leanings.get(word, leanings.get(_short(word)))


def _is_pinyin(typed: str, leanings: dict[str, float]) -> bool:
    if not typed.replace("ü", "v").isascii() or not _TOKEN.search(typed):
        return False
    total = 0.0
    for word in _TOKEN.findall(typed.replace("ü", "v")):
        leaning = _leaning(leanings, word)
        if leaning is None:
            leaning = _NOT_PINYIN if cut(word) is None else 0.0 if is_common_word(word) else _NEW_PINYIN
        total += leaning
    return total > 0


def _in_cantonese(typed: str) -> list[str]:
    """Spell a message as it sounds in Cantonese; English words stay whole."""
    readings = cantonese_readings()
    found: list[str] = []
    for piece in _PIECE.findall(typed):
        found.extend(["#" + piece] if piece.isascii() else [readings[char] for char in piece if char in readings])
    return found


def _syllables(typed: str, leanings: dict[str, float]) -> list[str]:
    """Cut a message in pinyin; English words in it stay whole."""
    found: list[str] = []
    for word in _TOKEN.findall(typed.replace("ü", "v")):
        syllables = cut(word)
        if syllables is None or (_leaning(leanings, word) or 0.0) < -1:
            found.append("#" + word)
        else:
            found.extend(syllables)
    return found
