"""Slips of the keyboard in English words, mended to the words of the training examples.

A word is mended only if neither the examples nor the sentence encoder know it (the pieces of the encoder are the
frequent words of many languages), nor the lexicon lists it as a word of its own: "heating" does not become "hearing".
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from difflib import get_close_matches

from bot.nlu.encoder import is_common_word
from bot.nlu.everyday import everyday

SHORTEST = 3
# In words up to this length only swapped letters are put right: "teh" is "the", but "tex" may be anything.
ONLY_SWAPPED = 4
# A word that the encoder does not have in one piece counts as known, and as what another may be mended to, if it stands
# this often in the examples: some of them have slips themselves.
KNOWN_FROM = 6
TARGET_FROM = 3
# A longer word with more than one slip: how alike it must be (see difflib), and how much its length may differ.
SHORTEST_FAR = 7
ALIKE = 0.8
LENGTH_ROOM = 2
# Two words typed as one: each half is this frequent, and halves of one or two letters are these.
HALF_FROM = 5
SHORTEST_GLUED = 6
SHORT_HALVES = frozenset(
    (
        "a",
        "am",
        "be",
        "do",
        "go",
        "i",
        "if",
        "in",
        "is",
        "it",
        "me",
        "my",
        "no",
        "of",
        "on",
        "or",
        "so",
        "to",
        "up",
        "we",
    )
)
_LETTERS = re.compile(r"[A-Za-z]+")
_WORD = re.compile(rf"(?<![A-Za-z0-9'@.-])[A-Za-z]{{{SHORTEST},}}(?![A-Za-z0-9'@-]|\.[A-Za-z0-9])")


class Repair:
    """Mends words.

    Args:
        counts: How often each lower-case word stands in the examples.
    """

    def __init__(self, counts: Mapping[str, int]) -> None:
        self.counts = dict(counts)
        self._shortened: dict[str, list[str]] = {}
        self._long: dict[str, list[str]] = {}
        for word in sorted(
            word for word, count in self.counts.items() if count >= TARGET_FROM and len(word) >= SHORTEST
        ):
            for form in _one_less(word):
                self._shortened.setdefault(form, []).append(word)
            if len(word) >= SHORTEST_FAR:
                self._long.setdefault(word[0], []).append(word)

    @classmethod
    def learn(cls, texts: Iterable[str]) -> Repair:
        """Count the words of the examples."""
        counts = Counter(word.lower() for text in texts for word in _LETTERS.findall(text))
        return cls(
            {
                word: count
                for word, count in sorted(counts.items())
                if count >= KNOWN_FROM or (count >= TARGET_FROM and is_common_word(word))
            }
        )

    def __call__(self, text: str) -> str:
        """Mend the words of a text."""
        return _WORD.sub(lambda match: self._mended(match.group()), text)

    def _mended(self, word: str) -> str:
        plain = word.lower()
        if plain in self.counts or plain in everyday().real_words or is_common_word(plain):
            return word
        return self._nearest(plain) or self._cut(plain) or self._farther(plain) or word

    def _nearest(self, word: str) -> str | None:
        """Find the most frequent word that is one slip away, swapped letters before others."""
        best: tuple[bool, int, str] | None = None
        letters = sorted(word)
        for form in _one_less(word):
            for candidate in self._shortened.get(form, ()):
                swapped = sorted(candidate) == letters
                if not swapped and (len(word) <= ONLY_SWAPPED or word[0] != candidate[0]):
                    continue
                if _one_slip(word, candidate):
                    best = max(best or (False, 0, ""), (swapped, self.counts[candidate], candidate))
        return best[2] if best else None

    def _farther(self, word: str) -> str | None:
        """Find a long word that begins alike and differs in two or three letters."""
        if len(word) < SHORTEST_FAR:
            return None
        candidates = [other for other in self._long.get(word[0], ()) if abs(len(other) - len(word)) <= LENGTH_ROOM]
        return next(iter(get_close_matches(word, candidates, n=1, cutoff=ALIKE)), None)

    def _cut(self, word: str) -> str | None:
        if len(word) < SHORTEST_GLUED:
            return None
        best, found = HALF_FROM - 1, None
        for place in range(1, len(word)):
            halves = word[:place], word[place:]
            count = min(self.counts.get(half, 0) for half in halves)
            if count > best and all(len(half) > 2 or half in SHORT_HALVES for half in halves):
                best, found = count, " ".join(halves)
        return found


def _one_less(word: str) -> list[str]:
    return sorted({word, *(word[:place] + word[place + 1 :] for place in range(len(word)))})


def _one_slip(first: str, second: str) -> bool:
    """Whether one letter is missing, too many or wrong, or two neighbours are swapped."""
    if len(first) > len(second):
        first, second = second, first
    place = 0
    while place < len(first) and first[place] == second[place]:
        place += 1
    if len(first) < len(second):
        return first[place:] == second[place + 1 :]
    swapped = first[place : place + 2] == second[place : place + 2][::-1]
    return first[place + 1 :] == second[place + 1 :] or (swapped and first[place + 2 :] == second[place + 2 :])
